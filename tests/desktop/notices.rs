//! Notifications, as whoever shows them gets them: of what matters to somebody who looks elsewhere.

use std::fs;

use crate::scripted::Scripted;
use crate::support::Lab;
use crate::*;

/// Whoever shows notifications, in the session.
pub struct Notifications<'a> {
    lab: &'a Lab,
}

impl<'a> Notifications<'a> {
    /// Starts to "show" them, or to be "silent".
    #[track_caller]
    pub fn start(lab: &'a Lab, desktop: &Desktop<'_>, how: &str) -> Self {
        let text = include_str!("../support/notifications.py");
        let script = lab.user().write("notifications.py", text, 0o644);
        desktop.start_program(&["/usr/bin/python3", script.to_str().unwrap(), how]);
        let this = Self { lab };
        this.await_line("ready", "nobody shows notifications");
        this
    }

    /// Everything that was asked for so far.
    fn log(&self) -> Vec<Value> {
        let path = self.lab.user().runtime_directory();
        let text = fs::read_to_string(path.join("notifications.log")).unwrap_or_default();
        let lines = text.lines().map(serde_json::from_str);
        lines.map_while(Result::ok).collect()
    }

    /// Waits until something with this field was asked for.
    #[track_caller]
    pub fn await_line(&self, field: &str, trouble: &str) {
        let there = wait_until(PATIENCE, || {
            self.log().iter().any(|line| !line[field].is_null())
        });
        assert!(there, "{trouble}: {:?}", self.log());
    }

    /// Waits until one with this title is shown.
    #[track_caller]
    pub fn await_title(&self, title: &str) -> Value {
        let mut shown = Value::Null;
        let there = wait_until(PATIENCE, || {
            let log = self.log();
            let found = log.into_iter().rev().find(|line| line["title"] == title);
            found.is_some_and(|it| {
                shown = it;
                true
            })
        });
        assert!(there, "{title:?} is not shown: {:?}", self.log());
        shown
    }

    /// Waits until one is shown after another one.
    #[track_caller]
    fn await_another(&self, than: &Value) -> Value {
        let mut shown = Value::Null;
        let there = wait_until(PATIENCE, || {
            let log = self.log();
            let found = log
                .into_iter()
                .find(|it| it["shown"].as_u64() > than["shown"].as_u64());
            shown = found.unwrap_or_default();
            !shown.is_null()
        });
        assert!(there, "no other is shown: {:?}", self.log());
        shown
    }

    /// Waits until one is not shown any more.
    #[track_caller]
    fn await_end(&self, shown: &Value) {
        let gone = wait_until(PATIENCE, || {
            self.log().iter().any(|it| it["closed"] == shown["shown"])
        });
        assert!(gone, "still there: {:?}", self.log());
    }

    /// How many were shown.
    fn count(&self) -> usize {
        self.log()
            .iter()
            .filter(|it| !it["shown"].is_null())
            .count()
    }

    /// Presses a button.
    #[track_caller]
    pub fn press(&self, shown: &Value, label: &str) {
        let actions = shown["actions"].as_object().unwrap();
        let action = actions.iter().find(|(_, text)| *text == label);
        let (action, _) = action.unwrap_or_else(|| panic!("no {label}: {shown}"));
        let path = self.lab.user().runtime_directory();
        // Whole at once: it is looked for all the time.
        let new = path.join("notifications.new");
        fs::write(&new, format!("{} {action}", shown["shown"])).unwrap();
        fs::rename(new, path.join("notifications.press")).unwrap();
    }
}

#[test]
fn a_lost_connection_names_the_apps_that_are_offline_and_its_button_reconnects() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let notifications = Notifications::start(&lab, &desktop, "show");
    let answer =
        serde_json::json!({"--reconnect": {}, "--connect work": {}, "--disconnect": {"wait": 15}});
    let scripted = Scripted::start_with(&lab, &desktop, &answer);
    scripted.tell("connected");
    desktop.see("Connected");
    assert_eq!(notifications.count(), 0);
    scripted.tell("reconnecting");
    let shown = notifications.await_title("Work Lost Its Connection");
    let body = "sleep and thunderbird are offline; nothing leaks.";
    assert_eq!(shown["body"], body);
    notifications.press(&shown, "Reconnect");
    scripted.await_call(&["--reconnect"]);
    scripted.tell("connected");
    desktop.see("Connected");

    // One that nobody uses goes when it is not true any more.
    scripted.tell("reconnecting");
    let again = notifications.await_another(&shown);
    assert_eq!(again["title"], shown["title"]);
    scripted.tell("connected");
    notifications.await_end(&again);

    // Lost for good: the server has ended it.
    scripted.tell("failed");
    let shown = notifications.await_title("Work Is Disconnected");
    notifications.press(&shown, "Reconnect");
    scripted.await_call(&["--connect", "work"]);
    scripted.tell("connected");

    // What somebody asked for is no news.
    let before = notifications.count();
    desktop.see("Connected");
    desktop.click_button("Disconnect");
    scripted.await_call(&["--disconnect"]);
    // Not even if it looks like one while it is under way.
    scripted.tell("failed");
    desktop.unsee("Connected");
    scripted.tell("isolated");
    desktop.see("Off");
    assert_eq!(notifications.count(), before);
}

#[test]
fn notifications_can_be_turned_off() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let notifications = Notifications::start(&lab, &desktop, "show");
    let scripted = Scripted::start(&lab, &desktop);
    scripted.tell("connected");
    desktop.see("Connected");
    scripted.tell("failed");
    let shown = notifications.await_title("Work Is Disconnected");
    desktop.key("ctrl+comma");
    desktop.see("Show Notifications");
    let row = serde_json::json!({"do": "click", "name": "Show Notifications"});
    desktop.tell(&row);
    // What is shown goes with the wish for it.
    notifications.await_end(&shown);
    let before = notifications.count();
    scripted.tell("connected");
    desktop.see("Connected*");
    scripted.tell("failed");
    desktop.see("Could Not Connect");
    // Sent at once where it is: what follows it has come, so it would have.
    desktop.shell(
        "gdbus call --session --dest org.freedesktop.Notifications --object-path \
         /org/freedesktop/Notifications --method org.freedesktop.Notifications.GetCapabilities",
    );
    assert_eq!(notifications.count(), before);
}

#[test]
fn a_question_that_nobody_sees_and_a_session_that_ends_soon_are_told() {
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let notifications = Notifications::start(&lab, &desktop, "show");
    let answer = serde_json::json!({"--reconnect": {}});
    let scripted = Scripted::start_with(&lab, &desktop, &answer);
    let window = "$(xdotool search --onlyvisible --name '^Per-App VPN$')";
    desktop.shell(&format!("xdotool windowminimize --sync {window}"));
    // It has heard that it lost the focus once it has told all that it shows.
    desktop.tell(&serde_json::json!({"do": "texts"}));
    scripted.tell("question");
    let shown = notifications.await_title("Code Needed");
    let body = "Work cannot connect before it is answered.";
    assert_eq!(shown["body"], body);
    notifications.press(&shown, "Enter Code…");
    desktop.see("Enter your code");
    // Answered somewhere else.
    scripted.tell_until("connected", &serde_json::json!({"in": 600}));
    let shown = notifications.await_title("Session of Work Ends Soon");
    let body = shown["body"].as_str().unwrap();
    assert!(body.starts_with("Apps in it go offline in "), "{body}");
    notifications.press(&shown, "Renew");
    scripted.await_call(&["--reconnect"]);
    // A session that lasts longer takes back what was said of the shorter one.
    let before = notifications.count();
    scripted.tell_until("connected", &serde_json::json!({"in": 500}));
    let shown = notifications.await_another(&shown);
    assert_eq!(shown["title"], "Session of Work Ends Soon");
    scripted.tell_until("connected", &serde_json::json!({"in": 36000}));
    notifications.await_end(&shown);
    assert_eq!(notifications.count(), before + 1);
}
