//! What the picker decides without a display.

use vpnns_protocol::app::Entry;

use super::*;

fn app(name: &str) -> InstalledApp {
    InstalledApp::new(Entry {
        id: format!("{name}.desktop"),
        name: name.into(),
        generic_name: None,
        comment: None,
        icon: None,
        keywords: vec![],
        executable: name.to_lowercase(),
        categories: vec![],
        terminal: false,
        actions: vec![],
        startup_wm_class: None,
        path: String::new(),
    })
}

fn names(query: &str, values: &Values) -> Vec<String> {
    let apps = ["Calendar", "Calculator", "Call", "Local Files", "Calls"].map(app);
    let found = found(apps.into_iter(), &Query::new(query), values);
    found.iter().map(|app| app.entry().name.clone()).collect()
}

#[test]
fn what_is_found_stands_in_the_order_of_how_well_it_fits_and_how_often_it_is_used() {
    let mut values = Values::default();
    values.opened("Calls.desktop");
    values.favourites.push("Call.desktop".into());
    values.favourites.push("Local Files.desktop".into());
    assert_eq!(
        names("cal", &values),
        ["Call", "Calls", "Calendar", "Calculator", "Local Files"]
    );
    assert_eq!(names("zzz", &values), [""; 0]);
    // Without a search, as the catalogue has them.
    assert_eq!(names("", &values)[0], "Calendar");
}

#[test]
fn the_helper_gets_only_the_options_that_were_set() {
    let mut app = AppValues::default();
    assert_eq!(options(&app), [""; 0]);
    app.own_profile = Some(true);
    app.private_bus = Some(true);
    assert_eq!(
        options(&app),
        ["--own-profile=yes", "--session-bus=private"]
    );
    app.own_profile = Some(false);
    app.private_bus = None;
    assert_eq!(options(&app), ["--own-profile=no"]);
}
