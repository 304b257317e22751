//! Version numbers as kernels and VPN clients write them.

/// The first two numbers of a version: "v9.01-3" is (9, 1), "6.18.44-custom" is (6, 18).
pub(super) fn leading(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let mut numbers = text
        .strip_prefix('v')
        .unwrap_or(text)
        .split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The first word of a program's answer to `--version` that is a version.
pub(super) fn word(answer: &str) -> Option<&str> {
    answer
        .split_whitespace()
        .find(|word| word.contains('.') && leading(word).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_kernels_are_read() {
        assert_eq!(leading("6.18.44-fc-v669"), Some((6, 18)));
        assert_eq!(leading("5.10.0-28-amd64\n"), Some((5, 10)));
        assert_eq!(leading("7.0-rc1"), Some((7, 0)));
        for text in ["", "linux", "6", "x.y", "99999999999.1"] {
            assert_eq!(leading(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_versions_of_clients_are_found_in_their_answers() {
        for (answer, found, numbers) in [
            (
                "OpenConnect version v9.01-3\nUsing GnuTLS 3.7.9.",
                "v9.01-3",
                (9, 1),
            ),
            (
                "OpenVPN 2.6.14 x86_64-pc-linux-gnu [SSL (OpenSSL)]",
                "2.6.14",
                (2, 6),
            ),
            ("OpenVPN 2.7_beta1 x86_64", "2.7_beta1", (2, 7)),
        ] {
            assert_eq!(word(answer), Some(found));
            assert_eq!(word(answer).and_then(leading), Some(numbers));
        }
        assert_eq!(word("usage: openconnect [options]"), None);
    }
}
