//! Moments as the user's clock shows them.

use nix::libc;

/// Hour, minute and second now, in the user's time zone.
pub fn time_of_day() -> [i32; 3] {
    // SAFETY: a null pointer asks for nothing but the return value.
    let parts = parts(unsafe { libc::time(std::ptr::null_mut()) });
    [parts.tm_hour, parts.tm_min, parts.tm_sec]
}

/// Year, month, day, hour, minute and second of a moment in seconds since 1970-01-01 UTC.
pub fn local(moment: u64) -> [i32; 6] {
    let parts = parts(libc::time_t::try_from(moment).unwrap_or(libc::time_t::MAX));
    let (year, month) = (parts.tm_year.saturating_add(1900), parts.tm_mon + 1);
    let (hour, minute, second) = (parts.tm_hour, parts.tm_min, parts.tm_sec);
    [year, month, parts.tm_mday, hour, minute, second]
}

fn parts(moment: libc::time_t) -> libc::tm {
    // SAFETY: tm is plain old data; all zeroes is a valid value.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both addresses outlive the call. It reads TZ, which nothing changes at the same
    // time in a program with one thread. On failure the zeroes stay.
    unsafe { libc::localtime_r(&raw const moment, &raw mut parts) };
    parts
}
