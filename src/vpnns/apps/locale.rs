//! Which language an entry's words are wanted in: the environment's, and what stands in for it.

use std::env;

use super::file::same;

/// The forms of a language's name that an entry's keys may carry, the best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locales(Vec<String>);

impl Locales {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let one = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
        // The desktops' libraries let a list of languages go before the locale.
        Self::new(&set("LANGUAGE").or(one).unwrap_or_default())
    }

    /// Those of a list such as `de_AT:en`.
    fn new(list: &str) -> Self {
        let mut forms = Vec::new();
        for locale in list.split(':') {
            forms.extend(forms_of(locale));
        }
        Self(forms)
    }

    /// How far a key's locale is from the best one; `None` if it is not wanted at all.
    pub fn rank(&self, locale: &str) -> Option<usize> {
        self.0.iter().position(|form| same(form, locale))
    }
}

/// The specification's order: `lang_COUNTRY@MODIFIER`, `lang_COUNTRY`, `lang@MODIFIER`, `lang`.
fn forms_of(locale: &str) -> Vec<String> {
    let (rest, modifier) = match locale.split_once('@') {
        Some((rest, modifier)) => (rest, Some(modifier)),
        None => (locale, None),
    };
    let rest = rest.split('.').next().unwrap_or_default();
    let (language, country) = match rest.split_once('_') {
        Some((language, country)) => (language, Some(country)),
        None => (rest, None),
    };
    if ["", "C", "POSIX"].contains(&language) {
        return Vec::new();
    }
    let form = |country: Option<&str>, modifier: Option<&str>| {
        let country = country.map(|it| format!("_{it}")).unwrap_or_default();
        let modifier = modifier.map(|it| format!("@{it}")).unwrap_or_default();
        format!("{language}{country}{modifier}")
    };
    let mut forms = Vec::new();
    for (country, modifier) in [
        (country, modifier),
        (country, None),
        (None, modifier),
        (None, None),
    ] {
        let form = form(country, modifier);
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_come_in_the_order_of_the_specification() {
        let all = ["sr_YU@Latn", "sr_YU", "sr@Latn", "sr"];
        assert_eq!(forms_of("sr_YU.UTF-8@Latn"), all);
        assert_eq!(forms_of("de_AT.UTF-8"), ["de_AT", "de"]);
        assert_eq!(forms_of("sr@Latn"), ["sr@Latn", "sr"]);
        assert_eq!(forms_of("de"), ["de"]);
        for plain in ["C", "C.UTF-8", "POSIX", ""] {
            assert_eq!(forms_of(plain), [""; 0]);
        }
    }

    #[test]
    fn a_list_of_languages_is_gone_through_in_its_order() {
        let locales = Locales::new("de_AT:fr");
        let ranks = ["de_AT", "de", "fr", "en"].map(|it| locales.rank(it));
        assert_eq!(ranks, [Some(0), Some(1), Some(2), None]);
    }
}
