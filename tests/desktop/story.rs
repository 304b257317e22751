//! A person's whole way: add a VPN, sign in, open an app, look around, lose the server, disconnect.

use crate::support::ocserv::PASSWORD;
use crate::support::wireguard::{self, Server};
use crate::support::{OpenVpnServer, address};
use crate::*;

/// An app that fetches a page over and over, with its entry in the menus.
fn radio(lab: &Lab) {
    let script = format!(
        "#!/bin/sh\nwhile sleep 0.3; do curl -s -m 5 http://{}/ >/dev/null; done\n",
        address::FAR
    );
    let program = lab.user().write("radio", &script, 0o755);
    let home = lab.user().home();
    for directory in [".local", ".local/share", ".local/share/applications"] {
        lab.user().make_directory(&home.join(directory));
    }
    let text = format!(
        "[Desktop Entry]\nType=Application\nName=Field Radio\nExec={}\nIcon=audio-headphones\n",
        program.display()
    );
    lab.user()
        .write(".local/share/applications/radio.desktop", &text, 0o644);
}

/// Adds the lab's server by hand, as the person has been told it on paper.
fn add_by_hand(desktop: &Desktop<'_>) {
    desktop.click_button("Add VPN…");
    desktop.see("Set Up by Hand");
    desktop.click("OpenConnect");
    desktop.see("Sign-In");
    desktop.type_text("Work");
    desktop.key("Tab");
    desktop.type_text(&format!("{}:443", address::GATEWAY));
    desktop.key("Tab");
    desktop.click_button("Add");
    desktop.see("Work added");
}

/// Sees the same page dark, and both narrow.
fn pictures(desktop: &Desktop<'_>, page: &str) {
    desktop.picture(&format!("{page}-light"));
    desktop.resize(420, 720);
    desktop.picture(&format!("{page}-narrow-light"));
    desktop.resize(1000, 680);
}

#[test]
fn from_the_first_start_to_a_lost_server_and_back() {
    let lab = Lab::start();
    radio(&lab);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Choose Which Apps Use a VPN");
    pictures(&desktop, "first-run");
    add_by_hand(&desktop);

    // Signing in: an unknown certificate, a name, a password.
    desktop.click_button("Connect");
    desktop.see("Is This Your Server?");
    desktop.picture("dialog-certificate-light");
    desktop.click_button("Trust");
    desktop.see("Username*");
    desktop.type_text("test");
    desktop.key("Return");
    // Not only the page, which says before the dialog is there that a password is needed.
    desktop.see("Password*");
    desktop.see("Remember Password");
    desktop.type_text(PASSWORD);
    desktop.picture("dialog-password-light");
    desktop.key("Return");
    desktop.see("Connected");
    await_state(&lab, "work", "connected");

    // An app is opened, is listed, and its traffic moves.
    desktop.key("ctrl+o");
    desktop.see("In Work");
    desktop.type_text("radio");
    desktop.see("Field Radio");
    desktop.key("Return");
    desktop.see("Close Field Radio");
    desktop.see("Traffic of the last minute, receiving *");
    let fetched = wait_until(PATIENCE, || lab.far_requests().contains("GET"));
    assert!(fetched, "{}", lab.far_requests());
    pictures(&desktop, "main");

    // Nothing leaks, and every check says what it saw.
    desktop.click("Check for Leaks");
    desktop.see("No Leaks Found");
    desktop.see("No Other Way Out");
    pictures(&desktop, "leaks");
    desktop.click_button("Back");

    // The server is gone; the app waits, also if the window is started anew meanwhile.
    lab.stop_gateway();
    lab.run_by_root(&["pkill", "-KILL", "-x", "openconnect"])
        .run();
    desktop.see("Reconnecting…");
    desktop.see("1 app is waiting; nothing leaks");
    pictures(&desktop, "reconnecting");
    desktop.kill_app();
    desktop.launch_with(
        &[],
        &serde_json::json!({"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"}),
    );
    desktop.see("Reconnecting…");
    desktop.see("Close Field Radio");
    desktop.picture("reconnecting-dark");
    lab.restart_gateway();
    // A try that is too early would make the next one late.
    let server = format!("{}:443", address::GATEWAY);
    let words = ["openssl", "s_client", "-connect", &server];
    let up = wait_until(PATIENCE, || lab.run_by_user(&words).run().succeeded());
    assert!(up, "the server did not start: {}", lab.gateway_log());
    // The next try may be some seconds away, or be made just now: then a click would go to what is there instead.
    let _ = desktop.ask(&serde_json::json!({"do": "press", "name": "Try Now", "limit": 0}));
    desktop.see("Connected");
    await_state(&lab, "work", "connected");
    desktop.see("Traffic of the last minute, receiving *");
    desktop.picture("main-dark");

    desktop.click_button("Disconnect");
    desktop.see("1 app is offline");
    desktop.see("1 app is waiting offline");
    desktop.picture("off-dark");
    // What was on its way before that is noted before this.
    let settled = format!("http://{}/settled", address::FAR);
    lab.on_gateway(&["curl", "-sS", &settled]).run().text();
    let before = lab.far_requests().len();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(lab.far_requests().len(), before, "the app is not offline");
    assert!(!lab.outside_requests().contains("GET"), "it went around");
}

#[test]
fn a_code_is_asked_for_with_the_password_in_one_form() {
    let lab = Lab::start();
    // "tr0ub4dor" and "4711" in base64, as openvpn joins them.
    let settings = OpenVpnServer {
        password: true,
        accepts: "SCRV1:dHIwdWI0ZG9y:NDcxMQ==",
        ..OpenVpnServer::default()
    };
    let server = settings.start(&lab);
    let config = format!(
        "{}static-challenge \"Code of the token\" 1\n",
        server.client()
    );
    let file = lab.user().write("field.ovpn", &config, 0o600);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[file.to_str().unwrap()]);
    desktop.see("Off");
    desktop.click_button("Connect");
    desktop.see("Code of the token");
    desktop.type_text("test");
    desktop.key("Tab");
    desktop.type_text("tr0ub4dor");
    desktop.click("Code of the token");
    desktop.type_text("4711");
    desktop.picture("dialog-code-light");
    desktop.click_button("Sign In");
    desktop.see("Connected");
    await_state(&lab, "field", "connected");
    desktop.click("Details");
    desktop.see("10.98.*");
    desktop.picture("details-light");
}

#[test]
fn a_wireguard_file_is_imported_and_connects_without_a_question() {
    let lab = Lab::start();
    let profile = wireguard::Profile::new();
    let server = Server::start_routed(&lab, &profile.keys.public, None);
    let text = format!(
        "[Interface]\nPrivateKey = {}\nAddress = {}/32\nDNS = 10.99.0.1\n\n[Peer]\nPublicKey = {}\n\
         Endpoint = {}:{}\nAllowedIPs = 0.0.0.0/0\n",
        profile.keys.private,
        wireguard::OWN,
        server.keys.public,
        address::GATEWAY,
        wireguard::PORT
    );
    let file = lab.user().write("home.conf", &text, 0o600);
    let desktop = Desktop::start(&lab);
    desktop.launch(&[file.to_str().unwrap()]);
    desktop.see("Off");
    desktop.click_button("Connect");
    desktop.see("Connected");
    await_state(&lab, "home", "connected");
    desktop.click_button("Disconnect");
    desktop.see("Off");
}

#[test]
fn a_refused_password_says_so_and_asks_again() {
    let lab = Lab::start();
    let pin = support::ocserv::pin();
    let gateway = address::GATEWAY;
    profile(
        &lab,
        "work",
        &format!(
            "title = \"Work\"\n[openconnect]\nserver = \"{gateway}:443\"\nuser = \"test\"\n\
             fingerprint = \"{pin}\"\n"
        ),
    );
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.click_button("Connect");
    desktop.see("Password*");
    desktop.see("Remember Password");
    desktop.type_text("wrong horse");
    desktop.key("Return");
    desktop.see("Login failed*");
    desktop.key("Escape");
    desktop.see("Password Needed");
    desktop.click_button("Cancel");
    desktop.see("Off");
    assert_eq!(
        desktop
            .shell("grep -c horse ~/.config/vpnns/* -r || true")
            .matches(":1")
            .count(),
        0
    );
}
