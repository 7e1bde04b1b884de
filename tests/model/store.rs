//! The state bucket in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use portolan::seams::{Condition, Store, StoreError, StoredObject, Version};

use super::chaos::{Chaos, Fate, turn};

#[derive(Clone)]
pub struct MemoryStore {
    objects: Arc<Mutex<Objects>>,
    chaos: Chaos,
}

#[derive(Default)]
struct Objects {
    by_key: BTreeMap<String, (Vec<u8>, u64)>,
    writes: u64,
}

impl MemoryStore {
    pub fn new(chaos: Chaos) -> Self {
        Self { objects: Arc::default(), chaos }
    }

    /// Loses or damages an object, as no program of ours would.
    pub fn harm(&self, key: &str, is_lost: bool) {
        let mut objects = self.lock();
        if is_lost {
            objects.by_key.remove(key);
        } else if let Some((bytes, _)) = objects.by_key.get_mut(key) {
            let middle = bytes.len() / 2;
            bytes.truncate(middle);
        }
    }

    pub fn keys(&self, part: &str) -> Vec<String> {
        self.lock().by_key.keys().filter(|key| key.contains(part)).cloned().collect()
    }

    /// How often anything was written so far.
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn failed(&self, what: &str, key: &str) -> StoreError {
        self.chaos.tell(format!("      store: {what} {key} fails"));
        StoreError::Failed { key: key.to_owned(), reason: "as the story goes".to_owned() }
    }
}

impl Objects {
    fn holds(&self, key: &str, condition: &Condition) -> bool {
        let version = self.by_key.get(key).map(|(_, version)| Version(version.to_string()));
        match condition {
            Condition::Always => true,
            Condition::Absent => version.is_none(),
            Condition::Unchanged(expected) => version.as_ref() == Some(expected),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<StoredObject>, StoreError> {
        turn().await;
        if self.chaos.fate() != Fate::Done {
            return Err(self.failed("get", key));
        }
        let found = self.lock().by_key.get(key).cloned();
        turn().await;
        Ok(found.map(|(bytes, version)| StoredObject { bytes, version: Version(version.to_string()) }))
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, condition: Condition) -> Result<Version, StoreError> {
        turn().await;
        let fate = self.chaos.fate();
        if fate == Fate::Failed {
            return Err(self.failed("put", key));
        }
        let version = {
            let mut objects = self.lock();
            if !objects.holds(key, &condition) {
                return Err(StoreError::Conflict { key: key.to_owned() });
            }
            objects.writes += 1;
            let version = objects.writes;
            objects.by_key.insert(key.to_owned(), (bytes, version));
            version
        };
        turn().await;
        if fate == Fate::AnswerLost {
            // Repeated by the SDK, a conditional write finds itself in the way.
            if condition != Condition::Always && self.chaos.choose(2) == 0 {
                self.chaos.tell(format!("      store: put {key} conflicts with itself"));
                return Err(StoreError::Conflict { key: key.to_owned() });
            }
            return Err(self.failed("put, although done,", key));
        }
        Ok(Version(version.to_string()))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        turn().await;
        if self.chaos.fate() != Fate::Done {
            return Err(self.failed("list", prefix));
        }
        let keys = self.lock().by_key.keys().filter(|key| key.starts_with(prefix)).cloned().collect();
        turn().await;
        Ok(keys)
    }

    async fn delete(&self, key: &str, version: &Version) -> Result<(), StoreError> {
        turn().await;
        let fate = self.chaos.fate();
        if fate == Fate::Failed {
            return Err(self.failed("delete", key));
        }
        {
            let mut objects = self.lock();
            if !objects.holds(key, &Condition::Unchanged(version.clone())) {
                return Err(StoreError::Conflict { key: key.to_owned() });
            }
            objects.by_key.remove(key);
        }
        turn().await;
        if fate == Fate::AnswerLost {
            return Err(self.failed("delete, although done,", key));
        }
        Ok(())
    }
}
