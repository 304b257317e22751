//! What went wrong: the act that failed, its cause, and what to do about it.

use std::error::Error;
use std::fmt;

/// The result of anything that can fail here.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// An act that failed, in the three lines that the user reads.
#[derive(Debug)]
pub(crate) struct Failure {
    act: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    hint: Option<String>,
}

impl Failure {
    /// A failure without a cause below it.
    pub(crate) fn new(act: impl Into<String>) -> Self {
        Self {
            act: act.into(),
            cause: None,
            hint: None,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "xtask: {}", self.act)?;
        let mut cause = self.cause.as_deref().map(|cause| cause as &dyn Error);
        while let Some(error) = cause {
            write!(formatter, "\ncaused by: {error}")?;
            cause = error.source();
        }
        if let Some(hint) = &self.hint {
            write!(formatter, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl Failure {
    /// What the cause is, where it is an error of the system's.
    pub(crate) fn kind(&self) -> Option<std::io::ErrorKind> {
        let cause = self.cause.as_deref()?;
        Some(cause.downcast_ref::<std::io::Error>()?.kind())
    }
}

/// Names the act while an error passes by.
pub(crate) trait Act<T> {
    /// Turns the error into a failure of the act that `act` names.
    fn act(self, act: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Error + Send + Sync + 'static> Act<T> for std::result::Result<T, E> {
    fn act(self, act: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| Failure {
            act: act(),
            cause: Some(Box::new(cause)),
            hint: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_prints_act_cause_and_hint() {
        let error = std::fs::read("/nonexistent").act(|| "failed to read the list".into());
        let text = error.unwrap_err().hint("make one").to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "xtask: failed to read the list");
        assert!(lines[1].starts_with("caused by: No such file"), "{text}");
        assert_eq!(lines[2], "hint: make one");
    }
}
