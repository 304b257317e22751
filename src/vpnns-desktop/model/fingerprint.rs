//! A server's fingerprint: as it is read out on the phone, and compared with the expected one.
//!
//! openconnect names the SHA-256 of the server's public key in base64, `pin-sha256:...`; other
//! programs write the same 32 bytes in hexadecimal digits. Both are understood.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Nothing was entered.
    Nothing,
    /// It is the same.
    Same,
    /// It is another one.
    Different,
    /// It is no whole fingerprint.
    Incomplete,
}

/// A fingerprint, understood or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// As the client has written it.
    pub text: String,
    bytes: Option<Vec<u8>>,
}

impl Fingerprint {
    /// Reads one.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.trim().to_owned(),
            bytes: bytes(text),
        }
    }

    /// Lines to show: four groups of four digits each; what is not understood, as it is.
    pub fn lines(&self) -> String {
        let Some(bytes) = &self.bytes else {
            return self.text.clone();
        };
        let groups: Vec<String> = bytes
            .chunks(2)
            .map(|pair| match pair {
                [first, second] => format!("{first:02X}{second:02X}"),
                rest => format!("{rest:02X?}"),
            })
            .collect();
        let lines: Vec<String> = groups.chunks(4).map(|line| line.join(" ")).collect();
        lines.join("\n")
    }

    /// Compares it with what somebody has entered.
    pub fn compare(&self, entered: &str) -> Comparison {
        let plain = |text: &str| -> String { text.split_whitespace().collect() };
        if plain(entered).is_empty() {
            return Comparison::Nothing;
        }
        match (&self.bytes, bytes(entered)) {
            (Some(own), Some(other)) if *own == other => Comparison::Same,
            (Some(_), Some(_)) => Comparison::Different,
            (None, _) if plain(entered).eq_ignore_ascii_case(&plain(&self.text)) => {
                Comparison::Same
            }
            // SHA-1 and MD5 say less, so they are not enough; and the rest may be still to come.
            _ => Comparison::Incomplete,
        }
    }
}

/// The 32 bytes of a SHA-256, in whatever way they are written.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.split_whitespace().collect();
    let lower = compact.to_ascii_lowercase();
    let prefixes = ["pin-sha256:", "sha256:", "sha-256:", "sha256/"];
    let prefix = prefixes.iter().find(|prefix| lower.starts_with(**prefix));
    let rest = &compact[prefix.map_or(0, |prefix| prefix.len())..];
    let digits: String = rest.chars().filter(|c| !matches!(c, ':' | '-')).collect();
    if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let pairs = (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16));
        return pairs.collect::<Result<_, _>>().ok();
    }
    let decoded = STANDARD
        .decode(rest)
        .or_else(|_| STANDARD_NO_PAD.decode(rest));
    decoded.ok().filter(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "pin-sha256:n0whtw5a2MN34kCxZvodCVs+yHCi9J0WOMXnsAStYvk=";
    const HEX: &str =
        "9F4C 21B7 0E5A D8C3\n77E2 40B1 66FA 1D09\n5B3E C870 A2F4 9D16\n38C5 E7B0 04AD 62F9";

    #[test]
    fn it_is_shown_in_four_lines_of_four_groups() {
        assert_eq!(Fingerprint::new(PIN).lines(), HEX);
        assert_eq!(Fingerprint::new("sha1:abcd").lines(), "sha1:abcd");
    }

    #[test]
    fn case_spaces_and_colons_do_not_matter() {
        let own = Fingerprint::new(PIN);
        let colons = HEX
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(":")
            .to_lowercase();
        for same in [
            PIN,
            &PIN[11..],
            &PIN[11..PIN.len() - 1],
            HEX,
            &colons,
            &format!("SHA256:{colons}"),
        ] {
            assert_eq!(own.compare(same), Comparison::Same, "{same}");
        }
        assert_eq!(
            own.compare(&HEX.replace("9F4C", "9F4D")),
            Comparison::Different
        );
        assert_eq!(
            own.compare(&PIN.replace("n0wh", "N0wh")),
            Comparison::Different
        );
    }

    #[test]
    fn a_part_is_neither_the_same_nor_different() {
        let own = Fingerprint::new(PIN);
        assert_eq!(own.compare(" \n"), Comparison::Nothing);
        for part in [
            "9F4C 21B7",
            "pin-sha256:",
            "é",
            "sha1:9f4c21b70e5ad8c377e240b166fa1d095b3ec870",
        ] {
            assert_eq!(own.compare(part), Comparison::Incomplete, "{part}");
        }
        let strange = Fingerprint::new("sha1:ABCD");
        assert_eq!(strange.compare("SHA1:abcd"), Comparison::Same);
        assert_eq!(strange.compare(PIN), Comparison::Incomplete);
    }
}
