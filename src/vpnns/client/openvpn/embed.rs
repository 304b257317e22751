//! Putting the files that a configuration refers to into the configuration itself.

use std::path::Path;

use base64::Engine as _;

use super::config::Directive;
use super::review::Review;
use crate::client::fault::{Fault, shown};
use crate::text_file;

/// Options whose first parameter is a file that may stand inline.
const TEXTS: &[&str] = &[
    "ca",
    "cert",
    "extra-certs",
    "key",
    "dh",
    "secret",
    "tls-auth",
    "tls-crypt",
    "tls-crypt-v2",
    "crl-verify",
    "peer-fingerprint",
];
/// Options whose first parameter is a directory or a file that cannot stand inline.
const PATHS: &[&str] = &["capath"];
/// Characters of base64 in a line: what OpenSSL's decoder takes.
const LINE: usize = 64;

/// Reads every file that is referred to, so that the configuration stands alone.
pub fn embed(review: &mut Review) -> Result<(), Fault> {
    let directory = review.directory.clone();
    let has_direction = review.kept.iter().any(|it| it.name == "key-direction");
    let mut kept = Vec::new();
    for directive in std::mem::take(&mut review.kept) {
        embed_one(directive, &directory, has_direction, &mut kept)?;
    }
    review.kept = kept;
    Ok(())
}

fn embed_one(
    mut directive: Directive,
    directory: &Path,
    has_direction: bool,
    kept: &mut Vec<Directive>,
) -> Result<(), Fault> {
    if !directive.block.is_empty() {
        let mut block = Vec::new();
        for inner in std::mem::take(&mut directive.block) {
            embed_one(inner, directory, has_direction, &mut block)?;
        }
        directive.block = block;
        kept.push(directive);
        return Ok(());
    }
    let name = directive.name.clone();
    let Some(path) = directive.arguments.first().cloned() else {
        kept.push(directive);
        return Ok(());
    };
    let second = directive.arguments.get(1).map(String::as_str);
    let is_directory = name == "crl-verify" && second == Some("dir");
    if PATHS.contains(&name.as_str()) || is_directory {
        directive.arguments[0] = absolute(directory, &path);
        kept.push(directive);
        return Ok(());
    }
    let inline = match name.as_str() {
        "pkcs12" => Some(pkcs12(&directive, directory, &path)?),
        "dh" if path == "none" => None,
        // In this form the parameter is the fingerprint itself.
        "peer-fingerprint" if path.contains(':') => None,
        _ if path == "[inline]" => Some(None),
        _ if TEXTS.contains(&name.as_str()) => Some(Some(text(&directive, directory, &path)?)),
        _ => None,
    };
    let Some(inline) = inline else {
        kept.push(directive);
        return Ok(());
    };
    // Inline there is no place for the direction of a key; it has an option of its own.
    if let (false, "tls-auth" | "secret", Some(direction)) = (has_direction, &*name, second) {
        let place = &directive.place;
        kept.push(Directive::new("key-direction", &[direction], place));
    }
    if let Some(inline) = inline {
        directive.arguments.clear();
        directive.inline = Some(inline);
        kept.push(directive);
    }
    Ok(())
}

fn text(directive: &Directive, directory: &Path, path: &str) -> Result<String, Fault> {
    let read = text_file::read(&directory.join(path));
    let text = read.map_err(|error| unreadable(directive, path, &error))?;
    let text = text.text.replace("\r\n", "\n");
    let end = format!("</{}>", directive.name);
    if text.contains(&end) {
        let message = format!("{} contains {end}", shown(path));
        let hint = "it is no file for this option; check the path";
        return Err(Fault::new(&directive.place, message, hint));
    }
    Ok(text)
}

fn pkcs12(directive: &Directive, directory: &Path, path: &str) -> Result<Option<String>, Fault> {
    let read = text_file::read_bytes(&directory.join(path));
    let bytes = read.map_err(|error| unreadable(directive, path, &error))?;
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut lines = String::new();
    for line in encoded.as_bytes().chunks(LINE) {
        lines.push_str(&String::from_utf8_lossy(line));
        lines.push('\n');
    }
    Ok(Some(lines))
}

fn unreadable(directive: &Directive, path: &str, error: &text_file::Error) -> Fault {
    let name = &directive.name;
    let message = format!(
        "the file {} of `{name}` cannot be read: {error}",
        shown(path)
    );
    let hint = if error.is_missing() {
        "put it there, or take the path out of the configuration; paths are relative to it"
    } else {
        error.hint().unwrap_or("check the path")
    };
    Fault::new(&directive.place, message, hint)
}

fn absolute(directory: &Path, path: &str) -> String {
    let joined = directory.join(path);
    let absolute = std::path::absolute(&joined).unwrap_or(joined);
    absolute.to_string_lossy().into_owned()
}
