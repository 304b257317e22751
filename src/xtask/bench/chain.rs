//! Real clients with a relay or grafted, against the same client as root with a kernel tun: what
//! the whole chain costs, with openconnect over DTLS and over TLS, and with openvpn.
//!
//! A real server and all clients live in namespaces of one `unshare` (`chain.sh`), whose root is
//! a subordinate user. Counted is the processor time of the client and of all that it has started, the relay for one.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::held::{ORIGINAL, end_after, refuse_ourselves};
use super::relay::{Outcome, outcome};
use super::series::{Better, Series};
use super::stopwatch::{Shuffle, seed_of_now};
use crate::command;
use crate::failure::{Act, Failure, Result};

/// How to measure.
#[derive(Clone, clap::Args)]
pub(crate) struct Options {
    /// How many times each kind of traffic is measured
    #[arg(long, default_value_t = Options::default().rounds)]
    rounds: u32,
    /// How long each run takes, in seconds
    #[arg(long, default_value_t = Options::default().seconds)]
    seconds: u32,
    /// The original vpnns
    #[arg(long, value_name = "PATH", default_value = ORIGINAL)]
    original: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 5,
            seconds: 3,
            original: ORIGINAL.into(),
        }
    }
}

/// Who takes part; the first is the yardstick.
const CONTESTANTS: [&str; 4] = ["root", "ours", "graft", "original"];
/// Kinds of traffic: what the table calls them, and iperf3.
const CASES: [(&str, &str); 2] = [("TCP up", ""), ("TCP down", "--reverse")];
/// Transports, an address that the client as root reaches by them, and who takes part: openvpn
/// (2.6) has no packets to hand over.
const TRANSPORTS: [(&str, &str, &str, &[usize]); 3] = [
    ("dtls", "DTLS", "10.99.0.1", &[0, 1, 2, 3]),
    ("tls", "TLS", "10.99.0.2", &[0, 1, 2, 3]),
    ("openvpn", "openvpn", "10.99.0.3", &[0, 2]),
];

/// Makes a certificate, a password and the server's configuration in the current directory.
const PREPARE: &str = r#"
umask 022
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=vpn.corp.test -keyout key.pem -out certificate.pem 2>/dev/null
openssl rand -hex 16 >password
{ cat password; cat password; } | ocpasswd -c passwords test 2>/dev/null
{
    printf 'pin-sha256:'
    openssl x509 -in certificate.pem -pubkey -noout | openssl pkey -pubin -outform der |
        openssl dgst -sha256 -binary | openssl base64
} >pin
chmod 644 key.pem passwords
cat >ocserv.conf <<END
auth = "plain[passwd=$PWD/passwords]"
server-cert = $PWD/certificate.pem
server-key = $PWD/key.pem
socket-file = $PWD/ocserv.socket
pid-file = $PWD/ocserv.pid
tcp-port = 443
udp-port = 443
run-as-user = nobody
run-as-group = nogroup
device = far
isolate-workers = false
use-occtl = false
max-clients = 16
max-same-clients = 16
max-ban-score = 0
rate-limit-ms = 0
keepalive = 300
dpd = 300
mobile-dpd = 300
try-mtu-discovery = false
cisco-client-compat = true
mtu = 1400
ipv4-network = 10.99.1.0/24
dns = 10.99.0.1
END
for name in server client; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=$name -keyout $name.key -out $name.pem 2>/dev/null
done
chmod 644 server.key client.key
fingerprint() { openssl x509 -in $1.pem -noout -fingerprint -sha256 | cut -d= -f2; }
cat >server.ovpn <<END
port 1194
proto udp
dev far-openvpn
dev-type tun
topology subnet
server 10.99.2.0 255.255.255.0
push "route 10.99.0.3"
cert $PWD/server.pem
key $PWD/server.key
dh none
peer-fingerprint $(fingerprint client)
duplicate-cn
disable-dco
keepalive 10 60
END
cat >client.ovpn <<END
client
proto udp
remote 192.0.2.1 1194
dev-type tun
nobind
cert $PWD/client.pem
key $PWD/client.key
peer-fingerprint $(fingerprint server)
disable-dco
END
"#;

/// Measures, and returns every value of every run.
pub(crate) fn measure(options: &Options, helper: &Path) -> Result<Value> {
    refuse_ourselves(&options.original)?;
    let runs = options.rounds * 20;
    end_after(Duration::from_secs(
        (runs * (options.seconds + 25) + 120).into(),
    ));
    let mut lab = Lab::start(helper, &options.original)?;
    let mut series = Series::new("chain", CONTESTANTS[0]);
    let seed = seed_of_now();
    let mut shuffle = Shuffle(seed);
    for round in 1..=options.rounds {
        for (transport, name, address, takes_part) in TRANSPORTS {
            for (case, words) in CASES {
                for index in shuffle.order(takes_part.len()) {
                    let label = CONTESTANTS[takes_part[index]];
                    let order =
                        format!("{label} {transport} {address} {} {words}", options.seconds);
                    let (used, outcome) = lab.order(&order)?;
                    let case = format!("{case}, {name}");
                    let mut add = |metric, better, value| {
                        series.add(&case, metric, better, label, value);
                    };
                    add("CPU s/GB", Better::Less, used / (outcome.bytes / 1e9));
                    let rate = outcome.bytes * 8.0 / outcome.seconds / 1e9;
                    add("Gbit/s", Better::More, rate);
                    let again = outcome.retransmits.unwrap_or(f64::NAN);
                    add("sent again", Better::Less, again);
                }
            }
        }
        eprintln!("bench: round {round} of {}", options.rounds);
    }
    Ok(series.to_json(seed))
}

/// The lab, which ends when its input does.
struct Lab {
    init: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    // After the rest: what runs in the lab has its files there.
    _directory: tempfile::TempDir,
}

impl Lab {
    fn start(helper: &Path, original: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("vpnns-chain-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .act(|| "failed to make a temporary directory".into())?;
        command::output(
            Command::new("bash")
                .args(["-euc", PREPARE])
                .current_dir(directory.path()),
        )?;
        let script = directory.path().join("chain.sh");
        fs::write(&script, include_str!("chain.sh"))
            .act(|| format!("failed to write {}", script.display()))?;
        let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
        let mut init = Command::new("unshare")
            .args(["--user", "--map-auto", "--setuid=0", "--setgid=0"])
            .args([format!("--map-user={uid}"), format!("--map-group={gid}")])
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child"])
            .args(["--mount-proc", "bash"])
            .args([&script, directory.path(), helper, original])
            .args([uid.to_string(), gid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .act(|| "failed to start unshare".into())?;
        let orders = init.stdin.take();
        let answers = BufReader::new(init.stdout.take().expect("it was piped"));
        let mut lab = Self {
            init,
            orders,
            answers,
            _directory: directory,
        };
        match lab.line()?.trim() {
            "ready" => Ok(lab),
            _ => Err(Failure::new("the lab did not come up")),
        }
    }

    /// The processor time used, in seconds, and what came of it.
    fn order(&mut self, order: &str) -> Result<(f64, Outcome)> {
        let orders = self.orders.as_mut().expect("it is taken at the end only");
        writeln!(orders, "{order}").act(|| "failed to give the lab an order".into())?;
        let line = self.line()?;
        let unreadable = || Failure::new(format!("{order}: the lab answered {line:?}"));
        let (used, report) = line.split_once(' ').ok_or_else(unreadable)?;
        let used: f64 = used.parse().map_err(|_| unreadable())?;
        let report: Value = serde_json::from_str(report).map_err(|_| unreadable())?;
        if report["end"]["sum_received"].is_null() {
            return Err(unreadable());
        }
        Ok((used / 1e9, outcome(&report["end"])))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .act(|| "failed to read what the lab says".into())?;
        Ok(line)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.init.wait();
    }
}
