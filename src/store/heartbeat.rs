//! [`Heartbeat`]: renewal in the background, for exactly as long as its owner lives.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::task::AbortHandle;

/// Ends with its owner: a session that is dropped without a release falls silent.
pub struct Heartbeat(Option<AbortHandle>);

impl Heartbeat {
    pub fn none() -> Self {
        Self(None)
    }

    /// Beats until a beat says false. Needs a tokio runtime.
    pub fn start(every: Duration, mut beat: impl FnMut() -> BoxFuture<'static, bool> + Send + 'static) -> Self {
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                if !beat().await {
                    return;
                }
            }
        });
        Self(Some(task.abort_handle()))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
