//! The command line of the Flatpak: it is that of a helper on the host.

use crate::PATIENCE;
use crate::desk::Desk;
use crate::installed::{HELPER, ID, lab, server};
use crate::support::{Invocation, address, wait_until};

fn call(desk: &Desk, words: &[&str]) -> Invocation {
    desk.outside(&[&HELPER[..], words].concat()).limit(PATIENCE)
}

/// Whether a process of the lab has this in its command line.
fn runs(desk: &Desk, pattern: &str) -> bool {
    let words = ["pgrep", "--full", "--", pattern];
    desk.lab().run_by_user(&words).run().succeeded()
}

fn text(desk: &Desk, words: &[&str]) -> String {
    let output = call(desk, words).run();
    assert!(output.succeeded(), "{words:?}: {output:#?}");
    output.stdout
}

#[test]
fn the_helper_of_the_flatpak_works_on_the_host() {
    let (lab, _files) = lab();
    let mut desk = Desk::in_lab(lab);
    desk.name_bus();
    let desk = desk;
    let _server = server(desk.lab());
    let code = |words: &[&str]| {
        let output = call(&desk, words).run();
        // Of a failed test it tells why.
        eprintln!("{words:?}: {} {}", output.stdout, output.stderr);
        output.code()
    };

    // Whatever a caller can see of a program is that of the one on the host.
    assert_eq!(code(&["--list"]), 0);
    assert_eq!(code(&["--", "sh", "-c", "exit 7"]), 7);
    assert_eq!(code(&["--", "sh", "-c", "kill -KILL $$"]), 137);
    assert_eq!(code(&["--", "no-such-program"]), 127);
    assert_eq!(code(&["--no-such-option"]), 2);
    let output = call(&desk, &["--disconnect", "--name", "nobody"]).run();
    assert_eq!(output.code(), 125);
    assert!(
        output.stderr.contains("vpnns: no instance named"),
        "{output:#?}"
    );
    let output = call(&desk, &["--", "sh", "-c", "cat; echo said >&2"]);
    let output = output.input("heard").run();
    assert_eq!(output.stdout, "heard");
    assert!(output.stderr.contains("said"), "{output:#?}");
    let profile = "version = 1\n[demo]\n";
    let import = call(&desk, &["--import", "-", "--profile", "second"]);
    assert!(import.input(profile).run().succeeded());
    assert!(text(&desk, &["--profiles"]).contains("second"));
    let place = desk.lab().user().home().join("a place");
    desk.lab().user().make_directory(&place);
    let place = place.to_str().unwrap();
    let words = [&["env", "--chdir", place], &HELPER[..], &["--", "pwd"]].concat();
    assert_eq!(desk.outside(&words).run().text(), place);
    let language = desk.outside(&[&HELPER[..], &["--", "printenv", "LC_TIME"]].concat());
    assert_eq!(
        language.env("LC_TIME", "de_DE.UTF-8").run().text(),
        "de_DE.UTF-8"
    );
    assert_ne!(code(&["--", "test", "-e", "/.flatpak-info"]), 0);

    // A caller that is killed takes along what is its own, and leaves what is to stay.
    assert_eq!(code(&["--connect", "work", "--background"]), 0);
    assert_eq!(
        code(&["--name", "work", "--detach", "--", "sleep", "60001"]),
        0
    );
    let kept = call(&desk, &["--name", "work", "--", "sleep", "60002"]).spawn();
    let monitor = call(&desk, &["--monitor", "--json", "--traffic"]).spawn();
    monitor.wait_for("ready");
    assert!(wait_until(PATIENCE, || runs(&desk, "sleep 60002$")));
    desk.outside(&["flatpak", "kill", ID]).run().text();
    let gone = || !runs(&desk, "sleep 60002$") && !runs(&desk, "vpnns --monitor");
    assert!(
        wait_until(PATIENCE, gone),
        "orphans of {kept:?} are left",
        kept = kept.log()
    );
    assert!(runs(&desk, "sleep 60001$"));
    let status = || text(&desk, &["--status", "--json", "--name", "work"]);
    assert!(status().contains("\"connected\""), "{}", status());

    // Without the Flatpak, what it has started goes on, and can be ended.
    let remove = desk.outside(&["flatpak", "--user", "uninstall", "--noninteractive", ID]);
    let output = remove.limit(PATIENCE).run();
    assert!(output.succeeded(), "{output:#?}");
    let copy = desk
        .lab()
        .user()
        .home()
        .join(format!(".var/app/{ID}/data/bin/vpnns"));
    let copy = copy.to_str().unwrap();
    let page = format!("http://{}/after", address::INTERNET);
    let words = [copy, "--name", "work", "--", "curl", "-sf", &page];
    desk.outside(&words).run().text();
    assert_eq!(desk.asked("after"), Some(crate::desk::Side::Inside));
    assert!(runs(&desk, "sleep 60001$"));
    let words = [copy, "--stop", "--name", "work"];
    assert!(desk.outside(&words).run().succeeded());
    assert!(wait_until(PATIENCE, || !runs(&desk, "sleep 60001$")));
}
