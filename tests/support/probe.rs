//! Measuring from inside an instance: when did the last answer come, when the first refusal?

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::lab::Lab;
use super::process::Running;

/// A moment on CLOCK_MONOTONIC, which the probe in the instance reads as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// Now.
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
        let nanoseconds = Duration::from(time).as_nanos();
        Self(u64::try_from(nanoseconds).expect("584 years are enough"))
    }

    /// The time from `earlier` to this moment, none if it was before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    fn parse(word: &str) -> Self {
        Self(word.parse().expect("the probe prints nanoseconds"))
    }
}

/// What the probe saw.
#[derive(Clone, Debug)]
pub enum Sighting {
    /// The far side answered.
    Reply(Moment),
    /// The kernel refused, with this errno.
    Refusal(String, Moment),
}

/// An app that exchanges a datagram with the far side every few milliseconds.
pub struct Echo(Running);

impl Echo {
    /// Starts it in the instance; it waits for the first answer.
    pub fn start(lab: &Lab, name: &str, address: &str) -> Self {
        let words = ["/usr/bin/python3", &lab.probe(), "echo", address, "30"];
        let app = lab.inside(name, &words).spawn();
        app.wait_for("reply ");
        Self(app)
    }

    /// Everything seen so far.
    pub fn sightings(&self) -> Vec<Sighting> {
        let text = self.0.stdout();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| parse(line).unwrap_or_else(|| panic!("{line}")))
            .collect()
    }
}

/// An app that is blocked in reading from a connection to the far side.
pub struct Hold(Running);

impl Hold {
    /// Starts it in the instance; it waits until the connection stands.
    pub fn start(lab: &Lab, name: &str, address: &str) -> Self {
        let words = ["/usr/bin/python3", &lab.probe(), "hold", address];
        let app = lab.inside(name, &words).spawn();
        app.wait_for("holding");
        Self(app)
    }

    /// Whether the reading still goes on.
    pub fn holds(&mut self) -> bool {
        self.0.ended().is_none()
    }

    /// How the reading ended, an errno or `EOF`, and when; none if it goes on for longer than `limit`.
    pub fn ended(mut self, limit: Duration) -> Option<(String, Moment)> {
        if !super::wait_until(limit, || self.0.ended().is_some()) {
            return None;
        }
        let text = self.0.stdout();
        let mut words = text.lines().last()?.split(' ').skip(1);
        Some((words.next()?.to_owned(), Moment::parse(words.next()?)))
    }
}

fn parse(line: &str) -> Option<Sighting> {
    let mut words = line.split(' ');
    match words.next()? {
        "reply" => Some(Sighting::Reply(Moment::parse(words.next()?))),
        "error" => {
            let errno = words.next()?.to_owned();
            Some(Sighting::Refusal(errno, Moment::parse(words.next()?)))
        }
        _ => None,
    }
}
