//! Why an expression does not compile or has no result, in words for the author of the mapping.

use super::budget::Exhausted;
use super::meter::Limit;
use jaq_core::compile::Undefined;
use jaq_core::{compile, load};

/// Why a text is no expression that can be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It is not jq.
    #[error("expected {expected} but found {found} at character {position}")]
    Syntax {
        /// What could have stood there.
        expected: String,
        /// What stands there.
        found: String,
        /// Where, counted in characters from 1.
        position: usize,
    },
    /// It mentions something that does not exist.
    #[error("{kind} {name} at character {position} is not defined")]
    Undefined {
        /// Filter, variable, label or module.
        kind: String,
        /// Its name, for filters with the number of arguments.
        name: String,
        /// Where, counted in characters from 1.
        position: usize,
    },
    /// It imports or includes a module.
    #[error("module {0} cannot be loaded: modules are not available in a mapping")]
    Module(String),
    /// It is longer than this many bytes.
    #[error("the expression has {bytes} bytes; at most {allowed} are possible")]
    TooLong { bytes: usize, allowed: usize },
    /// It nests deeper than this.
    #[error("the expression is nested {levels} deep; at most {allowed} levels are possible")]
    TooDeep {
        /// Not less than there are.
        levels: usize,
        allowed: usize,
    },
    /// It could not be compiled for a reason that is not its own.
    #[error("{0}")]
    Refused(String),
}

impl CompileError {
    /// The first of the errors, which the others often only follow from.
    pub(super) fn from_load(text: &str, errors: load::Errors<&str, ()>) -> Self {
        let first = errors.into_iter().next().map(|(_, error)| error);
        let (expected, found) = match first {
            Some(load::Error::Io(modules)) => {
                let name = modules.into_iter().next().map_or("", |(name, _)| name);
                return Self::Module(name.to_owned());
            }
            Some(load::Error::Lex(errors)) => match errors.into_iter().next() {
                Some((expected, found)) => (expected.as_str().to_owned(), found),
                None => return Self::unknown(),
            },
            Some(load::Error::Parse(errors)) => match errors.into_iter().next() {
                Some((expected, found)) => (expected.as_str().to_owned(), found),
                None => return Self::unknown(),
            },
            None => return Self::unknown(),
        };
        Self::Syntax { expected, found: shown(found), position: position(text, found) }
    }

    pub(super) fn from_undefined(text: &str, errors: compile::Errors<&str, ()>) -> Self {
        let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
        let Some((name, undefined)) = first else {
            return Self::unknown();
        };
        let shown_name = match &undefined {
            Undefined::Filter(arguments) => format!("{name}/{arguments}"),
            _ => name.to_owned(),
        };
        Self::Undefined { kind: undefined.as_str().to_owned(), name: shown_name, position: position(text, name) }
    }

    fn unknown() -> Self {
        Self::Refused("the expression does not compile".to_owned())
    }
}

fn shown(found: &str) -> String {
    const SHOWN: usize = 20;
    if found.is_empty() {
        return "the end".to_owned();
    }
    match found.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &found[..end]),
        None => found.to_owned(),
    }
}

/// The parser hands out parts of the text itself: their address tells where they stand.
fn position(text: &str, part: &str) -> usize {
    let offset = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    let before = text.get(..offset).unwrap_or(text);
    before.chars().count() + 1
}

/// Why an evaluation has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The expression fails on this input, as jq says. Short: see [`EvaluationError::failed`].
    #[error("{0}")]
    Failed(String),
    /// The expression was stopped. Nothing of it goes on running.
    #[error("stopped: {limit}")]
    Runaway {
        /// What it used up.
        limit: Limit,
    },
    /// All expressions on the resource together used too much. It was not evaluated.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
}

/// Characters of an error message that are shown.
const LONGEST_FAILURE: usize = 100;

impl EvaluationError {
    /// The error of an expression, cut: errors quote the value that they are about, which may be large, or a secret, and
    /// end up in logs and summaries.
    pub(super) fn failed(message: &str) -> Self {
        Self::Failed(match message.char_indices().nth(LONGEST_FAILURE) {
            Some((end, _)) => format!("{}…", &message[..end]),
            None => message.to_owned(),
        })
    }
}
