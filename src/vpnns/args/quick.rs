//! The commonest call, `vpnns [--name ID] [--] COMMAND...`, understood without the parser.
//!
//! Building the parser takes 90 µs, a twentieth of the time that a start takes. What is not
//! plainly this form is left to the parser, which also gives all the error messages.

use std::ffi::{OsStr, OsString};

use vpnns_protocol::name::InstanceName;

/// The name, if given, and the command; `None` where the parser has to look.
pub(super) fn parse(arguments: &[OsString]) -> Option<(Option<InstanceName>, Vec<OsString>)> {
    let mut rest = arguments.get(1..)?;
    let mut name = None;
    loop {
        let (first, after) = rest.split_first()?;
        match first.to_str() {
            Some("--") => {
                rest = after;
                break;
            }
            Some("--name" | "-n") if name.is_none() => {
                name = Some(identifier(after.first()?)?);
                rest = &after[1..];
            }
            Some(word) if word.starts_with("--name=") && name.is_none() => {
                name = Some(identifier(OsStr::new(&word[7..]))?);
                rest = after;
            }
            Some(word) if !word.starts_with('-') && !word.is_empty() => break,
            _ => return None,
        }
    }
    (!rest.is_empty()).then(|| (name, rest.to_vec()))
}

fn identifier(text: &OsStr) -> Option<InstanceName> {
    text.to_str()?.parse().ok()
}
