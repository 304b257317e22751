//! The tray's menu. Its shape depends on the VPNs and apps that there are, never on a state: what
//! cannot be done is grey, so that labels change in place below an open menu.

use super::Wish;
use super::state::{AppItem, TrayState, is_up};
use crate::i18n::{gettext, gettext_f};
use crate::model::Presentation;
use crate::model::presentation::{Act, Look};
use crate::model::words::spoken;

/// A line of the menu.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Between what belongs together.
    Separator,
    /// Something to choose.
    Entry(Entry),
    /// More of them.
    Sub {
        /// What stands on it.
        label: String,
        /// Its icon's name in the theme.
        icon_name: String,
        /// Whether it can be opened.
        enabled: bool,
        /// What is in it.
        items: Vec<Item>,
    },
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What stands on it.
    pub label: String,
    /// Its icon's name in the theme.
    pub icon_name: String,
    /// Its icon as a PNG file.
    pub picture: Vec<u8>,
    /// Whether it can be chosen; grey if not.
    pub enabled: bool,
    /// Whether it is there at all.
    pub visible: bool,
    /// What it does.
    pub wish: Wish,
}

/// The whole menu at a time.
pub fn items(state: &TrayState, now: u64) -> Vec<Item> {
    let shown = state.shown(now);
    let default = state.default.as_deref();
    let default = shown
        .iter()
        .find(|(name, _)| Some(name.as_str()) == default);
    let mut items = Vec::new();
    if let Some((name, vpn)) = default {
        let label = if shown.len() > 1 {
            gettext_f("Open in {vpn}", &[("vpn", &vpn.name)])
        } else {
            gettext("Open in VPN")
        };
        items.push(sub(escaped(&label), "", open_in(&state.apps, name, true)));
        items.push(Item::Separator);
    }
    for (name, vpn) in &shown {
        items.push(of_vpn(state, name, vpn));
    }
    if !shown.is_empty() {
        items.push(Item::Separator);
    }
    let any_up = shown.iter().any(|(_, vpn)| is_up(vpn.look));
    // The one that is up is the one in question.
    let checked = shown
        .iter()
        .find(|(_, vpn)| vpn.look == Look::Connected)
        .or(default);
    items.push(entry(gettext("Add VPN…"), Wish::AddVpn));
    items.push(entry(gettext("Show Window"), Wish::ShowWindow));
    let name = checked.map(|(name, _)| name.clone());
    items.push(Item::Entry(Entry {
        enabled: name.is_some(),
        ..plain(
            gettext("Check for Leaks"),
            Wish::Check(name.unwrap_or_default()),
        )
    }));
    items.push(entry(gettext("Preferences"), Wish::Preferences));
    items.push(Item::Separator);
    items.push(Item::Entry(Entry {
        visible: any_up,
        ..plain(gettext("Disconnect and Quit"), Wish::DisconnectAndQuit)
    }));
    items.push(entry(
        if any_up {
            gettext("Quit…")
        } else {
            gettext("Quit")
        },
        Wish::Quit,
    ));
    items
}

fn of_vpn(state: &TrayState, name: &str, vpn: &Presentation) -> Item {
    let act = |act: Act| Wish::Act(act, name.to_owned());
    let look = vpn.look;
    let going = matches!(look, Look::Connecting | Look::Question);
    let has_profile = vpn.buttons.iter().any(|it| it.act != Act::Edit);
    let answer = vpn.buttons.iter().find(|it| it.act == Act::Answer);
    let line = spoken(&vpn.line);
    let items = vec![
        sub(
            gettext("Open in VPN"),
            "",
            open_in(&state.apps, name, false),
        ),
        Item::Separator,
        Item::Entry(Entry {
            visible: answer.is_some(),
            ..plain(
                answer.map_or_else(|| gettext("Enter Code…"), |it| it.label.clone()),
                act(Act::Answer),
            )
        }),
        Item::Entry(Entry {
            enabled: !is_up(look) && has_profile,
            ..plain(gettext("Connect"), act(Act::Connect))
        }),
        Item::Entry(Entry {
            enabled: matches!(look, Look::Connected | Look::Reconnecting),
            ..plain(gettext("Reconnect"), act(Act::TryNow))
        }),
        Item::Entry(Entry {
            enabled: is_up(look),
            ..plain(
                if going {
                    gettext("Cancel")
                } else {
                    gettext("Disconnect")
                },
                act(Act::Disconnect),
            )
        }),
    ];
    sub(
        escaped(&format!("{} · {line}", vpn.name)),
        look.icon(),
        items,
    )
}

/// The apps to open in a VPN; where it is only the default one, an app may have its own.
fn open_in(apps: &[AppItem], vpn: &str, is_default: bool) -> Vec<Item> {
    let known = apps.iter().map(|app| {
        let of_app = app.vpn.as_deref().filter(|_| is_default);
        Item::Entry(Entry {
            icon_name: app.icon_name.clone(),
            picture: app.picture.clone(),
            ..plain(
                escaped(&app.name),
                Wish::Open {
                    vpn: of_app.unwrap_or(vpn).to_owned(),
                    entry: app.entry.clone(),
                },
            )
        })
    });
    let other = entry(gettext("Other App…"), Wish::OtherApp(vpn.to_owned()));
    if apps.is_empty() {
        return vec![other];
    }
    known.chain([Item::Separator, other]).collect()
}

/// One underscore would mark the letter after it.
fn escaped(label: &str) -> String {
    label.replace('_', "__")
}

fn sub(label: String, icon_name: &str, items: Vec<Item>) -> Item {
    Item::Sub {
        label,
        icon_name: icon_name.to_owned(),
        enabled: true,
        items,
    }
}

fn entry(label: String, wish: Wish) -> Item {
    Item::Entry(plain(label, wish))
}

fn plain(label: String, wish: Wish) -> Entry {
    Entry {
        label,
        icon_name: String::new(),
        picture: Vec::new(),
        enabled: true,
        visible: true,
        wish,
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::{CODE, facts};
    use super::*;

    fn state() -> TrayState {
        TrayState {
            vpns: vec![facts("work", "connected", ""), facts("lab", "isolated", "")],
            default: Some("work".into()),
            apps: vec![
                AppItem {
                    entry: "a.desktop".into(),
                    name: "A_B".into(),
                    ..AppItem::default()
                },
                AppItem {
                    entry: "c.desktop".into(),
                    name: "C".into(),
                    vpn: Some("lab".into()),
                    ..AppItem::default()
                },
            ],
        }
    }

    /// The visible lines, indented; "-" for grey ones.
    fn lines(items: &[Item], depth: usize) -> Vec<String> {
        let mark = |enabled: bool, label: &str| {
            let grey = if enabled { "" } else { "-" };
            format!("{}{grey}{label}", " ".repeat(depth))
        };
        items
            .iter()
            .flat_map(|item| match item {
                Item::Entry(entry) if entry.visible => vec![mark(entry.enabled, &entry.label)],
                Item::Separator | Item::Entry(_) => vec![],
                Item::Sub {
                    label,
                    enabled,
                    items,
                    ..
                } => {
                    let mut all = vec![mark(*enabled, label)];
                    all.extend(lines(items, depth + 1));
                    all
                }
            })
            .collect()
    }

    /// What makes a host ask for the whole menu again.
    fn shape(items: &[Item]) -> String {
        let parts = items.iter().map(|item| match item {
            Item::Sub { items, .. } => format!("[{}]", shape(items)),
            _ => ".".to_owned(),
        });
        parts.collect()
    }

    #[test]
    fn the_menu_says_what_is_so_and_what_can_be_done() {
        let lines = lines(&items(&state(), 720), 0);
        let expected = [
            "Open in The work",
            " A__B",
            " C",
            " Other App…",
            "The work · Connected, 12 min",
            " Open in VPN",
            "  A__B",
            "  C",
            "  Other App…",
            " -Connect",
            " Reconnect",
            " Disconnect",
            "The lab · Off",
            " Open in VPN",
            "  A__B",
            "  C",
            "  Other App…",
            " Connect",
            " -Reconnect",
            " -Disconnect",
            "Add VPN…",
            "Show Window",
            "Check for Leaks",
            "Preferences",
            "Disconnect and Quit",
            "Quit…",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_state_changes_labels_and_never_the_shape() {
        let mut state = state();
        let before = items(&state, 0);
        for (kind, more) in [
            ("isolated", ""),
            ("connecting", ""),
            ("connecting", CODE),
            ("reconnecting", r#","retry":{"at":9}"#),
            ("failed", ""),
        ] {
            state.vpns[0] = facts("work", kind, more);
            let after = items(&state, 0);
            assert_eq!(shape(&after), shape(&before), "{kind}");
            assert_ne!(after, before, "{kind}");
        }
    }

    #[test]
    fn a_question_can_be_answered_and_cancelled() {
        let mut state = state();
        state.vpns = vec![facts("lab", "connecting", CODE)];
        state.default = Some("lab".into());
        let lines = lines(&items(&state, 0), 0);
        assert!(lines.contains(&" Enter Code…".to_owned()), "{lines:?}");
        assert!(lines.contains(&" Cancel".to_owned()), "{lines:?}");
        assert!(lines.contains(&" -Connect".to_owned()), "{lines:?}");
        assert_eq!(lines[0], "Open in VPN");
    }

    #[test]
    fn an_app_with_a_vpn_of_its_own_opens_there() {
        let apps = state().apps;
        let wish = |items: &[Item]| match &items[1] {
            Item::Entry(entry) => entry.wish.clone(),
            other => panic!("{other:?}"),
        };
        let open = |vpn: &str| Wish::Open {
            vpn: vpn.into(),
            entry: "c.desktop".into(),
        };
        assert_eq!(wish(&open_in(&apps, "work", true)), open("lab"));
        assert_eq!(wish(&open_in(&apps, "work", false)), open("work"));
    }

    #[test]
    fn without_a_vpn_there_is_still_a_way_to_one() {
        let lines = lines(&items(&TrayState::default(), 0), 0);
        let expected = [
            "Add VPN…",
            "Show Window",
            "-Check for Leaks",
            "Preferences",
            "Quit",
        ];
        assert_eq!(lines, expected);
    }
}
