//! A session bus of the instance's own, made by a real dbus-daemon.

use crate::support::{LIMIT, Session, assert_complaint, command::require, stand_in::PYTHON};

/// A user with a session bus, on which a program has a name.
const OUTSIDE: &str = "
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
    dbus-daemon --session --nofork --nopidfile --address=$DBUS_SESSION_BUS_ADDRESS &
    trap 'code=$?; vpnns --stop 2>/dev/null || true; kill $(jobs -p) 2>/dev/null || true; wait
        exit $code' EXIT
    for i in $(seq 3000); do [ -S $XDG_RUNTIME_DIR/bus ] && break; sleep 0.01; done
    PYTHON on_bus.py \"$DBUS_SESSION_BUS_ADDRESS\" org.vpnns.Outside >owned &
    for i in $(seq 3000); do [ -s owned ] && break; sleep 0.01; done
    names='gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.ListNames'
    names() { sed \"s/:[0-9.]*//g; s/[^A-Za-z.]\\+/ /g\"; }";

fn text(script: &str) -> String {
    require("dbus-daemon", "dbus-daemon");
    require("gdbus", "libglib2.0-bin");
    let session = Session::new();
    let user = session.user();
    user.write("on_bus.py", include_str!("on_bus.py"), 0o644);
    let outside = OUTSIDE.replace("PYTHON", PYTHON);
    let script = [&*outside, script].join("\n").replace("PYTHON", PYTHON);
    // One of them starts forty instances, each with a bus.
    let script = session.script(&script).limit(4 * LIMIT);
    script.run().text().to_owned()
}

#[test]
fn the_session_bus_is_the_users() {
    let said = text("vpnns -- $names | names");
    assert!(said.contains("org.vpnns.Outside"), "{said}");
}

#[test]
fn a_program_outside_is_not_on_a_private_session_bus() {
    let said = text("vpnns --session-bus private -- $names | names");
    assert!(said.contains("org.freedesktop.DBus"), "{said}");
    assert!(!said.contains("org.vpnns.Outside"), "{said}");
}

#[test]
fn those_who_ask_for_it_share_a_private_session_bus_and_others_keep_the_users() {
    let said = text("
        vpnns --session-bus private -- sh -c 'PYTHON on_bus.py \"$DBUS_SESSION_BUS_ADDRESS\" org.vpnns.Inside' >inside &
        for i in $(seq 3000); do [ -s inside ] && break; sleep 0.01; done
        vpnns --session-bus private -- $names | names; vpnns -- $names | names; $names | names");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains("org.vpnns.Inside"), "{said}");
    for line in &lines[1..] {
        assert!(
            line.contains("org.vpnns.Outside") && !line.contains("org.vpnns.Inside"),
            "{said}"
        );
    }
}

#[test]
fn one_who_joins_can_be_the_first_to_ask_for_it() {
    let said = text("
        vpnns -- sleep 600 & for i in $(seq 3000); do vpnns --list | grep -q default && break; sleep 0.01; done
        vpnns --session-bus private -- $names | names");
    assert!(said.contains("org.freedesktop.DBus"), "{said}");
    assert!(!said.contains("org.vpnns.Outside"), "{said}");
}

#[test]
fn what_a_private_bus_starts_is_inside_and_does_not_keep_the_instance() {
    let session = Session::new();
    let user = session.user();
    let services = user.home().join("share/dbus-1/services");
    for directory in ["share", "share/dbus-1", "share/dbus-1/services"] {
        user.make_directory(&user.home().join(directory));
    }
    user.write("on_bus.py", include_str!("on_bus.py"), 0o644);
    let script = format!(
        "#!/bin/sh\necho \"system: $DBUS_SYSTEM_BUS_ADDRESS\" >{0}/system\nreadlink /proc/self/ns/net >{0}/network\nulimit -Sn >{0}/files\nexec {PYTHON} {0}/on_bus.py \"$DBUS_SESSION_BUS_ADDRESS\" org.vpnns.Started",
        user.home().display()
    );
    let program = user.write("started.sh", &script, 0o755);
    let service = format!(
        "[D-BUS Service]\nName=org.vpnns.Started\nExec={}\n",
        program.display()
    );
    let name = services
        .strip_prefix(user.home())
        .unwrap()
        .join("org.vpnns.Started.service");
    user.write(name.to_str().unwrap(), &service, 0o644);
    let call = "readlink /proc/self/ns/net; gdbus call --session -d org.vpnns.Started -o /test -m org.vpnns.Test.Ask; cat network files system";
    let words = ["--session-bus", "private", "--", "sh", "-c", call];
    let shared = user.home().join("share");
    let said = session
        .vpnns(&words)
        .env("XDG_DATA_DIRS", shared.as_os_str())
        .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/elsewhere")
        .run();
    let lines: Vec<&str> = said.text().lines().collect();
    assert_eq!(lines[1], "('answered',)", "{said:#?}");
    assert_eq!(lines[0], lines[2], "{said:#?}");
    assert_eq!(lines[3], "1024", "{said:#?}");
    // No way around what is hidden: neither for the program nor for what the bus starts.
    assert_eq!(lines[4], "system:", "{said:#?}");
    // The session's end sees to it that nothing of it is left.
    session.wait_for_end("default");
    session.wait_for_nothing();
}

#[test]
fn the_path_of_the_users_session_bus_leads_there_but_where_it_is_masked() {
    let said = text("
        by_path='env DBUS_SESSION_BUS_ADDRESS=unix:path='$XDG_RUNTIME_DIR/bus
        vpnns -n one --session-bus private -- $by_path $names | names
        vpnns -n two --session-bus private --mask $XDG_RUNTIME_DIR/bus -- $by_path $names 2>&1 | names || true
        vpnns -n two --session-bus private --mask $XDG_RUNTIME_DIR/bus -- $names | names");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains("org.vpnns.Outside"), "{said}");
    assert!(lines[1].contains("refused"), "{said}");
    assert!(lines[2].contains("org.freedesktop.DBus"), "{said}");
    assert!(!lines[2].contains("org.vpnns.Outside"), "{said}");
}

#[test]
fn one_who_asks_for_it_while_the_instance_ends_gets_one_all_the_same() {
    // Each comes when the one before has just gone.
    let said =
        text("for round in $(seq 40); do vpnns --session-bus private -- $names | names; done");
    assert_eq!(said.lines().count(), 40, "{said}");
    for line in said.lines() {
        assert!(line.contains("org.freedesktop.DBus"), "{said}");
    }
}

#[test]
fn without_a_daemon_the_wish_is_refused() {
    let session = Session::new();
    let words = ["--session-bus", "private", "--", "true"];
    let output = session
        .vpnns(&words)
        .env("PATH", session.user().program().parent().unwrap())
        .run();
    assert_complaint(&output, 125, "dbus-daemon is not installed");
}
