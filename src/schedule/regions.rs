//! Which regions an account has.

use aws_sdk_account::Client;
use aws_sdk_account::types::RegionOptStatus;

use crate::aws::{Clients, partition_region};
use crate::kinds::{PageToken, ReadError};

/// What a role's session is narrowed to while its account's regions are listed.
pub const DISCOVERY_POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"account:ListRegions","Resource":"*"}]}"#;

/// The regions of an account, each list in the order of names.
pub struct Regions {
    pub enabled: Vec<String>,
    /// Reported as disabled.
    pub disabled: Vec<String>,
    /// Just being enabled or disabled, or in a state that is not known here.
    pub changing: Vec<String>,
}

/// Lists an account's regions with their status. The other partitions have two regions each, every account of them has
/// both, and neither can be disabled (AWS Account Management reference guide): there is nothing to ask for.
pub async fn regions_of(clients: &Clients, partition: &str) -> Result<Regions, ReadError> {
    let all_enabled = |names: [&str; 2]| Regions {
        enabled: names.map(str::to_owned).to_vec(),
        disabled: Vec::new(),
        changing: Vec::new(),
    };
    match partition {
        "aws-us-gov" => return Ok(all_enabled(["us-gov-east-1", "us-gov-west-1"])),
        "aws-cn" => return Ok(all_enabled(["cn-north-1", "cn-northwest-1"])),
        _ => {}
    }
    const CALL: &str = "account:ListRegions";
    let client = clients.get(partition_region(partition), Client::new);
    let mut regions = Regions { enabled: Vec::new(), disabled: Vec::new(), changing: Vec::new() };
    let mut token = PageToken::first(CALL);
    loop {
        let answer = client.list_regions().set_next_token(token.to_send()).send().await;
        let page = answer.map_err(ReadError::of(CALL))?;
        for region in page.regions.unwrap_or_default() {
            let Some(name) = region.region_name else { continue };
            match region.region_opt_status {
                Some(RegionOptStatus::Enabled | RegionOptStatus::EnabledByDefault) => regions.enabled.push(name),
                Some(RegionOptStatus::Disabled) => regions.disabled.push(name),
                _ => regions.changing.push(name),
            }
        }
        if !token.go_on(page.next_token)? {
            break;
        }
    }
    if regions.enabled.is_empty() {
        return Err(ReadError::undecodable(CALL, "the answer has no enabled region"));
    }
    regions.enabled.sort();
    regions.disabled.sort();
    regions.changing.sort();
    Ok(regions)
}
