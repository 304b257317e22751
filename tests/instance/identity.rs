//! Who an app is: its user as ever, with no power over the instance it is in.

use std::os::unix::fs::MetadataExt;

use crate::support::{Lab, Session};

#[test]
fn an_app_is_its_user_without_any_capability() {
    let session = Session::new();
    let script = "id -u; id -g; grep -E 'Cap(Inh|Prm|Eff|Amb):' /proc/self/status | cut -f2 | uniq";
    let (uid, gid) = (session.user().uid(), session.user().gid());
    let expected = format!("{uid}\n{gid}\n0000000000000000");
    assert_eq!(session.shell_inside(script).run().text(), expected);
    let _app = session.keep("default");
    assert_eq!(session.shell_inside(script).run().text(), expected);
}

#[test]
fn an_app_cannot_change_what_the_instance_is() {
    let session = Session::new();
    let _app = session.keep("default");
    for change in [
        "ip link set lo down",
        "ip link add dummy0 type dummy",
        "ip address add 192.0.2.9/24 dev lo",
        "umount /etc",
        "mount -t tmpfs none /mnt",
        "mount -o remount,rw /etc",
        "hostname other",
        "echo '0 9' >/proc/sys/net/ipv4/ping_group_range",
        // Nor from a namespace of its own, where it is root.
        "unshare -Ur ip link set lo down",
        "unshare -Urm umount /etc",
        "unshare -Urm mount -o remount,bind,rw /etc",
        "unshare -Ur hostname other",
    ] {
        let output = session.shell_inside(change).run();
        assert!(!output.succeeded(), "{change}: {output:#?}");
    }
    let state = session
        .shell_inside("ip -o link show lo; ip -o link | wc -l")
        .run();
    assert!(state.text().contains(",UP"), "{state:#?}");
    assert!(state.text().ends_with("\n1"), "{state:#?}");
}

#[test]
fn an_app_may_make_namespaces_of_its_own_as_browsers_do() {
    let session = Session::new();
    for script in [
        "unshare --user --map-root-user --net true",
        "unshare --user --map-root-user --pid --fork --mount-proc true",
        "unshare --user --map-root-user unshare --user --map-root-user true",
        "bwrap --ro-bind / / --proc /proc --dev /dev --unshare-all true",
    ] {
        session.shell_inside(script).run().text();
    }
}

#[test]
fn files_show_their_real_owner_and_new_ones_belong_to_the_user() {
    let session = Session::new();
    let script = "touch new; stat -c '%u %g' . new";
    let own = format!("{} {}", session.user().uid(), session.user().gid());
    assert_eq!(
        session.shell_inside(script).run().text(),
        format!("{own}\n{own}")
    );
    let new = std::fs::metadata(session.home().join("new")).unwrap();
    assert_eq!(format!("{} {}", new.uid(), new.gid()), own);
}

#[test]
fn access_through_a_supplementary_group_is_kept() {
    let lab = Lab::start();
    let home = lab.user().home();
    let file = lab.user().write("of-the-group", "secret", 0o640);
    let (uid, gid) = (lab.user().uid(), lab.user().gid());
    // The lab's root may give a file away, and groups to a process: it has subordinate ones.
    let chown = ["chown", "0:4242", file.to_str().unwrap()];
    lab.run_by_root(&chown).run().text();
    let read = |groups: &str| {
        let setpriv = format!("setpriv --reuid={uid} --regid={gid} {groups} --inh-caps=-all");
        let script = format!("{setpriv} vpnns -- cat {}", file.display());
        lab.run_by_root(&[
            "env",
            "--chdir",
            home.to_str().unwrap(),
            "sh",
            "-c",
            &script,
        ])
        .run()
    };
    assert!(!read("--clear-groups").succeeded());
    assert_eq!(read("--groups=4242").text(), "secret");
}

#[test]
fn two_apps_of_an_instance_may_look_at_one_another() {
    let session = Session::new();
    let app = session.keep("default");
    let path = format!("/proc/{}/ns/net", app.pid());
    let seen = session.inside(&["readlink", &path]).run();
    assert_eq!(seen.text(), session.network("default"));
    // A debugger as well, the first app by a later one.
    let words = ["strace", "-p", &app.pid().to_string(), "-o", "/dev/null"];
    let tracer = session.inside(&words).spawn();
    tracer.wait_for("attached");
}

#[test]
fn ping_of_the_loopback_works_over_both_families() {
    let session = Session::new();
    for address in ["127.0.0.1", "::1"] {
        session
            .inside(&["ping", "-c", "1", "-W", "5", address])
            .run()
            .text();
    }
}

#[test]
fn nothing_but_the_loopback_device_is_there() {
    let session = Session::new();
    let devices =
        session.shell_inside("ip -o link | cut -d: -f2; ip route; ip -6 route show default");
    assert_eq!(devices.run().text(), " lo");
}
