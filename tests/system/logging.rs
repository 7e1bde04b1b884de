//! What the functions print, at every level.

use serde_json::Value;

use super::small::{REGION, TOPIC, mapping_of, small_plan};
use crate::support::world::World;

/// What a run at a level printed, and what must not be in it.
async fn lines_at(level: &str) -> (Vec<String>, Vec<String>) {
    let mut world = World::create_empty(small_plan(), &[("PORTOLAN_LOG_LEVEL", level)]).await;
    world.install_catalog(mapping_of(&[TOPIC]));
    let topic = world.organization.place("alpha", REGION).create_topic("of-nobodys-business", &[]).await;
    let run = world.resync().await;
    assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
    assert!(world.catalog()["snsTopic"].contains(&topic));
    let mut lines = world.scheduler.all_log_lines().await;
    lines.extend(world.worker.all_log_lines().await);
    let private = ["portolan-secret", "of-nobodys-business", world.organization.external_id(), "SecretAccessKey"];
    (lines, private.map(str::to_owned).to_vec())
}

/// The SDK logs whole requests and answers below info.
#[tokio::test]
async fn no_level_prints_secrets_or_resources() {
    for level in ["trace", "DEBUG"] {
        let (lines, private) = lines_at(level).await;
        assert!(lines.iter().any(|line| line.contains("run ended")), "{lines:#?}");
        for line in &lines {
            let is_private = |text: &&String| line.contains(text.as_str());
            assert_eq!(private.iter().find(is_private), None, "at {level}: {line}");
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(line.is_object());
        }
    }
}

#[tokio::test]
async fn a_level_that_is_none_is_told_and_takes_no_line_away() {
    let (lines, _) = lines_at("warning").await;
    for words in ["PORTOLAN_LOG_LEVEL is none of", "run started", "run ended"] {
        assert!(lines.iter().any(|line| line.contains(words)), "{words}: {lines:#?}");
    }
}
