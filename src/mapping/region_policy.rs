//! `selector.regionPolicy`: which regions an entry reads.

use std::collections::BTreeSet;

/// Lists of region names, compared exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionPolicy {
    pub allow: BTreeSet<String>,
    pub deny: BTreeSet<String>,
}

impl RegionPolicy {
    /// A denied region is never read; with an `allow` list, only its members are.
    pub fn allows(&self, region: &str) -> bool {
        if self.deny.contains(region) {
            return false;
        }
        self.allow.is_empty() || self.allow.contains(region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_lists() {
        let lists = |allow: &[&str], deny: &[&str]| RegionPolicy {
            allow: allow.iter().map(|region| (*region).to_owned()).collect(),
            deny: deny.iter().map(|region| (*region).to_owned()).collect(),
        };
        for (allow, deny, region, allowed) in [
            (&[][..], &[][..], "eu-west-1", true),
            (&[], &["eu-west-1"], "eu-west-1", false),
            (&[], &["eu-west-1"], "us-east-1", true),
            (&["eu-west-1"], &[], "eu-west-1", true),
            (&["eu-west-1"], &[], "us-east-1", false),
            (&["eu-west-1"], &["eu-west-1"], "eu-west-1", false),
            (&["eu-west-1"], &["us-east-1"], "ap-south-1", false),
        ] {
            assert_eq!(lists(allow, deny).allows(region), allowed, "{allow:?} {deny:?} {region}");
        }
    }
}
