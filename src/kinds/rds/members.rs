//! What mappings see of the parts that instances and clusters have in common.

use aws_sdk_rds::types::*;

use super::super::projection::Members;

pub fn tag_members(tag: &Tag) -> Members {
    Members::tag(tag.key(), tag.value())
}

pub fn vpc_security_group_members(group: &VpcSecurityGroupMembership) -> Members {
    Members::new().text("VpcSecurityGroupId", &group.vpc_security_group_id).text("Status", &group.status)
}

pub fn domain_members(membership: &DomainMembership) -> Members {
    Members::new()
        .text("Domain", &membership.domain)
        .text("Status", &membership.status)
        .text("FQDN", &membership.fqdn)
        .text("IAMRoleName", &membership.iam_role_name)
        .text("OU", &membership.ou)
        .text("AuthSecretArn", &membership.auth_secret_arn)
        .texts("DnsIps", &membership.dns_ips)
}

pub fn certificate_details_members(details: &CertificateDetails) -> Members {
    Members::new().text("CAIdentifier", &details.ca_identifier).time("ValidTill", &details.valid_till)
}

pub fn master_user_secret_members(secret: &MasterUserSecret) -> Members {
    Members::new()
        .text("SecretArn", &secret.secret_arn)
        .text("SecretStatus", &secret.secret_status)
        .text("KmsKeyId", &secret.kms_key_id)
}

pub fn pending_cloudwatch_logs_exports_members(exports: &PendingCloudwatchLogsExports) -> Members {
    Members::new()
        .texts("LogTypesToEnable", &exports.log_types_to_enable)
        .texts("LogTypesToDisable", &exports.log_types_to_disable)
}
