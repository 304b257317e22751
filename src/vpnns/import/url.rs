//! The URL of a server as a profile: `https://vpn.example.com/group`.

use vpnns_protocol::profile::{OpenConnect, OpenConnectProtocol, Profile, Settings};

use super::{Error, Import, profile};

/// The beginnings of a URL, and the protocols that they stand for.
const SCHEMES: &[(&str, OpenConnectProtocol)] = &[
    ("https", OpenConnectProtocol::AnyConnect),
    ("anyconnect", OpenConnectProtocol::AnyConnect),
    ("nc", OpenConnectProtocol::Nc),
    ("gp", OpenConnectProtocol::Gp),
    ("globalprotect", OpenConnectProtocol::Gp),
    ("pulse", OpenConnectProtocol::Pulse),
    ("f5", OpenConnectProtocol::F5),
    ("fortinet", OpenConnectProtocol::Fortinet),
    ("array", OpenConnectProtocol::Array),
];

/// Makes a profile of a URL.
pub(super) fn import(url: &str) -> Result<Import, Error> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    };
    let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
        Some((user, password)) => (Some(decoded(user)), !password.is_empty()),
        None => (None, false),
    };
    let shown = format!("{scheme}://{host}{path}");
    let scheme = scheme.to_ascii_lowercase();
    let known = SCHEMES.iter().find(|(name, _)| *name == scheme);
    let Some((_, protocol)) = known else {
        let why = match scheme.as_str() {
            "http" => "is not encrypted, and no VPN server answers there",
            _ => "begins with a protocol that openconnect does not speak",
        };
        return Err(Error::Url { url: shown, why });
    };
    let path = path.trim_end_matches('/').split('#').next();
    let server = match path {
        None | Some("") => host.to_owned(),
        Some(path) => format!("https://{host}{path}"),
    };
    let profile = profile(Settings::OpenConnect(OpenConnect {
        server,
        protocol: *protocol,
        user: user.filter(|user| !user.is_empty()),
        group: None,
        certificate: None,
        key: None,
        ca: None,
        fingerprint: None,
        method: None,
        arguments: Vec::new(),
    }));
    if Profile::parse(&profile.to_toml()).is_err() {
        let why = "is not the URL of a server";
        return Err(Error::Url { url: shown, why });
    }
    let note = format!("{shown}: the password is not taken over; it is asked for");
    Ok(Import {
        text: None,
        profile,
        label: host_name(host).to_owned(),
        notes: password.then_some(note).into_iter().collect(),
    })
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    }
}

/// A text without its %XX.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> (Import, OpenConnect) {
        let import = import(url).unwrap_or_else(|error| panic!("{error}"));
        let Settings::OpenConnect(it) = import.profile.settings.clone() else {
            panic!("{url}")
        };
        (import, it)
    }

    #[test]
    fn urls_name_server_protocol_and_user() {
        let (import, it) = of("https://vpn.example.com/group");
        assert_eq!(it.server, "https://vpn.example.com/group");
        assert_eq!(import.label, "vpn.example.com");
        assert_eq!(
            of("https://vpn.example.com:4443/").1.server,
            "vpn.example.com:4443"
        );
        let (import, it) = of("GP://me%40corp:hunter2@gp.example.com");
        assert_eq!(it.protocol, OpenConnectProtocol::Gp);
        assert_eq!(it.user.as_deref(), Some("me@corp"));
        assert_eq!(import.notes.len(), 1);
        assert!(!import.profile.to_toml().contains("hunter2"));
    }

    #[test]
    fn what_is_no_server_is_refused_without_its_password() {
        for url in [
            "http://x",
            "ftp://x",
            "https://",
            "https://a b",
            "://",
            "https://me:pw@/x",
        ] {
            let Err(error) = import(url) else {
                panic!("{url} was taken")
            };
            assert!(
                error.hint().is_some() && !error.to_string().contains("pw"),
                "{error}"
            );
        }
    }
}
