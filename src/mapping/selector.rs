//! The selector of a mapping entry: which resources of its kind it takes, where, and what is read of them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::RegionPolicy;
use super::apostrophes::compile;
use super::document::{brief, text};
use super::jq::Expression;
use crate::kinds::{HistoryBound, Options, Reader};

/// Bounds on what an edited document can make a run do.
const MOST_INCLUDE_ACTIONS: usize = 3;
const MOST_RESOURCE_MODELS: usize = 100;

/// YAML makes a boolean of an unquoted `true`; it means the same.
pub(super) fn parse_query(selector: &Value) -> Result<Expression, String> {
    let query = match selector.get("query") {
        Some(Value::Bool(query)) => query.to_string(),
        _ => text(selector, "query").map_err(|error| error.replace("`query`", "`selector.query`"))?.to_owned(),
    };
    compile(&query).map_err(|error| format!("`selector.query`: {error}"))
}

pub(super) fn parse_region_policy(selector: &Value) -> Result<RegionPolicy, String> {
    let Some(policy) = selector.get("regionPolicy").filter(|policy| !policy.is_null()) else {
        return Ok(RegionPolicy::default());
    };
    if !policy.is_object() {
        return Err(format!(
            "`selector.regionPolicy` is {}; an object with `allow` and `deny` is expected",
            brief(policy)
        ));
    }
    let list = |name: &str| texts(policy.get(name), &format!("selector.regionPolicy.{name}"));
    Ok(RegionPolicy { allow: list("allow")?, deny: list("deny")? })
}

/// What the entry asks for beyond the kind itself.
pub(super) fn parse_options(selector: &Value, kind: &Reader) -> Result<Options, String> {
    let history = HistoryBound {
        most_results: parse_bound(selector, "maxResults")?,
        most_days: parse_bound(selector, "maxAgeDays")?,
    };
    if history != HistoryBound::default() && !kind.is_history() {
        return Err(format!(
            "`selector.maxResults` and `selector.maxAgeDays` bound histories, and {} is none; remove them, or narrow with `selector.query`",
            kind.name()
        ));
    }
    Ok(Options {
        include_actions: parse_include_actions(selector, kind)?,
        history,
        resource_models: parse_resource_models(selector)?,
        get_each_resource: parse_flag(selector, "useGetResourceAPI")?,
    })
}

/// A positive whole number; none where the selector has none.
fn parse_bound<N: TryFrom<u64>>(selector: &Value, name: &str) -> Result<Option<N>, String> {
    let Some(value) = selector.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let number = value.as_u64().filter(|number| *number > 0).and_then(|number| N::try_from(number).ok());
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(format!("`selector.{name}` is {}; a whole number above 0 is expected", brief(value))),
    }
}

fn parse_flag(selector: &Value, name: &str) -> Result<bool, String> {
    match selector.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(format!("`selector.{name}` is {}; true or false is expected", brief(other))),
    }
}

fn parse_resource_models(selector: &Value) -> Result<BTreeSet<String>, String> {
    let models = match selector.get("resourceModels") {
        None | Some(Value::Null) => return Ok(BTreeSet::new()),
        Some(Value::Array(models)) if models.len() <= MOST_RESOURCE_MODELS => models,
        Some(Value::Array(models)) => {
            return Err(format!(
                "`selector.resourceModels` has {} models; at most {MOST_RESOURCE_MODELS} are possible",
                models.len()
            ));
        }
        Some(other) => {
            return Err(format!("`selector.resourceModels` is {}; a list of objects is expected", brief(other)));
        }
    };
    if let Some(other) = models.iter().find(|model| !model.is_object()) {
        return Err(format!("`selector.resourceModels` has {}; a list of objects is expected", brief(other)));
    }
    Ok(models.iter().map(Value::to_string).collect())
}

fn parse_include_actions(selector: &Value, kind: &Reader) -> Result<BTreeSet<String>, String> {
    let actions = texts(selector.get("includeActions"), "selector.includeActions")?;
    if actions.len() > MOST_INCLUDE_ACTIONS {
        return Err(format!(
            "`selector.includeActions` has {} actions; at most {MOST_INCLUDE_ACTIONS} are possible",
            actions.len()
        ));
    }
    // Unknown names disable nothing: mappings in use have misspelt ones, and what they ask for was never there. They
    // are named in a warning.
    let known = actions.into_iter().filter(|action| kind.include_actions().iter().any(|known| known.name == action));
    Ok(known.collect())
}

fn texts(list: Option<&Value>, path: &str) -> Result<BTreeSet<String>, String> {
    let items = match list {
        None | Some(Value::Null) => return Ok(BTreeSet::new()),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(format!("`{path}` is {}; a list of texts is expected", brief(other))),
    };
    let mut texts = BTreeSet::new();
    for item in items {
        let Value::String(item) = item else {
            return Err(format!("`{path}` has {}; a list of texts is expected", brief(item)));
        };
        texts.insert(item.clone());
    }
    Ok(texts)
}
