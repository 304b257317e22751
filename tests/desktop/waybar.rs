//! The tray icon in another real panel: waybar, in a Wayland session without a screen.

use serde_json::json;

use crate::look::Look;
use crate::picker::{await_apps, field_notes};
use crate::scripted::Scripted;
use crate::support::Lab;
use crate::support::command::require;
use crate::*;

/// A compositor whose only output is where pictures are taken from.
const SWAY: &str = "xwayland disable\noutput * resolution 1280x900\ndefault_border none\n\
                    seat * hide_cursor 100\n";
/// A bar with nothing in it but the tray.
const BAR: &str = r#"{"layer": "top", "position": "top", "height": 30,
                      "modules-left": ["tray"], "tray": {"icon-size": 21}}"#;
const STYLE: &str = "window#waybar { background: #222; color: #fff; border: none; }\n";

/// The Wayland session, inside the other one: it has its bus and its home.
struct Wayland<'a> {
    desktop: &'a Desktop<'a>,
    bar: Look<'a>,
}

impl<'a> Wayland<'a> {
    #[track_caller]
    fn start(lab: &Lab, desktop: &'a Desktop<'a>) -> Self {
        for program in ["sway", "waybar", "grim"] {
            require(program, program);
        }
        for (file, text) in [
            ("sway.conf", SWAY),
            ("bar.json", BAR),
            ("bar.css", STYLE),
            ("pointer.py", include_str!("../support/pointer.py")),
            ("mouse", ""),
        ] {
            lab.user().write(file, text, 0o644);
        }
        desktop.start_program(&["sh", "-c", "cd; \
             WLR_BACKENDS=headless WLR_LIBINPUT_NO_DEVICES=1 WLR_RENDERER=pixman exec sway -c sway.conf"]);
        let bar = Look {
            desktop,
            grab: "WAYLAND_DISPLAY=wayland-1 grim -g '0,0 1280x30'",
        };
        let this = Self { desktop, bar };
        this.await_file("$XDG_RUNTIME_DIR/wayland-1");
        desktop.start_program(&[
            "sh",
            "-c",
            "cd; export WAYLAND_DISPLAY=wayland-1; \
             tail -s 0.1 -f mouse | /usr/bin/python3 pointer.py 1280 900 >mouse.done 2>&1",
        ]);
        this.await_mouse("ready", 1);
        this
    }

    #[track_caller]
    fn await_file(&self, path: &str) {
        let there = wait_until(PATIENCE, || {
            let answer = self
                .desktop
                .shell(&format!("test -e {path} && echo yes || true"));
            answer.contains("yes")
        });
        assert!(there, "no {path}: {}", self.log());
    }

    /// What the programs of the session wrote.
    fn log(&self) -> String {
        self.desktop.shell("cat $XDG_RUNTIME_DIR/others.log")
    }

    #[track_caller]
    fn await_mouse(&self, word: &str, count: usize) {
        let mut said = String::new();
        let done = wait_until(PATIENCE, || {
            said = self.desktop.shell("cat ~/mouse.done 2>/dev/null || true");
            said.lines().filter(|line| *line == word).count() == count
        });
        assert!(done, "the mouse says {said}: {}", self.log());
    }

    /// Starts the bar; its process.
    #[track_caller]
    fn start_bar(&self) -> i64 {
        let words = [
            "sh",
            "-c",
            "cd; export WAYLAND_DISPLAY=wayland-1; \
                     exec waybar -c bar.json -s bar.css",
        ];
        let answer = self.desktop.tell(&json!({"do": "start", "words": words}));
        answer["pid"].as_i64().unwrap()
    }

    /// Moves the mouse somewhere on the output, and clicks there.
    #[track_caller]
    fn click(&self, place: (u32, u32), button: u32) {
        self.mouse(place, &button.to_string());
    }

    #[track_caller]
    fn mouse(&self, (x, y): (u32, u32), button: &str) {
        let before = self.desktop.shell("grep -c done ~/mouse.done || true");
        let before: usize = before.trim().parse().unwrap();
        self.desktop
            .shell(&format!("echo {x} {y} {button} >>~/mouse"));
        self.await_mouse("done", before + 1);
    }

    /// Takes a picture of everything, to be looked at by people.
    #[track_caller]
    fn picture(&self, lab: &Lab, name: &str) {
        self.desktop
            .shell(&format!("cd; WAYLAND_DISPLAY=wayland-1 grim {name}.png"));
        let kept = support::desktop::pictures().join(format!("{name}.png"));
        std::fs::copy(lab.user().home().join(format!("{name}.png")), kept).unwrap();
    }
}

/// Where the app is to show its window.
fn environment() -> Value {
    json!({"WAYLAND_DISPLAY": "wayland-1", "GDK_BACKEND": "wayland"})
}

#[test]
fn waybar_shows_each_state_by_another_icon() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let wayland = Wayland::start(&lab, &desktop);
    let bar = &wayland.bar;
    bar.take("none");
    wayland.start_bar();
    bar.await_other("none", "empty");
    let scripted = Scripted::start_in(&lab, &desktop, &json!({}), environment());
    bar.check_states(&scripted, |state| {
        wayland.picture(&lab, &format!("waybar-{state}"));
    });
}

#[test]
fn waybar_shows_the_icon_and_its_menu_opens_an_app_in_the_vpn() {
    let lab = Lab::start();
    demonstration(&lab);
    field_notes(&lab);
    let settings = "recent = [\"notes.desktop\"]\n";
    lab.user()
        .write(".config/vpnns/desktop.toml", settings, 0o600);
    let desktop = Desktop::start(&lab);
    let wayland = Wayland::start(&lab, &desktop);
    let bar = &wayland.bar;
    bar.take("none");
    let process = wayland.start_bar();
    bar.await_other("none", "empty");
    desktop.launch_with(&[], &environment());
    desktop.see("Off");
    bar.await_other("empty", "off");
    let icon = bar.place("empty", "off");
    wayland.picture(&lab, "waybar-off");

    // Below the bar, where the menus are.
    let menus = Look {
        desktop: &desktop,
        grab: "WAYLAND_DISPLAY=wayland-1 grim -g '0,30 640x400'",
    };
    menus.take("closed");
    wayland.click(icon, 3);
    desktop.shell("sleep 1");
    menus.await_other("closed", "menu");
    wayland.picture(&lab, "waybar-menu");
    wayland.click((icon.0 + 60, 30 + 15), 1);
    desktop.shell("sleep 1");
    menus.await_other("menu", "submenu");
    wayland.picture(&lab, "waybar-submenu");
    wayland.click((icon.0 + 250, 30 + 15), 1);
    await_apps(&lab, Some("notes.desktop"), 1);

    wayland.click(icon, 2);
    await_state(&lab, "demo", "connected");
    // Where no tooltip covers the bar.
    wayland.mouse((900, 800), "");
    bar.await_other("off", "on");
    wayland.picture(&lab, "waybar-connected");

    desktop.shell(&format!("kill -KILL {process}"));
    wayland.start_bar();
    let back = wait_until(PATIENCE, || {
        bar.take("again");
        bar.difference("on", "again") < 1.0
    });
    wayland.picture(&lab, "waybar-again");
    assert!(back, "the icon did not come back: {}", wayland.log());
}
