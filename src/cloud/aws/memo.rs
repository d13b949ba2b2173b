//! Answers that were got already in this run.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::remote::Fault;

type Answer = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
pub(super) struct Memo(Mutex<HashMap<String, Arc<OnceCell<Answer>>>>);

impl Memo {
    /// `key` names the call and its parameters, and so also the type of the answer.
    pub async fn get<T, F>(&self, key: String, ask: impl FnOnce() -> F) -> Result<Arc<T>, Fault>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let cell = self.lock().entry(key.clone()).or_default().clone();
        let answer = cell.get_or_try_init(|| async { Ok::<Answer, Fault>(Arc::new(ask().await?)) }).await?;
        answer.clone().downcast().map_err(|_| Fault::bug(key, "two reads of one name have answers of different types"))
    }

    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<OnceCell<Answer>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memo({})", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_answer_serves_all_until_something_changes() {
        let (memo, asked) = (Memo::default(), AtomicUsize::new(0));
        let ask = || async { Ok(asked.fetch_add(1, Ordering::SeqCst)) };
        let (a, b) = tokio::join!(memo.get("k".into(), ask), memo.get("k".into(), ask));
        assert_eq!((*a.unwrap(), *b.unwrap()), (0, 0));
        memo.forget();
        assert_eq!(*memo.get("k".into(), ask).await.unwrap(), 1);
    }
}
