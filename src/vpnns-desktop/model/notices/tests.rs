//! Which changes are worth a notification, and which are not.

use super::*;

const APPS: &str =
    r#"[{"pid":1,"command":"ff","entry":"firefox.desktop"},{"pid":2,"command":"mutt"}]"#;

fn facts(state: &str, more: &str) -> Facts {
    let json = format!(
        r#"{{"name":"work","state":"{state}","stage":"x","reason":"it broke","since":0,
           "keeper":1,"apps":{APPS},"tunnel":null{more}}}"#
    );
    Facts {
        name: "work".parse().unwrap(),
        instance: Some(serde_json::from_str(&json).unwrap()),
        ..Facts::default()
    }
}

fn connected_until(expires: u64) -> Facts {
    let tunnel = format!(
        r#"{{"client":{{"name":"c","pid":2}},"device":"t","gateway":null,"since":0,"script":false,
           "network":{{}},"expires":{expires}}}"#
    );
    let mut facts = facts("connected", "");
    let instance = facts.instance.as_mut().unwrap();
    instance.tunnel = Some(serde_json::from_str(&tunnel).unwrap());
    facts
}

const QUESTION: &str = r#","question":{"id":1,"message":"","ask":"form",
    "fields":[{"name":"c","label":"Code","kind":"code"}]}"#;

fn of(before: &Facts, after: &Facts, focused: bool) -> Vec<Change> {
    let app = |entry: &str| (entry == "firefox.desktop").then(|| "Firefox".to_owned());
    let names = Names {
        app: &app,
        hide: false,
    };
    changes(before, after, 0, focused, &names)
}

fn shown(changes: &[Change]) -> &Notice {
    match changes {
        [Change::Show(notice)] => notice,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_drop_names_the_apps_that_are_offline_now() {
    let changes = of(&facts("connected", ""), &facts("reconnecting", ""), false);
    let notice = shown(&changes);
    assert_eq!(notice.title, "work Lost Its Connection");
    assert_eq!(notice.body, "Firefox and mutt are offline; nothing leaks.");
    assert_eq!(notice.button.1, "app.reconnect-vpn::work");
    assert_eq!(notice.delay, PATIENCE);
    let changes = of(&facts("reconnecting", ""), &facts("failed", ""), false);
    let notice = shown(&changes);
    assert_eq!((notice.delay, notice.id.as_str()), (0, "lost-work"));
    assert_eq!(notice.button.1, "app.connect-vpn::work");
}

#[test]
fn a_connection_that_is_back_withdraws_it() {
    let withdrawn = [Change::Withdraw("lost-work".into())];
    for state in ["connected", "connecting", "isolated"] {
        let changes = of(&facts("reconnecting", ""), &facts(state, ""), false);
        assert_eq!(changes, withdrawn, "{state}");
    }
    assert_eq!(
        of(&facts("failed", ""), &facts("connecting", ""), false),
        withdrawn
    );
}

#[test]
fn a_disconnect_that_was_asked_for_is_no_news() {
    let mut wished = facts("connected", "");
    wished.pending = Some(Pending::Disconnecting);
    assert_eq!(
        of(&facts("connected", ""), &wished, false),
        [Change::Withdraw("lost-work".into())]
    );
    for state in ["isolated", "failed", "reconnecting"] {
        let changes = of(&wished, &facts(state, ""), false);
        let shows = changes.iter().any(|it| matches!(it, Change::Show(_)));
        assert!(!shows, "{state}: {changes:?}");
    }
    // By another program, in order.
    assert_eq!(
        of(&facts("connected", ""), &facts("isolated", ""), false),
        []
    );
}

#[test]
fn a_first_try_that_fails_is_shown_where_it_was_made() {
    let changes = of(&facts("connecting", ""), &facts("failed", ""), false);
    assert_eq!(changes, []);
}

#[test]
fn a_question_is_told_only_to_somebody_who_looks_elsewhere() {
    let (before, after) = (facts("connecting", ""), facts("connecting", QUESTION));
    let changes = of(&before, &after, false);
    let notice = shown(&changes);
    assert_eq!(notice.title, "Code Needed");
    assert_eq!(
        notice.button,
        ("Enter Code…".into(), "app.answer-vpn::work".into())
    );
    assert!(notice.urgent);
    assert_eq!(of(&before, &after, true), []);
    assert_eq!(of(&after, &after, false), []);
    assert_eq!(
        of(&after, &before, false),
        [Change::Withdraw("question-work".into())]
    );
}

#[test]
fn a_session_that_ends_soon_can_be_renewed() {
    let app = |_: &str| None;
    let names = Names {
        app: &app,
        hide: true,
    };
    let facts = connected_until(10_000);
    assert_eq!(expiring(&facts, 10_000 - EXPIRES_SOON - 1, &names), None);
    assert_eq!(expiring(&facts, 10_001, &names), None);
    let notice = expiring(&facts, 10_000 - EXPIRES_SOON, &names).unwrap();
    assert_eq!(notice.title, "Session of A VPN Ends Soon");
    assert_eq!(notice.body, "Apps in it go offline in 15 min.");
    assert_eq!(notice.button.1, "app.reconnect-vpn::work");
    assert_eq!(
        of(&facts, &connected_until(99_999), false),
        [Change::Withdraw("expires-work".into())]
    );
}

#[test]
fn names_can_be_left_out() {
    let app = |_: &str| Some("Secret".to_owned());
    let names = Names {
        app: &app,
        hide: true,
    };
    let changes = changes(
        &facts("connected", ""),
        &facts("reconnecting", ""),
        0,
        false,
        &names,
    );
    let notice = shown(&changes);
    assert_eq!(notice.title, "A VPN Lost Its Connection");
    assert_eq!(notice.body, "2 apps are offline; nothing leaks.");
}
