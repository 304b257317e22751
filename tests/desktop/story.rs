//! A person's whole way: add a VPN, sign in, look around, lose the server, disconnect.

use crate::support::address;
use crate::support::ocserv::PASSWORD;
use crate::*;

/// Adds the lab's server by hand, as the person has been told it on paper.
fn add_by_hand(desktop: &Desktop<'_>) {
    desktop.click_button("Add VPN…");
    desktop.see("Set Up by Hand");
    desktop.picture("add-kind");
    desktop.click("OpenConnect");
    desktop.see("Server");
    desktop.click("Server");
    desktop.type_text(&format!("{}:443", address::GATEWAY));
    desktop.key("Tab");
    desktop.picture("add-form");
    desktop.click_button("Add");
}

#[test]
fn a_vpn_is_added_by_hand_and_connected_with_a_password() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    add_by_hand(&desktop);
    desktop.see("Off");
    desktop.click_button("Connect");
    desktop.see("Is This Your Server?");
    desktop.picture("dialog-certificate");
    desktop.click_button("Trust");
    desktop.see("Sign In");
    desktop.type_text("test\n");
    desktop.picture("dialog-user");
    desktop.type_text(PASSWORD);
    desktop.picture("dialog-password");
    desktop.click_button("Sign In");
    desktop.see("Connected");
    desktop.picture("main-wide");
}
