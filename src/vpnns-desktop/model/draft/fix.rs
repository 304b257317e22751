//! What people mistype, and what they most likely meant.

use std::net::IpAddr;

use super::build::list;
use super::{Fault, Field};
use crate::i18n::{gettext, gettext_f};

/// WireGuard's usual port.
const PORT: u16 = 51820;

/// A fault with its fix, where the text looks like one that is often made.
pub(super) fn likely(field: Field, text: &str) -> Option<Fault> {
    match field {
        Field::Server => server(text),
        Field::Addresses | Field::AllowedIps(_) => prefixes(field, text),
        Field::Endpoint(_) => endpoint(field, text),
        _ => None,
    }
}

fn server(text: &str) -> Option<Fault> {
    let fault = |message: String, fix: String| Some(Fault::new(Field::Server, message).fix(fix));
    if text.contains(',') {
        let meant = text.replace(',', ".");
        return fault(gettext("A server name has no comma."), meant);
    }
    if text.contains(char::is_whitespace) {
        let meant: String = text.split_whitespace().collect();
        return fault(gettext("A server name has no space."), meant);
    }
    if let Some(rest) = text.strip_prefix("http://") {
        let message = gettext("A server is only trusted over https.");
        return fault(message, format!("https://{rest}"));
    }
    let host = text.strip_prefix("https://").unwrap_or(text);
    let authority = host.split('/').next().unwrap_or_default();
    if let Some((user, _)) = authority.rsplit_once('@') {
        let message = gettext("The user name has a field of its own.");
        return fault(message, text.replacen(&format!("{user}@"), "", 1));
    }
    None
}

fn prefixes(field: Field, text: &str) -> Option<Fault> {
    let bare = list(text).find(|part| part.parse::<IpAddr>().is_ok())?;
    let meant: Vec<String> = list(text)
        .map(|part| match part.parse() {
            Ok(IpAddr::V4(_)) => format!("{part}/32"),
            Ok(IpAddr::V6(_)) => format!("{part}/128"),
            Err(_) => part.to_owned(),
        })
        .collect();
    let message = gettext_f(
        "{address} needs the length of its prefix.",
        &[("address", bare)],
    );
    Some(Fault::new(field, message).fix(meant.join(", ")))
}

fn endpoint(field: Field, text: &str) -> Option<Fault> {
    let host = match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => format!("[{text}]"),
        _ if text.contains(':') || text.contains(char::is_whitespace) => return None,
        _ => text.to_owned(),
    };
    let message = gettext("The port is missing.");
    Some(Fault::new(field, message).fix(format!("{host}:{PORT}")))
}
