//! The kernel's age: what it must be able to do, and what is only good to have.

use vpnns_protocol::finding::Finding;

use super::version::leading;
use super::{note, ok, problem};
use crate::instance::record;

/// setns with a pidfd is 5.8, close_range is 5.9: without them no instance can be entered.
const NEEDED: (u32, u32) = (5, 9);
/// The overlay that gives an instance its /etc, for ordinary users.
const SUPPORTED: (u32, u32) = (5, 11);

/// Looks at the running kernel.
pub(super) fn examine() -> Vec<Finding> {
    let release = nix::sys::utsname::uname().map_or_else(
        |_| String::new(),
        |name| name.release().to_string_lossy().into_owned(),
    );
    // Asked of the kernel itself, and not of its version: distributions carry features back.
    let cookie = matches!(record::own_cookie(), Ok(Some(_)));
    vec![age(&release), adoption(cookie)]
}

fn age(release: &str) -> Finding {
    const ID: &str = "kernel";
    let remedy = || {
        let text = "install a kernel of version 5.11 or later with your distribution's updates, \
                    and restart";
        Some(text.to_owned())
    };
    match leading(release) {
        None => note(
            ID,
            format!("the kernel calls itself {release:?}, which is not a version"),
            None,
        ),
        Some(version) if version < NEEDED => problem(
            ID,
            format!("the kernel is Linux {release}; vpnns needs 5.11 or later"),
            remedy(),
        ),
        Some(version) if version < SUPPORTED => note(
            ID,
            format!("the kernel is Linux {release}; vpnns is made for 5.11 and later"),
            remedy(),
        ),
        Some(_) => ok(ID, format!("the kernel is Linux {release}")),
    }
}

fn adoption(cookie: bool) -> Finding {
    const ID: &str = "adoption";
    if cookie {
        ok(
            ID,
            "apps survive the end of their instance's keeper process",
        )
    } else {
        note(
            ID,
            "apps whose keeper process is killed have to be started again (Linux 5.14 changes \
             this)",
            None,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vpnns_protocol::finding::Outcome;

    #[test]
    fn a_kernel_is_judged_by_its_version() {
        for (release, outcome) in [
            ("4.18.0-553.el8.x86_64", Outcome::Problem),
            ("5.8.18", Outcome::Problem),
            ("5.10.0-28-amd64", Outcome::Note),
            ("5.11.0", Outcome::Ok),
            ("6.18.44", Outcome::Ok),
            ("strange", Outcome::Note),
        ] {
            assert_eq!(age(release).outcome, outcome, "{release}");
        }
        assert!(age("5.4.0").remedy.is_some());
    }

    #[test]
    fn a_missing_cookie_is_no_problem() {
        assert_eq!(adoption(false).outcome, Outcome::Note);
        assert_eq!(adoption(true).outcome, Outcome::Ok);
    }
}
