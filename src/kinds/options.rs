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
    /// Resource models of which Cloud Control lists the children, each as JSON text (`resourceModels`).
    pub resource_models: BTreeSet<String>,
    /// Whether Cloud Control is asked for each resource by itself (`useGetResourceAPI`).
    pub get_each_resource: bool,
}

impl Options {
    /// What must be read so that entries with these and with other options both have what they ask for.
    pub fn widen(&mut self, other: &Self) {
        self.include_actions.extend(other.include_actions.iter().cloned());
        self.history = self.history.wider(other.history);
        self.resource_models.extend(other.resource_models.iter().cloned());
        self.get_each_resource |= other.get_each_resource;
    }

    /// Whether an enrichment of `includeActions` is asked for.
    pub fn wants(&self, action: &str) -> bool {
        self.include_actions.contains(action)
    }
}

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
    fn the_wider_bound_of_two_entries_holds_for_both() {
        let bound = |most_results, most_days| HistoryBound { most_results, most_days };
        assert_eq!(bound(Some(5), None).wider(bound(Some(9), Some(3))), bound(Some(9), None));
        assert_eq!(bound(Some(5), Some(7)).wider(bound(None, Some(3))), bound(None, Some(7)));
    }
}
