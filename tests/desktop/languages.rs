//! The window in other languages: what stands there is translated, and goes the way that the language goes.

use std::collections::HashMap;
use std::process::Command;

use serde_json::json;

use crate::gallery::{close_dialogs, furnish};
use crate::support::Lab;
use crate::support::command::require;
use crate::*;

/// The tree's translations.
const TRANSLATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../po");

/// What is the same word in English and, say, German, is no proof of anything; nor is a name.
const SHORTEST: usize = 4;

/// A language, with its words.
struct Language {
    name: &'static str,
    words: HashMap<String, String>,
}

impl Language {
    /// Those texts that have only one form.
    fn read(name: &'static str) -> Self {
        require("msgunfmt", "gettext");
        let catalogue = tempfile::NamedTempFile::new().unwrap();
        let file = format!("{TRANSLATIONS}/{name}.po");
        let run = |command: &mut Command| {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{command:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        run(Command::new("msgfmt")
            .arg(file)
            .arg("-o")
            .arg(catalogue.path()));
        // Every text on one line.
        let text = run(Command::new("msgunfmt")
            .arg("--no-wrap")
            .arg(catalogue.path()));
        let mut words = HashMap::new();
        let mut source = None;
        for line in text.lines() {
            let quoted =
                |start: &str| Some(line.strip_prefix(start)?.strip_suffix('"')?.to_owned());
            if let Some(text) = quoted("msgid \"") {
                source = Some(text);
            } else if let (Some(text), Some(source)) = (quoted("msgstr \""), source.take()) {
                words.insert(source, text);
            }
        }
        Self { name, words }
    }

    /// A text as the window shows it.
    #[track_caller]
    fn say(&self, text: &str) -> &str {
        let word = self.words.get(text);
        word.unwrap_or_else(|| panic!("no translation of {text:?} to {}", self.name))
    }

    /// Compiles all of them to where the app of the lab's user looks for them.
    fn install(&self, lab: &Lab) -> std::path::PathBuf {
        let locales = lab.user().home().join("locale");
        let messages = locales.join(self.name).join("LC_MESSAGES");
        std::fs::create_dir_all(&messages).unwrap();
        let done = Command::new("msgfmt")
            .arg(format!("{TRANSLATIONS}/{}.po", self.name))
            .arg("-o")
            .arg(messages.join("vpnns-desktop.mo"))
            .status();
        assert!(done.unwrap().success());
        locales
    }
}

/// The window of somebody who speaks a language.
struct Speaker<'a> {
    desktop: &'a Desktop<'a>,
    language: &'a Language,
}

impl Speaker<'_> {
    #[track_caller]
    fn see(&self, text: &str) {
        self.desktop.see(self.language.say(text));
    }

    /// Takes a picture of a page, in which no English may be left.
    #[track_caller]
    fn look(&self, page: &str) {
        self.desktop
            .picture(&format!("{page}-{}", self.language.name));
        let shown = self.desktop.tell(&json!({"do": "texts"}));
        let shown = shown["texts"].as_array().unwrap();
        let texts: Vec<&str> = shown
            .iter()
            .flat_map(|it| [it[1].as_str(), it[2].as_str()])
            .flatten()
            .collect();
        let english = |text: &&&str| {
            text.len() >= SHORTEST
                && self
                    .language
                    .words
                    .get(**text)
                    .is_some_and(|it| it != **text)
        };
        let left: Vec<_> = texts.iter().filter(english).collect();
        assert!(left.is_empty(), "{page} has not been translated: {left:?}");
    }

    /// How far from the left edge of its window something with a text is.
    #[track_caller]
    fn left_of(&self, text: &str) -> i64 {
        let wanted = self.language.say(text);
        let shown = self.desktop.tell(&json!({"do": "texts"}));
        let shown = shown["texts"].as_array().unwrap();
        let it = shown
            .iter()
            .find(|it| it[1] == wanted && it[5].as_i64() > Some(0));
        it.unwrap_or_else(|| panic!("no {wanted}"))[3]
            .as_i64()
            .unwrap()
    }
}

/// Goes through the pages, wide and narrow, in a language; and looks more closely at one of them.
fn go_through(name: &'static str, locale: &str, more: impl Fn(&Speaker<'_>)) {
    let language = Language::read(name);
    let lab = Lab::start();
    let desktop = Desktop::start(&lab);
    let locales = language.install(&lab);
    if locale != "C" {
        require("localedef", "locales");
        desktop.shell(&format!(
            "mkdir -p ~/locales; localedef -i {locale} -f UTF-8 ~/locales/{locale}.UTF-8"
        ));
    }
    let mut environment = furnish(&lab, 1000, 680);
    for (variable, value) in [
        ("VPNNS_LOCALE_DIR", locales.to_str().unwrap().to_owned()),
        (
            "LOCPATH",
            lab.user().home().join("locales").display().to_string(),
        ),
        ("LC_ALL", format!("{locale}.UTF-8")),
        ("LANGUAGE", name.to_owned()),
        ("ADW_DEBUG_COLOR_SCHEME", "prefer-light".to_owned()),
    ] {
        environment[variable] = value.into();
    }
    desktop.launch_with(&[], &environment);
    let speaker = Speaker {
        desktop: &desktop,
        language: &language,
    };
    speaker.see("Is This Your Server?");
    speaker.look("dialog-certificate");
    close_dialogs(&desktop, language.say("Cancel"));
    act(&desktop, "show-vpn", "work");
    speaker.see("Apps in This VPN");
    more(&speaker);
    states(&speaker, "");
    act(&desktop, "answer-vpn", "lab");
    desktop.see("Code of the token");
    speaker.look("dialog-password");
    close_dialogs(&desktop, language.say("Cancel"));
    act(&desktop, "open-app", "work");
    desktop.see("Calculator");
    speaker.look("picker");
    desktop.key("Escape");
    act(&desktop, "show-vpn", "work");
    act(&desktop, "check-vpn", "work");
    speaker.see("No Leaks Found");
    speaker.look("leaks");
    desktop.click_button(language.say("Back"));
    for (action, page, text) in [
        ("add-vpn", "add-kind", "Set Up by Hand"),
        ("system-check", "system-check", "Copy Command"),
        ("preferences", "preferences", "Start at Login"),
        ("shortcuts", "shortcuts", "Keyboard Shortcuts"),
    ] {
        act_alone(&desktop, action);
        speaker.see(text);
        speaker.look(page);
        if action == "preferences" {
            for (title, row) in [("Apps", "Offer to Open Links"), ("Privacy", "Hide Names")] {
                desktop.click(language.say(title));
                speaker.see(row);
                speaker.look(&format!("{page}-{}", title.to_lowercase()));
            }
        }
        desktop.key("Escape");
        desktop.unsee(language.say(text));
    }
    act_alone(&desktop, "add-vpn");
    desktop.click("WireGuard");
    speaker.see("Connect at Login");
    speaker.look("add-form");
    desktop.click_button(language.say("Back"));
    speaker.see("Set Up by Hand");
    desktop.key("Escape");
    desktop.unsee(language.say("Set Up by Hand"));
    desktop.resize(400, 720);
    // There is no room for it.
    desktop.unsee(language.say("Only these apps use it. When it is down, they are offline."));
    states(&speaker, "-narrow");
    let width =
        desktop.shell("xdotool getwindowgeometry --shell $(xdotool getactivewindow) | grep WIDTH");
    assert_eq!(width.trim(), "WIDTH=400", "a page does not fit");
    let log = desktop.log();
    let complaints = log.lines().filter(|line| {
        (line.contains("CRITICAL **") || line.contains("WARNING **"))
            && !line.contains("gtk_widget_is_ancestor: assertion")
    });
    assert_eq!(complaints.count(), 0, "{log}");
}

/// Each state that a VPN can be in.
fn states(speaker: &Speaker<'_>, width: &str) {
    for (vpn, page, text) in [
        ("work", "main", "Apps in This VPN"),
        ("home", "state-off", "Connect"),
        ("travel", "state-connecting", "Connecting…"),
        ("roam", "state-reconnecting", "Reconnecting…"),
        ("school", "state-failed", "Could Not Connect"),
        ("lab", "state-question", "Code Needed"),
    ] {
        act(speaker.desktop, "show-vpn", vpn);
        speaker.see(text);
        speaker.look(&format!("{page}{width}"));
    }
}

#[test]
fn in_german_words_and_numbers_are_german() {
    go_through("de", "de_DE", |german| {
        // The rates of the plot have a comma.
        let comma = || {
            let shown = german.desktop.tell(&json!({"do": "texts"})).to_string();
            shown
                .split("\u{a0}kB/s")
                .any(|it| it.rsplit(['"', ' ']).next().unwrap().contains(','))
        };
        assert!(wait_until(PATIENCE, comma), "no rate has a comma");
        assert!(german.left_of("Main Menu") < german.left_of("VPN Menu"));
    });
}

#[test]
fn in_arabic_the_window_goes_from_right_to_left() {
    go_through("ar", "C", |arabic| {
        assert!(arabic.left_of("Main Menu") > arabic.left_of("VPN Menu"));
    });
}
