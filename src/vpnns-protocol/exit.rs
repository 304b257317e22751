//! The exit codes of the helper; what a command of the user's returns passes through unchanged.

/// Everything went well.
pub const SUCCESS: u8 = 0;
/// A check of `--doctor` or `--self-test` found something wrong.
pub const FINDINGS: u8 = 1;
/// `--connect` could not connect, or gave up.
pub const NOT_CONNECTED: u8 = 1;
/// The command line could not be understood.
pub const USAGE: u8 = 2;
/// The helper itself failed; the command was not started.
pub const FAILED: u8 = 125;
/// The command was found but cannot be run.
pub const NOT_EXECUTABLE: u8 = 126;
/// The command was not found.
pub const NOT_FOUND: u8 = 127;
