//! /etc as an app sees it: the host's, read-only, but never the host's resolvers.

use crate::support::{Output, Session};

/// Runs a script on a machine whose /etc is a copy, with a resolver that must not be seen inside.
///
/// With `substitute` a part of /etc is a mount of its own, which no overlay may cover.
fn on_machine(session: &Session, substitute: bool, script: &str) -> Output {
    let copy =
        "mkdir etc; cp -r /etc/. etc/ 2>/dev/null || true; mkdir -p etc/part etc/alternatives
        echo 'passwd: files' >etc/nsswitch.conf; echo 'hosts: files resolve dns' >>etc/nsswitch.conf
        rm -f etc/resolv.conf; echo 'nameserver 192.0.2.53' >etc/resolv.conf
        mount --bind etc /etc";
    let part = if substitute {
        "mount -t tmpfs none /etc/part; echo there >/etc/part/file"
    } else {
        "echo there >/etc/part/file"
    };
    let kind = if substitute { "tmpfs" } else { "overlayfs" };
    let check = format!(
        "[ \"$(vpnns -n check -- stat -fc %T /etc)\" = {kind} ] || {{ echo not {kind}; exit 1; }}"
    );
    session
        .script_with_mounts(&[copy, part, &check, script].join("\n"))
        .run()
}

#[test]
fn the_hosts_resolvers_are_not_seen() {
    for substitute in [false, true] {
        let session = Session::new();
        let script = "vpnns -- cat /etc/resolv.conf; vpnns -- grep hosts: /etc/nsswitch.conf
            vpnns -- cat /etc/part/file; vpnns -- head -n 1 /etc/passwd; cat /etc/resolv.conf";
        let output = on_machine(&session, substitute, script);
        let lines: Vec<&str> = output.text().lines().collect();
        assert!(lines[0].starts_with("# vpnns: "), "{output:#?}");
        assert_eq!(lines[1..3], ["hosts: files dns", "there"]);
        assert!(lines[3].starts_with("root:"), "{output:#?}");
        assert_eq!(lines[4..], ["nameserver 192.0.2.53"]);
    }
}

#[test]
fn nothing_in_etc_can_be_changed_or_deleted_and_a_later_run_has_it_all() {
    for substitute in [false, true] {
        let session = Session::new();
        // The same user as /etc belongs to, so that only the mount stands in the way.
        let script = "
            for change in 'rm -f /etc/passwd' 'rm -f /etc/resolv.conf' 'echo x >/etc/resolv.conf' \
                'echo x >>/etc/passwd' 'touch /etc/new' 'mv /etc/hosts /etc/old' 'mkdir /etc/dir' \
                'ln -s /dev/null /etc/link'; do
                if vpnns -- sh -c \"$change\" 2>/dev/null; then echo \"could $change\"; fi
                vpnns -- cat /etc/passwd >/dev/null; vpnns -- grep -c vpnns: /etc/resolv.conf
            done
            cmp /etc/passwd etc/passwd; ls -A /etc | grep -E '^(new|old|dir|link)$' || echo same";
        let output = on_machine(&session, substitute, script);
        assert_eq!(
            output.text(),
            "1\n".repeat(8) + "same",
            "substitute: {substitute}"
        );
    }
}

#[test]
fn a_dangling_link_of_the_hosts_does_not_stop_an_instance() {
    for substitute in [false, true] {
        let session = Session::new();
        let script = "
            number=0
            for target in ../run/no/such/file /etc/resolv.conf resolv.conf /proc/self/fd/0 /dev/zero; do
                ln -sfn \"$target\" /etc/resolv.conf; vpnns -n $((number += 1)) -- head -c 8 /etc/resolv.conf; echo
            done
            rm /etc/resolv.conf; vpnns -n none -- head -c 8 /etc/resolv.conf; echo
            mkdir /etc/resolv.conf; vpnns -n directory -- head -c 8 /etc/resolv.conf";
        let output = on_machine(&session, substitute, script);
        assert_eq!(
            output.text(),
            ["# vpnns:"; 7].join("\n"),
            "substitute: {substitute}"
        );
    }
}

#[test]
fn missing_nsswitch_and_hosts_are_no_obstacle() {
    for substitute in [false, true] {
        let session = Session::new();
        let script = "rm -f /etc/nsswitch.conf /etc/hosts; vpnns -- cat /etc/nsswitch.conf
            vpnns -- getent hosts localhost >/dev/null; echo resolves";
        let output = on_machine(&session, substitute, script);
        assert_eq!(output.text(), "hosts: files dns\nresolves");
    }
}

/// What network managers and people do to the host's resolv.conf while an instance runs.
const EDITS: &str = "
    vpnns -- sh -c 'echo on; exec sleep 600' >on & app=$!
    for try in $(seq 1000); do [ -s on ] && break; sleep 0.01; done
    look() {
        cat \"/proc/$app/root/etc/resolv.conf\" | head -c 8; echo \" $1\"
        vpnns -- head -c 8 /etc/resolv.conf; echo \" $1\"
        if vpnns -- grep -r 192.0.2.53 /etc/resolv.conf; then echo 'it shows'; fi
    }
    leak='nameserver 192.0.2.53'; file=/etc/resolv.conf; look before
    echo \"$leak\" >>$file; look in-place
    echo \"$leak\" >/etc/other; mv /etc/other $file; look rename
    rm $file; look unlinked
    echo \"$leak\" >$file; look created
    mkdir -p /etc/target; echo \"$leak\" >/etc/target/file; ln -sfn target/file $file; look link
    ln -sfn /no/such/file $file; look dangling
    echo \"$leak\" >/etc/other; ln -sfn other /etc/link; mv -T /etc/link $file; look renamed-link
    rm $file; cp /etc/other $file; look regular
    rm $file; mkdir $file; look directory
    vpnns --stop; wait";

#[test]
fn whatever_the_host_does_to_its_resolv_conf_does_not_show() {
    for substitute in [false, true] {
        let session = Session::new();
        let output = on_machine(&session, substitute, EDITS);
        let edits = [
            "before",
            "in-place",
            "rename",
            "unlinked",
            "created",
            "link",
            "dangling",
            "renamed-link",
            "regular",
            "directory",
        ];
        let expected = edits
            .map(|edit| format!("# vpnns: {edit}\n# vpnns: {edit}\n"))
            .concat();
        assert_eq!(
            output.text(),
            expected.trim_end(),
            "substitute: {substitute}: {output:#?}"
        );
    }
}

#[test]
fn sockets_through_which_a_host_service_would_resolve_are_hidden() {
    let session = Session::new();
    let script = "mount -t tmpfs none /run
        for name in nscd systemd/resolve avahi-daemon; do
            mkdir -p /run/$name; echo leak >/run/$name/socket
        done
        mkdir /run/other; echo kept >/run/other/socket
        vpnns -- sh -c 'cat /run/nscd/* /run/systemd/resolve/* /run/avahi-daemon/* 2>/dev/null; cat /run/other/*
            touch /run/nscd/socket 2>/dev/null || echo sealed'";
    assert_eq!(
        session.script_with_mounts(script).run().text(),
        "kept\nsealed"
    );
}

#[test]
fn mounts_of_an_instance_stay_in_it_and_the_hosts_arrive() {
    let session = Session::new();
    let script =
        "mkdir here; mount --make-rshared / ; vpnns -- sh -c 'echo on; exec sleep 600' >on & app=$!
        for try in $(seq 1000); do [ -s on ] && break; sleep 0.01; done
        grep -c ' /etc overlay\\| - overlay' /proc/self/mountinfo || true
        mount -t tmpfs none here; echo late >here/file; vpnns -- cat here/file; vpnns --stop; wait";
    let session_output = session.script_with_mounts(script).run();
    assert_eq!(session_output.text(), "0\nlate", "{session_output:#?}");
}
