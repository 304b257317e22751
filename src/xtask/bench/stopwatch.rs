//! Times processes, from the start until their end is known.
//!
//! Contestants take turns within a round, in an order shuffled anew for each, so that what the
//! machine does meanwhile, and what one leaves for the kernel to tidy up, falls on all alike.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::failure::{Act, Failure, Result};

/// No start takes this long; whatever does is stuck, and is killed.
const STUCK: Duration = Duration::from_secs(20);

/// Starts commands and takes their times, with an eye on commands that never end.
pub(crate) struct Stopwatch {
    running: Arc<Running>,
    /// Takes what the commands print.
    words: File,
    /// Gives the commands an end of file.
    nothing: File,
}

/// The process under the watch: 0 when there is none.
#[derive(Default)]
struct Running {
    pid: AtomicI32,
    count: AtomicU64,
}

impl Stopwatch {
    /// A stopwatch with its watchdog.
    pub(crate) fn new() -> Result<Self> {
        let nothing = File::open("/dev/null").act(|| "failed to open /dev/null".into())?;
        let words = tempfile::tempfile().act(|| "failed to make a temporary file".into())?;
        let running = Arc::new(Running::default());
        let watched = Arc::downgrade(&running);
        // It sleeps, so it costs nothing; it ends with the stopwatch.
        thread::spawn(move || {
            let mut seen = u64::MAX;
            while let Some(running) = watched.upgrade() {
                let count = running.count.load(Ordering::SeqCst);
                let pid = running.pid.load(Ordering::SeqCst);
                if count == seen && pid != 0 {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
                seen = count;
                drop(running);
                thread::sleep(STUCK);
            }
        });
        Ok(Self {
            running,
            words,
            nothing,
        })
    }

    /// Runs the command, which has nothing to print, and returns how long it took, in
    /// milliseconds.
    ///
    /// The original prints its errors on stdout and exits 0, so a word there is a failure.
    pub(crate) fn time(&self, command: &mut Command) -> Result<f64> {
        let duplicate = |file: &File| {
            file.try_clone()
                .act(|| "failed to duplicate a file descriptor".into())
        };
        command
            .stdin(duplicate(&self.nothing)?)
            .stdout(duplicate(&self.words)?);
        self.running.count.fetch_add(1, Ordering::SeqCst);
        let start = Instant::now();
        let child = command.spawn();
        let status = child.and_then(|mut child| {
            self.running.pid.store(
                i32::try_from(child.id()).expect("the kernel counts to 2^22"),
                Ordering::SeqCst,
            );
            child.wait()
        });
        let time = start.elapsed();
        self.running.pid.store(0, Ordering::SeqCst);
        let status = status.act(|| format!("failed to run {command:?}"))?;
        if !status.success() {
            return Err(Failure::new(format!("{command:?} failed: {status}")));
        }
        let words = self
            .take_words()
            .act(|| "failed to read what a command printed".into())?;
        if !words.is_empty() {
            return Err(Failure::new(format!("{command:?} said: {}", words.trim())));
        }
        Ok(time.as_secs_f64() * 1000.0)
    }

    /// What was printed since the last time.
    fn take_words(&self) -> std::io::Result<String> {
        let mut words = &self.words;
        if words.metadata()?.len() == 0 {
            return Ok(String::new());
        }
        let mut text = Vec::new();
        words.rewind()?;
        words.read_to_end(&mut text)?;
        words.set_len(0)?;
        words.rewind()?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// A seed that no two measurements share.
pub(crate) fn seed_of_now() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    now.as_secs()
}

/// A small generator of pseudo-random numbers (SplitMix64), for the order within a round.
pub(crate) struct Shuffle(pub(crate) u64);

impl Shuffle {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The numbers below `count` in an order of their own each time.
    pub(crate) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            let bound = u64::try_from(last + 1).expect("a handful fits");
            let other = usize::try_from(self.next() % bound).expect("it is below a handful");
            order.swap(last, other);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_a_permutation_and_a_seed_repeats_it() {
        let mut orders = Shuffle(7);
        let first = orders.order(6);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
        assert_eq!(first, Shuffle(7).order(6));
        assert!((0..20).any(|_| orders.order(6) != first));
    }

    #[test]
    fn a_command_that_fails_is_no_time() {
        let stopwatch = Stopwatch::new().unwrap();
        assert!(stopwatch.time(&mut Command::new("true")).unwrap() > 0.0);
        assert!(stopwatch.time(&mut Command::new("false")).is_err());
        let failure = stopwatch
            .time(Command::new("echo").arg("can't"))
            .unwrap_err();
        assert!(failure.to_string().ends_with("said: can't"), "{failure}");
        assert!(stopwatch.time(&mut Command::new("true")).is_ok());
    }
}
