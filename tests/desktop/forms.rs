//! Adding, editing and deleting a VPN in the window.

use crate::support::Lab;
use crate::*;

/// The profile's text.
fn exported(lab: &Lab, name: &str) -> String {
    lab.run_by_user(&["vpnns", "--export", name]).run().stdout
}

#[test]
fn a_vpn_is_set_up_by_hand_after_a_mistake_was_pointed_out() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.click_button("Add VPN…");
    desktop.see("Set Up by Hand");
    desktop.picture("add-kind");
    desktop.click("OpenConnect");
    desktop.see("Sign-In");
    desktop.type_text("Work");
    desktop.key("Tab");
    desktop.type_text("vpn.example,org");
    desktop.key("Tab");
    desktop.see("A server name has no comma. Did you mean vpn.example.org?");
    desktop.picture("add-form");
    // Past the fix, which is a link.
    desktop.key("shift+Tab shift+Tab");
    desktop.key("ctrl+a");
    desktop.type_text("vpn.example.org");
    desktop.unsee("A server name has no comma. Did you mean vpn.example.org?");
    desktop.click_button("Add");
    desktop.see("Work added");
    let text = exported(&lab, "work");
    assert!(text.contains("title = \"Work\""), "{text}");
    assert!(text.contains("server = \"vpn.example.org\""), "{text}");
}

#[test]
fn what_is_deleted_comes_back_as_it_was() {
    let lab = Lab::start();
    profile(&lab, "firm", "# mine\ntitle = \"Firm\"\n[demo]\n");
    let before = exported(&lab, "firm");
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.see("Off");
    act(&desktop, "delete-vpn", "firm");
    desktop.see("Firm deleted");
    desktop.see("Choose Which Apps Use a VPN");
    assert_eq!(exported(&lab, "firm"), "");
    desktop.click("Undo");
    desktop.see("Firm");
    // A page that is behind another one may still have the name.
    let back = wait_until(PATIENCE, || exported(&lab, "firm") == before);
    assert!(back, "{}", exported(&lab, "firm"));
}

#[test]
fn the_demonstration_is_one_click_away_and_says_what_its_end_would_take() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    desktop.launch(&[]);
    desktop.click_button("Try the Demonstration");
    desktop.see("Connected");
    act(&desktop, "delete-vpn", "demonstration");
    desktop.see("It is connected, and will be disconnected.");
    desktop.key("Escape");
    await_state(&lab, "demonstration", "connected");
}
