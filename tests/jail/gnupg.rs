//! GnuPG's real daemons: the agent, which has the keys, is the host's; dirmngr, which fetches, is not.

use crate::machine::Machine;
use crate::support::command::require;

/// Who answers, as process numbers: the agent and dirmngr outside, the two inside, dirmngr outside.
fn who_answers(options: &str) -> Vec<String> {
    require("gpg-connect-agent", "gnupg");
    require("dirmngr", "dirmngr");
    let script = "
        mkdir -m 700 \"$HOME/.gnupg\"; gpgconf --create-socketdir
        agent='gpg-connect-agent getinfo\\ pid /bye'
        dirmngr='gpg-connect-agent --dirmngr getinfo\\ pid /bye'
        trap 'gpgconf --kill all; vpnns -- gpgconf --kill dirmngr; vpnns --stop || true; wait' EXIT
        number() { sed -n 's/^D //p'; }
        eval $agent | number; eval $dirmngr | number
        keep OPTIONS; vpnns -- sh -c \"$agent; $dirmngr\" | number
        eval $dirmngr | number";
    let said = Machine::new().run(&script.replace("OPTIONS", options));
    let numbers: Vec<String> = said.text().lines().map(str::to_owned).collect();
    assert_eq!(numbers.len(), 5, "{said:#?}");
    numbers
}

#[test]
fn dirmngr_is_the_hosts_inside_where_it_is_shared() {
    let who = who_answers("--share /run/user/$(id -u)/gnupg --share \"$XDG_RUNTIME_DIR/gnupg\"");
    assert_eq!(who[2], who[0], "another agent: {who:?}");
    assert_eq!(who[3], who[1], "another dirmngr: {who:?}");
}

#[test]
fn dirmngr_is_the_instances_inside_and_the_agent_the_hosts() {
    let who = who_answers("");
    assert_eq!(who[2], who[0], "another agent: {who:?}");
    assert_ne!(who[3], who[1], "the same dirmngr: {who:?}");
    // Nobody outside comes upon the one inside.
    assert_eq!(who[4], who[1], "{who:?}");
}
