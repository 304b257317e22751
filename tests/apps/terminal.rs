//! Programs that run in a terminal, with stand-ins that say which terminal they are.

use crate::desktop::Desktop;
use crate::support::{Invocation, assert_complaint};

impl Desktop {
    /// A terminal of this name, in a directory that is searched first.
    fn terminal(&self, name: &str) {
        let script = format!(
            "#!/bin/sh\necho {name}: \"$@\"\nwhile [ \"$1\" != '{}' ]; do shift; done\nexec \"$@\"\n",
            self.program()
        );
        self.session()
            .user()
            .write(&format!("bin/{name}"), &script, 0o755);
    }

    fn program(&self) -> String {
        self.session().user().program().display().to_string()
    }

    /// Opens an entry where only these stand-ins, and no real terminal, can be found.
    fn open_with(&self, words: &[&str]) -> Invocation {
        let path = format!("{}/bin", self.session().home().display());
        let program = self.program();
        let words = [&[program.as_str(), "--open"], words].concat();
        self.command(&words).env("PATH", path)
    }
}

#[test]
fn a_terminal_is_looked_for_in_the_order_of_the_manual() {
    let desktop = Desktop::new();
    let exec = format!("Terminal=true\nExec={} \"a b\" %f", desktop.show());
    desktop.entry("one", "a.desktop", &exec);
    assert!(desktop.apps()[0].terminal);
    let inner = format!(
        "{} --name=work -- {} a b /x",
        desktop.program(),
        desktop.show()
    );
    let opened = |variable: &str| {
        let open = desktop.open_with(&["a", "--name=work", "/x"]);
        let output = open.env("TERMINAL", variable).run();
        let lines: Vec<String> = output.text().lines().map(str::to_owned).collect();
        assert_eq!(lines[1..], ["<a b>", "</x>"]);
        lines[0].clone()
    };
    let output = desktop.open_with(&["a", "/x"]).run();
    assert_complaint(
        &output,
        126,
        "a.desktop runs in a terminal, and no terminal was found",
    );
    assert!(
        output.stderr.contains("hint: install a terminal"),
        "{output:#?}"
    );
    desktop.terminal("xterm");
    assert_eq!(opened("not-there"), format!("xterm: -e {inner}"));
    desktop.terminal("xfce4-terminal");
    let before = "xfce4-terminal: --disable-server -x";
    assert_eq!(opened(""), format!("{before} {inner}"));
    desktop.terminal("x-terminal-emulator");
    assert_eq!(opened(""), format!("x-terminal-emulator: -e {inner}"));
    desktop.terminal("mine");
    assert_eq!(opened("mine"), format!("mine: -e {inner}"));
    assert_eq!(opened("mine --dark"), format!("mine: --dark -e {inner}"));
    desktop.terminal("foot");
    assert_eq!(opened("foot"), format!("foot: {inner}"));
    desktop.terminal("xdg-terminal-exec");
    assert_eq!(opened("mine"), format!("xdg-terminal-exec: {inner}"));
}

#[test]
fn a_program_is_in_the_instance_also_in_a_terminal_that_is_one_process_outside() {
    let desktop = Desktop::new();
    let session = desktop.session();
    let _app = session.keep("work");
    desktop.entry(
        "one",
        "a.desktop",
        "Terminal=true\nExec=readlink /proc/self/ns/net",
    );
    // It hands its command over and ends, as those do that run already.
    let handing = "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$HOME/handed\"\n";
    session
        .user()
        .write("bin/xdg-terminal-exec", handing, 0o755);
    assert_eq!(desktop.open_with(&["a", "--name", "work"]).run().text(), "");
    let handed = std::fs::read_to_string(session.home().join("handed")).unwrap();
    let words: Vec<&str> = handed.lines().collect();
    let inside = session.command(&words).run();
    assert_eq!(inside.text(), session.network("work"));
    // The same command without this would be outside.
    let outside = session.command(&words[3..]).run();
    assert_ne!(outside.text(), session.network("work"));
}

#[test]
fn the_window_of_a_terminal_is_in_the_instance_as_well() {
    let desktop = Desktop::new();
    let _app = desktop.session().keep("default");
    desktop.entry(
        "one",
        "a.desktop",
        "Terminal=true\nExec=readlink /proc/self/ns/net",
    );
    let script = "#!/bin/sh\n/bin/readlink /proc/self/ns/net\nexec \"$@\"\n";
    desktop
        .session()
        .user()
        .write("bin/xdg-terminal-exec", script, 0o755);
    let path = format!("{}/bin:/usr/bin:/bin", desktop.session().home().display());
    let program = desktop.program();
    let open = desktop
        .command(&[&program, "--open", "a"])
        .env("PATH", path);
    let network = desktop.session().network("default");
    assert_eq!(open.run().text(), format!("{network}\n{network}"));
}
