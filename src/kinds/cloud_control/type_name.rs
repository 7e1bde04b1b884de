//! Names of AWS resource types.

/// The name of a resource type that AWS itself publishes: `AWS::Service::Resource`.
///
/// Types of other publishers run the handlers of those: they are none of ours to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName(String);

impl TypeName {
    /// None where the text has another form than the API reference gives for `TypeName`.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split("::").collect();
        let [publisher, service, resource] = parts[..] else { return None };
        (publisher == "AWS" && is_part(service) && is_part(resource)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// API reference, `TypeName`: `[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}`.
fn is_part(text: &str) -> bool {
    (2..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_of_the_api_reference_is_taken() {
        for name in ["AWS::EC2::VPC", "AWS::S3::Bukcet", "AWS::IoT::TopicRule2"] {
            assert_eq!(TypeName::parse(name).as_ref().map(TypeName::as_str), Some(name));
        }
        let long = format!("AWS::EC2::{}", "x".repeat(65));
        let others =
            ["AWS::EC2", "AWS::EC2::VPC::MODULE", "aws::EC2::VPC", "AWS::E::VPC", "AWS::EC2::V-PC", "AWS:EC2:VPC"];
        for name in others.iter().copied().chain([long.as_str(), "AWS::::VPC", "Custom::EC2::VPC"]) {
            assert_eq!(TypeName::parse(name), None, "{name}");
        }
    }
}
