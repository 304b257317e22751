//! What a panel shows, compared by its pictures.

use std::fmt::Write as _;

use crate::scripted::Scripted;
use crate::*;

/// How many of an icon's pixels must differ for a person to tell two states apart.
const CLEAR: f64 = 20.0;

/// A panel, seen in pictures in the user's home.
pub struct Look<'a> {
    /// The session that it is in.
    pub desktop: &'a Desktop<'a>,
    /// The command that takes a picture of the panel, to be followed by the name of a file.
    pub grab: &'static str,
}

impl Look<'_> {
    /// Takes a picture of the panel.
    #[track_caller]
    pub fn take(&self, name: &str) {
        self.desktop.shell(&format!("cd; {} {name}.png", self.grab));
    }

    /// How many pixels of two pictures of the panel differ.
    pub fn difference(&self, one: &str, other: &str) -> f64 {
        let script = format!("cd; compare -metric AE -fuzz 10% {one}.png {other}.png null: 2>&1");
        // It exits with 1 where they differ.
        let text = self.desktop.shell(&format!("{script} || true"));
        // 12 or, if large, 1.2e+06.
        let count: Result<f64, _> = text.trim().parse();
        count.unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Waits until the panel shows something else than in a picture, and keeps it as another one.
    #[track_caller]
    pub fn await_other(&self, than: &str, name: &str) {
        let mut still = false;
        let changed = wait_until(PATIENCE, || {
            self.take("now");
            let is_other = self.difference(than, "now") >= CLEAR;
            // Twice the same: nothing is on its way any more.
            let settled = is_other && still && self.difference(name, "now") < 1.0;
            if is_other {
                self.desktop.shell(&format!("cd; cp now.png {name}.png"));
            }
            still = is_other;
            settled
        });
        assert!(changed, "{name} looks as {than} in the panel");
    }

    /// The middle of what is there that was not there in a picture.
    #[track_caller]
    pub fn place(&self, before: &str, after: &str) -> (u32, u32) {
        let script = format!(
            "cd; convert {before}.png {after}.png -compose difference -composite -threshold 8% \
             -trim -format '%w %h %X %Y' info: 2>&1"
        );
        let text = self.desktop.shell(&script);
        let numbers: Vec<u32> = text
            .split_whitespace()
            .filter_map(|it| it.trim_start_matches('+').parse().ok())
            .collect();
        let [width, height, x, y] = numbers[..] else {
            panic!("{text}");
        };
        assert!(width >= 10 && height >= 10, "too small to see: {text}");
        assert!(width <= 40 && height <= 36, "not only an icon: {text}");
        (x + width / 2, y + height / 2)
    }

    /// Has the helper tell each state, and compares all the icons with one another, and with the "empty" panel.
    #[track_caller]
    pub fn check_states(&self, scripted: &Scripted<'_>, keep: impl Fn(&str)) {
        let mut seen = vec!["empty"];
        for state in [
            "isolated",
            "connecting",
            "question",
            "connected",
            "reconnecting",
            "failed",
        ] {
            scripted.tell(state);
            self.await_other(seen.last().unwrap(), state);
            keep(state);
            seen.push(state);
        }
        self.place("empty", "connected");
        let mut alike = String::new();
        for (index, one) in seen.iter().enumerate() {
            for other in &seen[..index] {
                let pixels = self.difference(one, other);
                if pixels < CLEAR {
                    let _ = write!(alike, "{one} and {other}: {pixels} pixels; ");
                }
            }
        }
        assert!(alike.is_empty(), "{alike}");
    }
}
