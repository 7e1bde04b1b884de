//! What several kinds of the service are read with: the names of applications, the ids of deployments, tags.

use std::sync::Arc;

use aws_sdk_codedeploy::Client;
use aws_sdk_codedeploy::primitives::DateTime;
use aws_sdk_codedeploy::types::TimeRange;
use serde_json::Value;

use crate::kinds::projection::Members;
use crate::kinds::{PageToken, ReadError, Reading};

/// Says of an application that it is not there.
pub const NO_APPLICATION: &str = "ApplicationDoesNotExistException";

/// The names of all applications, in order.
pub async fn application_names(reading: &Reading, client: &Client) -> Result<Arc<Vec<String>>, ReadError> {
    const CALL: &str = "codedeploy:ListApplications";
    let read = || async {
        let mut names = Vec::new();
        let mut token = PageToken::first(CALL);
        loop {
            let answer = client.list_applications().set_next_token(token.to_send()).send().await;
            let output = answer.map_err(ReadError::of(CALL))?;
            names.extend(output.applications.unwrap_or_default());
            if !token.go_on(output.next_token)? {
                return Ok(in_order(names));
            }
        }
    };
    reading.shared(CALL, read).await
}

/// The ids of the deployments within the bounds that are asked for, in order.
///
/// CodeDeploy filters by age itself. It lists the newest deployments first, though its documentation does not promise
/// that: a number of results is taken from the beginning of the listing.
pub async fn deployment_ids(reading: &Reading, client: &Client) -> Result<Arc<Vec<String>>, ReadError> {
    const CALL: &str = "codedeploy:ListDeployments";
    let most = reading.options.history.most_results;
    let oldest = reading.oldest().map(|oldest| DateTime::from_secs(oldest.unix_timestamp()));
    let created = oldest.map(|start| TimeRange::builder().start(start).build());
    let read = || async {
        let mut ids = Vec::new();
        let mut token = PageToken::first(CALL);
        loop {
            let call = client.list_deployments().set_create_time_range(created.clone());
            let output = call.set_next_token(token.to_send()).send().await.map_err(ReadError::of(CALL))?;
            ids.extend(output.deployments.unwrap_or_default());
            if most.is_some_and(|most| ids.len() >= most) || !token.go_on(output.next_token)? {
                break;
            }
        }
        ids.truncate(most.unwrap_or(usize::MAX));
        Ok(in_order(ids))
    };
    // Kinds with other bounds have another answer.
    let name = format!("{CALL}, newest {most:?}, since {oldest:?}");
    reading.shared(&name, read).await
}

fn in_order(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

/// The next portion of a listing that is at hand in order, and where it goes on.
///
/// It goes on after a name and not at a position: a listing that goes on later may have others.
pub fn portion(names: &[String], cursor: Option<String>, most: usize) -> (&[String], Option<String>) {
    let begin = cursor.map_or(0, |last| names.partition_point(|name| *name <= last));
    let waiting = &names[begin..];
    if waiting.len() <= most {
        return (waiting, None);
    }
    let portion = &waiting[..most];
    (portion, portion.last().cloned())
}

/// The tags of an application or a deployment group, all pages of them.
pub async fn tags(client: &Client, arn: &str) -> Result<Value, ReadError> {
    const CALL: &str = "codedeploy:ListTagsForResource";
    let mut tags = Vec::new();
    let mut token = PageToken::first(CALL);
    loop {
        let answer = client.list_tags_for_resource().resource_arn(arn).set_next_token(token.to_send()).send().await;
        let output = answer.map_err(ReadError::of(CALL))?;
        for tag in output.tags.unwrap_or_default() {
            tags.push(Value::from(Members::tag(tag.key(), tag.value())));
        }
        if !token.go_on(output.next_token)? {
            return Ok(Value::Array(tags));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_give_every_name_once_even_when_names_change_in_between() {
        let names = |text: &str| in_order(text.split(' ').map(str::to_owned).collect());
        let before = names("e b d a c b");
        assert_eq!(portion(&before, None, 2), (names("a b").as_slice(), Some("b".to_owned())));
        let after = names("a c d e");
        assert_eq!(portion(&after, Some("b".to_owned()), 2), (names("c d").as_slice(), Some("d".to_owned())));
        assert_eq!(portion(&after, Some("d".to_owned()), 2), (names("e").as_slice(), None));
        assert_eq!(portion(&after, Some("e".to_owned()), 2), ([].as_slice(), None));
        assert_eq!(portion(&after, None, 4), (after.as_slice(), None));
        assert_eq!(portion(&[], None, 2), ([].as_slice(), None));
    }
}
