//! The promises, held against a model: random organizations, mappings and changes, failures at every call to the
//! outside, crashes between any two steps, messages twice and late and out of order.
//!
//! Every call of the real steps over the four seams (`portolan::seams`) is a point at which others may go first or
//! somebody may die. A story that breaks a promise is shortened and printed.
//!
//! `PORTOLAN_STORIES` sets how many are played. proptest keeps what broke once in `main.proptest-regressions`.

mod bench;
mod catalog;
mod chaos;
mod clock;
mod cloud;
mod confirmed;
mod interrupted;
mod lost_in_port;
mod queue;
#[path = "../support/run_plan.rs"]
mod run_plan;
mod store;
mod story;
mod sweep;
mod unknown;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

const STORIES: u32 = 1000;
/// A story has some four choices in five turns, and a run some hundreds of turns.
const LONGEST: usize = 8000;

#[test]
fn no_story_breaks_a_promise() {
    let stories = std::env::var("PORTOLAN_STORIES").ok().and_then(|stories| stories.parse().ok()).unwrap_or(STORIES);
    let players = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
    let results: Vec<_> = std::thread::scope(|scope| {
        let share = |player| stories / players + u32::from(player < stories % players);
        let playing: Vec<_> = (0..players).map(|player| scope.spawn(move || play_stories(share(player)))).collect();
        playing.into_iter().map(|player| player.join().expect("a player that ends")).collect()
    });
    let mut total = story::Outcome::default();
    for result in results {
        total.add(&result.unwrap_or_else(|problem| panic!("{problem}")));
    }
    println!("{stories} stories: {total:?}");
}

/// Plays random stories until one breaks a promise.
fn play_stories(count: u32) -> Result<story::Outcome, String> {
    let config = Config {
        cases: count,
        max_shrink_iters: 1_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        source_file: Some(file!()),
        ..Config::default()
    };
    let total = std::cell::RefCell::new(story::Outcome::default());
    let result = TestRunner::new(config).run(&prop::collection::vec(any::<u16>(), 0..LONGEST), |choices| {
        let outcome = story::play(&choices).map_err(TestCaseError::fail)?;
        total.borrow_mut().add(&outcome);
        Ok(())
    });
    match result {
        Ok(()) => Ok(total.into_inner()),
        Err(error) => Err(error.to_string()),
    }
}

/// A story without choices: nothing goes wrong.
#[test]
fn a_story_in_which_nothing_goes_wrong() {
    let outcome = story::play(&[]).unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!((outcome.runs, outcome.crashes, outcome.deleted), (4, 0, 0));
}
