//! Lists that are larger than what one invocation gathers, or than memory: parts of them lie in the state bucket.
//!
//! Each part has a name of its own, and where the sweep is says which parts count: a part that a dead or slower sweep
//! wrote is never read.

use std::sync::Arc;

use futures::{StreamExt, stream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::READS_AT_ONCE;
use crate::run::{StateError, read_json, write_json};
use crate::seams::Condition;
use crate::work::{StepContext, StepError};

/// Records of one part.
const RECORDS: usize = 5000;
/// Numbers of one part. A list with fewer is not looked through for equal ones.
const NUMBERS: usize = 1 << 20;

fn part_key(context: &StepContext<'_>, name: &str) -> String {
    context.place.sweep_part(&context.snapshot.plan.run, name, &uuid::Uuid::new_v4().to_string())
}

/// A set of numbers, or of tuples of them: 8 bytes each, in memory and in the bucket.
#[derive(Default, Serialize, Deserialize)]
pub struct Numbers<const WIDTH: usize> {
    parts: Vec<String>,
    #[serde(skip)]
    numbers: Vec<[u64; WIDTH]>,
    #[serde(skip)]
    has_unsaved: bool,
    /// Whether everything is in memory, in order and each once.
    #[serde(skip)]
    is_whole: bool,
    /// Equal ones are looked for when there are so many.
    #[serde(skip)]
    tidy_at: usize,
}

impl<const WIDTH: usize> Numbers<WIDTH> {
    pub fn add(&mut self, number: [u64; WIDTH]) {
        if self.numbers.len() >= self.tidy_at.max(NUMBERS) {
            self.tidy();
            self.tidy_at = self.numbers.len() * 2;
        }
        self.numbers.push(number);
        self.has_unsaved = true;
        self.is_whole = false;
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.numbers.is_empty()
    }

    /// Everything that was added, in order and each once. To be called before it is asked for anything.
    pub async fn load(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        if self.is_whole {
            return Ok(());
        }
        for key in &self.parts {
            let missing = || StateError::Missing { key: key.clone() };
            let object = context.worker.store.get(key).await?.ok_or_else(missing)?;
            let (numbers, rest) = object.bytes.as_chunks::<8>();
            let (tuples, incomplete) = numbers.as_chunks::<WIDTH>();
            if !rest.is_empty() || !incomplete.is_empty() {
                return Err(StepError::Retry(format!("the state object `{key}` is cut short")));
            }
            self.numbers.extend(tuples.iter().map(|tuple| tuple.map(u64::from_le_bytes)));
        }
        self.tidy();
        self.is_whole = true;
        Ok(())
    }

    fn tidy(&mut self) {
        self.numbers.sort_unstable();
        self.numbers.dedup();
    }

    /// Puts what is only in memory into the bucket.
    pub async fn save(&mut self, context: &StepContext<'_>, name: &str) -> Result<(), StepError> {
        if !self.has_unsaved {
            return Ok(());
        }
        let mut parts = Vec::new();
        for numbers in self.numbers.chunks(NUMBERS) {
            let key = part_key(context, name);
            let bytes = numbers.as_flattened().iter().flat_map(|number| number.to_le_bytes()).collect();
            context.worker.store.put(&key, bytes, Condition::Always).await?;
            parts.push(key);
        }
        if self.is_whole {
            self.parts = parts;
        } else {
            self.parts.extend(parts);
        }
        self.has_unsaved = false;
        Ok(())
    }

    /// All of them, once they are loaded.
    pub fn all(&self) -> &[[u64; WIDTH]] {
        &self.numbers
    }
}

impl Numbers<1> {
    pub fn contains(&self, number: u64) -> bool {
        self.numbers.binary_search(&[number]).is_ok()
    }
}

/// A list of records, in parts of some thousands.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Records<T> {
    parts: Vec<String>,
    count: usize,
    #[serde(skip)]
    unsaved: Arc<Vec<T>>,
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self { parts: Vec::new(), count: 0, unsaved: Arc::default() }
    }
}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync> Records<T> {
    pub async fn add(&mut self, context: &StepContext<'_>, name: &str, record: T) -> Result<(), StepError> {
        Arc::make_mut(&mut self.unsaved).push(record);
        self.count += 1;
        if self.unsaved.len() >= RECORDS {
            self.save(context, name).await?;
        }
        Ok(())
    }

    /// Puts what is only in memory into the bucket.
    pub async fn save(&mut self, context: &StepContext<'_>, name: &str) -> Result<(), StepError> {
        if self.unsaved.is_empty() {
            return Ok(());
        }
        let key = part_key(context, name);
        write_json(context.worker.store.as_ref(), &key, self.unsaved.as_ref(), Condition::Always).await?;
        self.parts.push(key);
        self.unsaved = Arc::default();
        Ok(())
    }

    /// How many records there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The keys of the parts that are in the bucket.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The records of one part, by its position; none behind the last one.
    pub async fn part(&self, context: &StepContext<'_>, position: usize) -> Result<Option<Arc<Vec<T>>>, StepError> {
        match self.parts.get(position) {
            Some(key) => Ok(Some(Arc::new(read_part(context, key).await?))),
            None if position == self.parts.len() && !self.unsaved.is_empty() => Ok(Some(self.unsaved.clone())),
            None => Ok(None),
        }
    }

    /// Goes through all records, part by part.
    pub async fn each(&self, context: &StepContext<'_>, mut look_at: impl FnMut(&T)) -> Result<(), StepError> {
        each_of_parts(context, &self.parts, &mut look_at).await?;
        self.unsaved.iter().for_each(look_at);
        Ok(())
    }
}

/// Goes through the records of some parts.
pub async fn each_of_parts<T: DeserializeOwned + Send>(
    context: &StepContext<'_>,
    keys: &[String],
    mut look_at: impl FnMut(&T),
) -> Result<(), StepError> {
    let read = |key: &String| {
        let key = key.clone();
        async move { read_part::<T>(context, &key).await }
    };
    let mut parts = stream::iter(keys).map(read).buffered(READS_AT_ONCE);
    while let Some(part) = parts.next().await {
        part?.iter().for_each(&mut look_at);
    }
    Ok(())
}

async fn read_part<T: DeserializeOwned>(context: &StepContext<'_>, key: &str) -> Result<Vec<T>, StepError> {
    let found = read_json::<Vec<T>>(context.worker.store.as_ref(), key).await?;
    Ok(found.ok_or_else(|| StateError::Missing { key: key.to_owned() })?.0)
}
