//! What mapping entries may ask for beyond the kind itself.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};

/// The options of a mapping entry's selector, or of all entries of a kind together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Enrichments by the names that mappings use (`includeActions`).
    pub include_actions: BTreeSet<String>,
    /// How much of a history is read.
    pub history: HistoryBound,
    /// Resource models of which Cloud Control lists the children, each as JSON text (`resourceModels`). Without any, all
    /// resources are listed; [`WITHOUT_MODEL`] among them stands for that listing.
    pub resource_models: BTreeSet<String>,
    /// Whether Cloud Control is asked for each resource by itself (`useGetResourceAPI`).
    pub get_each_resource: bool,
}

impl Options {
    /// What must be read so that entries with these and with other options both have what they ask for.
    pub fn widen(&mut self, other: &Self) {
        self.include_actions.extend(other.include_actions.iter().cloned());
        self.history = self.history.wider(other.history);
        if self.resource_models.is_empty() != other.resource_models.is_empty() {
            self.resource_models.insert(WITHOUT_MODEL.to_owned());
        }
        self.resource_models.extend(other.resource_models.iter().cloned());
        self.get_each_resource |= other.get_each_resource;
    }

    /// Whether an enrichment of `includeActions` is asked for.
    pub fn wants(&self, action: &str) -> bool {
        self.include_actions.contains(action)
    }
}

/// Among resource models: the listing of all resources, which takes none.
pub const WITHOUT_MODEL: &str = "";

/// The part of a history (builds, deployments, executions) that is read. None is the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryBound {
    /// The newest so many of each listing (`maxResults`).
    pub most_results: Option<usize>,
    /// What began at most so many days before the run (`maxAgeDays`).
    pub most_days: Option<u32>,
}

impl HistoryBound {
    fn wider(self, other: Self) -> Self {
        Self {
            most_results: self.most_results.zip(other.most_results).map(|(one, other)| one.max(other)),
            most_days: self.most_days.zip(other.most_days).map(|(one, other)| one.max(other)),
        }
    }

    /// The oldest start that is still read, for a run that started at `run_start`.
    pub fn oldest(self, run_start: OffsetDateTime) -> Option<OffsetDateTime> {
        run_start.checked_sub(Duration::days(i64::from(self.most_days?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_no_model_gets_the_whole_listing_whatever_others_ask_for() {
        let options = |models: &[&str]| Options {
            resource_models: models.iter().map(|model| (*model).to_owned()).collect(),
            ..Options::default()
        };
        for entries in [[&["{}"][..], &[]], [&[], &["{}"]]] {
            let mut both = options(entries[0]);
            both.widen(&options(entries[1]));
            assert_eq!(both, options(&["{}", WITHOUT_MODEL]));
            both.widen(&options(&[]));
            assert_eq!(both, options(&["{}", WITHOUT_MODEL]));
        }
        let mut none = options(&[]);
        none.widen(&options(&[]));
        assert_eq!(none, options(&[]));
    }

    #[test]
    fn the_wider_bound_of_two_entries_holds_for_both() {
        let bound = |most_results, most_days| HistoryBound { most_results, most_days };
        assert_eq!(bound(Some(5), None).wider(bound(Some(9), Some(3))), bound(Some(9), None));
        assert_eq!(bound(Some(5), Some(7)).wider(bound(None, Some(3))), bound(None, Some(7)));
    }
}
