//! A person at a desktop inside the lab: sees through AT-SPI, acts by real key and mouse events.
//!
//! `desktop.py` is the person; this is how a test tells it what to do. Everything is asserted: what is not
//! there in time fails the test with what was looked for, and with what the app wrote.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::command::{require, require_file};
use super::lab::Lab;
use super::process::{Running, wait_until};

/// Programs and files that a desktop needs, and the Debian packages they are in.
const NEEDED: &[(&str, &str)] = &[
    ("Xvfb", "xvfb"),
    ("dbus-daemon", "dbus"),
    ("import", "imagemagick"),
    ("openbox", "openbox"),
    ("picom", "picom"),
    ("xdotool", "xdotool"),
];

/// A desktop session in a lab; it ends with this value.
pub struct Desktop<'a> {
    lab: &'a Lab,
    person: Running,
    socket: RefCell<BufReader<UnixStream>>,
}

impl<'a> Desktop<'a> {
    /// A session with an empty screen of 1280 by 900.
    pub fn start(lab: &'a Lab) -> Self {
        Self::start_with(lab, "1280x900", &[])
    }

    /// A session with more variables.
    pub fn start_with(lab: &'a Lab, size: &str, environment: &[(&str, &str)]) -> Self {
        for (program, package) in NEEDED {
            require(program, package);
        }
        require_file("/usr/libexec/at-spi-bus-launcher", "at-spi2-core");
        let application = application();
        let program = lab.user().program();
        let copy = program.parent().unwrap().join("vpnns-desktop");
        if !copy.exists() {
            fs::copy(&application, &copy)
                .unwrap_or_else(|error| panic!("cannot copy {}: {error}", application.display()));
        }
        let script = lab
            .user()
            .write("desktop.py", include_str!("desktop.py"), 0o644);
        let run = lab.user().runtime_directory();
        let mut words = vec!["env".to_owned()];
        words.extend(
            environment
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        words.extend([
            "/usr/bin/python3".into(),
            text(&script),
            text(&run),
            size.into(),
        ]);
        let person = lab.run_by_user(&words).spawn();
        person.wait_for("ready");
        let socket = UnixStream::connect(run.join("person")).unwrap();
        // The person bounds each of its waits; this is only for the case that it hangs.
        socket
            .set_read_timeout(Some(Duration::from_secs(180)))
            .unwrap();
        Self {
            lab,
            person,
            socket: RefCell::new(BufReader::new(socket)),
        }
    }

    /// Tells the person to do something; the answer, or why it could not be done.
    pub fn ask(&self, what: &Value) -> Result<Value, String> {
        let mut socket = self.socket.borrow_mut();
        socket
            .get_mut()
            .write_all(format!("{what}\n").as_bytes())
            .unwrap();
        let mut line = String::new();
        socket.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{what}: {error}: {line:?}\n{}", self.person.log()));
        if answer["ok"] == true {
            Ok(answer)
        } else {
            Err(answer["error"].to_string())
        }
    }

    /// The same, where failing is a failed test.
    #[track_caller]
    pub fn tell(&self, what: &Value) -> Value {
        self.ask(what).unwrap_or_else(|error| {
            self.keep_picture();
            let shown = self.ask(&json!({"do": "texts"})).unwrap_or_default();
            let texts: Vec<String> = shown["texts"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|it| format!("{} {}", it[0], it[1]))
                .filter(|it| it.contains(' ') && !it.ends_with(" \"\""))
                .collect();
            panic!(
                "{what}: {error}\nthe app runs: {}; it said:\n{}\non the screen:\n{}",
                self.ask(&json!({"do": "running"})).unwrap_or_default()["running"],
                self.log(),
                texts.join("\n")
            )
        })
    }

    /// Of a failed test the screen remains, beside the other pictures.
    fn keep_picture(&self) {
        let taken = self.lab.user().home().join("failure.png");
        let _ = self.ask(&json!({"do": "picture", "path": text(&taken)}));
        let name = std::thread::current()
            .name()
            .unwrap_or("test")
            .replace(':', "-");
        let _ = fs::copy(&taken, pictures().join(format!("failure-{name}.png")));
    }

    /// Starts the app, and waits for its window.
    #[track_caller]
    pub fn launch(&self, args: &[&str]) {
        self.tell(&json!({"do": "launch", "args": args}));
    }

    /// Starts the app with more variables, and waits for its window.
    #[track_caller]
    pub fn launch_with(&self, args: &[&str], environment: &Value) {
        self.tell(&json!({"do": "launch", "args": args, "env": environment}));
    }

    /// Waits until this text can be read somewhere; a `*` at its end stands for whatever is around it.
    #[track_caller]
    pub fn see(&self, name: &str) {
        self.tell(&json!({"do": "see", "name": name}));
    }

    /// Waits until no such text can be read.
    #[track_caller]
    pub fn unsee(&self, name: &str) {
        self.tell(&json!({"do": "unsee", "name": name}));
    }

    /// Whether such a text can be read right now.
    pub fn sees(&self, name: &str) -> bool {
        self.ask(&json!({"do": "see", "name": name, "limit": 0}))
            .is_ok()
    }

    /// Clicks on what has this text, with the mouse.
    #[track_caller]
    pub fn click(&self, name: &str) {
        self.tell(&json!({"do": "click", "name": name}));
    }

    /// Clicks on a button that can be clicked on.
    #[track_caller]
    pub fn click_button(&self, name: &str) {
        let role = "push button|toggle button|button";
        self.tell(&json!({"do": "click", "name": name, "role": role, "sensitive": true}));
    }

    /// Activates what has this text as a screen reader does: for menus, whose place AT-SPI does not tell.
    #[track_caller]
    pub fn press(&self, name: &str) {
        self.tell(&json!({"do": "press", "name": name}));
    }

    /// Chooses an item of a menu that is behind a button.
    #[track_caller]
    pub fn choose(&self, menu: &str, item: &str) {
        self.press(menu);
        self.tell(&json!({"do": "press", "name": item, "role": "menu item|check menu item"}));
    }

    /// Types into what has the focus.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.tell(&json!({"do": "type", "text": text}));
    }

    /// Presses keys, one after another.
    #[track_caller]
    pub fn key(&self, keys: &str) {
        self.tell(&json!({"do": "key", "keys": keys}));
    }

    /// Closes the window with the window manager's key, until `is_closed`: openbox drops a key that
    /// comes while it is still busy with the window that has just come.
    #[track_caller]
    pub fn close_window(&self, mut is_closed: impl FnMut() -> bool) {
        let closed = (0..20).any(|_| {
            self.key("alt+F4");
            wait_until(Duration::from_secs(3), &mut is_closed)
        });
        assert!(closed, "the window stays open");
    }

    /// Makes the window as large as this.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.tell(&json!({"do": "size", "width": width, "height": height}));
    }

    /// Takes a picture, to be looked at by people; returns where it is.
    #[track_caller]
    pub fn picture(&self, name: &str) -> PathBuf {
        // The lab's user may not write where the tests' results are.
        let taken = self.lab.user().home().join(format!("{name}.png"));
        let answer = self.tell(&json!({"do": "picture", "path": text(&taken)}));
        assert_eq!(answer["there"], true, "no picture {name}");
        let kept = pictures().join(format!("{name}.png"));
        fs::copy(&taken, &kept).unwrap();
        kept
    }

    /// Kills the app as a crash does.
    #[track_caller]
    pub fn kill_app(&self) {
        self.tell(&json!({"do": "kill"}));
    }

    /// Runs a script in the session; its output.
    #[track_caller]
    pub fn shell(&self, script: &str) -> String {
        let answer = self.tell(&json!({"do": "shell", "script": script}));
        let output = answer["output"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer["code"], 0, "{script}: {output}");
        output
    }

    /// Starts another program of the session.
    #[track_caller]
    pub fn start_program(&self, words: &[&str]) {
        self.tell(&json!({"do": "start", "words": words}));
    }

    /// What the app wrote.
    pub fn log(&self) -> String {
        let path = self.lab.user().runtime_directory().join("app.log");
        fs::read_to_string(path).unwrap_or_default()
    }
}

/// The app under test: beside the test's own program, where cargo puts both.
fn application() -> PathBuf {
    let name = option_env!("CARGO_BIN_EXE_vpnns-desktop").map(PathBuf::from);
    name.expect("tests of the app belong to its package")
}

/// Where pictures are kept: for people, and for the README.
pub fn pictures() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).expect("target/debug/deps/test");
    let directory = target.join("pictures");
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn text(path: &Path) -> String {
    path.to_str().expect("the tests' paths are text").to_owned()
}
