//! Many starts at once: one instance for each name, whoever comes first.

use std::time::Duration;

use crate::support::Session;

/// Two apps start at once, note their network and wait for one another. `$1` pairs, of which every second
/// starts while the instance of the one before is about to end, the others when it has ended.
const PAIRS: &str = r#"
app='readlink /proc/self/ns/net >"$1.new"; mv "$1.new" "$1"
     for try in $(seq 2000); do [ -e "$2" ] && exit; sleep 0.005; done; echo "alone"; exit 9'
for pair in $(seq "$1"); do
    vpnns -n race -- sh -c "$app" app "$pair.a" "$pair.b" & one=$!
    vpnns -n race -- sh -c "$app" app "$pair.b" "$pair.a" & two=$!
    wait $one || echo "pair $pair: the first failed with $?"
    wait $two || echo "pair $pair: the second failed with $?"
    cmp "$pair.a" "$pair.b" || echo "pair $pair: two networks"
    if ((pair % 2)); then
        for try in $(seq 1000); do [ -e "$HOME/.vpnns-race/control" ] || break; sleep 0.005; done
    fi
done
ls | grep -c '^[0-9]*\.[ab]$'
"#;

#[test]
fn two_hundred_pairs_of_simultaneous_starts_share_a_network_each() {
    let session = Session::new();
    let words = ["bash", "-c", PAIRS, "pairs", "200"];
    let output = session
        .command(&words)
        .limit(Duration::from_secs(300))
        .run();
    assert_eq!(output.log(), "400\n", "in {:?}", output.elapsed);
}

#[test]
fn a_crowd_that_starts_at_once_is_in_one_instance() {
    let session = Session::new();
    let script = "for i in $(seq 24); do
            vpnns -- sh -c 'readlink /proc/self/ns/net; exec sleep 600' >\"out.$i\" &
        done
        for try in $(seq 4000); do
            [ \"$(cat out.* | wc -l)\" = 24 ] && break; sleep 0.005
        done
        sort -u out.* | wc -l; vpnns --list | tail -n 1 | tr ',' '\\n' | wc -l
        vpnns --stop; wait";
    assert_eq!(session.script(script).run().text(), "1\n24");
}

#[test]
fn apps_that_come_while_the_instance_is_stopped_are_in_the_old_or_in_a_new_one() {
    let session = Session::new();
    // Either is fine; a failure to start is not. 143 and 137 are the stop's own doing.
    let script = "for i in $(seq 20); do
            vpnns -- sleep 600 & vpnns --stop 2>/dev/null || true
            vpnns -- true || { code=$?; [ $code = 143 ] || [ $code = 137 ] || echo \"failed: $code\"; }
            vpnns --stop 2>/dev/null || true
        done
        # One may come only now.
        while [ -n \"$(jobs -pr)\" ]; do vpnns --stop 2>/dev/null || true; sleep 0.02; done; wait";
    assert_eq!(
        session
            .script(script)
            .limit(Duration::from_secs(60))
            .run()
            .log(),
        ""
    );
}
