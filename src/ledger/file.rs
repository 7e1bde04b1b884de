//! Ledgers in the state bucket, fenced: whoever finds that somebody else wrote meanwhile stops.

use super::{FormatError, Ledger, format};
use crate::run::Place;
use crate::seams::{Condition, Store, StoreError, Version};
use crate::target::Target;

/// The ledgers of one integration.
#[derive(Clone, Copy)]
pub struct Ledgers<'a> {
    pub store: &'a dyn Store,
    pub place: &'a Place,
}

/// A ledger with the version that it was read or written as.
#[derive(Debug)]
pub struct LedgerFile {
    pub ledger: Ledger,
    key: String,
    /// None while there is no object.
    version: Option<Version>,
}

/// A ledger that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another worker or a sweep has the target. Nothing may be sent any more.
    #[error("the ledger `{key}` was changed by another invocation; this one stops")]
    Fenced { key: String },
    #[error("`{key}`: {source}")]
    Format {
        key: String,
        #[source]
        source: FormatError,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LedgerFile {
    /// Whether there is such an object at all.
    pub fn is_there(&self) -> bool {
        self.version.is_some()
    }
}

impl<'a> Ledgers<'a> {
    /// The ledger of a target as it lies there; an empty one where there is none.
    ///
    /// # Errors
    /// [`LedgerError::Format`] when it is damaged or newer, [`LedgerError::Store`] when the bucket fails.
    pub async fn load(&self, target: &Target) -> Result<LedgerFile, LedgerError> {
        let key = self.place.ledger(target);
        let Some(object) = self.store.get(&key).await? else {
            return Ok(LedgerFile { ledger: Ledger::default(), key, version: None });
        };
        match format::decode(&object.bytes) {
            Ok(ledger) => Ok(LedgerFile { ledger, key, version: Some(object.version) }),
            Err(source) => Err(LedgerError::Format { key, source }),
        }
    }

    /// The same for a worker, which can repair a damaged ledger by reading its target again: it starts from nothing,
    /// and says so in the ledger until the target was completely read.
    pub async fn load_for_reading(&self, target: &Target) -> Result<LedgerFile, LedgerError> {
        let key = self.place.ledger(target);
        let Some(object) = self.store.get(&key).await? else {
            return Ok(LedgerFile { ledger: Ledger::default(), key, version: None });
        };
        let ledger = match format::decode(&object.bytes) {
            Ok(ledger) => ledger,
            Err(FormatError::Damaged(reason)) => {
                crate::events::ledger_damaged(target, &reason);
                Ledger { claims_incomplete: true, ..Ledger::default() }
            }
            Err(source) => return Err(LedgerError::Format { key, source }),
        };
        Ok(LedgerFile { ledger, key, version: Some(object.version) })
    }

    /// The targets that have a ledger.
    pub async fn targets(&self) -> Result<Vec<Target>, StoreError> {
        let keys = self.store.list(&self.place.ledgers()).await?;
        Ok(keys.iter().filter_map(|key| self.place.ledger_target(key)).collect())
    }

    /// Writes a ledger, if nobody else wrote it since it was read. An empty one is removed, or not created at all.
    ///
    /// # Errors
    /// [`LedgerError::Fenced`] when somebody else has it now: the caller sends nothing more.
    pub async fn save(&self, file: &mut LedgerFile) -> Result<(), LedgerError> {
        if file.ledger.is_empty() {
            return self.remove(file).await;
        }
        // One id per write, not per process: it must tell this very write from an earlier one of the same worker.
        let writer = uuid::Uuid::new_v4().to_string();
        let bytes = format::encode(&file.ledger, &writer);
        let condition = file.version.clone().map_or(Condition::Absent, Condition::Unchanged);
        match self.store.put(&file.key, bytes, condition).await {
            Ok(version) => {
                file.version = Some(version);
                return Ok(());
            }
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        // SDKs repeat a write whose answer was lost, and the repetition conflicts with the first try: then our own id
        // lies there.
        let found = self.store.get(&file.key).await?;
        match found {
            Some(object) if format::writer_of(&object.bytes).as_deref() == Some(writer.as_str()) => {
                file.version = Some(object.version);
                Ok(())
            }
            _ => Err(LedgerError::Fenced { key: file.key.clone() }),
        }
    }

    async fn remove(&self, file: &mut LedgerFile) -> Result<(), LedgerError> {
        let Some(version) = &file.version else {
            return Ok(());
        };
        match self.store.delete(&file.key, version).await {
            Ok(()) => {}
            // Removed already is as good, and mostly it was us: SDKs repeat a call whose answer was lost.
            Err(StoreError::Conflict { key }) => {
                if self.store.get(&key).await?.is_some() {
                    return Err(LedgerError::Fenced { key });
                }
            }
            Err(error) => return Err(error.into()),
        }
        file.version = None;
        Ok(())
    }
}
