//! The real nscd of the machine: glibc asks it first, whatever the instance's own files say.

use crate::machine::Machine;
use crate::support::command::require;

/// A name that the host learns after the instance was made, and that only nscd can tell.
const SCRIPT: &str = "
    cp /etc/hosts \"$HOME/hosts\"; cp /etc/nscd.conf \"$HOME/nscd.conf\"
    sed -i 's/^[[:space:]]*server-user.*//' \"$HOME/nscd.conf\"
    echo 'passwd: files' >\"$HOME/nsswitch.conf\"; echo 'hosts: files' >>\"$HOME/nsswitch.conf\"
    exec unshare --user --map-root-user --mount bash -euo pipefail -c '
        mount -t tmpfs none /var/cache; mkdir -p /var/cache/nscd /run/nscd
        for file in hosts nsswitch.conf; do mount --bind \"$HOME/$file\" /etc/$file; done
        /usr/sbin/nscd -F -f \"$HOME/nscd.conf\" 2>\"$HOME/nscd.log\" & 
        for i in $(seq 3000); do [ -S /run/nscd/socket ] && break; sleep 0.01; done
        vpnns OPTIONS -- sleep 600 & for i in $(seq 3000); do vpnns --list | grep -q default && break; sleep 0.01; done
        echo 192.0.2.77 late.example >>/etc/hosts
        getent hosts late.example
        vpnns -- getent hosts late.example || echo unknown
        vpnns --stop; kill %1; wait'";

fn look_up(options: &str) -> String {
    require("nscd", "nscd");
    let said = Machine::new().text(&SCRIPT.replace("OPTIONS", options));
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn nscd_tells_a_name_inside_where_it_is_shared() {
    let known = "192.0.2.77 late.example";
    assert_eq!(look_up("--share /run/nscd"), format!("{known} {known}"));
}

#[test]
fn nscd_tells_nothing_inside() {
    assert_eq!(look_up(""), "192.0.2.77 late.example unknown");
}
