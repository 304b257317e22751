//! Streams and datagrams by iperf3, from one instance to the other.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::rig::{FAR, FAR_6, Guarded, Rig};
use crate::failure::{Act, Failure, Result};

/// One kind of traffic.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// What the table calls it.
    pub(crate) label: &'static str,
    /// What iperf3 calls it.
    options: &'static [&'static str],
    way: Way,
    /// Whether the original can do it: it has no IPv6.
    pub(crate) for_original: bool,
    ipv6: bool,
}

/// Directions, seen from the instance whose relay is measured.
#[derive(Clone, Copy)]
enum Way {
    /// Out of it.
    Up,
    /// Into it.
    Down,
    /// Both at once.
    Both,
}

const fn case(label: &'static str, way: Way, options: &'static [&'static str]) -> Case {
    Case {
        label,
        options,
        way,
        for_original: true,
        ipv6: false,
    }
}

const fn case_6(label: &'static str, way: Way, options: &'static [&'static str]) -> Case {
    Case {
        for_original: false,
        ipv6: true,
        ..case(label, way, options)
    }
}

/// The datagrams are sent at a rate that the original can nearly carry, so that what is compared
/// is the cost of the same work.
pub(crate) const CASES: &[Case] = &[
    case("TCP up", Way::Up, &[]),
    case("TCP down", Way::Down, &[]),
    case("TCP up, 4 streams", Way::Up, &["-P4"]),
    case("TCP down, 4 streams", Way::Down, &["-P4"]),
    case("TCP both ways", Way::Both, &[]),
    case("UDP up, full packets", Way::Up, &["-u", "-l1372", "-b300M"]),
    case(
        "UDP down, full packets",
        Way::Down,
        &["-u", "-l1372", "-b300M"],
    ),
    case("UDP up, small packets", Way::Up, &["-u", "-l64", "-b20M"]),
    case(
        "UDP down, small packets",
        Way::Down,
        &["-u", "-l64", "-b20M"],
    ),
    case_6("TCP up, IPv6", Way::Up, &[]),
    case_6("TCP down, IPv6", Way::Down, &[]),
    case_6(
        "UDP down, IPv6, full packets",
        Way::Down,
        &["-u", "-l1352", "-b300M"],
    ),
];

/// What one run came to.
pub(crate) struct Outcome {
    /// Payload that arrived, in bytes.
    pub(crate) bytes: f64,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    /// Segments that TCP sent again; nothing for UDP.
    pub(crate) retransmits: Option<f64>,
    /// The share of the datagrams that got lost, in per cent; nothing for TCP.
    pub(crate) lost: Option<f64>,
}

/// Runs one case for so many seconds.
pub(crate) fn run(rig: &Rig, case: Case, seconds: u32, port: u16) -> Result<Outcome> {
    let port = port.to_string();
    let _server = serve(rig, &port)?;
    let mut client = rig.near();
    // Whatever hangs ends.
    client.args(["timeout", &(seconds + 10).to_string(), "iperf3", "--json"]);
    client.args(["--client", if case.ipv6 { FAR_6 } else { FAR }]);
    client.args(["--port", &port, "--time", &seconds.to_string()]);
    client.args(case.options);
    match case.way {
        Way::Up => {}
        Way::Down => drop(client.arg("--reverse")),
        Way::Both => drop(client.arg("--bidir")),
    }
    let output = client
        .stdin(Stdio::null())
        .output()
        .act(|| "failed to start iperf3".into())?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .act(|| format!("{}: iperf3 reported nothing", case.label))?;
    if let Some(error) = report["error"].as_str() {
        return Err(Failure::new(format!(
            "{}: iperf3 failed: {error}",
            case.label
        )));
    }
    Ok(outcome(&report["end"]))
}

fn serve(rig: &Rig, port: &str) -> Result<Guarded> {
    let mut server = rig.far();
    server.args(["timeout", "60", "iperf3", "--server", "--one-off"]);
    server.args(["--forceflush", "--port", port]);
    let mut server = server
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .act(|| "failed to start iperf3".into())?;
    let stdout = server.stdout.take().expect("it was piped");
    let mut lines = BufReader::new(stdout)
        .lines()
        .map_while(std::result::Result::ok);
    if !lines.any(|line| line.contains("listening")) {
        return Err(Failure::new("the server of iperf3 did not start"));
    }
    // What it goes on to say fills no pipe: a report of a few seconds.
    std::thread::spawn(move || lines.for_each(drop));
    Ok(Guarded(server))
}

/// Reads the end of iperf3's report.
pub(crate) fn outcome(end: &Value) -> Outcome {
    let number = |sum: &str, field: &str| end[sum][field].as_f64();
    let datagrams = number("sum", "lost_percent").is_some();
    if datagrams {
        let lost = number("sum", "lost_percent").unwrap_or(0.0);
        let sent = number("sum", "bytes").unwrap_or(0.0);
        return Outcome {
            bytes: sent * (1.0 - lost / 100.0),
            seconds: number("sum", "seconds").unwrap_or(f64::NAN),
            retransmits: None,
            lost: Some(lost),
        };
    }
    let both = |plain: &str, reverse: &str, field: &str| {
        number(plain, field).unwrap_or(0.0) + number(reverse, field).unwrap_or(0.0)
    };
    Outcome {
        bytes: both("sum_received", "sum_received_bidir_reverse", "bytes"),
        seconds: number("sum_received", "seconds").unwrap_or(f64::NAN),
        retransmits: Some(both("sum_sent", "sum_sent_bidir_reverse", "retransmits")),
        lost: None,
    }
}
