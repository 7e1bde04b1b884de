//! JSON lines on standard output, down to a level.

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

const VARIABLE: &str = "PORTOLAN_LOG_LEVEL";
const USUAL: Level = Level::INFO;

/// Starts logging. `PORTOLAN_LOG_LEVEL` names the level: `error`, `warn`, `info`, `debug` or `trace`; `info` without it.
///
/// It is the level of our own lines. Libraries never say more than at `info`: below it they log whole requests and
/// answers, with resources, state objects and tokens.
pub fn start_logging() {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    let level = level_of(&text);
    let ours = level.unwrap_or(USUAL);
    let targets = Targets::new().with_default(ours.min(USUAL)).with_target(env!("CARGO_PKG_NAME"), ours);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        // Events have a field of that name: JSON with the name twice loses one of them.
        .with_target(false);
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
    if level.is_none() {
        super::log_level_unknown();
    }
}

/// The level that a text names; none where it names none.
fn level_of(text: &str) -> Option<Level> {
    match text.trim() {
        "" => Some(USUAL),
        // The library also takes numbers.
        text if text.chars().all(char::is_alphabetic) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_goes_by_its_name() {
        for (text, expected) in [("error", Level::ERROR), ("WARN", Level::WARN), (" Info ", Level::INFO)] {
            assert_eq!(level_of(text), Some(expected), "{text}");
        }
        assert_eq!(level_of("debug"), Some(Level::DEBUG));
        assert_eq!(level_of("trace"), Some(Level::TRACE));
        assert_eq!(level_of(""), Some(Level::INFO));
        for text in ["warning", "fatal", "off", "3", "portolan=debug", "info,aws=trace"] {
            assert_eq!(level_of(text), None, "{text}");
        }
    }

    #[test]
    fn more_words_are_a_greater_level() {
        assert_eq!(Level::TRACE.min(USUAL), USUAL);
        assert_eq!(Level::ERROR.min(USUAL), Level::ERROR);
    }
}
