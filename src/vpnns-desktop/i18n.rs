//! Translations: gettext, with placeholders by name.

pub use gettextrs::{gettext, ngettext};

use std::path::PathBuf;

use crate::config::DOMAIN;

/// Chooses the language of the environment. Without translations everything is English.
pub fn init() {
    gettextrs::setlocale(gettextrs::LocaleCategory::LcAll, "");
    // Failing leaves English, which is better than not starting.
    let _ = gettextrs::bindtextdomain(DOMAIN, directory());
    let _ = gettextrs::bind_textdomain_codeset(DOMAIN, "UTF-8");
    let _ = gettextrs::textdomain(DOMAIN);
}

/// `share/locale` beside the `bin` that we are in, else the system's.
fn directory() -> PathBuf {
    if let Some(path) = std::env::var_os("VPNNS_LOCALE_DIR") {
        return path.into();
    }
    let program = std::env::current_exe().ok();
    let beside = program.and_then(|path| Some(path.parent()?.parent()?.join("share/locale")));
    beside
        .filter(|path| path.is_dir())
        .unwrap_or_else(|| "/usr/share/locale".into())
}

/// A text that [`gettext_noop`] has marked elsewhere.
pub fn translated(text: &str) -> String {
    gettext(text)
}

/// Marks a text for the translators, where it is translated later.
pub const fn gettext_noop(text: &'static str) -> &'static str {
    text
}

/// What stands between a number's whole part and the rest, where the user's numbers are written.
pub fn decimal_sign() -> String {
    // There is no other way to the C library's answer that needs no unsafe code.
    let shown = gtk::glib::format_size(1500);
    let sign = shown
        .split_once('1')
        .and_then(|(_, rest)| rest.split_once('5'));
    sign.map_or(".", |(sign, _)| sign).to_owned()
}

/// A translated sentence in which `{name}` stands for a value.
pub fn gettext_f(format: &str, values: &[(&str, &str)]) -> String {
    fill(gettext(format), values)
}

/// The same with the form for a number; `{n}` stands for it.
pub fn ngettext_f(one: &str, many: &str, n: usize, values: &[(&str, &str)]) -> String {
    let text = ngettext(one, many, u32::try_from(n).unwrap_or(u32::MAX));
    fill(fill(text, values), &[("n", &n.to_string())])
}

/// The same where the form depends on what stands around it, which the context tells.
pub fn npgettext_f(
    context: &str,
    one: &str,
    many: &str,
    n: usize,
    values: &[(&str, &str)],
) -> String {
    let number = u32::try_from(n).unwrap_or(u32::MAX);
    let text = gettextrs::npgettext(context, one, many, number);
    fill(fill(text, values), &[("n", &n.to_string())])
}

fn fill(mut text: String, values: &[(&str, &str)]) -> String {
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_by_name() {
        assert_eq!(
            gettext_f("{app} in {vpn}", &[("vpn", "Work"), ("app", "Firefox")]),
            "Firefox in Work"
        );
        let apps = |n| ngettext_f("{n} app is offline", "{n} apps are offline", n, &[]);
        assert_eq!(apps(1), "1 app is offline");
        assert_eq!(apps(2), "2 apps are offline");
    }
}
