//! The tray icon in a real panel, xfce4-panel: seen in pictures, used with a mouse.

use serde_json::json;

use crate::look::Look;
use crate::picker::{await_apps, field_notes};
use crate::scripted::Scripted;
use crate::support::Lab;
use crate::support::command::require;
use crate::*;

/// A panel along the upper edge, with nothing in it but the tray.
const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="36"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"#;

/// The panel of a session.
struct Panel<'a> {
    desktop: &'a Desktop<'a>,
    look: Look<'a>,
}

impl<'a> Panel<'a> {
    fn new(lab: &Lab, desktop: &'a Desktop<'a>) -> Self {
        require("xfce4-panel", "xfce4-panel");
        require("xfconf-query", "xfconf");
        let home = lab.user().home();
        let directory = ".config/xfce4/xfconf/xfce-perchannel-xml";
        let mut path = home.clone();
        for part in directory.split('/') {
            path.push(part);
            if !path.exists() {
                lab.user().make_directory(&path);
            }
        }
        let file = format!("{directory}/xfce4-panel.xml");
        lab.user().write(&file, PANEL, 0o600);
        let grab = "import -window root -crop 1280x36+0+0 +repage";
        let look = Look { desktop, grab };
        Self { desktop, look }
    }

    /// Starts the panel, and waits until it is seen; its process.
    #[track_caller]
    fn start(&self) -> i64 {
        let words = ["xfce4-panel", "--disable-wm-check"];
        let answer = self.desktop.tell(&json!({"do": "start", "words": words}));
        let seen = wait_until(PATIENCE, || {
            let find = "xdotool search --onlyvisible --class xfce4-panel || true";
            !self.desktop.shell(find).trim().is_empty()
        });
        assert!(seen, "no panel");
        answer["pid"].as_i64().unwrap()
    }

    /// Moves the mouse there, and clicks.
    #[track_caller]
    fn click(&self, (x, y): (u32, u32), button: Option<u32>) {
        let button = button.map_or(Value::Null, Value::from);
        self.desktop
            .tell(&json!({"do": "mouse", "x": x, "y": y, "button": button}));
    }

    /// The menus that are open now: where each begins, and how large it is.
    fn menus(&self) -> Vec<[u32; 4]> {
        let script = "for window in $(xdotool search --onlyvisible --class wrapper); do \
             xdotool getwindowgeometry --shell $window | tr '\\n' ' '; echo; done 2>/dev/null";
        let text = self.desktop.shell(&format!("{script} || true"));
        let number = |line: &str, name: &str| -> Option<u32> {
            let mut words = line.split_whitespace();
            words.find_map(|it| it.strip_prefix(name)?.parse().ok())
        };
        let found = text.lines().filter_map(|line| {
            let part = |name| number(line, name);
            Some([part("X=")?, part("Y=")?, part("WIDTH=")?, part("HEIGHT=")?])
        });
        // The plugin itself is as high as the panel.
        found.filter(|it| it[2] > 60 && it[3] > 40).collect()
    }

    /// Clicks on the first line of the menu that was opened last. Of GTK 3's menus in a plugin AT-SPI tells
    /// nothing, so that the line is known by its place.
    #[track_caller]
    fn click_first(&self, open: usize) {
        let mut menus = Vec::new();
        let there = wait_until(PATIENCE, || {
            menus = self.menus();
            menus.len() == open
        });
        assert!(there, "not {open} menus but {menus:?}");
        // A submenu is to the right.
        let [x, y, ..] = menus.into_iter().max().unwrap();
        self.desktop.picture(&format!("panel-menu-{open}"));
        self.click((x + 40, y + 15), Some(1));
    }
}

#[test]
fn a_panel_shows_each_state_by_another_icon() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let panel = Panel::new(&lab, &desktop);
    panel.look.take("none");
    panel.start();
    panel.look.await_other("none", "empty");
    let scripted = Scripted::start(&lab, &desktop);
    panel.look.check_states(&scripted, |state| {
        desktop.picture(&format!("panel-{state}"));
    });
}

#[test]
fn an_app_is_opened_in_the_vpn_from_the_panel_and_a_panel_started_anew_has_the_icon() {
    let lab = Lab::start();
    demonstration(&lab);
    field_notes(&lab);
    let settings = "recent = [\"notes.desktop\"]\n";
    lab.user()
        .write(".config/vpnns/desktop.toml", settings, 0o600);
    let desktop = Desktop::start(&lab);
    let panel = Panel::new(&lab, &desktop);
    panel.look.take("none");
    let process = panel.start();
    panel.look.await_other("none", "empty");
    desktop.launch(&[]);
    desktop.see("Off");
    panel.look.await_other("empty", "off");
    let icon = panel.look.place("empty", "off");

    panel.click(icon, Some(3));
    // "Open in VPN", and the app that was opened last.
    panel.click_first(1);
    panel.click_first(2);
    await_apps(&lab, Some("notes.desktop"), 1);
    let closed = wait_until(PATIENCE, || panel.menus().is_empty());
    assert!(closed, "{:?}", panel.menus());

    panel.click(icon, Some(2));
    await_state(&lab, "demo", "connected");
    panel.click((600, 450), None);
    panel.look.await_other("off", "on");

    desktop.shell(&format!("kill -KILL {process}"));
    panel.start();
    let back = wait_until(PATIENCE, || {
        panel.look.take("again");
        panel.look.difference("on", "again") < 1.0
    });
    assert!(back, "the icon did not come back");
    let windows = || {
        let find = "xdotool search --onlyvisible --name '^Per-App VPN$' | wc -l";
        desktop.shell(find).trim().to_owned()
    };
    // The window is there and has the focus: the first click puts it away.
    desktop.click("Connected");
    desktop.tell(&json!({"do": "focus"}));
    panel.click(icon, Some(1));
    assert!(wait_until(PATIENCE, || windows() == "0"), "not hidden");
    panel.click(icon, Some(1));
    assert!(wait_until(PATIENCE, || windows() == "1"), "not shown");
}
