//! Lists for people: what goes beyond what anybody reads is counted.

use serde::{Deserialize, Serialize};

/// A summary of an organization of thousands of accounts stays below some megabytes.
const MOST_TOLD: usize = 1000;

/// The first thousand, and the number of all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told<T> {
    items: Vec<T>,
    count: usize,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self { items: Vec::new(), count: 0 }
    }
}

impl<T> Told<T> {
    pub fn tell(&mut self, item: T) {
        self.count += 1;
        if self.items.len() < MOST_TOLD {
            self.items.push(item);
        }
    }

    pub fn extend(&mut self, other: Told<T>) {
        let untold = other.untold();
        other.items.into_iter().for_each(|item| self.tell(item));
        self.count += untold;
    }

    pub fn items(&self) -> &[T] {
        &self.items
    }

    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there were beyond those that are kept.
    pub fn untold(&self) -> usize {
        self.count - self.items.len()
    }
}
