//! How cost grows with instances: 1, 10 and 100 at once, each with a tunnel and an app that asks
//! for echoes through it.
//!
//! The far sides are this process: a thread that sends every datagram back with its addresses and
//! ports exchanged, which no checksum minds.

use std::fs;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use serde_json::Value;

use super::held::{Held, Names, end_after};
use super::relay::rig::{Guarded, attach, own_program, processor_seconds};
use super::series::{Better, Series};
use super::stopwatch::seed_of_now;
use crate::command::output;
use crate::failure::{Act, Failure, Result};

/// How many instances there are at once.
const CROWDS: [u16; 3] = [1, 10, 100];
/// Against which all are compared.
const YARDSTICK: &str = "1";
/// How many echoes each app asks for.
const ECHOES: u32 = 200;
/// How long all are watched doing nothing.
const IDLE: Duration = Duration::from_secs(5);
/// The kernel's router solicitations of a new device are over after this time.
const SETTLING: Duration = Duration::from_secs(15);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to measure.
#[derive(Clone, clap::Args)]
pub(crate) struct Options {
    /// How many times each number of instances is measured
    #[arg(long, default_value_t = Options::default().rounds)]
    rounds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { rounds: 3 }
    }
}

/// Measures, and returns every value of every run.
pub(crate) fn measure(options: &Options, helper: &Path) -> Result<Value> {
    end_after(PATIENCE * 8 * options.rounds);
    let names = Names::new()?;
    let mut series = Series::new("scale", YARDSTICK);
    for round in 1..=options.rounds {
        for crowd in CROWDS {
            run(&mut series, helper, &names, crowd, round)?;
        }
        eprintln!("bench: round {round} of {}", options.rounds);
    }
    Ok(series.to_json(seed_of_now()))
}

fn run(series: &mut Series, helper: &Path, names: &Names, crowd: u16, round: u32) -> Result {
    let label = crowd.to_string();
    let each = f64::from(crowd);
    let began = Instant::now();
    let mut held = Vec::new();
    for number in 0..crowd {
        held.push(Held::start(
            helper,
            names,
            &format!("s{round}x{crowd}n{number}"),
        )?);
    }
    let time = began.elapsed().as_secs_f64() * 1000.0 / each;
    series.add("start", "ms each", Better::Less, &label, time);

    let began = Instant::now();
    let (mut far, mut relays) = (Vec::new(), Vec::new());
    for one in &held {
        let (near, other) = pair()?;
        relays.push(attach(helper, &one.name, &near, "1")?);
        far.push(other);
    }
    let echo = FarSides::start(far);
    let keepers = connected(helper, &held)?;
    let time = began.elapsed().as_secs_f64() * 1000.0 / each;
    series.add("attach", "ms each", Better::Less, &label, time);

    ask(series, helper, &held, &relays, &label)?;
    let pss = keepers.iter().map(|pid| share(*pid));
    let largest = pss
        .collect::<Result<Vec<f64>>>()?
        .into_iter()
        .fold(0.0, f64::max);
    series.add("keeper, largest", "PSS, KiB", Better::Less, &label, largest);
    let pss = relays.iter().map(|relay| share(relay.pid()));
    let largest = pss
        .collect::<Result<Vec<f64>>>()?
        .into_iter()
        .fold(0.0, f64::max);
    series.add("relay, largest", "PSS, KiB", Better::Less, &label, largest);

    thread::sleep(SETTLING);
    let pids: Vec<u32> = keepers
        .iter()
        .copied()
        .chain(relays.iter().map(Guarded::pid))
        .collect();
    let waits = || pids.iter().map(|pid| waits(*pid)).sum::<Result<f64>>();
    let before = waits()?;
    thread::sleep(IDLE);
    let woken = (waits()? - before) / each / IDLE.as_secs_f64();
    series.add("idle", "wake-ups/s each", Better::Less, &label, woken);
    drop(relays);
    drop(echo);
    for one in held {
        one.end(names)?;
    }
    Ok(())
}

/// Every app asks at once.
fn ask(
    series: &mut Series,
    helper: &Path,
    held: &[Held],
    relays: &[Guarded],
    label: &str,
) -> Result {
    let used = || {
        let all = relays.iter().map(|relay| processor_seconds(relay.pid()));
        all.sum::<Result<f64>>()
    };
    let before = used()?;
    let began = Instant::now();
    let mut apps: Vec<Child> = Vec::new();
    for one in held {
        let mut command = std::process::Command::new(helper);
        command
            .args(["--name", &one.name, "--"])
            .arg(own_program()?);
        command.args([
            "bench-echo",
            "ask",
            &Ipv4Addr::new(203, 0, 113, 7).to_string(),
        ]);
        command.args(["7007", &ECHOES.to_string()]);
        let app = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .act(|| "failed to start an app".into())?;
        apps.push(app);
    }
    for app in apps {
        let answer = app
            .wait_with_output()
            .act(|| "failed to wait for an app".into())?;
        let answer: Value = serde_json::from_slice(&answer.stdout)
            .act(|| "an app got no echo through its tunnel".into())?;
        if answer["lost"] != 0 {
            return Err(Failure::new(format!("echoes were lost: {answer}")));
        }
    }
    let count = f64::from(ECHOES) * f64::from(u32::try_from(held.len()).unwrap_or(1));
    let rate = count / began.elapsed().as_secs_f64() / 1000.0;
    series.add(
        "echoes, all at once",
        "thousand/s",
        Better::More,
        label,
        rate,
    );
    let cost = (used()? - before) * 1e6 / count;
    series.add(
        "echoes, all at once",
        "relay, us each",
        Better::Less,
        label,
        cost,
    );
    Ok(())
}

fn pair() -> Result<(OwnedFd, OwnedFd)> {
    socketpair(
        AddressFamily::Unix,
        SockType::Datagram,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .act(|| "failed to make a pair of sockets".into())
}

/// Waits until all are connected; returns their keepers.
fn connected(helper: &Path, held: &[Held]) -> Result<Vec<u32>> {
    let end = Instant::now() + PATIENCE;
    loop {
        let list = output(std::process::Command::new(helper).args(["--list", "--json"]))?;
        let list: Value =
            serde_json::from_slice(&list).act(|| "failed to read the list of instances".into())?;
        let ours = |instance: &&Value| {
            instance["state"] == "connected"
                && held.iter().any(|one| instance["name"] == one.name.as_str())
        };
        let instances = list["instances"].as_array();
        let keepers: Vec<u32> = instances
            .into_iter()
            .flatten()
            .filter(ours)
            .filter_map(|instance| instance["keeper"].as_u64()?.try_into().ok())
            .collect();
        if keepers.len() == held.len() {
            return Ok(keepers);
        }
        if Instant::now() > end {
            return Err(Failure::new(format!(
                "of {} instances only {} got their tunnels",
                held.len(),
                keepers.len()
            )));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// A process's proportional share of memory, in KiB.
fn share(pid: u32) -> Result<f64> {
    field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// How often a process has waited so far.
fn waits(pid: u32) -> Result<f64> {
    field(&format!("/proc/{pid}/status"), "voluntary_ctxt_switches:")
}

fn field(path: &str, name: &str) -> Result<f64> {
    let text = fs::read_to_string(path).act(|| format!("failed to read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| Failure::new(format!("{path} has no {name}")))
}

/// The thread that answers for everybody; ends when its end of `stop` is closed.
struct FarSides {
    stop: Option<OwnedFd>,
    thread: Option<thread::JoinHandle<()>>,
}

impl FarSides {
    fn start(sockets: Vec<OwnedFd>) -> Self {
        let Ok((stop, stopped)) = nix::unistd::pipe() else {
            return Self {
                stop: None,
                thread: None,
            };
        };
        let thread = thread::spawn(move || answer(&sockets, &stop));
        Self {
            stop: Some(stopped),
            thread: Some(thread),
        }
    }
}

impl Drop for FarSides {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(sockets: &[OwnedFd], stop: &OwnedFd) {
    let mut buffer = vec![0; 65_536];
    loop {
        let all = sockets.iter().chain([stop]);
        let mut fds: Vec<PollFd<'_>> = all
            .map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN))
            .collect();
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let fired: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        if fired[sockets.len()] {
            return;
        }
        for (socket, _) in sockets.iter().zip(&fired).filter(|(_, fired)| **fired) {
            let number = socket.as_raw_fd();
            while let Ok(length) = recv(number, &mut buffer, MsgFlags::MSG_DONTWAIT) {
                let packet = &mut buffer[..length];
                // UDP in IPv4; what else comes, the kernel's own, asks for no answer.
                if length >= 28 && packet[0] == 0x45 && packet[9] == 17 {
                    let (source, rest) = packet[12..].split_at_mut(4);
                    source.swap_with_slice(&mut rest[..4]);
                    let (source, rest) = packet[20..].split_at_mut(2);
                    source.swap_with_slice(&mut rest[..2]);
                    let _ = send(number, packet, MsgFlags::MSG_DONTWAIT);
                }
            }
        }
    }
}
