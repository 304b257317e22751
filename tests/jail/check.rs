//! The leak check sees what the jail does: shut by default, and noted where the user opens it.

use crate::machine::{Machine, with_system_bus};

const SERVICES: &str = "
    mkdir -p /run/nscd /run/systemd/resolve /run/avahi-daemon /run/user/$(id -u)/podman
    serve /run/nscd/socket /run/systemd/resolve/io.systemd.Resolve /run/avahi-daemon/socket \\
        /run/user/$(id -u)/podman/podman.sock";
/// What is not as it should be, by its mark and title.
const CHECK: &str = "vpnns --check | grep -v '^ok ' | grep -v '^  ' | cut -d: -f1; true";

#[test]
fn services_that_are_hidden_are_found_shut_and_shared_ones_are_noted() {
    let machine = Machine::new();
    let script = [SERVICES, "keep", CHECK].join("\n");
    assert_eq!(machine.text(&script), "no leak found in 19 checks");
    let share = "keep --share /run/nscd --share /run/systemd/resolve --share /run/avahi-daemon \\
        --share /run/user/$(id -u)/podman";
    let said = Machine::new().text(&[SERVICES, share, CHECK].join("\n"));
    let notes = [
        "note   The Name Cache Is Shared",
        "note   The System Resolver Is Shared",
        "note   Local Discovery Is Shared",
        "note   A Helper Outside Is Shared",
        "no leak found in 19 checks",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), notes);
}

#[test]
fn no_system_bus_is_none_to_ask() {
    let (machine, start) = with_system_bus(&["org.freedesktop.resolve1"]);
    let said = machine.text(&[&*start, "keep --system-bus none", CHECK].join("\n"));
    assert_eq!(said, "no leak found in 19 checks");
}
