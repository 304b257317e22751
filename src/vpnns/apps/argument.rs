//! What an application is to open: a file or an address, in the form that it wants.

use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The scheme of a file's URL.
const FILE: &str = "file:";

/// A file by its absolute path, or an address.
#[derive(Debug, PartialEq, Eq)]
pub enum Argument {
    /// A file, which need not exist.
    File(PathBuf),
    /// An address, such as `https://example.com`.
    Address(OsString),
}

/// A word that is neither.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is empty.
    #[error("an empty word is neither a file nor an address")]
    Empty,
    /// It looks like an option that came too late.
    #[error("{0:?} is neither a file nor an address")]
    Option(OsString),
    /// A file's URL that names no file of this machine.
    #[error("{0:?} names no file of this machine")]
    Elsewhere(OsString),
}

impl Argument {
    /// Understands a word of the command line, given in this directory.
    pub fn new(word: &OsStr, directory: &Path) -> Result<Self, Error> {
        if word.is_empty() {
            return Err(Error::Empty);
        }
        if word.as_bytes().starts_with(b"-") {
            return Err(Error::Option(word.to_owned()));
        }
        if !has_scheme(word.as_bytes()) {
            return Ok(Self::File(absolute(word, directory)));
        }
        let (scheme, rest) = word.as_bytes().split_at(FILE.len().min(word.len()));
        if !scheme.eq_ignore_ascii_case(FILE.as_bytes()) {
            return Ok(Self::Address(word.to_owned()));
        }
        let path = local_path(rest).ok_or_else(|| Error::Elsewhere(word.to_owned()))?;
        Ok(Self::File(OsString::from_vec(path).into()))
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// As a path, for programs that take files.
    pub fn path(&self) -> OsString {
        match self {
            Self::File(path) => path.clone().into(),
            Self::Address(address) => address.clone(),
        }
    }

    /// As a URL.
    pub fn url(&self) -> OsString {
        match self {
            Self::File(path) => format!("{FILE}//{}", encode(path.as_os_str().as_bytes())).into(),
            Self::Address(address) => address.clone(),
        }
    }
}

/// The path that a word means in a directory, without the dots that need no look at links.
pub fn absolute(word: &OsStr, directory: &Path) -> PathBuf {
    let path = directory.join(word);
    std::path::absolute(&path).unwrap_or(path)
}

/// RFC 3986, section 3.1. One letter is no scheme in use, but a disk to those who come from there.
fn has_scheme(word: &[u8]) -> bool {
    let Some(end) = word.iter().position(|byte| *byte == b':') else {
        return false;
    };
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    end > 1 && word[0].is_ascii_alphabetic() && word[..end].iter().all(fits)
}

/// The path in a file's URL, after its scheme.
fn local_path(rest: &[u8]) -> Option<Vec<u8>> {
    let path = match rest.strip_prefix(b"//") {
        None => rest,
        Some(rest) => {
            let host = rest.iter().position(|byte| *byte == b'/')?;
            let is_here = host == 0 || rest[..host].eq_ignore_ascii_case(b"localhost");
            is_here.then_some(&rest[host..])?
        }
    };
    let end = path.iter().position(|byte| b"?#".contains(byte));
    let path = decode(&path[..end.unwrap_or(path.len())])?;
    (path.starts_with(b"/") && !path.contains(&0)).then_some(path)
}

fn encode(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn decode(path: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            byte => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(word: &str) -> Option<String> {
        match Argument::new(word.as_ref(), "/a/b".as_ref()).unwrap() {
            Argument::File(path) => Some(path.to_str().unwrap().to_owned()),
            Argument::Address(_) => None,
        }
    }

    #[test]
    fn a_word_is_a_file_unless_it_begins_with_a_scheme() {
        for (word, path) in [
            ("x", Some("/a/b/x")),
            ("./x:y", Some("/a/b/x:y")),
            ("/x y", Some("/x y")),
            ("c:x", Some("/a/b/c:x")),
            ("1a:x", Some("/a/b/1a:x")),
            ("file:///x%20y%2f", Some("/x y/")),
            ("FILE://localhost/x#part", Some("/x")),
            ("file:/x", Some("/x")),
            ("https://h/x", None),
            ("mailto:x@y", None),
        ] {
            assert_eq!(file(word).as_deref(), path, "{word}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for word in [
            "",
            "-x",
            "--name",
            "file://other/x",
            "file:x",
            "file:///%zz",
            "file:///%0",
        ] {
            assert!(
                Argument::new(word.as_ref(), "/".as_ref()).is_err(),
                "{word}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn every_path_survives_the_way_through_its_url(bytes: Vec<u8>) {
            let mut path = bytes;
            path.retain(|byte| *byte != 0);
            path.insert(0, b'/');
            let file = Argument::File(OsString::from_vec(path).into());
            let url = file.url();
            proptest::prop_assert!(url.to_str().unwrap().bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
            proptest::prop_assert_eq!(Argument::new(&url, "/".as_ref()).unwrap(), file);
        }
    }
}
