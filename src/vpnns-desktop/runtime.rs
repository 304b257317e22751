//! The one thread for libraries that need tokio; started when the first of them is used.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

/// The runtime, or nothing where the system gives us no thread.
fn handle() -> Option<&'static Handle> {
    static HANDLE: OnceLock<Option<Handle>> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("background".to_owned())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))
            .ok()?;
        Some(handle)
    });
    handle.as_ref()
}

/// Runs a future there, but not longer than so; nothing if it took longer.
pub async fn run<T: Send + 'static>(
    limit: Duration,
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let bounded = async move { tokio::time::timeout(limit, future).await.ok() };
    handle()?.spawn(bounded).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_given_up() {
        let context = gtk::glib::MainContext::new();
        let never = std::future::pending::<()>();
        assert_eq!(context.block_on(run(Duration::from_millis(1), never)), None);
        let patience = Duration::from_secs(60);
        assert_eq!(context.block_on(run(patience, async { 7 })), Some(7));
    }
}
