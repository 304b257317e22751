//! The packages that the project needs beside Rust, each with its reason.

use std::path::Path;

use clap::ValueEnum;

use crate::command;

/// What a machine is made ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Purpose {
    /// Building the helper and running it
    Run,
    /// Running every test
    Test,
    /// Measuring against the others
    Bench,
    /// Looking for inputs that break something
    Fuzz,
}

/// How to see that a package is there where no package manager of ours can be asked.
#[derive(Clone, Copy)]
pub(crate) enum Trace {
    /// A program on the path.
    Program(&'static str),
    /// One of these files.
    File(&'static [&'static str]),
}

impl Trace {
    /// Whether the trace is on this machine.
    pub(crate) fn is_there(self) -> bool {
        match self {
            Self::Program(program) => command::find(program).is_some(),
            Self::File(paths) => paths.iter().any(|path| Path::new(path).exists()),
        }
    }
}

/// One package under its name in each family of distributions.
pub(crate) struct Package {
    /// Debian's name, and Ubuntu's.
    pub(crate) deb: &'static str,
    /// Fedora's name.
    pub(crate) fedora: &'static str,
    /// Arch's name; empty where only its user repository has it.
    pub(crate) arch: &'static str,
    /// What shows that it is installed.
    pub(crate) trace: Trace,
    /// What it is needed for.
    pub(crate) purposes: &'static [Purpose],
    /// Why, in a few words.
    pub(crate) why: &'static str,
}

/// The packages that a purpose needs.
pub(crate) fn needed_for(purpose: Purpose) -> impl Iterator<Item = &'static Package> {
    PACKAGES
        .iter()
        .filter(move |package| package.purposes.contains(&purpose))
}

const ALL: &[Purpose] = &[Purpose::Run, Purpose::Test, Purpose::Bench, Purpose::Fuzz];
const BENCH: &[Purpose] = &[Purpose::Bench];
const FUZZ: &[Purpose] = &[Purpose::Fuzz];
const TEST: &[Purpose] = &[Purpose::Test];
const MEASURED: &[Purpose] = &[Purpose::Test, Purpose::Bench];

/// Where the distributions keep the static C library.
const LIBC: Trace = Trace::File(&[
    "/usr/lib/libc.a",
    "/usr/lib64/libc.a",
    "/usr/lib/x86_64-linux-gnu/libc.a",
    "/usr/lib/aarch64-linux-gnu/libc.a",
]);

/// Where the distributions keep the script that VPN clients are configured by.
const VPNC_SCRIPT: Trace = Trace::File(&[
    "/usr/share/vpnc-scripts/vpnc-script",
    "/etc/vpnc/vpnc-script",
]);

#[rustfmt::skip] // one row a package reads as the table it is
const PACKAGES: &[Package] = &[
    row("gcc", "gcc", "gcc", Trace::Program("gcc"), ALL, "the linker that Rust calls"),
    row("libc6-dev", "glibc-static", "glibc", LIBC, ALL, "the static C library of the helper"),

    row("g++", "gcc-c++", "gcc", Trace::Program("g++"), FUZZ, "builds libFuzzer, which is C++"),

    row("util-linux", "util-linux", "util-linux", Trace::Program("unshare"), MEASURED, "unshare, the yardstick of the start-up benchmark"),
    row("bubblewrap", "bubblewrap", "bubblewrap", Trace::Program("bwrap"), MEASURED, "a peer in the benchmark; a sandbox as browsers nest it"),
    row("ocproxy", "ocproxy", "", Trace::Program("ocproxy"), MEASURED, "ships the original vpnns, the peer to measure against"),
    row("iperf3", "iperf3", "iperf3", Trace::Program("iperf3"), BENCH, "the streams and datagrams of the relay's benchmark"),
    row("passwd", "shadow-utils", "shadow", Trace::Program("useradd"), MEASURED, "useradd, for the ordinary user when root runs this"),
    row("procps", "procps-ng", "procps-ng", Trace::Program("ps"), MEASURED, "ps, to see what was left behind"),

    row("openconnect", "openconnect", "openconnect", Trace::Program("openconnect"), MEASURED, "the client of the end-to-end tests"),
    row("ocserv", "ocserv", "", Trace::Program("ocserv"), MEASURED, "the server of the end-to-end tests"),
    row("openssl", "openssl", "openssl", Trace::Program("openssl"), MEASURED, "for the test server's certificate"),
    row("openvpn", "openvpn", "openvpn", Trace::Program("openvpn"), MEASURED, "client and server of the tests of --graft"),
    row("wireguard-go", "wireguard-go", "", Trace::Program("wireguard-go"), MEASURED, "the peer of the built-in WireGuard, its yardstick, and a client to graft"),
    row("wireguard-tools", "wireguard-tools", "wireguard-tools", Trace::Program("wg"), MEASURED, "wg, which makes keys and configures wireguard-go"),
    row("vpnc-scripts", "vpnc-script", "vpnc", VPNC_SCRIPT, TEST, "the real script that --script is for"),
    row("iproute2", "iproute", "iproute2", Trace::Program("ip"), MEASURED, "ip, to build and to look at test networks"),
    row("iputils-ping", "iputils", "iputils", Trace::Program("ping"), MEASURED, "ping works inside an instance"),
    row("uidmap", "shadow-utils", "shadow", Trace::Program("newuidmap"), MEASURED, "newuidmap, for a test server that needs several users"),
    row("curl", "curl", "curl", Trace::Program("curl"), TEST, "fetches pages through the tunnel"),
    row("python3", "python3", "python", Trace::Program("python3"), TEST, "the small page and name servers behind the test server"),
    row("tcpdump", "tcpdump", "tcpdump", Trace::Program("tcpdump"), TEST, "sees a packet that leaks"),
    row("strace", "strace", "strace", Trace::Program("strace"), TEST, "sees which calls a start makes, and makes them fail"),
    row("desktop-file-utils", "desktop-file-utils", "desktop-file-utils", Trace::Program("desktop-file-validate"), TEST, "says which launcher entries are as the specification wants them"),
    row("mandoc", "mandoc", "mandoc", Trace::Program("mandoc"), TEST, "checks the man page"),
    row("bash", "bash", "bash", Trace::Program("bash"), TEST, "loads its completions; job control"),
    row("zsh", "zsh", "zsh", Trace::Program("zsh"), TEST, "loads its completions"),
    row("fish", "fish", "fish", Trace::Program("fish"), TEST, "loads its completions"),
];

const fn row(
    deb: &'static str,
    fedora: &'static str,
    arch: &'static str,
    trace: Trace,
    purposes: &'static [Purpose],
    why: &'static str,
) -> Package {
    Package {
        deb,
        fedora,
        arch,
        trace,
        purposes,
        why,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_package_is_listed_twice_or_without_a_reason() {
        let mut seen = HashSet::new();
        for package in PACKAGES {
            assert!(seen.insert(package.deb), "{} is listed twice", package.deb);
            assert!(
                !package.fedora.is_empty() && !package.why.is_empty(),
                "{}",
                package.deb
            );
        }
    }

    #[test]
    fn whatever_running_needs_the_others_need_too() {
        for package in needed_for(Purpose::Run) {
            assert_eq!(package.purposes.len(), 4, "{}", package.deb);
        }
    }
}
