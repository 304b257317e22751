//! Who is asked for names: files of the instance, and services of the host.

use std::fs;

use vpnns_protocol::finding::Outcome;

use super::Scene;
use super::support::Running;
use super::support::command::require;

/// A service of the host: listens at a path and says so.
const SERVICE: &str = "import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print('listening', flush=True); time.sleep(600)";

#[test]
fn a_resolver_that_is_not_the_vpns_is_found() {
    let scene = Scene::connected(&[]);
    assert_ne!(scene.check().finding("resolvers").outcome, Outcome::Problem);
    let file = scene
        .user()
        .write("resolv.conf", "nameserver 127.0.0.1\n", 0o644);
    scene.make_hole(&format!("mount --bind {} /etc/resolv.conf", file.display()));
    scene
        .check()
        .assert_found("resolvers", "127.0.0.1, which is no resolver of the VPN's");
}

#[test]
fn a_resolver_that_is_reached_past_the_tunnel_is_found() {
    let scene = Scene::connected(&[]);
    scene.make_hole("ip tuntap add mode tun name out0; ip link set out0 up");
    scene.make_hole("ip route add 10.7.0.1/32 dev out0");
    scene
        .check()
        .assert_found("resolvers", "10.7.0.1 is asked by out0");
}

#[test]
fn a_resolver_that_does_not_answer_is_noted_and_no_leak() {
    let report = Scene::connected(&[]).check();
    report.assert_clean();
    let resolvers = report.finding("resolvers");
    assert_eq!(resolvers.outcome, Outcome::Note);
    assert!(
        resolvers.summary.contains("10.7.0.1 did not answer"),
        "{resolvers:#?}"
    );
}

#[test]
fn another_source_of_names_is_found() {
    let scene = Scene::offline();
    assert_eq!(scene.check().finding("name-services").outcome, Outcome::Ok);
    let text = "hosts: files mdns4_minimal resolve dns\n";
    let file = scene.user().write("nsswitch.conf", text, 0o644);
    scene.make_hole(&format!(
        "mount --bind {} /etc/nsswitch.conf",
        file.display()
    ));
    scene
        .check()
        .assert_found("name-services", "mdns4_minimal, resolve");
}

/// A service of the host that was not hidden, as if its directory had come after the watch.
fn unmask(scene: &Scene, directory: &str, socket: &str) -> Running {
    let outside = scene.session.home().join("service");
    scene.user().make_directory(&outside);
    let at = outside.join(socket);
    let service = scene
        .session
        .command(&["/usr/bin/python3", "-c", SERVICE, at.to_str().unwrap()]);
    let service = service.spawn();
    service.wait_for("listening");
    bind_over(scene, outside.to_str().unwrap(), directory);
    service
}

/// Shows a directory of the host inside, in a /run of the instance's own: the machine may have none.
fn bind_over(scene: &Scene, outside: &str, directory: &str) {
    let mounts = format!("mkdir -p {directory}; mount --bind {outside} {directory}");
    scene.make_hole(&format!("mount -t tmpfs none /run; {mounts}"));
}

#[test]
fn a_service_of_the_host_that_answers_inside_is_found() {
    for (id, directory, socket) in [
        ("name-cache", "/run/nscd", "socket"),
        (
            "system-resolver",
            "/run/systemd/resolve",
            "io.systemd.Resolve",
        ),
        ("local-discovery", "/run/avahi-daemon", "socket"),
    ] {
        let scene = Scene::offline();
        assert_eq!(scene.check().finding(id).outcome, Outcome::Ok);
        let _service = unmask(&scene, directory, socket);
        scene.check().assert_found(id, directory);
    }
}

#[test]
fn the_same_service_started_inside_is_no_leak() {
    let scene = Scene::offline();
    let directory = scene.session.home().join("service");
    scene.user().make_directory(&directory);
    bind_over(&scene, directory.to_str().unwrap(), "/run/nscd");
    let words = [
        "--name",
        super::NAME,
        "--",
        "/usr/bin/python3",
        "-c",
        SERVICE,
    ];
    let service = scene
        .session
        .vpnns(&[&words[..], &["/run/nscd/socket"]].concat());
    let service = service.spawn();
    service.wait_for("listening");
    assert_eq!(scene.check().finding("name-cache").outcome, Outcome::Ok);
}

#[test]
fn a_system_bus_is_found_to_lead_to_the_resolver_unless_it_is_filtered() {
    require("dbus-daemon", "dbus-daemon");
    require("xdg-dbus-proxy", "xdg-dbus-proxy");
    let scene = Scene::offline();
    let directory = scene.session.home().join("dbus");
    scene.user().make_directory(&directory);
    let services = scene.session.home().join("services");
    scene.user().make_directory(&services);
    let path = |name: &str| directory.join(name).display().to_string();
    let configuration = format!(
        "<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
         <servicedir>{}</servicedir><policy context='default'><allow send_destination='*'/>\
         <allow eavesdrop='true'/><allow own='*'/><allow user='*'/></policy></busconfig>",
        path("real"),
        services.display()
    );
    let file = scene.user().write("bus.conf", &configuration, 0o644);
    let start = || {
        let option = format!("--config-file={}", file.display());
        let words = ["dbus-daemon", "--nofork", "--print-address=1", &option];
        let bus = scene.session.command(&words).spawn();
        bus.wait_for("unix:path");
        bus
    };
    let shown = |socket: &str| {
        let target = path("system_bus_socket");
        let _ = fs::remove_file(&target);
        std::os::unix::fs::symlink(socket, &target).unwrap();
    };
    let bus = start();
    shown("real");
    bind_over(&scene, directory.to_str().unwrap(), "/run/dbus");
    let seen = scene.check();
    let finding = seen.finding("system-bus");
    assert_eq!(finding.outcome, Outcome::Ok, "{finding:#?}");
    assert!(finding.summary.contains("refuses"), "{finding:#?}");
    drop(bus);
    fs::remove_file(path("real")).unwrap();
    // The bus would start it for whoever asks.
    let service = "[D-BUS Service]\nName=org.freedesktop.resolve1\nExec=/bin/false\nUser=root\n";
    scene
        .user()
        .write("services/org.freedesktop.resolve1.service", service, 0o644);
    let _bus = start();
    scene
        .check()
        .assert_found("system-bus", "org.freedesktop.resolve1");
    let address = format!("unix:path={}", path("real"));
    let words = ["xdg-dbus-proxy", &address, &path("filtered"), "--filter"];
    let proxy = scene.session.command(&words).spawn();
    let is_up = || directory.join("filtered").exists();
    assert!(
        super::support::wait_until(super::support::LIMIT, is_up),
        "{}",
        proxy.log()
    );
    shown("filtered");
    let finding = scene.check();
    let finding = finding.finding("system-bus");
    assert_eq!(finding.outcome, Outcome::Ok, "{finding:#?}");
    assert!(finding.summary.contains("refuses"), "{finding:#?}");
}
