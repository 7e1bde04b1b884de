//! Creating the default blueprints, and what is told of those that could not be created or are somebody's own.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{DefaultKind, mapping_of};
use crate::port::catalog::read_blueprint;
use crate::port::client::{Call, PortClient, Role};
use crate::seams::CatalogError;

/// What came of an installation.
pub(in crate::port) struct Installed {
    /// The mapping document that fits the blueprints.
    pub mapping: Value,
    /// The blueprints that Port refused, in words.
    pub refused: Vec<String>,
    /// What the mapping leaves out because a blueprint that was there before does not have it, in words.
    pub left_out: Vec<String>,
}

/// What came of one blueprint.
enum Creation {
    Created,
    /// With the definition that it has in Port.
    Exists(Value),
    Refused(CatalogError),
}

/// Creates the blueprints that Port does not have yet.
///
/// A blueprint that is there is left as it is: the mapping does without what it does not have. One that Port refuses
/// spoils no other: those that would relate to it do without that relation.
///
/// # Errors
/// [`CatalogError`] where no blueprint could be created or read: credentials, rate limit, outage.
pub(in crate::port) async fn install(
    client: &PortClient,
    mut kinds: Vec<DefaultKind>,
) -> Result<Installed, CatalogError> {
    let mut there = BTreeSet::new();
    let mut reasons = BTreeMap::new();
    let mut left_out = Vec::new();
    // By the blueprint that they lead to.
    let mut relations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in &mut kinds {
        for (relation, target) in kind.keep_relations_to(&there) {
            relations.entry(target).or_default().push(format!("`{relation}` of `{}`", kind.identifier()));
        }
        let identifier = kind.identifier().to_owned();
        match create(client, kind).await? {
            Creation::Created => {}
            Creation::Exists(definition) => {
                let names = kind.keep_what_fits(&definition);
                if !names.is_empty() {
                    left_out.push(words_of_left_out(kind, &names));
                }
            }
            Creation::Refused(reason) => {
                reasons.insert(identifier, reason);
                continue;
            }
        }
        there.insert(identifier);
    }
    let mut refused = Vec::new();
    for kind in &kinds {
        if let Some(reason) = reasons.get(kind.identifier()) {
            let relations = relations.get(kind.identifier()).map(Vec::as_slice).unwrap_or_default();
            refused.push(words_of_refused(kind, reason, relations));
        }
    }
    Ok(Installed { mapping: mapping_of(&kinds), refused, left_out })
}

async fn create(client: &PortClient, kind: &DefaultKind) -> Result<Creation, CatalogError> {
    let body = Some(kind.blueprint.to_string().into_bytes());
    let call =
        Call { method: Method::POST, path: "/blueprints", query: &[], body, role: Role::Exporter, repeatable: true };
    let answer = client.call(call).await?;
    if answer.status == StatusCode::CONFLICT {
        return Ok(match read_blueprint(client, kind.identifier()).await? {
            Some(definition) => Creation::Exists(definition),
            None => Creation::Refused(answer.into_error()),
        });
    }
    match answer.success() {
        Ok(_) => Ok(Creation::Created),
        Err(reason @ CatalogError::Rejected { .. }) => Ok(Creation::Refused(reason)),
        // The credentials: they would fail for the other blueprints alike.
        Err(error) => Err(error),
    }
}

/// `relations` are those that lead to the blueprint.
fn words_of_refused(kind: &DefaultKind, reason: &CatalogError, relations: &[String]) -> String {
    let (blueprint, name) = (kind.identifier(), kind.name());
    let refused = format!(
        "the default blueprint `{blueprint}` could not be created: {reason}; create it in Port, or take {name} out of \
         the mapping"
    );
    if relations.is_empty() {
        return refused;
    }
    format!(
        "{refused}; the other defaults were installed without their relations to it, in blueprint and mapping: {}; \
         once it is there, add them to both, as the files in src/port/defaults have them",
        relations.join(", ")
    )
}

fn words_of_left_out(kind: &DefaultKind, names: &[String]) -> String {
    format!(
        "the blueprint `{}` was there before and stays as it is; the default mapping of {} leaves out what does not \
         fit it: {}; to have that in Port, give it to the blueprint first and then to the mapping, as the kind's file \
         in src/port/defaults has it",
        kind.identifier(),
        kind.name(),
        names.join(", ")
    )
}
