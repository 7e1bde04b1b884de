//! Listings that give ids and little else, and calls that describe many of the listed at once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;

use serde_json::{Map, Value};

use super::{Failure, ReadError, Resource};

/// A call that describes many resources at once.
pub struct BatchCall {
    /// As `service:Operation`.
    pub call: &'static str,
    /// How many resources one call takes.
    pub most: usize,
    /// The member of `Properties` that has the id by which the call knows a resource.
    pub id: &'static str,
    /// Codes that refuse a whole call because one of its resources is gone, without saying which.
    pub one_is_gone: &'static [&'static str],
}

/// What a call said of the resources it was asked for.
#[derive(Default)]
pub struct Descriptions {
    /// Properties by id.
    pub described: HashMap<String, Map<String, Value>>,
    /// Ids of what the service says is not there any more.
    pub gone: HashSet<String>,
    /// The service's own words about what it leaves out.
    pub message: Option<String>,
}

impl Descriptions {
    /// Descriptions that have their id in this member.
    pub fn by(id: &str, described: impl IntoIterator<Item = Map<String, Value>>) -> Self {
        let mut descriptions = Self::default();
        for properties in described {
            if let Some(id) = properties.get(id).and_then(Value::as_str).map(str::to_owned) {
                descriptions.described.insert(id, properties);
            }
        }
        descriptions
    }

    /// The same, and ids that the service no longer finds.
    pub fn without(mut self, gone: impl IntoIterator<Item = String>) -> Self {
        self.gone.extend(gone);
        self
    }
}

impl BatchCall {
    /// The listed resources with what the call says of each, without those that are gone, in the listing's order.
    ///
    /// The listing has said that they are there: one that the call does not describe stays as it was listed, and is
    /// noted as incomplete. The calls are made one after another.
    pub async fn describe<F>(&self, listed: Vec<Resource>, ask: impl Fn(Vec<String>) -> F) -> Vec<Resource>
    where
        F: Future<Output = Result<Descriptions, ReadError>>,
    {
        let mut read = Vec::with_capacity(listed.len());
        let mut waiting: VecDeque<_> = self.batches(listed).into();
        while let Some(mut batch) = waiting.pop_front() {
            let ids = batch.iter().filter_map(|resource| self.id_of(resource)).map(str::to_owned).collect();
            match ask(ids).await {
                Ok(descriptions) => read.extend(self.join(batch, descriptions)),
                Err(error) if self.one_is_gone.contains(&error.code()) => {
                    // It is found by halves. A batch of one is the one that is gone.
                    if batch.len() > 1 {
                        waiting.push_front(batch.split_off(batch.len() / 2));
                        waiting.push_front(batch);
                    }
                }
                Err(error) => {
                    batch.iter_mut().for_each(|resource| resource.lacks(self.operation(), &error));
                    read.extend(batch);
                }
            }
        }
        read
    }

    /// The listed resources in portions that one call takes.
    pub fn batches(&self, listed: Vec<Resource>) -> Vec<Vec<Resource>> {
        batches_of(self.most, listed)
    }

    /// Brings resources and descriptions together by id: an answer has an order of its own, and may leave something
    /// out.
    fn join(&self, batch: Vec<Resource>, mut descriptions: Descriptions) -> Vec<Resource> {
        let mut resources = Vec::with_capacity(batch.len());
        for mut resource in batch {
            let id = self.id_of(&resource).unwrap_or_default();
            if descriptions.gone.contains(id) {
                continue;
            }
            match descriptions.described.remove(id) {
                Some(description) => resource.properties.extend(description),
                None => resource.lacks(self.operation(), &self.left_out(&descriptions)),
            }
            resources.push(resource);
        }
        resources
    }

    fn id_of<'a>(&self, resource: &'a Resource) -> Option<&'a str> {
        resource.properties.get(self.id).and_then(Value::as_str)
    }

    /// Neither described nor gone: as likely an answer of ours that was misread as a deletion.
    fn left_out(&self, descriptions: &Descriptions) -> ReadError {
        let message = descriptions.message.as_deref().filter(|message| !message.is_empty());
        ReadError::Failed(Failure {
            call: self.call,
            code: "without this resource".to_owned(),
            message: message.unwrap_or("it says nothing of it").to_owned(),
        })
    }

    fn operation(&self) -> &'static str {
        self.call.split_once(':').map_or(self.call, |(_, operation)| operation)
    }
}

/// Resources in portions of at most so many, in their order.
pub fn batches_of(most: usize, mut listed: Vec<Resource>) -> Vec<Vec<Resource>> {
    let mut batches = Vec::new();
    while listed.len() > most {
        let rest = listed.split_off(most);
        batches.push(listed);
        listed = rest;
    }
    if !listed.is_empty() {
        batches.push(listed);
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;

    use super::*;

    const CALL: BatchCall =
        BatchCall { call: "test:BatchGet", most: 4, id: "Name", one_is_gone: &["DoesNotExistException"] };

    fn listed(names: &[&str]) -> Vec<Resource> {
        let properties = |name: &str| Map::from_iter([("Name".to_owned(), Value::from(name))]);
        names.iter().map(|name| Resource::new(*name, properties(name))).collect()
    }

    /// Describes every name with its length, in reverse order.
    fn described(names: &[String]) -> Descriptions {
        let properties = |name: &String| {
            Map::from_iter([("Name".to_owned(), json!(name)), ("Length".to_owned(), json!(name.len()))])
        };
        Descriptions::by("Name", names.iter().rev().map(properties))
    }

    fn keys(resources: &[Resource]) -> Vec<&str> {
        resources.iter().map(|resource| resource.key.as_str()).collect()
    }

    #[tokio::test]
    async fn descriptions_find_their_resources_by_id() {
        let calls = RefCell::new(Vec::new());
        let read = CALL
            .describe(listed(&["a", "bb", "ccc", "dddd", "eeeee"]), async |names| {
                calls.borrow_mut().push(names.len());
                Ok(described(&names))
            })
            .await;
        assert_eq!(keys(&read), ["a", "bb", "ccc", "dddd", "eeeee"]);
        for resource in &read {
            assert_eq!(resource.properties["Length"], json!(resource.key.len()));
            assert_eq!(resource.incomplete, []);
        }
        assert_eq!(calls.into_inner(), [4, 1]);
        assert_eq!(CALL.describe(Vec::new(), async |_| panic!("nothing, and a call")).await, []);
    }

    #[tokio::test]
    async fn what_is_gone_is_left_out_and_what_nothing_is_said_of_is_incomplete() {
        let read = CALL
            .describe(listed(&["a", "b", "c"]), async |_| {
                let mut descriptions = described(&["c".to_owned(), "stranger".to_owned()]).without(["a".to_owned()]);
                descriptions.message = Some("try again".to_owned());
                Ok(descriptions)
            })
            .await;
        assert_eq!(keys(&read), ["b", "c"]);
        assert_eq!(Value::Object(read[0].properties.clone()), json!({"Name": "b"}));
        assert_eq!((read[0].incomplete[0].action, read[0].incomplete[0].optional), ("BatchGet", false));
        assert!(read[0].incomplete[0].reason.contains("try again"), "{:?}", read[0].incomplete);
        assert_eq!(read[1].incomplete, []);
    }

    #[tokio::test]
    async fn one_that_is_gone_and_has_the_whole_call_refused_is_found_by_halves() {
        let calls = RefCell::new(0);
        let read = CALL
            .describe(listed(&["a", "b", "gone", "d"]), async |names| {
                *calls.borrow_mut() += 1;
                match names.iter().any(|name| name == "gone") {
                    true => Err(failed("DoesNotExistException")),
                    false => Ok(described(&names)),
                }
            })
            .await;
        assert_eq!(keys(&read), ["a", "b", "d"]);
        assert!(read.iter().all(|resource| resource.incomplete.is_empty()));
        assert_eq!(calls.into_inner(), 5);
    }

    #[tokio::test]
    async fn a_call_that_fails_leaves_its_batch_as_listed_and_the_next_one_is_made() {
        let read = CALL
            .describe(listed(&["a", "b", "c", "d", "e"]), async |names| match names.len() {
                1 => Ok(described(&names)),
                _ => Err(failed("InternalFailure")),
            })
            .await;
        assert_eq!(keys(&read), ["a", "b", "c", "d", "e"]);
        assert!(read[..4].iter().all(|resource| resource.incomplete[0].reason.contains("InternalFailure")));
        assert_eq!(read[4].incomplete, []);
    }

    fn failed(code: &str) -> ReadError {
        ReadError::Failed(Failure { call: "test:BatchGet", code: code.to_owned(), message: String::new() })
    }
}
