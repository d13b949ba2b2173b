//! What goes on in the background for exactly as long as its owner lives.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::task::AbortHandle;

/// Ends with its owner: a session that is dropped without a release falls silent.
pub struct Task(AbortHandle);

impl Task {
    /// Needs a tokio runtime.
    pub fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work).abort_handle())
    }

    /// Beats until a beat says false.
    pub fn beat(every: Duration, mut beat: impl FnMut() -> BoxFuture<'static, bool> + Send + 'static) -> Self {
        Self::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                if !beat().await {
                    return;
                }
            }
        })
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
