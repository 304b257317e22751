//! What a client must not say: one sentence, the documented exit code, and nothing left behind.

use crate::ATTACH;
use crate::support::{Output, StandIn, User};

const ADDRESS: (&str, &str) = ("INTERNAL_IP4_ADDRESS", "10.7.0.2");

#[test]
fn a_wrong_socket_is_refused() {
    let user = User::new();
    for (kind, why) in [
        ("unset", "VPNFD is not set"),
        ("closed", "not the number of an open file"),
        ("=", "not the number of an open file"),
        ("=three", "not the number of an open file"),
        ("=9999999999", "not the number of an open file"),
        ("=-1", "not the number of an open file"),
        ("=0", "a standard stream"),
        ("=1", "a standard stream"),
        ("=2", "a standard stream"),
        ("file", "not a packet socket"),
        ("stream", "not a packet socket"),
        ("udp", "not a packet socket"),
        ("udp-connected", "not a packet socket"),
        ("lonely", "not a packet socket"),
    ] {
        let stand_in = StandIn::openconnect(&user, ATTACH).socket(kind);
        let output = stand_in.set(ADDRESS.0, ADDRESS.1).run();
        expect_refusal(kind, &output, 125, why);
        user.assert_nothing_left();
    }
}

#[test]
fn called_by_no_client_it_says_who_is_to_call_it() {
    let user = User::new();
    let output = user.command(&["vpnns", "--attach"]).run();
    expect_refusal("no client", &output, 125, "VPNFD is not set");
    assert!(
        output
            .stderr
            .contains("\nhint: as in: openconnect --script"),
        "{output:#?}"
    );
    user.assert_nothing_left();
}

/// Variables, and what the sentence about them says.
#[rustfmt::skip] // one row a case reads as the table it is
const UNPARSABLE: &[(&[(&str, &str)], &str)] = &[
    (&[], "announced no address"),
    (&[("INTERNAL_IP4_ADDRESS", "")], "announced no address"),
    (&[("INTERNAL_IP4_ADDRESS", "10.7.0")], "INTERNAL_IP4_ADDRESS is \"10.7.0\""),
    (&[("INTERNAL_IP4_ADDRESS", "10.7.0.2/24")], "INTERNAL_IP4_ADDRESS is"),
    (&[("INTERNAL_IP4_ADDRESS", "fd07::2")], "INTERNAL_IP4_ADDRESS is"),
    (&[("INTERNAL_IP6_ADDRESS", "10.7.0.2")], "INTERNAL_IP6_ADDRESS is"),
    (&[("INTERNAL_IP6_NETMASK", "fd07::2")], "INTERNAL_IP6_NETMASK is"),
    (&[("INTERNAL_IP6_NETMASK", "fd07::2/129")], "INTERNAL_IP6_NETMASK is"),
    (&[ADDRESS, ("INTERNAL_IP4_NETMASK", "255.0.255.0")], "INTERNAL_IP4_NETMASK is"),
    (&[ADDRESS, ("INTERNAL_IP4_NETMASK", "ffff::")], "INTERNAL_IP4_NETMASK is"),
    (&[ADDRESS, ("INTERNAL_IP4_NETMASKLEN", "33")], "INTERNAL_IP4_NETMASKLEN is"),
    (&[ADDRESS, ("INTERNAL_IP4_NETMASKLEN", "-1")], "INTERNAL_IP4_NETMASKLEN is"),
    (&[ADDRESS, ("INTERNAL_IP4_MTU", "0")], "INTERNAL_IP4_MTU is 0; an MTU is from 68 to 65535"),
    (&[ADDRESS, ("INTERNAL_IP4_MTU", "67")], "INTERNAL_IP4_MTU is 67;"),
    (&[ADDRESS, ("INTERNAL_IP4_MTU", "70000")], "INTERNAL_IP4_MTU is 70000;"),
    (&[ADDRESS, ("INTERNAL_IP4_MTU", "-1")], "INTERNAL_IP4_MTU is -1;"),
    (&[ADDRESS, ("INTERNAL_IP4_MTU", "quite large")], "INTERNAL_IP4_MTU is quite large;"),
    (&[ADDRESS, ("INTERNAL_IP4_DNS", "10.7.0.1 resolver")], "INTERNAL_IP4_DNS is \"resolver\""),
    (&[ADDRESS, ("CISCO_SPLIT_INC", "200")], "did not set CISCO_SPLIT_INC_0_ADDR, although CISCO_SPLIT_INC is 200"),
    (&[ADDRESS, ("CISCO_IPV6_SPLIT_INC", "200")], "did not set CISCO_IPV6_SPLIT_INC_0_ADDR"),
    (&[ADDRESS, ("CISCO_SPLIT_EXC", "1")], "did not set CISCO_SPLIT_EXC_0_ADDR"),
    (&[ADDRESS, ("CISCO_SPLIT_INC", "-1")], "CISCO_SPLIT_INC is \"-1\""),
    (&[ADDRESS, ("CISCO_SPLIT_INC", "1001")], "a number of routes (1,000 at most)"),
    (&[ADDRESS, ("CISCO_SPLIT_INC", "99999999999999999999")], "a number of routes"),
    (&[ADDRESS, ("CISCO_SPLIT_INC", "many")], "a number of routes"),
    (&[ADDRESS, ("CISCO_SPLIT_INC", "1"), ("CISCO_SPLIT_INC_0_ADDR", "10.9.0.0")], "did not set CISCO_SPLIT_INC_0_MASKLEN"),
    (&[ADDRESS, ("CISCO_SPLIT_INC", "1"), ("CISCO_SPLIT_INC_0_ADDR", "intranet"), ("CISCO_SPLIT_INC_0_MASKLEN", "8")], "CISCO_SPLIT_INC_0_ADDR is \"intranet\""),
];

#[test]
fn what_does_not_parse_is_refused_by_its_name() {
    let user = User::new();
    for (variables, why) in UNPARSABLE {
        let mut stand_in = StandIn::openconnect(&user, ATTACH);
        for (name, value) in *variables {
            stand_in = stand_in.set(name, value);
        }
        // A call that is taken goes on for ever, and fails the test by the limit of `run`.
        let output = stand_in.run();
        expect_refusal(&format!("{variables:?}"), &output, 125, why);
        user.assert_nothing_left();
    }
}

#[test]
fn a_wrong_command_line_is_refused_before_anything_is_done() {
    let user = User::new();
    for (options, why) in [
        ("--no-such-option", "--no-such-option"),
        ("--routes some", "\"some\""),
        ("--routes", "--routes"),
        ("--dns resolver.corp.test", "resolver.corp.test"),
        ("--dns none,10.7.0.1", "not both"),
        ("--dns ''", "--dns"),
        ("--name ../x", "../x"),
        ("--list", "--list"),
        ("-- firefox", "--attach"),
        ("--script", "--script"),
        ("--script ''", "--script"),
    ] {
        let command = format!("vpnns --attach {options}");
        let stand_in = StandIn::openconnect(&user, &command);
        let output = stand_in.set(ADDRESS.0, ADDRESS.1).run();
        expect_refusal(options, &output, 2, why);
        user.assert_nothing_left();
    }
}

/// One sentence on stderr, nothing on stdout but the stand-in's own words.
pub(crate) fn expect_refusal(case: &str, output: &Output, code: i32, why: &str) {
    assert_eq!(output.code(), code, "{case}: {output:#?}");
    let first = output.stderr.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("vpnns: ") && first.contains(why),
        "{case} should say {why:?}: {output:#?}"
    );
    for line in output.stderr.lines().skip(1) {
        assert!(
            line.starts_with("caused by: ") || line.starts_with("hint: "),
            "{case}: more than a sentence: {output:#?}"
        );
    }
    assert!(!output.stdout.contains("vpnns: "), "{case}: {output:#?}");
}
