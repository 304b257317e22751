//! A home directory for the time of a test, so that the user's own instances are not touched.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use crate::sys;

/// Below the run-time directory, or the one for temporary files; HOME while it exists.
#[derive(Debug)]
pub struct TemporaryHome(PathBuf);

impl TemporaryHome {
    /// Makes the directory and points HOME at it.
    pub fn new() -> io::Result<Self> {
        let candidates = [std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)];
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for root in candidates
            .into_iter()
            .flatten()
            .chain([std::env::temp_dir()])
        {
            let path = root.join(format!("vpnns-self-test-{}", std::process::id()));
            // Not taken over if it exists: in a directory that others may write to, it could be
            // theirs.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    sys::process::set_environment("HOME", &path);
                    return Ok(Self(path));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Drop for TemporaryHome {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
