//! Finding a VPN client's program.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::connector::Failure;

/// Where administrators' programs are; not everybody's PATH leads there.
const MORE_DIRECTORIES: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The program's path; a failure that says what to install if there is none.
pub fn find(name: &str) -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path)
        // An empty one means the current directory: not for us.
        .filter(|directory| directory.is_absolute())
        .chain(MORE_DIRECTORIES.map(PathBuf::from));
    let is_program = |path: &PathBuf| {
        std::fs::metadata(path)
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let mut candidates = directories.map(|directory| directory.join(name));
    candidates.find(is_program).ok_or_else(|| {
        Failure::with_hint(
            format!("{name} is not installed"),
            format!("install the package {name} of your distribution"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        assert_eq!(find("sh").unwrap().file_name().unwrap(), "sh");
        let failure = find("no-such-client").unwrap_err();
        assert_eq!(failure.reason, "no-such-client is not installed");
        assert!(failure.hint.unwrap().contains("package no-such-client"));
    }
}
