//! Where a type is read: in every region, or once, where its service is not a region's own.

use super::TypeName;
use crate::aws::partition_region;
use crate::kinds::Scope;

/// Services and single types of which an account has one set, whatever the region: every region would list the same
/// resources again. Each with the region in which the partition `aws` has its control plane.
///
/// AWS's whitepaper on fault isolation boundaries names the global services and their regions; what has a comment of
/// its own is from the service's page of endpoints.
const ONCE_PER_ACCOUNT: &[(&str, &str)] = &[
    // The page of bills and what it is made of; all of these have one endpoint.
    ("AWS::BCMDataExports", "us-east-1"),
    ("AWS::Billing", "us-east-1"),
    ("AWS::BillingConductor", "us-east-1"),
    ("AWS::Budgets", "us-east-1"),
    ("AWS::CE", "us-east-1"),
    ("AWS::CUR", "us-east-1"),
    // Configurations for chats apply to all regions, and are kept in a few.
    ("AWS::Chatbot", "us-east-2"),
    ("AWS::CloudFront", "us-east-1"),
    // The public gallery has one endpoint; private repositories are regional.
    ("AWS::ECR::PublicRepository", "us-east-1"),
    ("AWS::GlobalAccelerator", "us-west-2"),
    ("AWS::IAM", "us-east-1"),
    ("AWS::NetworkManager", "us-west-2"),
    // Notification configurations gather events of all regions.
    ("AWS::Notifications", "us-east-1"),
    ("AWS::NotificationsContacts", "us-east-1"),
    ("AWS::Route53", "us-east-1"),
    ("AWS::Route53RecoveryControl", "us-west-2"),
    ("AWS::Route53RecoveryReadiness", "us-west-2"),
    // Multi-Region Access Points are managed in one region, wherever their buckets are.
    ("AWS::S3::MultiRegionAccessPoint", "us-west-2"),
    ("AWS::S3::MultiRegionAccessPointPolicy", "us-west-2"),
    ("AWS::Shield", "us-east-1"),
    // The first generation for CloudFront. Its regional twin is `WAFRegional`; `WAFv2` is regional too.
    ("AWS::WAF", "us-east-1"),
];

/// Once in the whole organization: member accounts may not ask.
const ONCE_PER_ORGANIZATION: &str = "AWS::Organizations";

/// Where a type is read.
pub fn scope_of(type_name: &TypeName) -> Scope {
    if is_of(type_name, ONCE_PER_ORGANIZATION) {
        return Scope::Organization;
    }
    match control_plane(type_name) {
        Some(_) => Scope::Global,
        None => Scope::Regional,
    }
}

/// The region in which a type that is read once is asked for; none for regional types.
pub fn home_region(type_name: &TypeName, partition: &str) -> Option<&'static str> {
    let region = match scope_of(type_name) {
        Scope::Regional => return None,
        Scope::Organization => partition_region(partition),
        Scope::Global => control_plane(type_name)?,
    };
    // The other partitions have their global services in one region each.
    Some(if partition == "aws" { region } else { partition_region(partition) })
}

fn control_plane(type_name: &TypeName) -> Option<&'static str> {
    ONCE_PER_ACCOUNT.iter().find(|(name, _)| is_of(type_name, name)).map(|(_, region)| *region)
}

/// Whether a type is the one of that name, or one of the service of that name.
fn is_of(type_name: &TypeName, name: &str) -> bool {
    let rest = type_name.as_str().strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn global_types_are_read_once_in_the_home_region_of_their_service() {
        for (name, scope, regions) in [
            ("AWS::IAM::Role", Scope::Global, ["us-east-1", "us-gov-west-1", "cn-northwest-1"]),
            ("AWS::GlobalAccelerator::Accelerator", Scope::Global, ["us-west-2", "us-gov-west-1", "cn-northwest-1"]),
            ("AWS::ECR::PublicRepository", Scope::Global, ["us-east-1", "us-gov-west-1", "cn-northwest-1"]),
            ("AWS::Organizations::Policy", Scope::Organization, ["us-east-1", "us-gov-west-1", "cn-northwest-1"]),
        ] {
            let type_name = TypeName::parse(name).unwrap();
            assert_eq!(scope_of(&type_name), scope, "{name}");
            let homes = ["aws", "aws-us-gov", "aws-cn"].map(|partition| home_region(&type_name, partition));
            assert_eq!(homes, regions.map(Some), "{name}");
        }
        for name in
            ["AWS::ECR::Repository", "AWS::WAFv2::WebACL", "AWS::Route53Resolver::ResolverRule", "AWS::S3::AccessPoint"]
        {
            let type_name = TypeName::parse(name).unwrap();
            assert_eq!((scope_of(&type_name), home_region(&type_name, "aws")), (Scope::Regional, None), "{name}");
        }
    }
}
