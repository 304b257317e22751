//! A machine with a /run of its own, on which an ordinary user has host services, real or stand-ins.

use crate::support::stand_in::PYTHON;
use crate::support::{Invocation, Output, Session, command::require, command::require_file};

/// As root of the machine: what of it is the test's. Afterwards its user is the ordinary one.
const PREPARE: &str = "
    mount -t tmpfs none /run; mount -t tmpfs none /var/lib
    mkdir -p /run/dbus /run/systemd /run/user/$1; mount --bind \"$XDG_RUNTIME_DIR\" /run/user/$1
    exec unshare --user --map-user=$1 --map-group=$2 bash -euo pipefail -c \"$3\"";

/// What every script can use.
const WORDS: &str = "
    ask() { PYTHON \"$HOME/services.py\" ask \"$@\"; }
    serve() { PYTHON \"$HOME/services.py\" serve \"$@\" & wait_for_sockets \"$@\"; }
    wait_for_sockets() {
        for path; do for i in $(seq 3000); do [ -S \"$path\" ] && break; sleep 0.01; done; done
    }
    # Runs the command until it prints this.
    until_it_prints() { want=$1; shift
        for i in $(seq 600); do [ \"$(\"$@\" 2>&1)\" = \"$want\" ] && break; sleep 0.02; done; }
    # Holds the instance until the script ends it.
    keep() { vpnns \"$@\" -- sh -c 'echo >\"$HOME/kept\"; exec sleep 600' & 
        for i in $(seq 3000); do [ -e \"$HOME/kept\" ] && break; sleep 0.01; done; rm \"$HOME/kept\"; }
    trap 'code=$?; vpnns --stop 2>/dev/null || true; kill $(jobs -p) 2>/dev/null || true; wait
        exit $code' EXIT";

/// A machine of a user's.
pub(crate) struct Machine {
    session: Session,
}

impl Machine {
    pub(crate) fn new() -> Self {
        require("unshare", "util-linux");
        let session = Session::new();
        let services = include_str!("services.py");
        session.user().write("services.py", services, 0o644);
        Self { session }
    }

    /// Runs a script as the user, to its end.
    pub(crate) fn run(&self, script: &str) -> Output {
        self.script(script).run()
    }

    /// What a script prints.
    pub(crate) fn text(&self, script: &str) -> String {
        self.run(script).text().to_owned()
    }

    pub(crate) fn script(&self, script: &str) -> Invocation {
        let script = [&WORDS.replace("PYTHON", PYTHON), script].join("\n");
        let user = self.session.user();
        let (uid, gid) = (user.uid().to_string(), user.gid().to_string());
        let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
        let shell = ["bash", "-euo", "pipefail", "-c", PREPARE, "machine"];
        let words = [&unshare[..], &shell, &[&uid, &gid, &script]].concat();
        self.session.command(&words)
    }
}

/// The same with a system bus, a real one, on which a stand-in answers for these names.
pub(crate) fn with_system_bus(names: &[&str]) -> (Machine, String) {
    require("dbus-daemon", "dbus-daemon");
    require("gdbus", "libglib2.0-bin");
    require("xdg-dbus-proxy", "xdg-dbus-proxy");
    require_file("/usr/lib/python3/dist-packages/gi", "python3-gi");
    let machine = Machine::new();
    let user = machine.session.user();
    user.write("bus.conf", include_str!("bus.conf"), 0o644);
    user.write("on_bus.py", include_str!("on_bus.py"), 0o644);
    let start = "
        bus=unix:path=/run/dbus/system_bus_socket
        start_bus() {
        dbus-daemon --config-file=\"$HOME/bus.conf\" --nofork --nopidfile 2>\"$HOME/bus.log\" & bus_daemon=$!
        wait_for_sockets /run/dbus/system_bus_socket
        PYTHON \"$HOME/on_bus.py\" $bus NAMES >\"$HOME/owned\" &
        for i in $(seq 3000); do [ $(wc -l <\"$HOME/owned\") = COUNT ] && break; sleep 0.01; done
        }
        start_bus
        cat >\"$HOME/call\" <<'END'
for name; do
    gdbus call --system --timeout 20 -d $name -o /test -m org.vpnns.Test.Ask 2>&1 |
        sed -n \"s/^('\\(answered\\)',)$/\\1/p; s/.*\\(ServiceUnknown\\)$/\\1/p; s/.*\\(Could not connect\\).*/\\1/p\"
done
END
        call() { bash \"$HOME/call\" \"$@\"; }";
    let start = start
        .replace("PYTHON", PYTHON)
        .replace("NAMES", &names.join(" "))
        .replace("COUNT", &names.len().to_string());
    (machine, start)
}
