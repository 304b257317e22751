//! Reading what another process says, until it has said it all or the time is up.

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Far more than any answer that we ask for, in bytes.
const MOST: usize = 64 * 1024;

/// Reads to the end; `None` if it does not come in time.
pub(super) fn read_to_end(mut from: impl Read + AsFd, deadline: Instant) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while bytes.len() < MOST {
        let rest = deadline.saturating_duration_since(Instant::now());
        // Rounded up, so that the last millisecond is not spent in a busy loop.
        let rest = PollTimeout::try_from(rest.as_millis() + 1).unwrap_or(PollTimeout::ZERO);
        let mut fds = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, rest) {
            Err(Errno::EINTR) if Instant::now() < deadline => continue,
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
        // A writer that never stops must not hold us beyond the deadline either.
        if Instant::now() > deadline {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::time::Duration;

    #[test]
    fn an_answer_is_read_to_its_end_and_silence_ends_with_the_time() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"answer").unwrap();
        drop(writer);
        let soon = || Instant::now() + Duration::from_millis(20);
        assert_eq!(read_to_end(reader, soon()).as_deref(), Some(&b"answer"[..]));
        let (reader, _silent) = std::io::pipe().unwrap();
        assert_eq!(read_to_end(reader, soon()), None);
    }
}
