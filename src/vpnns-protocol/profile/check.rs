//! What a value must be beyond its type: the rules of vpnns-profile(5).

use std::path::Path;

use super::secret::{self, Objection};
use super::wireguard::WireGuard;
use super::{Command, OpenConnect, OpenVpn, Profile, Settings};

/// Smallest MTU that IPv4 works with (RFC 791).
const MIN_MTU: u32 = 68;
/// Largest MTU: an IP packet's size less what WireGuard adds to it over IPv6.
const MAX_MTU: u32 = 65_535 - 80;
/// Longest title, in characters: it has to fit into a row of a window.
const LONGEST_TITLE: usize = 120;

/// One step on the way to a value.
pub(super) enum Step {
    /// A field of the format.
    Field(&'static str),
    /// A name that the user has chosen.
    Key(String),
    /// A place in a list, counted from 0.
    Item(usize),
}

/// What is wrong, and with which value.
pub(super) struct Complaint {
    pub(super) place: Vec<Step>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

type Checked = Result<(), Complaint>;

fn complaint(place: Vec<Step>, message: impl Into<String>, hint: &str) -> Complaint {
    Complaint {
        place,
        message: message.into(),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}

fn field(table: &'static str, name: &'static str) -> Vec<Step> {
    vec![Step::Field(table), Step::Field(name)]
}

impl Profile {
    /// The first rule that is broken.
    pub(super) fn check(&self) -> Checked {
        if let Some(title) = &self.title {
            let place = || vec![Step::Field("title")];
            text(place(), "title", title)?;
            if title.chars().count() > LONGEST_TITLE {
                let message = format!("`title` has more than {LONGEST_TITLE} characters");
                return Err(complaint(place(), message, "choose a shorter one"));
            }
        }
        for (index, id) in self.apps.iter().enumerate() {
            if !id.ends_with(".desktop") || id.contains('/') || id.contains(char::is_control) {
                let place = vec![Step::Field("apps"), Step::Item(index)];
                let hint = "it is the name of a file in an `applications` directory, as in \
                            \"firefox.desktop\"";
                let message = format!("{id:?} is not the id of a desktop entry");
                return Err(complaint(place, message, hint));
            }
        }
        match &self.settings {
            Settings::OpenConnect(it) => openconnect(it),
            Settings::OpenVpn(it) => openvpn(it),
            Settings::WireGuard(it) => wireguard(it),
            Settings::Command(it) => command(it),
            Settings::Demo => Ok(()),
        }
    }
}

fn openconnect(it: &OpenConnect) -> Checked {
    const TABLE: &str = "openconnect";
    if let Err(why) = server(&it.server) {
        let hint = "write a host name, or a URL such as \"https://vpn.example.com/group\"";
        let message = format!("`server` is {:?}, {why}", shown(&it.server));
        return Err(complaint(field(TABLE, "server"), message, hint));
    }
    let texts = [
        ("user", &it.user),
        ("group", &it.group),
        ("fingerprint", &it.fingerprint),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            text(field(TABLE, name), name, value)?;
        }
    }
    for (name, value) in [("certificate", &it.certificate), ("key", &it.key)] {
        if let Some(value) = value {
            text(field(TABLE, name), name, value)?;
            if !value.starts_with('/') && !value.contains(':') {
                let message = format!("`{name}` is neither an absolute path nor a URL");
                let hint = "write the whole path, from the first '/'; or a pkcs11: URL";
                return Err(complaint(field(TABLE, name), message, hint));
            }
        }
    }
    if it.key.is_some() && it.certificate.is_none() {
        let message = "`key` is of no use without `certificate`";
        let hint = "name the certificate, or remove the key";
        return Err(complaint(field(TABLE, "key"), message, hint));
    }
    if let Some(ca) = &it.ca {
        path(field(TABLE, "ca"), "ca", ca)?;
    }
    arguments(TABLE, &it.arguments, secret::openconnect)
}

fn openvpn(it: &OpenVpn) -> Checked {
    const TABLE: &str = "openvpn";
    let hint = "write one: `config` holds a configuration, `config-file` is the path of one";
    match (&it.config, &it.config_file) {
        (Some(config), None) if config.trim().is_empty() => {
            let message = "`config` is empty";
            return Err(complaint(field(TABLE, "config"), message, hint));
        }
        (Some(config), None) if config.contains('\0') => {
            let message = "`config` contains a NUL character";
            return Err(complaint(
                field(TABLE, "config"),
                message,
                "import it again",
            ));
        }
        (Some(_), None) => {}
        (None, Some(file)) => path(field(TABLE, "config-file"), "config-file", file)?,
        (Some(_), Some(_)) => {
            let message = "[openvpn] has `config` and `config-file`";
            return Err(complaint(field(TABLE, "config-file"), message, hint));
        }
        (None, None) => {
            let message = "[openvpn] has neither `config` nor `config-file`";
            return Err(complaint(vec![Step::Field(TABLE)], message, hint));
        }
    }
    if let Some(user) = &it.user {
        text(field(TABLE, "user"), "user", user)?;
    }
    arguments(TABLE, &it.arguments, secret::openvpn)
}

fn wireguard(it: &WireGuard) -> Checked {
    const TABLE: &str = "wireguard";
    let hint = "write one: `private-key` holds the key, `private-key-file` is the path of a file";
    match (&it.private_key, &it.private_key_file) {
        (Some(_), None) => {}
        (None, Some(file)) => path(field(TABLE, "private-key-file"), "private-key-file", file)?,
        (Some(_), Some(_)) => {
            let message = "[wireguard] has `private-key` and `private-key-file`";
            return Err(complaint(field(TABLE, "private-key-file"), message, hint));
        }
        (None, None) => {
            let message = "[wireguard] has neither `private-key` nor `private-key-file`";
            return Err(complaint(vec![Step::Field(TABLE)], message, hint));
        }
    }
    if it.addresses.is_empty() {
        let message = "`addresses` is empty";
        let hint = "write the device's addresses, as in [\"10.0.0.2/32\"]";
        return Err(complaint(field(TABLE, "addresses"), message, hint));
    }
    if let Some(mtu) = it.mtu.filter(|mtu| !(MIN_MTU..=MAX_MTU).contains(mtu)) {
        let message = format!("`mtu` is {mtu}; it is from {MIN_MTU} to {MAX_MTU}");
        let hint = "1420 fits nearly everywhere; remove the line to have that";
        return Err(complaint(field(TABLE, "mtu"), message, hint));
    }
    for (index, domain) in it.search.iter().enumerate() {
        if !is_domain(domain) {
            let mut place = field(TABLE, "search");
            place.push(Step::Item(index));
            let message = format!("{domain:?} is not a domain");
            return Err(complaint(place, message, "write it as in \"corp.example\""));
        }
    }
    if it.peers.is_empty() {
        let hint = "add a [[wireguard.peer]] table";
        let message = "there is no peer";
        return Err(complaint(field(TABLE, "peer"), message, hint));
    }
    for (index, peer) in it.peers.iter().enumerate() {
        let place = |name| {
            let mut place = field(TABLE, "peer");
            place.extend([Step::Item(index), Step::Field(name)]);
            place
        };
        if it.peers[..index]
            .iter()
            .any(|other| other.public_key == peer.public_key)
        {
            let message = "two peers have the same public key";
            let hint = "make one peer of them, with the prefixes of both in `allowed-ips`";
            return Err(complaint(place("public-key"), message, hint));
        }
        if let Some(given) = peer.endpoint.as_deref().filter(|it| !is_endpoint(it)) {
            let message = format!("`endpoint` is {:?}, without host and port", shown(given));
            let hint = "write host:port; an IPv6 address stands in brackets, as in \
                        \"[2001:db8::1]:51820\"";
            return Err(complaint(place("endpoint"), message, hint));
        }
    }
    Ok(())
}

fn command(it: &Command) -> Checked {
    const TABLE: &str = "command";
    let place = |index| {
        let mut place = field(TABLE, "run");
        place.push(Step::Item(index));
        place
    };
    if it.run.first().is_none_or(String::is_empty) {
        let message = "`run` names no program";
        let hint = "write the program and its arguments, as in [\"openvpn\", \"--config\", ...]";
        return Err(complaint(field(TABLE, "run"), message, hint));
    }
    for (index, word) in it.run.iter().enumerate() {
        no_nul(place(index), word)?;
        let next = it.run.get(index + 1);
        let pair = word.starts_with("--")
            && !word.contains('=')
            && secret::is_secret(word)
            && next.is_some_and(|next| !next.starts_with('-'));
        if index > 0 && (pair || secret::carries_secret(word)) {
            return Err(secret_in_sight(place(index), word));
        }
    }
    for (name, value) in &it.environment {
        let mut place = field(TABLE, "environment");
        place.push(Step::Key(name.clone()));
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("{name:?} is not the name of a variable");
            return Err(complaint(place, message, "leave out '=' and the like"));
        }
        if secret::is_secret(name) {
            return Err(secret_in_sight(place, name));
        }
        no_nul(place, value)?;
    }
    Ok(())
}

/// Nothing that vpnns does itself, and no secret that any process could read.
fn arguments(
    table: &'static str,
    arguments: &[String],
    objection: fn(&str) -> Option<Objection>,
) -> Checked {
    for (index, argument) in arguments.iter().enumerate() {
        let mut place = field(table, "arguments");
        place.push(Step::Item(index));
        if argument.is_empty() {
            let message = "there is an empty argument";
            return Err(complaint(place, message, "remove it"));
        }
        match objection(argument) {
            None => no_nul(place, argument)?,
            Some(Objection::Secret) => return Err(secret_in_sight(place, argument)),
            Some(Objection::Ours) => {
                let name = name_of(argument);
                let message = format!("{name} is an option that vpnns itself decides about");
                let hint = "remove it; vpnns-profile(5) lists the fields that a profile has";
                return Err(complaint(place, message, hint));
            }
        }
    }
    Ok(())
}

fn secret_in_sight(place: Vec<Step>, argument: &str) -> Complaint {
    let message = format!("{} would show a secret to every program", name_of(argument));
    let hint = "remove it; vpnns asks for passwords and codes when it connects";
    complaint(place, message, hint)
}

/// An argument without its value, which may be what must not be shown.
fn name_of(argument: &str) -> &str {
    match argument.split('=').next().unwrap_or_default() {
        long if long.starts_with("--") => long,
        short if short.starts_with('-') => short.get(..2).unwrap_or(short),
        other => other,
    }
}

fn no_nul(place: Vec<Step>, value: &str) -> Checked {
    if value.contains('\0') {
        let message = "a NUL character can be in no argument or variable";
        return Err(complaint(place, message, "remove it"));
    }
    Ok(())
}

/// A text for people, on one line.
fn text(place: Vec<Step>, name: &str, value: &str) -> Checked {
    let message = if value.trim().is_empty() {
        format!("`{name}` is empty")
    } else if value.contains(char::is_control) {
        format!("`{name}` contains a line break or another control character")
    } else {
        return Ok(());
    };
    Err(complaint(
        place,
        message,
        "write a text, or remove the line",
    ))
}

/// The helper's working directory has nothing to do with a profile.
fn path(place: Vec<Step>, name: &str, path: &Path) -> Checked {
    let text = path.to_string_lossy();
    if !text.starts_with('/') || text.contains('\0') {
        let message = format!("`{name}` is {:?}, which is no absolute path", shown(&text));
        let hint = "write the whole path, from the first '/'";
        return Err(complaint(place, message, hint));
    }
    Ok(())
}

/// A host name or a URL that openconnect understands; otherwise why not.
fn server(server: &str) -> Result<(), &'static str> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\' | '<' | '>');
    if server.is_empty() {
        return Err("which names no server");
    }
    if server.contains(bad) {
        return Err("which contains a character that no server's name has");
    }
    let rest = match server.split_once("://") {
        Some(("https", rest)) => rest,
        Some(_) => return Err("which does not start with https://"),
        None => server,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("which holds a user; that has a field of its own");
    }
    let (host, port) = split_port(authority).ok_or("whose port is no number")?;
    if host.is_empty() {
        return Err("which names no host");
    }
    if host.starts_with(['-', '.']) {
        return Err("whose host starts with a dash or a dot");
    }
    if port == Some(0) {
        return Err("whose port is 0");
    }
    Ok(())
}

/// `host`, `host:port` or `[address]:port`; nothing if what should be a port is none.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None => rest.is_empty().then_some((address, None)),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((authority, None)),
    }
}

/// Whether a text is a host and a port, as WireGuard's endpoints are.
pub(super) fn is_endpoint(text: &str) -> bool {
    match split_port(text) {
        Some((host, Some(port))) => {
            let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
            !host.is_empty() && port != 0 && !host.starts_with('-') && host.chars().all(fits)
        }
        _ => false,
    }
}

/// Whether a text can stand in resolv.conf as a domain.
pub(super) fn is_domain(domain: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !domain.is_empty() && domain.len() <= 253 && domain.chars().all(fits)
}

/// A value short enough for a sentence.
fn shown(value: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = value.chars().take(LONGEST).collect();
    if shown.len() < value.len() {
        shown.push_str("...");
    }
    shown
}
