//! The lab: a company behind a VPN server, and the user's own network, in namespaces of one test.
//!
//! # Theory of operation
//!
//! One `unshare` makes user, network, mount and pid namespaces; `lab.sh`, their init, builds the rest and
//! draws the picture. The user keeps the same uid inside and has no capability there; the lab's root is a
//! subordinate uid and no root of the machine. Commands enter by `nsenter`. The init ends when its input
//! does, and takes everything with it: so a lab cannot outlive the test, not even one that was killed.

use std::fs;

use tempfile::TempDir;

use super::command::{Invocation, require};
use super::init::Init;
use super::ocserv::Gateway;
use super::openconnect::OpenConnect;
use super::process::Running;
use super::user::{User, directory_for_all};

/// The addresses of the lab, as drawn in `lab.sh`.
pub mod address {
    /// The VPN server.
    pub const GATEWAY: &str = "192.0.2.1";
    /// The user's own network: no instance may reach it.
    pub const OUTSIDE: &str = "192.0.2.2";
    /// The same over IPv6.
    pub const OUTSIDE_6: &str = "fd00:2::2";
    /// The company's page and first resolver, behind the tunnel.
    pub const FAR: &str = "10.99.0.1";
    /// The company's second host and resolver.
    pub const FAR_SECOND: &str = "10.99.0.2";
    /// The company's page over IPv6.
    pub const FAR_6: &str = "fd99::1";
    /// The second host over IPv6.
    pub const FAR_SECOND_6: &str = "fd99::2";
    /// A page that answers through the tunnel and, from outside, past it.
    pub const INTERNET: &str = "203.0.113.1";
    /// The same over IPv6.
    pub const INTERNET_6: &str = "2001:db8:113::1";
}

/// Programs and the Debian packages they are in.
const NEEDED: &[(&str, &str)] = &[
    ("bash", "bash"),
    ("curl", "curl"),
    ("ip", "iproute2"),
    ("newuidmap", "uidmap"),
    ("nsenter", "util-linux"),
    ("ocpasswd", "ocserv"),
    ("ocserv", "ocserv"),
    ("openconnect", "openconnect"),
    ("openssl", "openssl"),
    ("pgrep", "procps"),
    ("python3", "python3"),
    ("tcpdump", "tcpdump"),
];

/// A running lab; everything in it ends when it is dropped.
pub struct Lab {
    // Before the directories: fields are dropped in order, and the init must not miss its files.
    init: Init,
    directory: TempDir,
    user: User,
}

impl Lab {
    /// A lab whose gateway hands out both families and one resolver, and routes everything.
    pub fn start() -> Self {
        Gateway::default().start()
    }

    pub(super) fn new(gateway: &Gateway) -> Self {
        for (program, package) in NEEDED {
            require(program, package);
        }
        let user = User::new();
        let directory = directory_for_all("vpnns-lab-");
        let path = directory.path();
        gateway.install(path);
        fs::write(path.join("lab.sh"), include_str!("lab.sh")).unwrap();
        fs::write(path.join("services.py"), include_str!("services.py")).unwrap();
        fs::write(path.join("probe.py"), include_str!("probe.py")).unwrap();
        fs::write(path.join("app.py"), include_str!("app.py")).unwrap();
        // The lab's root owns what the user owns, but not what the machine's root owns.
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap().path();
            nix::unistd::chown(&entry, Some(user.uid()), Some(user.gid())).unwrap();
        }
        nix::unistd::chown(path, Some(user.uid()), Some(user.gid())).unwrap();
        let init = Init::start(&user, path);
        Self {
            init,
            directory,
            user,
        }
    }

    /// The user who sits at the lab's computer.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// A command run by the user in the user's own network.
    pub fn run_by_user<S: AsRef<str>>(&self, words: &[S]) -> Invocation {
        let (uid, gid) = (self.user.uid(), self.user.gid());
        let home = self.user.home();
        let mut invocation = self.enter();
        invocation.args(["setpriv", "--clear-groups", "--inh-caps=-all"]);
        invocation.args([&*format!("--reuid={uid}"), &format!("--regid={gid}")]);
        // The test may be killed: what it ran then ends with nsenter, not with the lab.
        invocation.args(["--pdeathsig", "KILL", "--"]);
        invocation.args(["env", "--chdir", home.to_str().unwrap()]);
        invocation.args(words.iter().map(AsRef::as_ref));
        invocation
    }

    /// A command run in the instance called `name`, by way of `vpnns --name NAME -- ...`.
    pub fn inside<S: AsRef<str>>(&self, name: &str, words: &[S]) -> Invocation {
        let mut all = vec!["vpnns", "--name", name, "--"];
        all.extend(words.iter().map(AsRef::as_ref));
        self.run_by_user(&all)
    }

    /// A command run by the lab's root on the gateway.
    pub fn on_gateway<S: AsRef<str>>(&self, words: &[S]) -> Invocation {
        let gateway = fs::read_to_string(self.directory.path().join("gateway.pid")).unwrap();
        let mut invocation = self.enter();
        invocation.args([
            "nsenter",
            &*format!("--net=/proc/{}/ns/net", gateway.trim()),
            "--",
        ]);
        invocation.args(words.iter().map(AsRef::as_ref));
        invocation
    }

    /// A command run by the lab's root in the user's own network.
    pub fn run_by_root<S: AsRef<str>>(&self, words: &[S]) -> Invocation {
        let mut invocation = self.enter();
        invocation.args(words.iter().map(AsRef::as_ref));
        invocation
    }

    /// Starts an app that keeps the instance alive until the guard is dropped.
    pub fn keep(&self, name: &str) -> Running {
        let app = self
            .inside(name, &["sh", "-c", "echo started; exec sleep 600"])
            .spawn();
        app.wait_for("started");
        app
    }

    /// Starts an app that has one TCP connection open and says "echo N" for each answer.
    pub fn talk(&self, name: &str, address: &str) -> Running {
        let script = self.directory.path().join("app.py");
        let words = [
            "/usr/bin/python3",
            script.to_str().unwrap(),
            "talk",
            "tcp",
            address,
        ];
        let app = self.inside(name, &words).spawn();
        app.wait_for("echo ");
        app
    }

    /// How many processes of that name run in the lab.
    pub fn processes(&self, name: &str) -> usize {
        let output = self
            .run_by_root(&["pgrep", "--count", "--exact", name])
            .run();
        output.stdout.trim().parse().unwrap()
    }

    /// An openconnect about to be run, which will attach to the instance called `name`.
    pub fn openconnect(&self, name: &str) -> OpenConnect<'_> {
        OpenConnect::new(self, name)
    }

    /// Brings up a tunnel for the instance and waits until the far side answers.
    pub fn connect(&self, name: &str) -> Running {
        self.openconnect(name).connect()
    }

    /// What the services of the far side were asked so far.
    pub fn far_requests(&self) -> String {
        self.file("far.requests")
    }

    /// What the services of the user's own network were asked so far: never anything by an instance.
    pub fn outside_requests(&self) -> String {
        self.file("outside.requests")
    }

    /// What the pages were asked that answer on both ways, and by which address.
    pub fn internet_requests(&self) -> String {
        self.file("internet.requests")
    }

    /// The server's log.
    pub fn gateway_log(&self) -> String {
        self.file("ocserv.log")
    }

    /// Writes a file to the user's home; returns its path.
    pub fn write_home(&self, name: &str, text: &str) -> String {
        let path = self.user.home().join(name);
        fs::write(&path, text).unwrap();
        nix::unistd::chown(&path, Some(self.user.uid()), Some(self.user.gid())).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Where the lab keeps its files.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// `$PATH` of the lab's user.
    pub fn path(&self) -> String {
        let program = self.user.program();
        let directory = program.parent().unwrap().display();
        format!("{directory}:{}", super::user::SYSTEM_PATH)
    }

    /// Kills the VPN server and all its processes, as a crash does.
    pub fn stop_gateway(&self) {
        let output = self.run_by_root(&[
            "ps",
            "-C",
            "ocserv,ocserv-main,ocserv-sm,ocserv-worker",
            "-o",
            "pid=",
        ]);
        let output = output.run();
        // One may be gone by now: they end together.
        let mut words = vec!["sh", "-c", "kill -KILL \"$@\" 2>/dev/null; true", "kill"];
        words.extend(output.stdout.split_whitespace());
        self.run_by_root(&words).run().text();
    }

    /// Starts the VPN server again; it knows none of the sessions from before.
    pub fn restart_gateway(&self) {
        let configuration = self.directory.path().join("ocserv.conf");
        let log = self.directory.path().join("ocserv.log");
        let script = "setsid ocserv --foreground --config $0 --debug 1 >>$1 2>&1 </dev/null &";
        let paths = [configuration, log].map(|path| path.to_str().unwrap().to_owned());
        let words = ["sh", "-c", script, &paths[0], &paths[1]];
        self.on_gateway(&words).run().text();
    }

    /// The path of `probe.py`.
    pub fn probe(&self) -> String {
        self.directory
            .path()
            .join("probe.py")
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }

    fn enter(&self) -> Invocation {
        let mut invocation = Invocation::new(&self.user, "nsenter").entered();
        invocation.args([
            &*format!("--target={}", self.init.pid()),
            "--user",
            "--mount",
        ]);
        invocation.args(["--pid", "--net", "--"]);
        invocation
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Of a failed test only what it printed remains.
        if std::thread::panicking() {
            eprintln!("--- the gateway's log\n{}", self.gateway_log());
        }
    }
}
