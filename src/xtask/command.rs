//! Running other programs: found in the same places for everyone, echoed, and checked.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};

use crate::failure::{Act, Failure, Result};

/// Where system programs are; an ordinary user's `PATH` on Debian lacks the sbin half.
const SYSTEM_PATH: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// The system's directories alone, as a `PATH` for programs whose environment is made here.
pub(crate) fn system_path() -> OsString {
    env::join_paths(SYSTEM_PATH).expect("the constant holds no colon")
}

/// The caller's `PATH`, with the system's directories after it.
fn search_path() -> OsString {
    let own = env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = env::split_paths(&own).collect();
    for directory in SYSTEM_PATH.map(PathBuf::from) {
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    env::join_paths(directories).expect("they come from splitting a path")
}

/// The full path of a program, or nothing when it is not installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&search_path())
        .map(|directory| directory.join(program))
        .find(|path| {
            path.metadata()
                .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
        })
}

/// A command that finds its program, and lets it find others, in the system's directories too.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", search_path());
    command
}

/// The command that runs cargo: the one that runs us, when it told us.
pub(crate) fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Prints the command as it would be typed, runs it, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result {
    eprintln!("+ {}", shown(command));
    let status = command
        .status()
        .act(|| format!("failed to start `{}`", shown(command)))?;
    check(command, status)
}

/// Like [`run`], with what it prints on stdout given to `read` while it runs.
pub(crate) fn run_and_read(
    command: &mut Command,
    read: impl FnOnce(ChildStdout) -> Result,
) -> Result {
    eprintln!("+ {}", shown(command));
    let act = |command: &Command| format!("failed to run `{}`", shown(command));
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = child.act(|| act(command))?;
    let passed_on = child.stdout.take().map_or(Ok(()), read);
    let status = child.wait().act(|| act(command))?;
    check(command, status).and(passed_on)
}

/// Runs the command and returns what it printed on stdout; fails unless it succeeds.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .act(|| format!("failed to start `{}`", shown(command)))?;
    check(command, output.status)?;
    Ok(output.stdout)
}

/// Whether the command can be run and succeeds; it prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn check(command: &Command, status: ExitStatus) -> Result {
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{}` failed: {status}",
        shown(command)
    )))
}

/// The command as it would be typed, with quotes where a shell would need them.
fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+,./:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_pasted_into_a_shell() {
        let mut command = Command::new("/bin/echo");
        command.args(["plain-word", "two words", "it's", ""]);
        assert_eq!(
            shown(&command),
            r"/bin/echo plain-word 'two words' 'it'\''s' ''"
        );
    }

    #[test]
    fn a_failing_command_is_named_with_its_status() {
        let failure = run(&mut Command::new("false")).unwrap_err();
        assert_eq!(failure.to_string(), "xtask: `false` failed: exit status: 1");
    }
}
