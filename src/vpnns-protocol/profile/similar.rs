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

/// How many characters have to be inserted, removed or replaced.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["server", "protocol", "config-file"];
        assert_eq!(nearest("sever", known), Some("server"));
        assert_eq!(nearest("config_file", known), Some("config-file"));
        assert_eq!(nearest("Protocol", known), Some("protocol"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest(&"server".repeat(1000), known), None);
    }
}
