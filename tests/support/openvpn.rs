//! A real OpenVPN server on the lab's gateway, and configurations for its clients.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::command::require;
use super::lab::{Lab, address};
use super::process::Running;

/// The server's password for the user `test`.
pub const PASSWORD: &str = "tr0ub4dor & three";
/// The port, of UDP and of TCP.
const PORT: &str = "1194";

/// What the server is like; change the fields that matter and [`start`](Self::start).
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // Each a line of the configuration.
pub struct OpenVpnServer {
    /// TCP and not UDP.
    pub tcp: bool,
    /// Reached over IPv6 by its clients.
    pub over_ipv6: bool,
    /// Asks for a user name and a password, too.
    pub password: bool,
    /// Lets clients in by their certificates; otherwise only by password.
    pub certificates: bool,
    /// Shows a certificate whose time is over.
    pub expired: bool,
    /// What the server takes for a password.
    pub accepts: &'static str,
    /// More lines for the server.
    pub lines: Vec<&'static str>,
}

impl Default for OpenVpnServer {
    fn default() -> Self {
        Self {
            tcp: false,
            over_ipv6: false,
            password: false,
            certificates: true,
            expired: false,
            accepts: PASSWORD,
            lines: vec![
                "push \"redirect-gateway def1 ipv6\"",
                "push \"dhcp-option DNS 10.99.0.1\"",
                "push \"dhcp-option DOMAIN corp.test\"",
            ],
        }
    }
}

/// A server that runs.
pub struct OpenVpn {
    server: Running,
    settings: OpenVpnServer,
    directory: PathBuf,
}

impl OpenVpnServer {
    /// Starts it on the lab's gateway, and waits until it listens.
    pub fn start(&self, lab: &Lab) -> OpenVpn {
        require("openvpn", "openvpn");
        let directory = lab.directory().to_owned();
        let keys = keys();
        for (name, text) in [
            ("ca.pem", &keys.ca),
            (
                "server.pem",
                if self.expired {
                    &keys.expired
                } else {
                    &keys.server
                },
            ),
            ("server.key", &keys.server_key),
        ] {
            fs::write(directory.join(name), text).unwrap();
        }
        let script = format!(
            "#!/bin/sh\n{{ read -r user; read -r password; }} <\"$1\"\n\
             printf '%s\\n' \"$password\" >>'{}/asked'\n\
             [ \"$user\" = test ] && [ \"$password\" = \"$(cat '{}/openvpn.password')\" ]\n",
            directory.display(),
            directory.display(),
        );
        fs::write(directory.join("verify.sh"), script).unwrap();
        fs::write(directory.join("openvpn.password"), self.accepts).unwrap();
        fs::write(directory.join("asked"), "").unwrap();
        fs::write(
            directory.join("server.ovpn"),
            self.configuration(&directory),
        )
        .unwrap();
        for name in ["verify.sh", "asked", "openvpn.password", "server.key"] {
            let path = directory.join(name);
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).unwrap();
            let user = lab.user();
            nix::unistd::chown(&path, Some(user.uid()), Some(user.gid())).unwrap();
        }
        let server = run(lab, &directory);
        OpenVpn {
            server,
            settings: self.clone(),
            directory,
        }
    }

    fn configuration(&self, directory: &Path) -> String {
        let directory = directory.display();
        let protocol = if self.tcp { "tcp6-server" } else { "udp6" };
        let mut text = format!(
            "port {PORT}\nproto {protocol}\ndev ovpn\ndev-type tun\ntopology subnet\n\
             server 10.98.0.0 255.255.255.0\nserver-ipv6 fd98::/64\n\
             ca {directory}/ca.pem\ncert {directory}/server.pem\nkey {directory}/server.key\n\
             dh none\nkeepalive 1 8\ndisable-dco\nverb 3\nscript-security 2\n"
        );
        if !self.certificates {
            text += "verify-client-cert none\n";
        }
        if self.password {
            let _ = writeln!(
                text,
                "auth-user-pass-verify {directory}/verify.sh via-file\nusername-as-common-name"
            );
        }
        for line in &self.lines {
            text += line;
            text.push('\n');
        }
        text
    }
}

impl OpenVpn {
    /// What a user gets from the company: one file with everything in it.
    pub fn client(&self) -> String {
        let settings = &self.settings;
        let protocol = match (settings.tcp, settings.over_ipv6) {
            (false, false) => "udp4",
            (false, true) => "udp6",
            (true, false) => "tcp4-client",
            (true, true) => "tcp6-client",
        };
        let remote = if settings.over_ipv6 {
            "fd00:2::1"
        } else {
            address::GATEWAY
        };
        let keys = keys();
        let mut text = format!(
            "client\ndev tun\nproto {protocol}\nremote {remote} {PORT}\nnobind\n\
             remote-cert-tls server\nverb 3\nresolv-retry 2\nconnect-retry 1 1\n\
             <ca>\n{}</ca>\n",
            keys.ca
        );
        if settings.certificates {
            let _ = write!(
                text,
                "<cert>\n{}</cert>\n<key>\n{}</key>\n",
                keys.client, keys.client_key
            );
        }
        if settings.password {
            text += "auth-user-pass\n";
        }
        text
    }

    /// What the server says.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The passwords that it was shown.
    pub fn asked(&self) -> String {
        fs::read_to_string(self.directory.join("asked")).unwrap_or_default()
    }

    /// Ends the server at once and starts it again, as after a power failure.
    pub fn restart(&mut self, lab: &Lab) {
        self.kill();
        self.server = run(lab, &self.directory);
    }

    /// Ends the server at once.
    pub fn kill(&mut self) {
        if self.server.ended().is_some() {
            return;
        }
        self.server.signal(nix::sys::signal::Signal::SIGKILL);
        let ended = super::wait_until(super::LIMIT, || self.server.ended().is_some());
        assert!(ended, "the server did not die");
    }
}

fn run(lab: &Lab, directory: &Path) -> Running {
    let path = directory.join("server.ovpn");
    let server = lab
        .on_gateway(&["openvpn", "--config", path.to_str().unwrap()])
        .spawn();
    server.wait_for("Initialization Sequence Completed");
    server
}

struct Keys {
    ca: String,
    server: String,
    expired: String,
    server_key: String,
    client: String,
    client_key: String,
}

/// Made once: a key of one's own for each lab would prove nothing and take its time.
fn keys() -> &'static Keys {
    static MADE: OnceLock<Keys> = OnceLock::new();
    MADE.get_or_init(|| {
        require("openssl", "openssl");
        let directory = tempfile::tempdir().unwrap();
        let script = r#"
            new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
            openssl req -x509 $new -days 30 -subj /CN=ca -keyout ca.key -out ca.pem
            sign() { # name, usage
                openssl req $new -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
                printf 'extendedKeyUsage=%s\nkeyUsage=digitalSignature\n' "$2" >"$1.ext"
                openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial \
                    -days 30 -extfile "$1.ext" -out "$1.pem"
            }
            sign server serverAuth
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                -days -1 -extfile server.ext -out expired.pem
            sign client clientAuth
        "#;
        let output = Command::new("sh")
            .args(["-euc", script])
            .current_dir(directory.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        Keys {
            ca: read("ca.pem"),
            server: read("server.pem"),
            expired: read("expired.pem"),
            server_key: read("server.key"),
            client: read("client.pem"),
            client_key: read("client.key"),
        }
    })
}
