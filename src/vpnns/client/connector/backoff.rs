//! How long to wait before the next try: longer each time, and not for ever.

use std::time::Duration;

/// The waits: 1, 2, 4, ... seconds, and a minute at most.
#[derive(Debug, Default)]
pub struct Backoff(u32);

impl Backoff {
    /// The longest wait.
    const LONGEST: Duration = Duration::from_secs(60);

    /// The next wait.
    pub fn next(&mut self) -> Duration {
        let wait = Duration::from_secs(1 << self.0.min(6));
        self.0 = self.0.saturating_add(1);
        wait.min(Self::LONGEST)
    }

    /// It has worked, or something has changed: the next wait is short again.
    pub fn reset(&mut self) {
        self.0 = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_start_again_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..9).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.next(), Duration::from_secs(1));
    }
}
