//! The actions of an application.

use crate::desktop::Desktop;
use crate::support::assert_complaint;

const ACTIONS: &str = "Icon=pencil\nActions=new;second;absent;nameless;commandless;strange;\n\
    [Desktop Action new]\nName=New Window\nName[de]=Neues Fenster\nExec=echo new %u %c\n\
    [Desktop Action second]\nName=Second\nIcon=two\nExec=echo second %i\n\
    [Desktop Action unlisted]\nName=Unlisted\nExec=echo unlisted\n\
    [Desktop Action nameless]\nExec=echo nameless\n\
    [Desktop Action commandless]\nName=Commandless\n\
    [Desktop Action strange]\nName=Strange\nExec=echo %y\n";

#[test]
fn the_actions_that_can_be_started_are_listed_in_their_order() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", ACTIONS);
    let list = desktop.list().env("LANG", "de_DE.UTF-8");
    let app = desktop.entries(list).apps.remove(0);
    let actions = app.actions.iter();
    let actions: Vec<_> = actions
        .map(|it| (it.id.as_str(), it.name.as_str(), it.icon.as_deref()))
        .collect();
    let expected = [
        ("new", "Neues Fenster", None),
        ("second", "Second", Some("two")),
    ];
    assert_eq!(actions, expected);
}

#[test]
fn an_action_is_started_in_place_of_the_application() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", &format!("Name=App\n{ACTIONS}"));
    let output = desktop.open(&["a", "--action", "new", "https://h/"]).run();
    assert_eq!(output.text(), "new https://h/ App");
    let output = desktop.open(&["a", "--action=second"]).run();
    assert_eq!(output.text(), "second --icon pencil");
}

#[test]
fn an_action_that_is_not_there_is_answered_with_those_that_are() {
    let desktop = Desktop::new();
    desktop.entry("one", "a.desktop", ACTIONS);
    desktop.entry("one", "b.desktop", "");
    for action in [
        "unlisted",
        "absent",
        "nameless",
        "commandless",
        "strange",
        "",
    ] {
        let output = desktop.open(&["a", "--action", action]).run();
        assert_complaint(&output, 126, "hint: it has new, second\n");
    }
    let output = desktop.open(&["b", "--action", "new"]).run();
    assert_complaint(&output, 126, "hint: leave out --action\n");
    assert!(desktop.session().status("default").is_none());
}
