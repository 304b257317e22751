//! The time of day as the user's clock shows it.

use nix::libc;

/// Hour, minute and second now, in the user's time zone.
pub fn time_of_day() -> [i32; 3] {
    // SAFETY: a null pointer asks for nothing but the return value.
    let now = unsafe { libc::time(std::ptr::null_mut()) };
    // SAFETY: tm is plain old data; all zeroes is a valid value.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both addresses outlive the call. It reads TZ, which nothing changes at the same
    // time in a program with one thread. On failure the zeroes stay.
    unsafe { libc::localtime_r(&raw const now, &raw mut parts) };
    [parts.tm_hour, parts.tm_min, parts.tm_sec]
}
