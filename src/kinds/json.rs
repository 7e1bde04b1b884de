//! Kinds whose service speaks JSON: the answer's own body is forwarded, so that members which AWS adds arrive without a
//! release.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::{Map, Value};

use super::ReadError;
use super::fields::{Field, write_times};

/// Keeps the body of an answer beside the SDK's typed output: `.customize().interceptor(body.keeper())`.
///
/// The SDK has a body that is no stream in memory by the time it is deserialized, and leaves it there.
#[derive(Clone, Debug, Default)]
pub struct ResponseBody {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl ResponseBody {
    /// The interceptor that fills this body.
    pub fn keeper(&self) -> impl Intercept + 'static {
        BodyKeeper { bytes: self.bytes.clone() }
    }

    /// The whole body as it came, to be kept and read later with [`object_of`].
    pub fn bytes(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`ReadError::Failed`] when the body is no JSON object.
    pub fn object(&self, call: &'static str) -> Result<Map<String, Value>, ReadError> {
        object_of(call, &self.bytes())
    }

    /// An object in the body.
    ///
    /// # Errors
    /// [`ReadError::Failed`] when the body is no JSON object, or has no such object in it.
    pub fn object_in(&self, call: &'static str, member: &str) -> Result<Map<String, Value>, ReadError> {
        match self.object(call)?.remove(member) {
            Some(Value::Object(object)) => Ok(object),
            _ => Err(ReadError::undecodable(call, format!("`{member}` is no object"))),
        }
    }

    /// The objects of an array in the body. A member that is not there is an empty array, as AWS means it.
    ///
    /// # Errors
    /// [`ReadError::Failed`] when the body is no such JSON.
    pub fn objects(&self, call: &'static str, member: &str) -> Result<Vec<Map<String, Value>>, ReadError> {
        objects_of(call, &mut self.object(call)?, member)
    }
}

/// The object that a body is.
///
/// # Errors
/// [`ReadError::Failed`] when the body is no JSON object.
pub fn object_of(call: &'static str, body: &[u8]) -> Result<Map<String, Value>, ReadError> {
    let mut object: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| ReadError::undecodable(call, error.to_string()))?;
    drop_null_members(&mut object);
    Ok(object)
}

/// Takes the objects of an array out of an answer. A member that is not there is an empty array, as AWS means it.
///
/// # Errors
/// [`ReadError::Failed`] when the member is something else.
pub fn objects_of(
    call: &'static str,
    answer: &mut Map<String, Value>,
    member: &str,
) -> Result<Vec<Map<String, Value>>, ReadError> {
    let items = match answer.remove(member) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(ReadError::undecodable(call, format!("`{member}` is no array"))),
    };
    let mut objects = Vec::with_capacity(items.len());
    for item in items {
        let Value::Object(object) = item else {
            return Err(ReadError::undecodable(call, format!("`{member}` has an item that is no object")));
        };
        objects.push(object);
    }
    Ok(objects)
}

/// A member that is a text.
pub fn text_of<'a>(object: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    object.get(member).and_then(Value::as_str)
}

/// A text without which a resource would have no key.
///
/// # Errors
/// [`ReadError::Failed`] when there is no such text.
pub fn required_text(call: &'static str, object: &Map<String, Value>, member: &str) -> Result<String, ReadError> {
    match text_of(object, member) {
        Some(text) => Ok(text.to_owned()),
        None => Err(ReadError::undecodable(call, format!("something listed has no `{member}`"))),
    }
}

#[derive(Debug)]
struct BodyKeeper {
    bytes: Arc<Mutex<Vec<u8>>>,
}

#[dyn_dispatch_hint]
impl Intercept for BodyKeeper {
    fn name(&self) -> &'static str {
        "BodyKeeper"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        *self.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = body.to_vec();
        Ok(())
    }
}

/// AWS's JSON protocols mean the same by a member that is null and one that is absent; mappings see it absent, at every
/// depth.
fn drop_null_members(object: &mut Map<String, Value>) {
    object.retain(|_, value| !value.is_null());
    for value in object.values_mut() {
        drop_nulls_below(value);
    }
}

fn drop_nulls_below(value: &mut Value) {
    match value {
        Value::Object(members) => drop_null_members(members),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls_below),
        _ => {}
    }
}

/// Gives the members of an object the names that mappings know: the first letter in upper case, except for those listed
/// as `(from, to)`.
pub fn with_pascal_case_names(object: Map<String, Value>, renamed: &[(&str, &str)]) -> Map<String, Value> {
    let rename = |name: String| match renamed.iter().find(|(from, _)| *from == name) {
        Some((_, to)) => (*to).to_owned(),
        None => pascal_case(&name),
    };
    object.into_iter().map(|(name, value)| (rename(name), value)).collect()
}

/// Gives the members of all objects in a value such names: for services that write them in camel case at every level.
pub fn with_pascal_case_names_below(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let named = with_pascal_case_names(members, &[]);
            named.into_iter().map(|(name, value)| (name, with_pascal_case_names_below(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(with_pascal_case_names_below).collect(),
        other => other,
    }
}

fn pascal_case(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// The properties of a resource whose service writes names in camel case: names as mappings know them at the first
/// level, and times in the one form.
pub fn properties_of(object: Map<String, Value>, renamed: &[(&str, &str)], fields: &[Field]) -> Map<String, Value> {
    let mut properties = with_pascal_case_names(object, renamed);
    write_times(&mut properties, fields);
    properties
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_change_at_the_top_only_and_null_members_are_absent() {
        let Value::Object(mut cluster) =
            json!({"clusterName": "c", "settings": [{"name": "n", "value": null}], "status": null})
        else {
            unreachable!()
        };
        drop_null_members(&mut cluster);
        let named = with_pascal_case_names(cluster, &[("settings", "ClusterSettings")]);
        assert_eq!(Value::Object(named), json!({"ClusterName": "c", "ClusterSettings": [{"name": "n"}]}));
    }

    #[test]
    fn names_change_at_every_level_where_that_is_asked_for() {
        let cluster =
            json!({"sasl": {"iam": {"enabled": true}}, "vpcConfigs": [{"subnetIds": ["a"]}, [{"x": 1}]], "S3": ""});
        assert_eq!(
            with_pascal_case_names_below(cluster),
            json!({"Sasl": {"Iam": {"Enabled": true}}, "VpcConfigs": [{"SubnetIds": ["a"]}, [{"X": 1}]], "S3": ""})
        );
    }
}
