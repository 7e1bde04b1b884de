//! Time that passes when the story says so.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portolan::seams::Clock;
use time::{Duration, OffsetDateTime};

use super::chaos::turn;

#[derive(Clone)]
pub struct SimulatedClock(Arc<Mutex<OffsetDateTime>>);

impl SimulatedClock {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(OffsetDateTime::UNIX_EPOCH + Duration::days(20_000))))
    }

    pub fn advance(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *now += duration;
    }
}

#[async_trait]
impl Clock for SimulatedClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    async fn sleep(&self, duration: std::time::Duration) {
        let end = self.now() + duration;
        while self.now() < end {
            turn().await;
        }
    }
}
