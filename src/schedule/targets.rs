//! Which targets a run has: what the mapping reads, in the accounts that can be entered.

use std::collections::BTreeSet;

use super::Discovery;
use crate::kinds::Scope;
use crate::mapping::Mapping;
use crate::run::{FoundBy, Narrowing, Strategy};
use crate::target::Target;

pub fn targets_of(mapping: &Mapping, discovery: &Discovery, narrowing: &Narrowing) -> BTreeSet<Target> {
    let reads =
        |scope, region: Option<&str>| mapping.kinds_of(scope, region).keys().any(|kind| narrowing.covers_kind(kind));
    let mut targets = BTreeSet::new();
    let is_organization = matches!(discovery.strategy.found_by, FoundBy::Organization { .. });
    // A run of some accounts says nothing about the organization as a whole.
    if is_organization && narrowing.accounts.is_empty() && reads(Scope::Organization, None) {
        targets.insert(Target::Organization);
    }
    for (account, planned) in &discovery.accounts {
        if reads(Scope::Global, None) {
            targets.insert(Target::Global { account: account.clone() });
        }
        for region in planned.enabled_regions.iter().filter(|region| narrowing.covers_region(region)) {
            if reads(Scope::Regional, Some(region)) {
                targets.insert(Target::Region { account: account.clone(), region: region.clone() });
            }
        }
    }
    targets
}

/// Kinds of the mapping that this way of finding accounts cannot read.
pub fn unreachable_kinds(mapping: &Mapping, strategy: &Strategy) -> Vec<String> {
    if matches!(strategy.found_by, FoundBy::Organization { .. }) {
        return Vec::new();
    }
    let kinds = mapping.kinds_of(Scope::Organization, None);
    let problem = |kind: &String| {
        format!("{kind} is not read: it needs the management role, OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN")
    };
    kinds.keys().map(problem).collect()
}
