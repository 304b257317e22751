//! Symptoms of the README's table that can be had in a lab: the message comes, and the advice helps.

use crate::document::resembles;
use crate::stage::Stage;
use crate::support::{OpenVpnServer, ocserv, wait_until};
use crate::words::messages;

/// Types a command that goes wrong, in the way of this line of the table.
fn shows(stage: &Stage, command: &str, message: &str) {
    assert!(
        messages().iter().any(|it| it == message),
        "{message:?} is not in the table"
    );
    let output = stage.shell(command).limit(crate::desk::PATIENCE).run();
    let pattern = format!("…{message}…");
    assert!(
        output.stdout.lines().any(|line| resembles(line, &pattern)),
        "{command}: {message:?} has not come: {output:#?}"
    );
}

fn works(stage: &Stage, command: &str) {
    stage
        .shell(command)
        .limit(crate::desk::PATIENCE)
        .run()
        .text();
}

#[test]
fn a_vpn_that_cannot_be_connected_says_why() {
    let stage = Stage::new();
    works(
        &stage,
        "vpnns --import https://nosuch.example.com --profile typo",
    );
    shows(
        &stage,
        "vpnns --connect typo",
        "the name … cannot be looked up: …",
    );

    // The table's advice: connect in a terminal.
    works(
        &stage,
        "vpnns --import https://test@vpn.example.com --profile work",
    );
    shows(
        &stage,
        "vpnns --connect work </dev/null",
        "the server asks for …, and there is no terminal to ask in",
    );
    let answer = format!(
        "echo '{}' | vpnns --connect work --background",
        ocserv::PASSWORD
    );
    works(&stage, &answer);
    assert!(stage.is_connected("work"));

    let second = "vpnns --attach --name work";
    let client = format!(
        "printf 'test\\n{}\\n' | openconnect --script '{second}' --script-tun vpn.example.com",
        ocserv::PASSWORD
    );
    shows(&stage, &client, "the instance … already has a tunnel: …");
    works(&stage, "vpnns --disconnect --name work");

    // Another certificate, and the line that the table says to remove.
    let file = "~/.config/vpnns/profiles/work.toml";
    let wrong = format!(
        "echo 'fingerprint = \"pin-sha256:{}=\"' >>{file}",
        "A".repeat(43)
    );
    works(&stage, &wrong);
    shows(
        &stage,
        "vpnns --connect work </dev/null",
        "… shows another certificate than the trusted one: …",
    );
    works(&stage, &format!("sed -i '/^fingerprint/d' {file}"));
    works(&stage, &answer);
    assert!(stage.is_connected("work"));
}

#[test]
fn an_app_that_cannot_be_helped_is_told_so() {
    let stage = Stage::new();
    works(&stage, "vpnns --name work --detach -- sleep 600");
    shows(
        &stage,
        "vpnns --status --name work",
        "no VPN, apps are offline",
    );
    shows(
        &stage,
        "vpnns --publish 80:8000 -- true",
        "failed to publish …",
    );
    works(&stage, "vpnns --publish 8080:8000 -- true");
    stage.write_entry(
        "store",
        "Name=Store\nExec=/snap/bin/store %U\nX-SnapInstanceName=store\n",
    );
    shows(
        &stage,
        "vpnns --open store",
        "… is a snap, and snaps cannot run in an instance",
    );

    let server = OpenVpnServer::default().start(stage.lab());
    let bridged = server.client().replace("dev tun\n", "dev tap\n");
    stage.download("bridged.ovpn", &bridged);
    shows(
        &stage,
        "vpnns --import ~/Downloads/bridged.ovpn",
        "bridged tunnels (tap) carry Ethernet, and an instance speaks only IP",
    );
}

#[test]
fn a_split_tunnel_leads_everywhere_once_that_is_wanted() {
    let stage = Stage::new();
    let settings = OpenVpnServer {
        lines: vec![
            "push \"route 10.99.0.0 255.255.0.0\"",
            "push \"dhcp-option DNS 10.99.0.1\"",
        ],
        ..OpenVpnServer::default()
    };
    let server = settings.start(stage.lab());
    stage.download("office.ovpn", &server.client());
    works(&stage, "vpnns --import ~/Downloads/office.ovpn");
    works(&stage, "vpnns --connect office --background");
    let internet = "vpnns --name office -- curl -4 -sS http://www.internet.test/";
    works(
        &stage,
        "vpnns --name office -- curl -sS http://intranet.example.com/",
    );
    assert!(!stage.shell(internet).run().succeeded());
    works(&stage, "vpnns --disconnect --name office");
    // In a profile's text a field stands before the first table.
    works(
        &stage,
        "sed -i '/^version/a routes = \"all\"' ~/.config/vpnns/profiles/office.toml",
    );
    works(&stage, "vpnns --connect office --background");
    let reached = wait_until(crate::desk::PATIENCE, || {
        stage.shell(internet).run().succeeded()
    });
    assert!(reached, "{:#?}", stage.shell(internet).run());
}
