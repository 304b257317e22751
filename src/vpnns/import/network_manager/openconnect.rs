//! NetworkManager's connections of the OpenConnect plug-in.

use vpnns_protocol::profile::{OpenConnect, OpenConnectProtocol, Profile, Settings};

use super::super::{Import, profile, sentences};
use super::Connection;
use crate::client::fault::{Fault, Note, Subject, shown};

/// Keys that are used, and those that are about NetworkManager's own dialogue.
const KNOWN: &[&str] = &[
    "service-type",
    "gateway",
    "protocol",
    "cacert",
    "usercert",
    "userkey",
    "useragent",
    "reported_os",
    "proxy",
    "pem_passphrase_fsid",
    "csd_wrapper",
    "enable_csd_trojan",
    "authtype",
    "autoconnect",
    "autoconnect-flags",
    "lasthost",
    "prevent_invalid_cert",
    "disable_udp",
    "stoken_source",
    "xmlconfig",
    "save_passwords",
    "resolve",
];

/// Makes a profile of a connection.
pub(super) fn import(connection: &Connection<'_>, label: String) -> Result<Import, Fault> {
    let text = |key| connection.text("vpn", key);
    let owned = |key| text(key).map(str::to_owned);
    let gateway = text("gateway").ok_or_else(|| connection.missing("vpn", "gateway"))?;
    let protocol = protocol(connection, text("protocol").unwrap_or("anyconnect"))?;
    let mut arguments = Vec::new();
    let options = [
        ("useragent", "--useragent"),
        ("reported_os", "--os"),
        ("proxy", "--proxy"),
    ];
    for (key, option) in options {
        arguments.extend(text(key).map(|value| format!("{option}={value}")));
    }
    if text("pem_passphrase_fsid") == Some("yes") {
        arguments.push("--key-password-from-fsid".to_owned());
    }
    if text("disable_udp") == Some("yes") {
        arguments.push("--no-dtls".to_owned());
    }
    let certificate = owned("usercert");
    let settings = OpenConnect {
        server: gateway.to_owned(),
        protocol,
        user: form_value(connection, "username"),
        group: form_value(connection, "group_list"),
        key: owned("userkey")
            .filter(|key| certificate.is_some() && certificate.as_ref() != Some(key)),
        certificate,
        ca: text("cacert").map(Into::into),
        fingerprint: None,
        method: None,
        arguments,
    };
    let mut notes = connection.leftovers("vpn", KNOWN);
    // These two of the form are taken over, and certificates are looked at anew.
    notes.retain(|note| {
        let told = [":username`", ":group_list`", "`certificate:"];
        !told.iter().any(|part| note.message.contains(part))
    });
    if let Some(wrapper) = text("csd_wrapper") {
        notes.push(Note {
            place: connection.place("vpn", "csd_wrapper"),
            subject: Subject::Command,
            message: format!(
                "`csd_wrapper={}` is a command; it is not run",
                shown(wrapper)
            ),
        });
    }
    let mut profile = profile(Settings::OpenConnect(settings));
    connection.set_names(&mut profile, &mut Vec::new())?;
    // The rules of a profile are the same for every source.
    if let Err(fault) = Profile::parse(&profile.to_toml()) {
        let hint = fault.hint.unwrap_or_default();
        let place = connection.place("vpn", "gateway");
        return Err(Fault::new(&place, fault.message, hint));
    }
    Ok(Import {
        text: None,
        profile,
        label,
        notes: sentences(&notes),
    })
}

fn protocol(connection: &Connection<'_>, name: &str) -> Result<OpenConnectProtocol, Fault> {
    Ok(match name {
        "anyconnect" => OpenConnectProtocol::AnyConnect,
        "nc" => OpenConnectProtocol::Nc,
        "gp" => OpenConnectProtocol::Gp,
        "pulse" => OpenConnectProtocol::Pulse,
        "f5" => OpenConnectProtocol::F5,
        "fortinet" => OpenConnectProtocol::Fortinet,
        "array" => OpenConnectProtocol::Array,
        other => {
            let message = format!("the protocol {:?} is not known", shown(other));
            let hint = "it is one of anyconnect, nc, gp, pulse, f5, fortinet and array";
            return Err(Fault::new(
                &connection.place("vpn", "protocol"),
                message,
                hint,
            ));
        }
    })
}

/// What the user has typed into a field of the sign-in form: `form:FORM:FIELD`.
fn form_value(connection: &Connection<'_>, field: &str) -> Option<String> {
    let sections = ["vpn", "vpn-secrets"].map(|name| connection.section(name));
    let entries = sections.into_iter().flatten().flat_map(|it| &it.entries);
    let mut fitting = entries.filter(|entry| {
        entry.key.starts_with("form:") && entry.key.rsplit(':').next() == Some(field)
    });
    let value = fitting.next()?.value.trim().to_owned();
    (!value.is_empty()).then_some(value)
}
