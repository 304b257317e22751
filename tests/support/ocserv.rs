//! The VPN server: what it hands out is chosen by each test, the rest is written here.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::lab::Lab;

/// The password of the server's one user, `test`.
pub const PASSWORD: &str = "correct horse battery";

/// What the server gives its clients; change the fields that matter and [`start`](Self::start).
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // Each a line of the configuration.
pub struct Gateway {
    /// Hand out an address of 10.99.1.0/24.
    pub ipv4: bool,
    /// Hand out an address of fd99:1::/64.
    pub ipv6: bool,
    /// The resolvers, of either family.
    pub dns: Vec<&'static str>,
    /// The default domain.
    pub domain: Option<&'static str>,
    /// The domains whose names the resolvers are for.
    pub split_dns: Vec<&'static str>,
    /// The only networks to be reached through the tunnel; none means all.
    pub routes: Vec<&'static str>,
    /// Networks not to be reached through the tunnel.
    pub no_routes: Vec<&'static str>,
    /// The largest packet.
    pub mtu: Option<u16>,
    /// Offer DTLS beside TLS.
    pub dtls: bool,
    /// Show a certificate whose time is over.
    pub expired: bool,
    /// The groups that the user may choose from; none means that there is no choice.
    pub groups: Vec<&'static str>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            ipv4: true,
            ipv6: true,
            dns: vec!["10.99.0.1"],
            domain: Some("corp.test"),
            split_dns: Vec::new(),
            routes: Vec::new(),
            no_routes: Vec::new(),
            mtu: None,
            dtls: true,
            expired: false,
            groups: Vec::new(),
        }
    }
}

impl Gateway {
    /// Starts a lab with this gateway.
    pub fn start(&self) -> Lab {
        Lab::new(self)
    }

    /// Writes configuration, certificate and password file to the lab's directory.
    pub(super) fn install(&self, directory: &Path) {
        let credentials = credentials();
        fs::write(directory.join("ocserv.conf"), self.configuration(directory)).unwrap();
        let certificate = if self.expired {
            &credentials.expired
        } else {
            &credentials.certificate
        };
        fs::write(directory.join("certificate.pem"), certificate).unwrap();
        fs::write(directory.join("key.pem"), &credentials.key).unwrap();
        fs::write(directory.join("passwords"), &credentials.passwords).unwrap();
    }

    fn configuration(&self, directory: &Path) -> String {
        let directory = directory.display();
        let mut text = format!(
            "auth = \"plain[passwd={directory}/passwords]\"\n\
             server-cert = {directory}/certificate.pem\n\
             server-key = {directory}/key.pem\n\
             socket-file = {directory}/ocserv.socket\n\
             pid-file = {directory}/ocserv.pid\n"
        );
        text += "tcp-port = 443\n\
                 run-as-user = nobody\n\
                 run-as-group = nogroup\n\
                 device = far\n\
                 isolate-workers = false\n\
                 use-occtl = false\n\
                 max-clients = 16\n\
                 max-same-clients = 16\n\
                 max-ban-score = 0\n\
                 rate-limit-ms = 0\n\
                 keepalive = 300\n\
                 session-timeout = 7200\n\
                 idle-timeout = 1200\n\
                 dpd = 60\n\
                 mobile-dpd = 60\n\
                 try-mtu-discovery = false\n\
                 cisco-client-compat = true\n\
                 predictable-ips = true\n\
                 ping-leases = false\n";
        if self.dtls {
            text += "udp-port = 443\n";
        }
        if self.ipv4 {
            text += "ipv4-network = 10.99.1.0/24\n";
        }
        if self.ipv6 {
            text += "ipv6-network = fd99:1::/64\nipv6-subnet-prefix = 128\n";
        }
        if let Some(mtu) = self.mtu {
            let _ = writeln!(text, "mtu = {mtu}");
        }
        let lists = [
            ("dns", &self.dns),
            ("split-dns", &self.split_dns),
            ("route", &self.routes),
            ("no-route", &self.no_routes),
            ("select-group", &self.groups),
        ];
        for (name, values) in lists {
            for value in values {
                let _ = writeln!(text, "{name} = {value}");
            }
        }
        if let Some(domain) = self.domain {
            let _ = writeln!(text, "default-domain = {domain}");
        }
        text
    }
}

/// The pin by which openconnect knows the server.
pub fn pin() -> &'static str {
    &credentials().pin
}

struct Credentials {
    certificate: String,
    expired: String,
    key: String,
    passwords: String,
    pin: String,
}

/// Made once: a key of one's own for each lab would prove nothing and take its time.
fn credentials() -> &'static Credentials {
    static MADE: OnceLock<Credentials> = OnceLock::new();
    MADE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let run = |script: &str| {
            let output = Command::new("sh")
                .args(["-euc", script])
                .current_dir(directory.path())
                .env("PASSWORD", PASSWORD)
                .output()
                .unwrap();
            assert!(output.status.success(), "{script}: {output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
             -subj /CN=vpn.corp.test -keyout key.pem -out certificate.pem",
        );
        run(
            "openssl req -new -key key.pem -subj /CN=vpn.corp.test -out request.pem &&
             openssl x509 -req -in request.pem -signkey key.pem -days -1 -out expired.pem",
        );
        run("printf '%s\\n%s\\n' \"$PASSWORD\" \"$PASSWORD\" | ocpasswd -c passwords -g staff,guests test");
        let pin = run("openssl x509 -in certificate.pem -pubkey -noout |
             openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64");
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        Credentials {
            certificate: read("certificate.pem"),
            expired: read("expired.pem"),
            key: read("key.pem"),
            passwords: read("passwords"),
            pin: format!("pin-sha256:{pin}"),
        }
    })
}
