//! Every kind that has no reader of its own, through AWS Cloud Control.
//!
//! Cloud Control has one way to list and to read the resources of any type that CloudFormation knows: it calls the
//! type's handlers, which call the type's service with the caller's session. What mappings see of a resource is its
//! resource model, as the type's schema names its members.

mod error;
mod scope;
mod type_name;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use aws_sdk_cloudcontrol::Client;
use aws_sdk_cloudcontrol::types::ResourceDescription;
use futures::StreamExt;
use serde_json::{Map, Value};

pub use scope::scope_of;
pub use type_name::TypeName;

use super::options::WITHOUT_MODEL;
use super::shared::Shareable;
use super::{Page, ReadError, Reading, Resource, nested};

/// Named as IAM names them: Cloud Control's calls are actions of CloudFormation.
const LIST_RESOURCES: &str = "cloudformation:ListResources";
const GET_RESOURCE: &str = "cloudformation:GetResource";

/// The largest page of the API reference. Handlers give fewer as they like.
const PAGE_SIZE: i32 = 100;

/// Cloud Control takes some 25 calls a second of an account in a region, as users find; each takes as long as the
/// service behind it.
const GETS_IN_FLIGHT: usize = 4;

/// One page of a type's resources, each with its whole model.
///
/// n resources take n/100 calls or more, as the type's handler likes, and n GetResource where the listing gives
/// identifiers only or the mapping asks for it.
pub async fn list(type_name: &TypeName, reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let region = scope::home_region(type_name, &reading.partition).unwrap_or(&reading.region);
    let client = reading.client_in(region, Client::new);
    let models: Vec<String> = reading.options.resource_models.iter().cloned().collect();
    let mut page = match models.is_empty() {
        true => list_page(&client, type_name, None, cursor).await?,
        false => list_by_models(&client, type_name, reading, &models, cursor).await?,
    };
    let get_each = reading.options.get_each_resource;
    let listed = futures::stream::iter(page.resources);
    let read = listed.map(|resource| with_whole_model(&client, type_name, resource, get_each));
    page.resources = read.buffered(GETS_IN_FLIGHT).collect().await;
    Ok(page)
}

/// What the resource models of the mapping select. Several may select the same resource: it comes once.
async fn list_by_models(
    client: &Client,
    type_name: &TypeName,
    reading: &Reading,
    models: &[String],
    cursor: Option<String>,
) -> Result<Page, ReadError> {
    let is_first = cursor.is_none();
    let mut page = nested::page(reading, models, cursor, |model, token| async move {
        let model = Some(model).filter(|model| model != WITHOUT_MODEL);
        let is_first_of_model = token.is_none();
        match list_page(client, type_name, model, token).await {
            // The mapping is one for all accounts, and what its model names is not in all of them.
            Err(error) if is_first_of_model && is_not_found(&error) => Ok(Page::default()),
            answer => answer,
        }
    })
    .await?;
    let name = format!("cloudcontrol:{}:identifiers", type_name.as_str());
    let identifiers = reading.shared(&name, || async { Ok(Identifiers::default()) }).await?;
    let mut seen = identifiers.0.lock().unwrap_or_else(PoisonError::into_inner);
    if is_first {
        seen.clear();
    }
    page.resources.retain(|resource| seen.insert(resource.key.clone()));
    Ok(page)
}

/// The identifiers that the pages of a listing gave so far.
#[derive(Default)]
struct Identifiers(Mutex<HashSet<String>>);

impl Shareable for Identifiers {
    /// Nothing at first: it grows with its listing, and types that lie in others are seldom many.
    fn weight(&self) -> usize {
        0
    }
}

async fn list_page(
    client: &Client,
    type_name: &TypeName,
    model: Option<String>,
    cursor: Option<String>,
) -> Result<Page, ReadError> {
    let call = client.list_resources().type_name(type_name.as_str()).max_results(PAGE_SIZE);
    let call = call.set_resource_model(model).set_next_token(cursor);
    let output = call.send().await.map_err(error::of(LIST_RESOURCES))?;
    let mut page = Page::new(Vec::new(), output.next_token);
    for description in output.resource_descriptions.unwrap_or_default() {
        match listed_resource(description) {
            Some(resource) => page.resources.push(resource),
            None => page.gaps.push(ReadError::undecodable(LIST_RESOURCES, "a resource has no identifier")),
        }
    }
    Ok(page)
}

fn listed_resource(description: ResourceDescription) -> Option<Resource> {
    let identifier = description.identifier.filter(|identifier| !identifier.is_empty())?;
    // A model that cannot be understood is none: then the resource is asked for by itself.
    let properties = parse_model(LIST_RESOURCES, description.properties).unwrap_or_default();
    let mut resource = Resource::new(identifier.clone(), properties);
    resource.identifier = Some(identifier);
    Some(resource)
}

fn parse_model(call: &'static str, model: Option<String>) -> Result<Map<String, Value>, ReadError> {
    let model = model.ok_or_else(|| ReadError::undecodable(call, "the resource has no properties"))?;
    serde_json::from_str(&model).map_err(|error| ReadError::undecodable(call, error.to_string()))
}

/// The resource with its whole model.
///
/// The listing has just named it: handlers are known that say "not found" of what is there, so that only the next
/// listing says that it is gone.
async fn with_whole_model(client: &Client, type_name: &TypeName, mut resource: Resource, get_each: bool) -> Resource {
    if !get_each && !has_only_identifier(&resource) {
        return resource;
    }
    match get_model(client, type_name, &resource.key).await {
        Ok(properties) => resource.properties = properties,
        Err(error) => resource.lacks("GetResource", &error),
    }
    resource
}

async fn get_model(client: &Client, type_name: &TypeName, identifier: &str) -> Result<Map<String, Value>, ReadError> {
    let answer = client.get_resource().type_name(type_name.as_str()).identifier(identifier).send().await;
    let output = answer.map_err(error::of(GET_RESOURCE))?;
    parse_model(GET_RESOURCE, output.resource_description.and_then(|description| description.properties))
}

fn is_not_found(error: &ReadError) -> bool {
    error.code() == "ResourceNotFoundException"
}

/// Whether the listing gave nothing of the resource but its identifier, whose parts are joined by `|`.
fn has_only_identifier(resource: &Resource) -> bool {
    let is_part = |text: &str| resource.key == text || resource.key.split('|').any(|part| part == text);
    resource.properties.values().all(|value| all_leaves(value, &is_part))
}

fn all_leaves(value: &Value, holds: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(members) => members.values().all(|member| all_leaves(member, holds)),
        Value::Array(items) => items.iter().all(|item| all_leaves(item, holds)),
        Value::String(text) => holds(text),
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => holds(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_with_nothing_beyond_the_identifier_is_told_from_a_whole_one() {
        for (identifier, properties, is_only) in [
            ("stream", json!({"Name": "stream"}), true),
            ("main|web", json!({"ClusterName": "main", "NodegroupName": "web"}), true),
            ("main|7", json!({"Id": {"Cluster": "main", "Number": 7}, "Names": ["main"], "Description": null}), true),
            ("a|b", json!({"Joined": "a|b"}), true),
            ("stream", json!({}), true),
            ("stream", json!({"Name": "stream", "ShardCount": 1}), false),
            ("stream", json!({"Name": "stream", "Tags": [{"Key": "team"}]}), false),
            ("stream", json!({"Name": "stream", "Encrypted": false}), false),
            ("main|web", json!({"Arn": "arn:main|web:x"}), false),
        ] {
            let Value::Object(properties) = properties else { unreachable!() };
            let resource = Resource::new(identifier, properties);
            assert_eq!(has_only_identifier(&resource), is_only, "{identifier} {:?}", resource.properties);
        }
    }

    #[test]
    fn a_listed_resource_without_identifier_or_readable_model() {
        let description = ResourceDescription::builder().properties(r#"{"Name":"a"}"#);
        assert_eq!(listed_resource(description.clone().build()), None);
        assert_eq!(listed_resource(description.clone().identifier("").build()), None);
        let unreadable = listed_resource(description.identifier("a").properties("[]").build()).unwrap();
        assert_eq!((unreadable.key.as_str(), unreadable.properties.len()), ("a", 0));
        assert_eq!(unreadable.identifier.as_deref(), Some("a"));
    }
}
