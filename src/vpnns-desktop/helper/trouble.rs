//! What went wrong, as the window shows it: a sentence, what caused it, what to do.

/// A trouble, read from the helper's messages or of our own making.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// One sentence, without its full stop.
    pub message: String,
    /// Causes, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Trouble {
    /// A trouble with nothing but its sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Adds a cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Reads the last message that the helper wrote to its standard error output.
    pub fn parse(errors: &str) -> Option<Self> {
        let mut found: Option<Self> = None;
        for line in errors.lines() {
            if let Some(message) = line.strip_prefix("vpnns: ") {
                if !message.starts_with("note: ") {
                    found = Some(Self::new(message));
                }
            } else if let Some(trouble) = &mut found {
                if let Some(cause) = line.trim_start().strip_prefix("caused by: ") {
                    trouble.causes.push(cause.to_owned());
                } else if let Some(hint) = line.trim_start().strip_prefix("hint: ") {
                    trouble.hint = Some(hint.to_owned());
                } else if let Some(hint) = &mut trouble.hint {
                    // Hints may have several lines: commands stand on their own.
                    hint.push('\n');
                    hint.push_str(line);
                }
            }
        }
        found.or_else(|| {
            let line = errors.lines().rfind(|line| !line.trim().is_empty())?;
            Some(Self::new(line.trim()))
        })
    }

    /// Everything, for the clipboard.
    pub fn text(&self) -> String {
        let causes = self
            .causes
            .iter()
            .map(|cause| format!("\ncaused by: {cause}"));
        let hint = self.hint.iter().map(|hint| format!("\nhint: {hint}"));
        let rest: String = causes.chain(hint).collect();
        format!("{}{rest}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_message_counts_and_notes_do_not() {
        let errors = "vpnns: note: a certificate\nvpnns: failed to open the door\n\
                      caused by: it is locked\nhint: turn the key\nthen push\n";
        let trouble = Trouble::parse(errors).unwrap();
        assert_eq!(trouble.message, "failed to open the door");
        assert_eq!(trouble.causes, ["it is locked"]);
        assert_eq!(trouble.hint.as_deref(), Some("turn the key\nthen push"));
        assert!(trouble.text().contains("caused by: it is locked"));
    }

    #[test]
    fn words_of_others_are_better_than_none() {
        let trouble = Trouble::parse("sh: vpnns: not found\n").unwrap();
        assert_eq!(trouble.message, "sh: vpnns: not found");
        assert_eq!(Trouble::parse("\n"), None);
    }
}
