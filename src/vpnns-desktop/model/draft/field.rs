//! The fields of a form.

use super::Draft;
use crate::i18n::gettext;

/// What a profile connects with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// OpenConnect and the protocols that it speaks.
    OpenConnect,
    /// OpenVPN.
    OpenVpn,
    /// WireGuard.
    WireGuard,
    /// Any other client.
    Command,
    /// The embedded gateway.
    Demo,
}

/// One field. Those of a peer have its place, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// What people call the VPN.
    Title,
    /// What the profile's file is called.
    Name,
    /// `server` or `all`.
    Routes,
    /// Empty for the server's resolvers, `own` or `none`.
    DnsMode,
    /// Addresses of resolvers.
    Dns,
    /// Empty for keep, `freeze` or `close`.
    OnDrop,
    /// A switch.
    ConnectOnOpen,
    /// A switch.
    StartAtLogin,
    /// Ids of desktop entries.
    Apps,
    /// Ports of servers inside.
    Publish,
    /// Services of the host's.
    Reach,
    /// OpenConnect's server.
    Server,
    /// OpenConnect's protocol.
    Protocol,
    /// The user name.
    User,
    /// OpenConnect's group.
    Group,
    /// The user's certificate.
    Certificate,
    /// Its key.
    Key,
    /// Further authorities.
    Ca,
    /// The server's trusted certificate.
    Fingerprint,
    /// Empty, `attach` or `graft`.
    Method,
    /// More options of the client.
    Arguments,
    /// OpenVPN's configuration as a text.
    Config,
    /// Its path, if it stays where it is.
    ConfigFile,
    /// WireGuard's private key.
    PrivateKey,
    /// Its path.
    PrivateKeyFile,
    /// The device's addresses.
    Addresses,
    /// The largest packet.
    Mtu,
    /// The port to send from.
    ListenPort,
    /// Search domains.
    Search,
    /// A peer's key.
    PublicKey(usize),
    /// Where it is.
    Endpoint(usize),
    /// What is sent to it.
    AllowedIps(usize),
    /// A key shared with it.
    PresharedKey(usize),
    /// Seconds.
    Keepalive(usize),
    /// A program and its arguments.
    Run,
    /// Its further variables.
    Environment,
}

const COMMON: [Field; 11] = [
    Field::Title,
    Field::Name,
    Field::Routes,
    Field::DnsMode,
    Field::Dns,
    Field::OnDrop,
    Field::ConnectOnOpen,
    Field::StartAtLogin,
    Field::Apps,
    Field::Publish,
    Field::Reach,
];

impl Field {
    /// The fields of a peer.
    pub fn of_peer(index: usize) -> [Self; 5] {
        [
            Self::PublicKey(index),
            Self::Endpoint(index),
            Self::AllowedIps(index),
            Self::PresharedKey(index),
            Self::Keepalive(index),
        ]
    }

    pub(super) fn in_first_peer(self) -> Self {
        match self {
            Self::PublicKey(_) => Self::PublicKey(0),
            Self::Endpoint(_) => Self::Endpoint(0),
            Self::AllowedIps(_) => Self::AllowedIps(0),
            Self::PresharedKey(_) => Self::PresharedKey(0),
            Self::Keepalive(_) => Self::Keepalive(0),
            other => other,
        }
    }

    /// The field of a key of the file format.
    pub(super) fn of_key(key: &str, peer: usize) -> Option<Self> {
        Some(match key {
            "title" => Self::Title,
            "routes" => Self::Routes,
            "dns" => Self::Dns,
            "on-drop" => Self::OnDrop,
            "connect-on-open" => Self::ConnectOnOpen,
            "start-at-login" => Self::StartAtLogin,
            "apps" => Self::Apps,
            "publish" => Self::Publish,
            "reach" => Self::Reach,
            "server" => Self::Server,
            "protocol" => Self::Protocol,
            "user" => Self::User,
            "group" => Self::Group,
            "certificate" => Self::Certificate,
            "key" => Self::Key,
            "ca" => Self::Ca,
            "fingerprint" => Self::Fingerprint,
            "method" => Self::Method,
            "arguments" => Self::Arguments,
            "config" => Self::Config,
            "config-file" => Self::ConfigFile,
            "private-key" => Self::PrivateKey,
            "private-key-file" => Self::PrivateKeyFile,
            "addresses" => Self::Addresses,
            "mtu" => Self::Mtu,
            "listen-port" => Self::ListenPort,
            "search" => Self::Search,
            "public-key" => Self::PublicKey(peer),
            "endpoint" => Self::Endpoint(peer),
            "allowed-ips" => Self::AllowedIps(peer),
            "preshared-key" => Self::PresharedKey(peer),
            "persistent-keepalive" => Self::Keepalive(peer),
            "run" => Self::Run,
            _ => return None,
        })
    }
}

impl Draft {
    /// The fields that this form has: first what everyone needs.
    pub fn fields(&self) -> Vec<Field> {
        let own: &[Field] = match self.kind() {
            Kind::OpenConnect => &[
                Field::Server,
                Field::Protocol,
                Field::User,
                Field::Group,
                Field::Certificate,
                Field::Key,
                Field::Ca,
                Field::Fingerprint,
                Field::Method,
                Field::Arguments,
            ],
            Kind::OpenVpn => &[
                Field::Config,
                Field::ConfigFile,
                Field::User,
                Field::Arguments,
            ],
            Kind::WireGuard => &[
                Field::PrivateKey,
                Field::PrivateKeyFile,
                Field::Addresses,
                Field::Mtu,
                Field::ListenPort,
                Field::Search,
            ],
            Kind::Command => &[Field::Run, Field::Method, Field::Environment],
            Kind::Demo => &[],
        };
        let mut fields = COMMON[..2].to_vec();
        fields.extend(own);
        fields.extend((0..self.peers()).flat_map(Field::of_peer));
        fields.extend(&COMMON[2..]);
        fields
    }

    /// What to say where a field must not stay empty.
    pub(super) fn is_required(&self, field: Field) -> Option<String> {
        Some(match field {
            Field::Title => gettext("Enter a name."),
            Field::Server => gettext("Enter the name or address of the server."),
            Field::Config if self.get(Field::ConfigFile).is_empty() => {
                gettext("Choose the configuration file.")
            }
            Field::PrivateKey if self.get(Field::PrivateKeyFile).is_empty() => {
                gettext("Enter the private key.")
            }
            Field::Addresses => gettext("Enter the address of this computer in the VPN."),
            Field::PublicKey(_) => gettext("Enter the public key of the server."),
            Field::AllowedIps(_) => {
                gettext("Enter what leads to it; 0.0.0.0/0, ::/0 is everything.")
            }
            Field::Run => gettext("Enter a program and its arguments."),
            Field::Dns if self.get(Field::DnsMode) == "own" => {
                gettext("Enter the address of a DNS server.")
            }
            _ => return None,
        })
    }
}
