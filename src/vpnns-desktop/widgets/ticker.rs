//! What changes with the clock: called back every so many seconds, and only while it is needed.

use std::time::Duration;

use gtk::glib;

/// A timer, or none; it ends with this value.
#[derive(Debug, Default)]
pub struct Ticker {
    running: Option<(u32, glib::SourceId)>,
}

impl Ticker {
    /// Calls back every so many seconds from now on; what runs so already goes on.
    pub fn set(&mut self, seconds: Option<u32>, call: impl Fn() + 'static) {
        if self.running.as_ref().map(|(seconds, _)| *seconds) == seconds {
            return;
        }
        self.stop();
        // In whole seconds, so that the system may wake up for several at once.
        self.running = seconds.map(|seconds| {
            let source = glib::timeout_add_local_full(
                Duration::from_secs(u64::from(seconds)),
                glib::Priority::DEFAULT_IDLE,
                move || {
                    call();
                    glib::ControlFlow::Continue
                },
            );
            (seconds, source)
        });
    }

    /// No longer.
    pub fn stop(&mut self) {
        if let Some((_, source)) = self.running.take() {
            source.remove();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop();
    }
}
