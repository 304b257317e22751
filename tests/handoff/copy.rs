//! A browser that runs outside already: the copy that is opened inside is one of its own.

use crate::desk::{Desk, Side, page};

/// Opens pages by the browser's entry, outside and in every way inside.
pub fn a_copy_inside_is_a_copy_of_its_own(desk: &Desk, id: &str, outside: &[&str]) {
    let first = desk.outside(&[outside, &[&page("first")]].concat()).spawn();
    assert_eq!(desk.wait_for_page("first", &[&first]), Side::Outside);
    let open = |words: &[&str], name: &str| {
        let call = desk.vpnns(&[words, &[&page(name)]].concat());
        let call = call.spawn();
        let side = desk.wait_for_page(name, &[&first, &call]);
        (side, call)
    };
    // Without the recipe the copy outside opens it: otherwise the rest would prove nothing.
    let (side, _) = open(&["--recipe", "none", "--open", id], "without");
    assert_eq!(side, Side::Outside);
    let (side, inside) = open(&["--open", id], "with");
    assert_eq!(side, Side::Inside, "{}", inside.log());
    assert!(
        inside.stderr().contains("gets a profile of its own"),
        "{}",
        inside.stderr()
    );
    // The next one is handed over to the copy inside, and ends.
    let (side, second) = open(&["--open", id], "second");
    assert_eq!(side, Side::Inside);
    let output = second.wait(crate::desk::PATIENCE);
    assert!(output.succeeded(), "{output:#?}");
    assert!(!output.stderr.contains("profile of its own"), "{output:#?}");
    // Also for a program that has the instance's own bus, on which the copy inside is not.
    let (side, _) = open(&["--session-bus", "private", "--open", id], "other-bus");
    assert_eq!(side, Side::Inside);
    // Called by its program, it is the same.
    let (side, _) = open(&[&["--"], outside].concat(), "by-program");
    assert_eq!(side, Side::Inside);
    assert_sandboxed(desk, outside[0]);
}

/// Some process of the browser's in the instance is confined more than the instance itself is.
fn assert_sandboxed(desk: &Desk, program: &str) {
    // Not by the environment: Chromium writes its title over it.
    let script = "for number in $(pgrep -f \"$2\"); do
            [ \"$(readlink /proc/$number/ns/net)\" != \"$1\" ] || continue
            grep -qs '^Seccomp:.2' /proc/$number/status || continue
            parent=$number
            while [ \"${parent:-0}\" -gt 1 ]; do
                parent=$(sed -n 's/^PPid:.//p' /proc/$parent/status)
                [ \"$(readlink /proc/$parent/ns/net)\" != \"$1\" ] || { tr '\\0' ' ' </proc/$number/cmdline; exit; }
            done
        done";
    let network = desk.network();
    let words = ["bash", "-c", script, "bash", &network, program];
    let output = desk.lab().run_by_root(&words).run();
    assert!(
        output.stdout.contains(program),
        "no process of {program} is sandboxed: {output:#?}"
    );
}
