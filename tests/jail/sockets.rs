//! Sockets of host services, a stand-in at each place of the table.

use crate::machine::Machine;

/// What is hidden. One of GnuPG's is in `gnupg`, the system bus in `system_bus`.
const HIDDEN: &[&str] = &[
    "/run/nscd/socket",
    "/run/systemd/resolve/io.systemd.Resolve",
    "/run/avahi-daemon/socket",
    "/var/lib/sss/pipes/nss",
    "$XDG_RUNTIME_DIR/systemd/private",
    "/run/docker.sock",
    "/run/podman/podman.sock",
    "/run/containerd/containerd.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/libvirt/libvirt-sock",
    "/run/incus/unix.socket",
    "/var/lib/incus/unix.socket",
    "/var/lib/lxd/unix.socket",
    "/run/snapd.socket",
    "/run/tor/socks",
    "$XDG_RUNTIME_DIR/docker.sock",
    "$XDG_RUNTIME_DIR/podman/podman.sock",
    "$XDG_RUNTIME_DIR/buildkit/buildkitd.sock",
    "$XDG_RUNTIME_DIR/libvirt/libvirt-sock",
    "$XDG_RUNTIME_DIR/snapd-session-agent.socket",
    "$HOME/.docker/desktop/docker.sock",
    "$HOME/.docker/run/docker.sock",
    "$HOME/.gnupg/S.dirmngr",
];

/// What makes a desktop.
const KEPT: &[&str] = &[
    "/tmp/.X11-unix/X4711",
    "/run/cups/cups.sock",
    "/run/pcscd/pcscd.comm",
    "/run/systemd/userdb/io.systemd.Test",
    "/run/systemd/journal/stdout",
    "$XDG_RUNTIME_DIR/wayland-0",
    "$XDG_RUNTIME_DIR/pipewire-0",
    "$XDG_RUNTIME_DIR/pulse/native",
    "$XDG_RUNTIME_DIR/bus",
    "$XDG_RUNTIME_DIR/at-spi/bus",
    "$XDG_RUNTIME_DIR/keyring/ssh",
];

/// A script that has the places in `$places`, and knows how to ask each inside, from a file.
fn at(places: &[&str], script: &str) -> String {
    let list: Vec<String> = places.iter().map(|path| format!("\"{path}\"")).collect();
    let places = format!("places=({})", list.join(" "));
    let inside = "inside() { vpnns \"${options[@]}\" -- PYTHON \"$HOME/services.py\" ask \"$@\"; }
        options=()";
    let inside = inside.replace("PYTHON", crate::support::stand_in::PYTHON);
    [&places, &inside, script].join("\n")
}

fn assert_all(said: &str, count: usize, allowed: &[&str]) {
    assert_eq!(said.lines().count(), count, "{said}");
    for line in said.lines() {
        assert!(allowed.contains(&line), "{line:?} in {said}");
    }
}

/// A directory that is empty, and a socket that nobody listens at.
const CLOSED: [&str; 2] = ["ENOENT", "ECONNREFUSED"];

#[test]
fn every_hidden_service_answers_outside_and_inside_where_it_is_shared() {
    let script = "serve \"${places[@]}\"; ask \"${places[@]}\"
        for place in \"${places[@]}\"; do options+=(--share \"$place\"); done
        inside \"${places[@]}\"";
    let said = Machine::new().text(&at(HIDDEN, script));
    assert_all(&said, 2 * HIDDEN.len(), &["answered"]);
}

#[test]
fn no_hidden_service_answers_inside() {
    let script = "serve \"${places[@]}\"; inside \"${places[@]}\"";
    let said = Machine::new().text(&at(HIDDEN, script));
    assert_all(&said, HIDDEN.len(), &CLOSED);
}

#[test]
fn what_is_shared_opens_no_other_place() {
    let script =
        "serve \"${places[@]}\"; options=(--share \"${places[0]}\"); inside \"${places[@]}\"";
    let said = Machine::new().text(&at(HIDDEN, script));
    let (first, rest) = said.split_once('\n').unwrap();
    assert_eq!(first, "answered");
    assert_all(rest, HIDDEN.len() - 1, &CLOSED);
}

#[test]
fn every_service_that_is_started_later_or_again_is_hidden_too() {
    // The keeper comes to know of it a moment later.
    let script = "answers() { inside \"${places[@]}\" | grep -c answered; }
        keep; for round in 1 2 3; do
            serve \"${places[@]}\"; server=$!; until_it_prints 0 answers
            ask \"${places[@]}\"; inside \"${places[@]}\"; kill $server; wait $server || true
        done";
    let said = Machine::new().text(&at(HIDDEN, script));
    let lines: Vec<&str> = said.lines().collect();
    for round in lines.chunks(2 * HIDDEN.len()) {
        assert_all(
            &round[..HIDDEN.len()].join("\n"),
            HIDDEN.len(),
            &["answered"],
        );
        assert_all(&round[HIDDEN.len()..].join("\n"), HIDDEN.len(), &CLOSED);
    }
    assert_eq!(lines.len(), 6 * HIDDEN.len());
}

#[test]
fn what_makes_a_desktop_is_there_inside() {
    let machine = Machine::new();
    let script = "serve \"${places[@]}\"; inside \"${places[@]}\"; rm /tmp/.X11-unix/X4711";
    let said = machine.text(&at(KEPT, script));
    assert_all(&said, KEPT.len(), &["answered"]);
}

#[test]
fn a_place_of_the_users_own_answers_inside_but_where_it_is_masked() {
    let places = ["$XDG_RUNTIME_DIR/mine", "$HOME/a b/socket"];
    let script = "serve \"${places[@]}\"; inside \"${places[@]}\"
        options=(--mask \"${places[0]}\" --mask \"$HOME/a b\"); inside \"${places[@]}\"; ask \"${places[@]}\"";
    let said = Machine::new().text(&at(&places, script));
    let closed = "answered\nanswered\nECONNREFUSED\nENOENT\nanswered\nanswered";
    assert_eq!(said, closed);
}

#[test]
fn a_masked_file_is_empty_inside_and_one_that_comes_later_is_masked_too() {
    let script =
        "echo secret >file; vpnns -n one --mask file -- cat file; echo -; vpnns -n two -- cat file
        rm file; keep --mask file; echo secret >file; until_it_prints '' vpnns -- cat file
        vpnns -- cat file; cat file";
    assert_eq!(Machine::new().text(script), "-\nsecret\nsecret");
}

#[test]
fn sssd_is_there_inside_where_it_knows_the_users() {
    let place = ["/var/lib/sss/pipes/nss"];
    // Seen by vpnns: the last /etc is the one that counts.
    let script = "serve \"${places[@]}\"; mkdir etc; cp -r /etc/. etc/ 2>/dev/null || true
        echo 'passwd: files sss' >etc/nsswitch.conf
        unshare --user --map-root-user --mount bash -euo pipefail -c \"
            mount --bind etc /etc; vpnns -n sss -- PYTHON $HOME/services.py ask ${places[0]}\"
        inside \"${places[@]}\"";
    let script = script.replace("PYTHON", crate::support::stand_in::PYTHON);
    let said = Machine::new().text(&at(&place, &script));
    assert_eq!(said, "answered\nENOENT");
}
