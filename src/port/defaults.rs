//! What the first run installs: blueprints in the order in which they relate to each other, and a mapping that fills
//! them.

use serde_json::Value;

use crate::seams::CatalogError;

const BLUEPRINTS: &str = include_str!("defaults/blueprints.json");
const MAPPING: &str = include_str!("defaults/mapping.json");

/// The blueprints; each relates only to those before it.
pub(super) fn blueprints() -> Result<Vec<Value>, CatalogError> {
    serde_json::from_str(BLUEPRINTS).map_err(|error| unusable("blueprints", &error))
}

/// The mapping document.
pub(super) fn mapping() -> Result<Value, CatalogError> {
    serde_json::from_str(MAPPING).map_err(|error| unusable("mapping", &error))
}

fn unusable(what: &str, error: &serde_json::Error) -> CatalogError {
    CatalogError::Unavailable(format!("the default {what} of this release cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::mapping::Mapping;

    #[test]
    fn every_default_works_and_relates_to_what_comes_before_it() {
        let mut known = BTreeSet::new();
        for blueprint in blueprints().unwrap() {
            for relation in blueprint["relations"].as_object().into_iter().flat_map(|relations| relations.values()) {
                assert!(known.contains(relation["target"].as_str().unwrap()), "{blueprint}");
            }
            known.insert(blueprint["identifier"].as_str().unwrap().to_owned());
        }
        let mapping = Mapping::parse(&mapping().unwrap()).unwrap();
        assert_eq!(mapping.disabled, []);
        assert_eq!(mapping.entries.len(), known.len());
    }
}
