//! Histories, of which mappings may ask for the newest part only.

use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

use super::json::text_of;
use super::{Page, ReadError, Reading, Resource};

/// Entries of one listing call, the most that AWS gives of any history.
const PAGE_SIZE: usize = 100;

/// How far a history was listed.
pub struct Position {
    /// Entries on the pages before.
    listed: usize,
    /// The service's token for the next page; none for the first.
    pub token: Option<String>,
}

impl Position {
    /// Where a cursor that [`page`] gave points.
    pub fn parse(cursor: Option<String>) -> Result<Self, ReadError> {
        let Some(cursor) = cursor else { return Ok(Self { listed: 0, token: None }) };
        let parts = cursor.split_once(' ').and_then(|(listed, token)| Some((listed.parse().ok()?, token)));
        match parts {
            Some((listed, token)) => Ok(Self { listed, token: Some(token.to_owned()) }),
            None => Err(ReadError::undecodable("a history's cursor", cursor)),
        }
    }

    /// How many entries the next call asks for.
    pub fn page_size(&self, reading: &Reading) -> i32 {
        self.wanted(reading).clamp(1, PAGE_SIZE) as i32
    }

    /// How many more entries are asked for.
    pub fn wanted(&self, reading: &Reading) -> usize {
        let most = reading.options.history.most_results.unwrap_or(usize::MAX);
        most.saturating_sub(self.listed)
    }
}

/// What of a listed page is asked for, and whether the listing goes on.
///
/// Services list the newest first, but promise no order: what is too old is left out wherever it is, and the
/// listing ends with a page on which everything is too old. `call` is the listing's.
pub fn page(
    call: &'static str,
    reading: &Reading,
    position: &Position,
    mut entries: Vec<Resource>,
    token: Option<String>,
) -> Result<Page, ReadError> {
    let oldest = reading.oldest();
    let reaches_too_far = !entries.is_empty() && entries.iter().all(|entry| began_before(entry, oldest));
    entries.retain(|entry| !began_before(entry, oldest));
    let wanted = position.wanted(reading);
    entries.truncate(wanted);
    let is_done = reaches_too_far || entries.len() == wanted;
    let listed = position.listed + entries.len();
    let token = token.filter(|token| !token.is_empty() && !is_done);
    if token.is_some() && token == position.token {
        return Err(ReadError::repeated_token(call));
    }
    Ok(Page::new(entries, token.map(|token| format!("{listed} {token}"))))
}

/// Whether an entry began before that. One that has not begun did not.
fn began_before(entry: &Resource, moment: Option<OffsetDateTime>) -> bool {
    let start = text_of(&entry.properties, "StartTime");
    let start = start.and_then(|text| OffsetDateTime::parse(text, &Iso8601::DEFAULT).ok());
    start.zip(moment).is_some_and(|(start, moment)| start < moment)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};
    use time::Duration;

    use super::*;
    use crate::kinds::HistoryBound;
    use crate::kinds::fields::format_moment;
    use crate::kinds::reading::tests::reading;

    /// Executions that began so many hours before the run.
    fn executions(ages: &[i64]) -> Vec<Resource> {
        let begun = |hours: &i64| {
            let start = format_moment(OffsetDateTime::UNIX_EPOCH - Duration::hours(*hours));
            Resource::new(hours.to_string(), Map::from_iter([("StartTime".to_owned(), Value::from(start))]))
        };
        ages.iter().map(begun).collect()
    }

    fn bounded(most_results: Option<usize>, most_days: Option<u32>) -> Reading {
        let mut reading = reading();
        reading.options.history = HistoryBound { most_results, most_days };
        reading
    }

    fn listed(reading: &Reading, position: &Position, entries: Vec<Resource>, token: Option<String>) -> Page {
        page("test:List", reading, position, entries, token).unwrap()
    }

    fn keys(page: &Page) -> Vec<&str> {
        page.resources.iter().map(|execution| execution.key.as_str()).collect()
    }

    #[test]
    fn without_a_bound_the_token_alone_decides() {
        let reading = bounded(None, None);
        let start = Position::parse(None).unwrap();
        assert_eq!(start.page_size(&reading), 100);
        let first = listed(&reading, &start, executions(&[1, 9999]), Some("a b".to_owned()));
        assert_eq!((keys(&first), first.next.as_deref()), (vec!["1", "9999"], Some("2 a b")));
        let second = Position::parse(first.next).unwrap();
        assert_eq!((second.listed, second.token.as_deref()), (2, Some("a b")));
        for token in [None, Some(String::new())] {
            assert_eq!(listed(&reading, &second, executions(&[]), token).next, None);
        }
        assert!(Position::parse(Some("token".to_owned())).is_err());
    }

    #[test]
    fn the_newest_so_many_are_counted_over_the_pages() {
        let reading = bounded(Some(3), None);
        let start = Position::parse(None).unwrap();
        assert_eq!(start.page_size(&reading), 3);
        let first = listed(&reading, &start, executions(&[1, 2]), Some("t".to_owned()));
        let second = Position::parse(first.next).unwrap();
        assert_eq!(second.page_size(&reading), 1);
        let last = listed(&reading, &second, executions(&[3, 4]), Some("u".to_owned()));
        assert_eq!((keys(&last), last.next.as_deref()), (vec!["3"], None));
    }

    #[test]
    fn what_is_too_old_is_left_out_and_ends_the_listing_when_it_is_all() {
        let reading = bounded(None, Some(1));
        let start = Position::parse(None).unwrap();
        let mut unordered = executions(&[1, 25, 24]);
        unordered.push(Resource::new("not begun", Map::new()));
        let first = listed(&reading, &start, unordered, Some("t".to_owned()));
        assert_eq!((keys(&first), first.next.as_deref()), (vec!["1", "24", "not begun"], Some("3 t")));
        let mixed = listed(&reading, &start, executions(&[1, 25]), Some("t".to_owned()));
        assert_eq!((keys(&mixed), mixed.next.as_deref()), (vec!["1"], Some("1 t")));
        let last = listed(&reading, &start, executions(&[25, 26]), Some("t".to_owned()));
        assert_eq!((keys(&last), last.next.as_deref()), (vec![], None));
    }

    /// The count before it grows, so the cursor alone does not show it.
    #[test]
    fn a_token_that_comes_again_is_no_end() {
        let reading = bounded(None, None);
        let position = Position::parse(Some("2 token".to_owned())).unwrap();
        let again = page("test:List", &reading, &position, executions(&[1]), Some("token".to_owned()));
        assert!(again.unwrap_err().to_string().contains("test:List"));
    }
}
