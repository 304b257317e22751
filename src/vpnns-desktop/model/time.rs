//! Times and sizes in words: "12 min", "842 kB/s".

use std::time::{SystemTime, UNIX_EPOCH};

use crate::i18n::{decimal_sign, gettext, gettext_f, ngettext_f, npgettext_f};

/// The seconds since 1970-01-01 UTC.
pub fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| elapsed.as_secs())
}

/// A length of time: minutes, hours or days; seconds are nobody's business.
pub fn length(seconds: u64) -> String {
    in_words(seconds, |days| ngettext_f("{n} day", "{n} days", days, &[]))
}

/// The same after a word such as “in” or “after”.
pub fn span(seconds: u64) -> String {
    in_words(seconds, |days| {
        // Translators: as in “in 2 days”, “after 2 days” and “2 days ago”
        npgettext_f("with a preposition", "{n} day", "{n} days", days, &[])
    })
}

fn in_words(seconds: u64, days_in_words: fn(usize) -> String) -> String {
    let minutes = seconds / 60;
    let (hours, days) = (minutes / 60, minutes / 60 / 24);
    if days >= 2 {
        return days_in_words(usize::try_from(days).unwrap_or(usize::MAX));
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
        _ => gettext_f("{length} ago", &[("length", &span(seconds))]),
    }
}

/// A rate, rounded so that it can be read while it changes.
pub fn rate(bytes_per_second: f64) -> String {
    per_second(&size(bytes_per_second, false))
}

/// A rate that is a round number already: the top of a scale.
pub fn round_rate(bytes_per_second: f64) -> String {
    per_second(&size(bytes_per_second, true))
}

fn per_second(size: &str) -> String {
    // Translators: a number of bytes per second, as in "842 kB/s"
    gettext_f("{size}/s", &[("size", size)])
}

/// A number of bytes, in powers of ten: "5.00 kB", or, if it is round, 5 kB.
fn size(bytes: f64, is_round: bool) -> String {
    let bytes = bytes.max(0.0);
    let (value, unit): (f64, Unit) = match bytes {
        // Translators: bytes, as in "842 B"; likewise those that follow
        it if it < 999.5 => (it, |it| gettext_f("{number} B", it)),
        it if it < 999_500.0 => (it / 1e3, |it| gettext_f("{number} kB", it)),
        it if it < 999_500_000.0 => (it / 1e6, |it| gettext_f("{number} MB", it)),
        it => (it / 1e9, |it| gettext_f("{number} GB", it)),
    };
    let digits = match value {
        _ if bytes < 999.5 => 0,
        it if it >= 99.5 => 0,
        it if it >= 9.95 => 1,
        _ => 2,
    };
    let mut number = format!("{value:.digits$}");
    if is_round && digits > 0 {
        number.truncate(number.trim_end_matches('0').trim_end_matches('.').len());
    }
    let number = number.replace('.', &decimal_sign());
    unit(&[("number", &number)])
}

type Unit = fn(&[(&str, &str)]) -> String;

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
        assert_eq!(ago(200_000), "2 days ago");
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
