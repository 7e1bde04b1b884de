//! Amazon SES. Speaks JSON: answers are forwarded as they are.
//!
//! SES takes one call a second for everything but sending (<https://docs.aws.amazon.com/ses/latest/dg/quotas.html>),
//! and has no call that describes several resources. So the listing is asked for once, in the largest pages that there
//! are, while resources are read one after the other and a few to a page of ours: a page must not take longer than a
//! worker has.

mod configuration_set;
mod email_identity;

use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Bound;

use serde_json::{Map, Value};

use super::shared::Shareable;
use super::{Page, Resource};

pub use configuration_set::CONFIGURATION_SET;
pub use email_identity::EMAIL_IDENTITY;

/// Resources to a page of ours: 20 seconds at one call a second.
const RESOURCES_PER_PAGE: usize = 20;

/// What a listing says of each resource, by the resource's name.
#[derive(Default)]
struct Listing(BTreeMap<String, Map<String, Value>>);

impl Shareable for Listing {
    fn weight(&self) -> usize {
        // Two names and a few flags, each with its member's name.
        const BYTES_PER_RESOURCE: usize = 1000;
        self.0.len() * BYTES_PER_RESOURCE
    }
}

/// The page that begins after the resource which the cursor names. `with_details` gives none for what was deleted in
/// between.
async fn page<F>(listing: &Listing, cursor: Option<String>, with_details: impl Fn(Resource) -> F) -> Page
where
    F: Future<Output = Option<Resource>>,
{
    let start = cursor.map_or(Bound::Unbounded, Bound::Excluded);
    let mut waiting = listing.0.range((start, Bound::Unbounded));
    let mut resources = Vec::new();
    let mut last = None;
    for (name, properties) in waiting.by_ref().take(RESOURCES_PER_PAGE) {
        resources.extend(with_details(Resource::new(name, properties.clone())).await);
        last = Some(name.clone());
    }
    let is_end = waiting.next().is_none();
    Page::new(resources, last.filter(|_| !is_end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_follow_each_other_by_name_even_where_the_named_one_is_gone() {
        let names = (0..45).map(|index| format!("set-{index:02}"));
        let mut listing = Listing(names.map(|name| (name, Map::new())).collect());
        let (mut sizes, mut keys, mut cursor) = (Vec::new(), Vec::new(), None);
        loop {
            let page = page(&listing, cursor, async |set: Resource| (set.key != "set-07").then_some(set)).await;
            sizes.push(page.resources.len());
            keys.extend(page.resources.into_iter().map(|set| set.key));
            cursor = page.next;
            let Some(last) = &cursor else { break };
            // A later invocation asks SES again, and the set that the cursor names may be gone by then.
            listing.0.remove(last);
        }
        assert_eq!(sizes, [19, 20, 5]);
        assert!(keys.is_sorted());
        assert_eq!(keys.len(), 44);
    }

    #[tokio::test]
    async fn a_listing_that_fills_its_last_page_ends_with_it() {
        for (count, next) in [(0, None), (20, None), (21, Some("set-19".to_owned()))] {
            let listing = Listing((0..count).map(|index| (format!("set-{index:02}"), Map::new())).collect());
            assert_eq!(page(&listing, None, async |set: Resource| Some(set)).await.next, next, "{count} sets");
        }
    }
}
