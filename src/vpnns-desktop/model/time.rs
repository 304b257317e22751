//! Times and sizes in words: "12 min", "842 kB/s".

use std::time::{SystemTime, UNIX_EPOCH};

use crate::i18n::{gettext, gettext_f, ngettext_f};

/// The seconds since 1970-01-01 UTC.
pub fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| elapsed.as_secs())
}

/// A length of time: minutes, hours or days; seconds are nobody's business.
pub fn length(seconds: u64) -> String {
    let minutes = seconds / 60;
    let (hours, days) = (minutes / 60, minutes / 60 / 24);
    if days >= 2 {
        let days = usize::try_from(days).unwrap_or(usize::MAX);
        return ngettext_f("{n} day", "{n} days", days, &[]);
    }
    if hours == 0 {
        // Translators: minutes, as in "12 min"
        return gettext_f("{minutes} min", &[("minutes", &minutes.to_string())]);
    }
    // Translators: hours and minutes, as in "7 h 48 min"
    gettext_f(
        "{hours} h {minutes} min",
        &[
            ("hours", &hours.to_string()),
            ("minutes", &(minutes % 60).to_string()),
        ],
    )
}

/// How long ago something was.
pub fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => gettext("just now"),
        86_400..172_800 => gettext("yesterday"),
        // Translators: {length} is as in "3 min" or "2 days"
        _ => gettext_f("{length} ago", &[("length", &length(seconds))]),
    }
}

/// A rate, rounded so that it can be read while it changes.
pub fn rate(bytes_per_second: f64) -> String {
    // Translators: a number of bytes per second, as in "842 kB/s"
    gettext_f("{size}/s", &[("size", &size(bytes_per_second))])
}

/// A rate that is a round number already: the top of a scale.
pub fn round_rate(bytes_per_second: f64) -> String {
    let text = rate(bytes_per_second);
    // "5.00 kB/s" is 5 kB/s.
    text.replacen(".00 ", " ", 1).replacen(".0 ", " ", 1)
}

/// A number of bytes, in powers of ten.
pub fn size(bytes: f64) -> String {
    let bytes = bytes.max(0.0);
    let (value, unit) = match bytes {
        it if it < 999.5 => (it, "B"),
        it if it < 999_500.0 => (it / 1e3, "kB"),
        it if it < 999_500_000.0 => (it / 1e6, "MB"),
        it => (it / 1e9, "GB"),
    };
    if unit == "B" || value >= 99.5 {
        format!("{value:.0} {unit}")
    } else if value >= 9.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.2} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_no_seconds() {
        assert_eq!(length(59), "0 min");
        assert_eq!(length(12 * 60 + 30), "12 min");
        assert_eq!(length(7 * 3600 + 48 * 60), "7 h 48 min");
        assert_eq!(length(47 * 3600), "47 h 0 min");
        assert_eq!(length(49 * 3600), "2 days");
        assert_eq!(ago(10), "just now");
        assert_eq!(ago(200), "3 min ago");
        assert_eq!(ago(90_000), "yesterday");
    }

    #[test]
    fn rates_have_three_digits() {
        assert_eq!(rate(0.0), "0 B/s");
        assert_eq!(rate(999.4), "999 B/s");
        assert_eq!(rate(999.6), "1.00 kB/s");
        assert_eq!(rate(842_400.0), "842 kB/s");
        assert_eq!(rate(12_340_000.0), "12.3 MB/s");
        assert_eq!(rate(-1.0), "0 B/s");
        assert_eq!(round_rate(5e3), "5 kB/s");
        assert_eq!(round_rate(2e7), "20 MB/s");
        assert_eq!(round_rate(5e5), "500 kB/s");
    }
}
