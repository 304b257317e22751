//! The last minute of a tunnel's traffic, one point a second.

use std::collections::VecDeque;

use vpnns_protocol::instance::Counters;

/// How many seconds are kept.
pub const SECONDS: usize = 60;

/// What passed in one second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// Bytes per second in and out.
    Rate {
        /// Into the instance.
        down: f64,
        /// Out of it.
        up: f64,
    },
    /// The tunnel was not there.
    Silent,
}

/// The points, oldest first; the last one is now.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    points: VecDeque<Point>,
    last: Option<Counters>,
}

impl Traffic {
    /// Adds what the counters say one second after the last time.
    pub fn count(&mut self, counters: Counters) {
        let before = self.last.replace(counters);
        // Without a reading before, or with another device since, there is no difference to tell.
        let Some(before) = before else { return };
        let difference = |now: u64, then: u64| {
            #[allow(clippy::cast_precision_loss)] // A rate in bytes per second stays below 2^52.
            let bytes = now.saturating_sub(then) as f64;
            bytes
        };
        self.add(Point::Rate {
            down: difference(counters.received_bytes, before.received_bytes),
            up: difference(counters.sent_bytes, before.sent_bytes),
        });
    }

    /// Adds a second without a tunnel, where there has been one in this minute.
    pub fn silence(&mut self) {
        self.last = None;
        if !self.points.is_empty() {
            self.add(Point::Silent);
        }
        if self.points.iter().all(|point| *point == Point::Silent) {
            self.points.clear();
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.last.is_none()
    }

    /// Nobody has looked for a while: what was before is no longer the last minute.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, point: Point) {
        if self.points.len() == SECONDS {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }

    /// The points, oldest first, at most [`SECONDS`].
    pub fn points(&self) -> impl DoubleEndedIterator<Item = Point> + ExactSizeIterator + '_ {
        self.points.iter().copied()
    }

    /// Bytes per second in and out right now; nothing where that is not known.
    pub fn current(&self) -> Option<(f64, f64)> {
        match self.points.back()? {
            Point::Rate { down, up } => Some((*down, *up)),
            Point::Silent => None,
        }
    }

    /// The top of the scale: the next of 1, 2 or 5 times a power of ten, at least 1 kB/s.
    pub fn top(&self) -> f64 {
        let most = self.points.iter().fold(0.0_f64, |most, point| match point {
            Point::Rate { down, up } => most.max(*down).max(*up),
            Point::Silent => most,
        });
        let mut decade = 1000.0;
        loop {
            for step in [1.0, 2.0, 5.0] {
                if most <= step * decade || decade > 1e15 {
                    return step * decade;
                }
            }
            decade *= 10.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(received_bytes: u64, sent_bytes: u64) -> Counters {
        Counters {
            received_bytes,
            sent_bytes,
            ..Counters::default()
        }
    }

    #[test]
    fn a_rate_is_the_difference_of_two_readings() {
        let mut traffic = Traffic::default();
        traffic.count(counters(1000, 10));
        assert_eq!(traffic.current(), None);
        traffic.count(counters(3000, 30));
        assert_eq!(traffic.current(), Some((2000.0, 20.0)));
        // A new device begins at zero.
        traffic.count(counters(5, 5));
        assert_eq!(traffic.current(), Some((0.0, 0.0)));
    }

    #[test]
    fn only_the_last_minute_is_kept() {
        let mut traffic = Traffic::default();
        for second in 0..200 {
            traffic.count(counters(second * 100, 0));
        }
        assert_eq!(traffic.points().len(), SECONDS);
    }

    #[test]
    fn silence_is_shown_and_is_forgotten_after_a_minute() {
        let mut traffic = Traffic::default();
        traffic.silence();
        assert_eq!(traffic.points().len(), 0);
        traffic.count(counters(0, 0));
        traffic.count(counters(900, 0));
        traffic.silence();
        assert_eq!(traffic.points().last(), Some(Point::Silent));
        for _ in 0..SECONDS {
            traffic.silence();
        }
        assert_eq!(traffic.points().len(), 0);
    }

    #[test]
    fn the_scale_has_round_numbers() {
        let mut traffic = Traffic::default();
        assert!((traffic.top() - 1000.0).abs() < 0.1);
        traffic.count(counters(0, 0));
        traffic.count(counters(842_000, 61_000));
        assert!((traffic.top() - 1e6).abs() < 0.1);
        traffic.count(counters(842_000 + 1_000_001, 61_000));
        assert!((traffic.top() - 2e6).abs() < 0.1);
    }
}
