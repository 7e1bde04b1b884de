//! What mappings see of the parts that several kinds of EC2 have in common.

use aws_sdk_ec2::types::{OperatorResponse, Tag};

use super::super::projection::Members;

pub fn tag_members(tag: &Tag) -> Members {
    Members::tag(tag.key(), tag.value())
}

pub fn operator_members(operator: &OperatorResponse) -> Members {
    Members::new()
        .value("Managed", operator.managed)
        .text("Principal", &operator.principal)
        .value("HiddenByDefault", operator.hidden_by_default)
}
