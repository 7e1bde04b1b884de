//! Where a listing goes on.

use std::collections::HashSet;

use super::ReadError;

/// The token of a listing's next page, from the first page to the last.
///
/// The SDK's paginators take a token that comes a second time for the end. What is behind it would be missing without a
/// word, and what is missing may be deleted: here it is an error.
pub struct PageToken {
    call: &'static str,
    next: Option<String>,
    seen: HashSet<String>,
}

impl PageToken {
    /// Of the first page. `call` is what errors name, as `service:Operation`.
    pub fn first(call: &'static str) -> Self {
        Self { call, next: None, seen: HashSet::new() }
    }

    /// What the next call sends.
    pub fn to_send(&self) -> Option<String> {
        self.next.clone()
    }

    /// Takes the token that a page came with, and says whether there is another page. An empty token is the end, as none
    /// is.
    pub fn go_on(&mut self, token: Option<String>) -> Result<bool, ReadError> {
        self.next = token.filter(|token| !token.is_empty());
        let Some(token) = &self.next else { return Ok(false) };
        if !self.seen.insert(token.clone()) {
            return Err(ReadError::repeated_token(self.call));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_ends_without_a_token_and_never_with_one() {
        let mut token = PageToken::first("test:List");
        assert_eq!(token.to_send(), None);
        for next in ["a", "b"] {
            assert_eq!(token.go_on(Some(next.to_owned())), Ok(true));
            assert_eq!(token.to_send().as_deref(), Some(next));
        }
        assert_eq!(token.go_on(Some(String::new())), Ok(false));
        assert_eq!(token.go_on(None), Ok(false));

        let mut circling = PageToken::first("test:List");
        for next in ["a", "b"] {
            assert_eq!(circling.go_on(Some(next.to_owned())), Ok(true));
        }
        let error = circling.go_on(Some("a".to_owned())).expect_err("the first page follows the third");
        assert!(error.to_string().contains("test:List") && error.to_string().contains("token"), "{error}");
    }
}
