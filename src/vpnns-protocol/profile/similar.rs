//! "Did you mean ...?": the known word that is nearest to a mistyped one.

/// Longer words are not compared: nobody mistypes a file's worth of text.
const LONGEST: usize = 64;

/// The known word that a text is probably meant to be.
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > LONGEST {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('_', "-");
    let meant = plain(text);
    let scored = known
        .into_iter()
        .map(|word| (distance(&meant, &plain(word)), word));
    let (distance, word) = scored.min_by_key(|(distance, _)| *distance)?;
    // A third of the letters wrong is a different word.
    (distance <= word.len() / 3).then_some(word)
}

/// How many characters have to be inserted, removed, replaced, or swapped with the next one.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let differs = usize::from(left[i - 1] != right[j - 1]);
                let swapped =
                    i > 1 && j > 1 && (left[i - 1], left[i - 2]) == (right[j - 2], right[j - 1]);
                let one = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let one = one.min(rows[i - 1][j - 1] + differs);
                if swapped {
                    one.min(rows[i - 2][j - 2] + 1)
                } else {
                    one
                }
            };
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["server", "protocol", "config-file"];
        assert_eq!(nearest("wrok", ["work"]), Some("work"));
        assert_eq!(nearest("sever", known), Some("server"));
        assert_eq!(nearest("config_file", known), Some("config-file"));
        assert_eq!(nearest("Protocol", known), Some("protocol"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest(&"server".repeat(1000), known), None);
    }
}
