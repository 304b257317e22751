//! Where this program is, also once an update has put another in its place. The app has the same: neither
//! knows the other's files, and the protocol, which both know, asks the system nothing.

use std::io;
use std::path::{Path, PathBuf};

/// What the kernel appends to the path of a file that is gone.
const GONE: &str = " (deleted)";

/// The path by which this program can be started again.
///
/// A process that runs when its program is replaced has the old file, which is gone: the path that
/// it had leads to the new one.
pub fn own() -> io::Result<PathBuf> {
    Ok(replaced(std::env::current_exe()?, Path::exists))
}

fn replaced(path: PathBuf, exists: impl Fn(&Path) -> bool) -> PathBuf {
    let successor = path.to_str().and_then(|path| path.strip_suffix(GONE));
    match successor.map(Path::new) {
        Some(successor) if exists(successor) => successor.to_owned(),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_replaced_is_found_where_it_was() {
        let found = |path: &str, there: &str| {
            let path = replaced(path.into(), |path| path == Path::new(there));
            path.to_str().unwrap().to_owned()
        };
        assert_eq!(
            found("/usr/bin/vpnns (deleted)", "/usr/bin/vpnns"),
            "/usr/bin/vpnns"
        );
        assert_eq!(found("/usr/bin/vpnns", "/usr/bin/vpnns"), "/usr/bin/vpnns");
        // Removed and not replaced; and an odd name.
        assert_eq!(
            found("/usr/bin/vpnns (deleted)", ""),
            "/usr/bin/vpnns (deleted)"
        );
        assert_eq!(found("/x/a (deleted)", "/x/a (deleted)"), "/x/a (deleted)");
    }
}
