//! Listings within listings: services of clusters, executions of pipelines.

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::{Page, ReadError, Reading};

/// Parents whose children are listed side by side.
const PARENTS_AT_ONCE: usize = 8;

/// Where a nested listing goes on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    /// The last parent, in order, whose listing has begun.
    begun: Option<String>,
    /// Parents whose listing has further pages, with the token for the next.
    open: Vec<(String, String)>,
}

/// One page of the children of all parents: a page of each of a few parents. `parents` are in order and distinct.
///
/// `list_children` gives one page of a parent's children; a parent that vanished in between has none. A parent whose
/// children cannot be read leaves a gap, and the others are read on.
pub async fn page<F>(
    reading: &Reading,
    parents: &[String],
    cursor: Option<String>,
    list_children: impl Fn(String, Option<String>) -> F,
) -> Result<Page, ReadError>
where
    F: Future<Output = Result<Page, ReadError>>,
{
    page_of(PARENTS_AT_ONCE, reading, parents, cursor, list_children).await
}

/// The same for children that are so large that a page of fewer parents is enough to have in memory.
pub async fn page_of<F>(
    parents_at_once: usize,
    reading: &Reading,
    parents: &[String],
    cursor: Option<String>,
    list_children: impl Fn(String, Option<String>) -> F,
) -> Result<Page, ReadError>
where
    F: Future<Output = Result<Page, ReadError>>,
{
    let mut cursor = parse(cursor)?;
    let mut wave: Vec<(String, Option<String>)> =
        cursor.open.drain(..).map(|(parent, token)| (parent, Some(token))).collect();
    // By name and not by position: a listing that goes on later may have other parents.
    let begun = cursor.begun.as_ref().map_or(0, |last| parents.partition_point(|parent| parent <= last));
    let mut waiting = parents[begun..].iter();
    while wave.len() < parents_at_once {
        let Some(parent) = waiting.next() else { break };
        cursor.begun = Some(parent.clone());
        wave.push((parent.clone(), None));
    }
    let is_last = waiting.next().is_none();
    let answers = reading
        .for_each(wave, |(parent, token)| {
            let answer = list_children(parent.clone(), token);
            async move { (parent, answer.await) }
        })
        .await;

    let mut page = Page::default();
    for (parent, answer) in answers {
        match answer {
            Ok(children) => {
                page.resources.extend(children.resources);
                page.gaps.extend(children.gaps);
                if let Some(token) = children.next.filter(|token| !token.is_empty()) {
                    cursor.open.push((parent, token));
                }
            }
            Err(error) => page.gaps.push(error),
        }
    }
    let is_done = is_last && cursor.open.is_empty();
    page.next = (!is_done).then(|| write(&cursor)).transpose()?;
    Ok(page)
}

fn parse(cursor: Option<String>) -> Result<Cursor, ReadError> {
    let Some(text) = cursor else { return Ok(Cursor::default()) };
    serde_json::from_str(&text).map_err(|error| ReadError::undecodable("a nested listing's cursor", error.to_string()))
}

fn write(cursor: &Cursor) -> Result<String, ReadError> {
    serde_json::to_string(cursor)
        .map_err(|error| ReadError::undecodable("a nested listing's cursor", error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::super::Resource;
    use super::*;
    use crate::kinds::reading::tests::reading;

    /// Children `<parent>/0` to `<parent>/2`, one a page; parents that begin with `-` cannot be read.
    async fn children(parent: String, token: Option<String>) -> Result<Page, ReadError> {
        if parent.starts_with('-') {
            return Err(ReadError::undecodable("test:List", parent));
        }
        let index: usize = token.map_or(0, |token| token.parse().unwrap());
        let child = Resource::new(format!("{parent}/{index}"), Map::new());
        Ok(Page { resources: vec![child], next: (index < 2).then(|| (index + 1).to_string()), ..Page::default() })
    }

    async fn read_all(parents: &[String]) -> Result<(Vec<String>, usize), ReadError> {
        let (mut keys, mut gaps, mut cursor) = (Vec::new(), 0, None);
        loop {
            let page = page(&reading(), parents, cursor, children).await?;
            keys.extend(page.resources.into_iter().map(|resource| resource.key));
            gaps += page.gaps.len();
            cursor = page.next;
            if cursor.is_none() {
                keys.sort();
                return Ok((keys, gaps));
            }
        }
    }

    #[tokio::test]
    async fn every_child_of_every_parent_comes_once() {
        let parents: Vec<String> = (0..30).map(|index| format!("p{index:02}")).collect();
        let expected: Vec<String> =
            parents.iter().flat_map(|parent| (0..3).map(move |index| format!("{parent}/{index}"))).collect();
        assert_eq!(read_all(&parents).await.unwrap(), (expected, 0));
        assert_eq!(read_all(&[]).await.unwrap(), (Vec::new(), 0));
    }

    #[tokio::test]
    async fn a_parent_that_cannot_be_read_leaves_a_gap_and_the_others_are_read() {
        let parents = ["-denied".to_owned(), "a".to_owned()];
        let expected = ["a/0", "a/1", "a/2"].map(str::to_owned).to_vec();
        assert_eq!(read_all(&parents).await.unwrap(), (expected, 1));
        let mostly_denied: Vec<String> = (0..20).map(|index| format!("-{index:02}")).chain(["a".to_owned()]).collect();
        assert_eq!(read_all(&mostly_denied).await.unwrap(), (["a/0", "a/1", "a/2"].map(str::to_owned).to_vec(), 20));
    }
}
