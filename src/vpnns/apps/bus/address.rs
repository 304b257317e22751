//! Where the session bus listens, as `DBUS_SESSION_BUS_ADDRESS` says it.

use std::env;
use std::path::PathBuf;

use nix::sys::socket::UnixAddr;

/// The variable that names it.
const VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";
/// Where it is where the variable is unset, below the directory of the session.
const USUAL: &str = "bus";

/// The addresses at which the session bus may be, in their order.
pub(super) fn of_this_session() -> Vec<UnixAddr> {
    if let Some(value) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        return value.to_str().map(parse).unwrap_or_default();
    }
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let usual = runtime.and_then(|path| UnixAddr::new(&path.join(USUAL)).ok());
    usual.into_iter().collect()
}

/// Sockets only: TCP, and buses that would be started by asking, have nobody on them for us.
fn parse(text: &str) -> Vec<UnixAddr> {
    let addresses = text.split(';').filter_map(|it| it.strip_prefix("unix:"));
    addresses.filter_map(one).collect()
}

fn one(fields: &str) -> Option<UnixAddr> {
    let mut fields = fields.split(',').filter_map(|field| field.split_once('='));
    fields.find_map(|(key, value)| match key {
        "path" => UnixAddr::new(unescape(value)?.as_slice()).ok(),
        "abstract" => UnixAddr::new_abstract(&unescape(value)?).ok(),
        _ => None,
    })
}

fn unescape(value: &str) -> Option<Vec<u8>> {
    let mut bytes = value.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let digits = std::str::from_utf8(&digits).ok()?.to_owned();
        plain.push(u8::from_str_radix(&digits, 16).ok()?);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_their_order_and_others_left_out() {
        let found =
            parse("tcp:host=h,port=1;unix:guid=1,path=/run/a%20b;unix:abstract=/x;autolaunch:");
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.path().map(ToOwned::to_owned), it.as_abstract()))
            .collect();
        let expected = [
            (Some(PathBuf::from("/run/a b")), None),
            (None, Some(&b"/x"[..])),
        ];
        assert_eq!(found, expected);
        assert!(parse("unix:path=%x").is_empty());
        assert!(parse("").is_empty());
    }
}
