//! Where a story's chance comes from: what fails, who goes next, what dies.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

/// The choices of one story, and what happened by them.
///
/// A choice of 0 is the harmless one, and so is every choice when there are none left: a story is shortened by taking
/// choices away.
#[derive(Clone)]
pub struct Chaos(Arc<Mutex<Inner>>);

struct Inner {
    choices: VecDeque<u16>,
    is_calm: bool,
    story: Vec<String>,
}

/// What becomes of one call to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is done, and answered.
    Done,
    /// It fails, and nothing was done.
    Failed,
    /// It is done, but the answer is an error.
    AnswerLost,
}

/// One call in so many goes wrong.
const FAULT_ONE_IN: u16 = 40;

impl Chaos {
    pub fn new(choices: &[u16]) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            choices: choices.iter().copied().collect(),
            is_calm: false,
            story: Vec::new(),
        })))
    }

    /// From now on nothing goes wrong.
    pub fn calm_down(&self) {
        self.lock().is_calm = true;
    }

    /// One of `count` possibilities; 0 is the harmless one.
    pub fn choose(&self, count: usize) -> usize {
        let mut inner = self.lock();
        if inner.is_calm || count < 2 {
            return 0;
        }
        usize::from(inner.choices.pop_front().unwrap_or(0)) % count
    }

    /// Whether something happens that happens once in `one_in` times.
    pub fn happens(&self, one_in: u16) -> bool {
        let mut inner = self.lock();
        if inner.is_calm {
            return false;
        }
        let choice = inner.choices.pop_front().unwrap_or(0);
        choice >= u16::MAX - u16::MAX / one_in
    }

    pub fn fate(&self) -> Fate {
        if !self.happens(FAULT_ONE_IN) {
            return Fate::Done;
        }
        match self.choose(2) {
            0 => Fate::Failed,
            _ => Fate::AnswerLost,
        }
    }

    pub fn tell(&self, line: impl Into<String>) {
        self.lock().story.push(line.into());
    }

    pub fn story(&self) -> String {
        self.lock().story.join("\n")
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Lets others go first: every call to the outside takes two of these, one before it is done and one after, and
/// whoever dies dies in one of them.
pub fn turn() -> Turn {
    Turn { is_over: false }
}

pub struct Turn {
    is_over: bool,
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.is_over {
            return Poll::Ready(());
        }
        self.is_over = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
