//! Answers of AWS that several kinds of a target build upon, asked for once.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use super::ReadError;

/// What is kept of a target, in bytes, lists of names apart. What goes beyond is asked for again by the next kind.
const MOST_BYTES: usize = 16 << 20;

/// An answer that can be kept.
pub trait Shareable: Send + Sync + 'static {
    /// About how many bytes it takes of what is kept at most; 0 for what is always kept.
    fn weight(&self) -> usize;
}

/// Names are small, and a nested listing needs those of all parents on each of its pages.
impl Shareable for Vec<String> {
    fn weight(&self) -> usize {
        0
    }
}

/// The answers of one target. They live as long as the target is worked on, and no longer: what was read once is not
/// the state of an hour later.
#[derive(Default)]
pub struct SharedAnswers {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    answers: HashMap<String, Arc<dyn Any + Send + Sync>>,
    bytes: usize,
}

impl SharedAnswers {
    /// The answer of that name; read now if nobody has read it before. An error is nobody else's: the next kind asks
    /// again.
    ///
    /// A name stands for one type of answer.
    pub async fn get_or_read<T, F>(&self, name: &str, read: impl FnOnce() -> F) -> Result<Arc<T>, ReadError>
    where
        T: Shareable,
        F: Future<Output = Result<T, ReadError>>,
    {
        let known = self.lock().answers.get(name).cloned();
        if let Some(answer) = known.and_then(|answer| answer.downcast::<T>().ok()) {
            return Ok(answer);
        }
        let answer = Arc::new(read().await?);
        let mut kept = self.lock();
        if kept.bytes + answer.weight() <= MOST_BYTES {
            kept.bytes += answer.weight();
            kept.answers.insert(name.to_owned(), answer.clone());
        }
        Ok(answer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number, and the weight it pretends to have.
    struct Body(usize, usize);

    impl Shareable for Body {
        fn weight(&self) -> usize {
            self.1
        }
    }

    #[tokio::test]
    async fn an_answer_is_read_once_an_error_is_not_kept_and_neither_is_too_much() {
        let shared = SharedAnswers::default();
        let failed = shared.get_or_read("names", || async { Err::<Vec<String>, _>(ReadError::undecodable("c", "x")) });
        assert!(failed.await.is_err());
        for text in ["first", "second"] {
            let names = shared.get_or_read("names", || async { Ok(vec![text.to_owned()]) }).await.unwrap();
            assert_eq!(*names, ["first"]);
        }
        for number in [1, 2] {
            let large = shared.get_or_read("large", || async { Ok(Body(number, MOST_BYTES + 1)) }).await.unwrap();
            assert_eq!(large.0, number);
        }
        // What was too much leaves room for what is not.
        for number in [3, 4] {
            let small = shared.get_or_read("small", || async { Ok(Body(number, 1)) }).await.unwrap();
            assert_eq!(small.0, 3);
        }
    }
}
