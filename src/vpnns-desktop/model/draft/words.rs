//! What stands before a field, and what can be chosen.

use super::{Field, Kind};
use crate::i18n::gettext;

impl Kind {
    /// What people call it.
    pub fn title(self) -> String {
        match self {
            Self::OpenConnect => "OpenConnect".to_owned(),
            Self::OpenVpn => "OpenVPN".to_owned(),
            Self::WireGuard => "WireGuard".to_owned(),
            Self::Command => gettext("Custom Command"),
            Self::Demo => gettext("Demonstration"),
        }
    }

    /// What it is for, in a line.
    pub fn subtitle(self) -> String {
        match self {
            Self::OpenConnect => {
                gettext("Cisco AnyConnect, GlobalProtect, Pulse, F5, Fortinet, Array")
            }
            Self::OpenVpn => gettext("Needs an .ovpn file"),
            Self::WireGuard => gettext("Needs a configuration file, or type in the keys"),
            Self::Command => gettext("Any program that makes a tunnel device"),
            Self::Demo => gettext("Needs no account and no server"),
        }
    }

    /// Its symbol.
    pub fn icon(self) -> &'static str {
        match self {
            Self::OpenConnect => "network-server-symbolic",
            Self::OpenVpn => "network-vpn-symbolic",
            Self::WireGuard => "system-lock-screen-symbolic",
            Self::Command => "utilities-terminal-symbolic",
            Self::Demo => "applications-science-symbolic",
        }
    }
}

impl Field {
    /// What stands before it.
    pub fn title(self) -> String {
        match self {
            Self::Title => gettext("Name"),
            Self::Name => gettext("Name on the Command Line"),
            // Translators: which traffic goes through the VPN: everything, or what the server names
            Self::Routes => gettext("Through the VPN"),
            Self::DnsMode => gettext("DNS"),
            Self::Dns => gettext("DNS Servers"),
            Self::OnDrop => gettext("If the Connection Is Lost"),
            Self::ConnectOnOpen => gettext("Connect When an App Is Opened"),
            Self::StartAtLogin => gettext("Connect at Login"),
            Self::Apps => gettext("Open When Connected"),
            Self::Publish => gettext("Servers Inside, Reached From Here"),
            Self::Reach => gettext("Services Here, Reached From Inside"),
            Self::Server => gettext("Server"),
            Self::Protocol => gettext("Protocol"),
            Self::User => gettext("User Name"),
            // Translators: the group that the user chooses at sign-in, as some servers have it
            Self::Group => gettext("Group"),
            Self::Certificate => gettext("Certificate"),
            Self::Key => gettext("Key of the Certificate"),
            Self::Ca => gettext("Certificate Authorities"),
            Self::Fingerprint => gettext("Trusted Fingerprint of the Server"),
            Self::Method => gettext("How Its Packets Come"),
            Self::Arguments => gettext("More Options"),
            Self::Config => gettext("Configuration"),
            Self::ConfigFile => gettext("Configuration File, Used Where It Is"),
            Self::PrivateKey => gettext("Private Key"),
            Self::PrivateKeyFile => gettext("File With the Private Key"),
            Self::Addresses => gettext("Addresses"),
            Self::Mtu => gettext("Largest Packet (MTU)"),
            Self::ListenPort => gettext("Port to Send From"),
            Self::Search => gettext("Search Domains"),
            Self::PublicKey(_) => gettext("Public Key"),
            Self::Endpoint(_) => gettext("Server and Port"),
            // Translators: WireGuard's AllowedIPs
            Self::AllowedIps(_) => gettext("Allowed Addresses"),
            Self::PresharedKey(_) => gettext("Preshared Key"),
            Self::Keepalive(_) => gettext("Keepalive in Seconds"),
            Self::Run => gettext("Command"),
            Self::Environment => gettext("Variables (NAME=value)"),
        }
    }

    /// What can be chosen: the value, and what people read. The first one is the default.
    pub fn choices(self, kind: Kind) -> Vec<(&'static str, String)> {
        match self {
            Self::Protocol => vec![
                ("", "Cisco AnyConnect".to_owned()),
                ("gp", "Palo Alto GlobalProtect".to_owned()),
                ("pulse", "Pulse Connect Secure".to_owned()),
                ("nc", "Juniper Network Connect".to_owned()),
                ("f5", "F5 BIG-IP".to_owned()),
                ("fortinet", "Fortinet FortiGate".to_owned()),
                ("array", "Array Networks".to_owned()),
            ],
            Self::Routes => vec![
                // Translators: which traffic goes through the VPN
                ("", gettext("What the Server Names")),
                ("all", gettext("Everything")),
            ],
            Self::DnsMode => vec![
                ("", gettext("Automatic")),
                // Translators: DNS servers
                ("own", gettext("Other Servers")),
                // Translators: no DNS server
                ("none", gettext("None")),
            ],
            Self::OnDrop => vec![
                ("", gettext("Apps Go On, Offline")),
                ("freeze", gettext("Apps Are Paused")),
                ("close", gettext("Apps Are Closed in the End")),
            ],
            Self::Method => {
                // Translators: how a client gives the VPN's packets to the apps
                let hands_over = gettext("It Hands Them Over");
                let own_device = gettext("Through a Device of Its Own");
                // The default comes first, and is left to the helper.
                if kind == Kind::Command {
                    vec![("", own_device), ("attach", hands_over)]
                } else {
                    vec![("", hands_over), ("graft", own_device)]
                }
            }
            _ => Vec::new(),
        }
    }
}
