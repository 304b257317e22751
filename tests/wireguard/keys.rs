//! Keys and what is wrong with them, each said in one sentence.

use crate::support::wireguard::{Keys, NAME, Profile, Server, preshared_key};
use crate::support::{LIMIT, Lab, address, assert_gave_up, wait_until};
use crate::{ALL, endpoint, one_peer};

#[test]
fn a_preshared_key_is_part_of_the_handshake() {
    let lab = Lab::start();
    let (profile, key) = (Profile::new(), preshared_key());
    let server = Server::start_routed(&lab, &profile.keys.public, Some(&key));
    let more = format!("preshared-key = \"{key}\"");
    let right = profile
        .clone()
        .peer(&server.keys.public, &endpoint(), &ALL, &more);
    let client = lab.wireguard_up(&right);
    assert!(lab.reaches(NAME, address::FAR));
    assert!(!client.log().contains(&key) && !client.log().contains(&right.keys.private));
    drop(client);
    // Its connector ends when it sees that it is alone; until then another one is refused.
    let down = || lab.wireguard_status()["state"] != "connected";
    assert!(wait_until(LIMIT, down));
    let wrong = format!("preshared-key = \"{}\"", preshared_key());
    let wrong = profile.peer(&server.keys.public, &endpoint(), &ALL, &wrong);
    never_connects(&lab, &wrong);
}

#[test]
fn a_client_that_the_server_does_not_know_never_connects_and_says_so() {
    let lab = Lab::start();
    let (profile, _server) = one_peer(&lab);
    let stranger = Profile {
        keys: Keys::new(),
        ..profile
    };
    never_connects(&lab, &stranger);
}

fn never_connects(lab: &Lab, profile: &Profile) {
    let _app = lab.keep(NAME);
    let client = lab.wireguard(profile);
    lab.wait_for_state("connecting", &client);
    assert!(!lab.reaches(NAME, address::FAR));
    let output = client.wait(crate::support::LIMIT * 2);
    let sentence = format!(
        "no answer to the WireGuard handshake with {} in 20 s",
        endpoint()
    );
    assert_gave_up(&output, 1, &sentence);
    assert!(output.stderr.contains("hint: "), "{output:#?}");
    let status = lab.wireguard_status();
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&"failed".into(), &sentence.into())
    );
    assert!(
        !output.stderr.contains(&profile.keys.private),
        "{output:#?}"
    );
}

#[test]
fn a_private_key_may_stand_in_a_file_of_its_own() {
    let lab = Lab::start();
    let profile = Profile::new();
    let server = Server::start_routed(&lab, &profile.keys.public, None);
    let profile = profile.peer(&server.keys.public, &endpoint(), &ALL, "");
    profile.write(&lab);
    let path = lab.user().home().join("key");
    let home = lab.user().home();
    let file = home.join(format!(".config/vpnns/profiles/{NAME}.toml"));
    let text = std::fs::read_to_string(&file).unwrap();
    let with = format!("private-key-file = \"{}\"", path.display());
    let without = format!("private-key = \"{}\"", profile.keys.private);
    std::fs::write(&file, text.replace(&without, &with)).unwrap();
    let connect = ["vpnns", "--connect", NAME, "--name", NAME];

    let output = lab.run_by_user(&connect).run();
    assert_gave_up(&output, 1, "failed to read the private key in ");
    lab.user().write("key", "no key\n", 0o600);
    let output = lab.run_by_user(&connect).run();
    assert_gave_up(&output, 1, "there is no private key in ");
    lab.user()
        .write("key", &format!("{}\n", profile.keys.private), 0o644);
    let client = lab.run_by_user(&connect).spawn();
    lab.wait_for_state("connected", &client);
    assert!(
        client.stderr().contains("can be read by others"),
        "{}",
        client.stderr()
    );
}

#[test]
fn what_cannot_be_reached_is_named_in_one_sentence() {
    let lab = Lab::start();
    let (keys, profile) = (Keys::new(), Profile::new());
    let unknown = profile
        .clone()
        .peer(&keys.public, "nobody.invalid:51820", &ALL, "");
    let output = lab.wireguard(&unknown).wait(crate::support::LIMIT);
    let sentence = "the name nobody.invalid of the server does not resolve";
    assert_gave_up(&output, 1, sentence);

    let taken = Profile {
        more: "listen-port = 7\n".into(),
        ..profile.peer(&keys.public, &endpoint(), &ALL, "")
    };
    let output = lab.wireguard(&taken).wait(crate::support::LIMIT);
    assert_gave_up(&output, 1, "failed to use the UDP port 7");
}
