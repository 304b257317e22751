//! Changing one value in a file without touching the rest: people's comments stay.

use toml::de::{DeTable, DeValue};

use super::{Profile, ProfileError, Settings};

impl Profile {
    /// The text of an openconnect profile with another `fingerprint`; all else stays as it is.
    pub fn text_with_fingerprint(text: &str, fingerprint: &str) -> Result<String, ProfileError> {
        let mut wanted = Self::parse(text)?;
        let Settings::OpenConnect(settings) = &mut wanted.settings else {
            let message = format!(
                "[{}] remembers no certificate of a server",
                wanted.settings.kind()
            );
            return Err(ProfileError::at(text, &(0..0), message, None));
        };
        settings.fingerprint = Some(fingerprint.to_owned());
        let edited = in_place(text, fingerprint);
        // Whatever way the file is written (inline tables, dotted keys): the result is right, if
        // need be without the comments.
        Ok(
            match edited.filter(|text| Self::parse(text).as_ref() == Ok(&wanted)) {
                Some(edited) => edited,
                None => wanted.to_toml(),
            },
        )
    }
}

/// The text with the value replaced, or with a line after the server's.
fn in_place(text: &str, fingerprint: &str) -> Option<String> {
    let root = DeTable::parse(text).ok()?.into_inner();
    let DeValue::Table(table) = root.get("openconnect")?.get_ref() else {
        return None;
    };
    let value = toml::Value::String(fingerprint.to_owned()).to_string();
    let mut edited = text.to_owned();
    if let Some(old) = table.get("fingerprint") {
        edited.replace_range(old.span(), &value);
    } else {
        let end = table.get("server")?.span().end;
        let line = text[end..].find('\n').map_or(text.len(), |at| end + at);
        edited.insert_str(line, &format!("\nfingerprint = {value}"));
    }
    Some(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_order_stay() {
        let text = "# mine\nversion = 1\n\n[openconnect] # here\nserver = \"a.example\" # why\nuser = \"me\"\n";
        let once = Profile::text_with_fingerprint(text, "pin-sha256:one").unwrap();
        assert_eq!(
            once,
            "# mine\nversion = 1\n\n[openconnect] # here\nserver = \"a.example\" # why\n\
             fingerprint = \"pin-sha256:one\"\nuser = \"me\"\n"
        );
        let twice = Profile::text_with_fingerprint(&once, "pin-sha256:two").unwrap();
        assert_eq!(twice, once.replace("one", "two"));
    }

    #[test]
    fn an_unusual_way_of_writing_is_rewritten_rather_than_broken() {
        let text = "version = 1\nopenconnect = { server = \"a.example\" }\n";
        let edited = Profile::text_with_fingerprint(text, "pin-sha256:one").unwrap();
        let Settings::OpenConnect(settings) = Profile::parse(&edited).unwrap().settings else {
            panic!("{edited}")
        };
        assert_eq!(settings.fingerprint.as_deref(), Some("pin-sha256:one"));
        assert!(Profile::text_with_fingerprint("version = 1\n[demo]\n", "x").is_err());
    }
}
