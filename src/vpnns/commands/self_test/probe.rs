//! The app of the self-test: says from inside an instance what it can reach, a line a question.

use std::ffi::OsString;
use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use vpnns_protocol::exit;

use crate::commands::{Error, print_all};

use crate::gateway::dns;

/// Longest wait for an answer from the network.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers questions until its input ends.
pub fn run(_arguments: &[OsString]) -> Result<u8, Error> {
    let mut held = None;
    for question in std::io::stdin().lock().lines().map_while(Result::ok) {
        let answer = match question.split_once(' ').unwrap_or((question.as_str(), "")) {
            ("identity", _) => identity(),
            ("interfaces", _) => interfaces(),
            ("fetch", address) => fetch(address).unwrap_or_else(|error| plain(&error)),
            ("resolve", name) => resolve(name).unwrap_or_else(|error| plain(&error)),
            ("hold", address) => match open(address, "/hold") {
                Ok(stream) => {
                    held = Some(stream);
                    "held".to_owned()
                }
                Err(error) => plain(&error),
            },
            ("wait", _) => wait(held.take()),
            _ => "what?".to_owned(),
        };
        print_all(&format!("{answer}\n"))?;
    }
    Ok(exit::SUCCESS)
}

/// An error as strerror puts it, without std's number.
fn plain(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}

fn identity() -> String {
    let uid = nix::unistd::Uid::effective();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"]
        .iter()
        .all(|field| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            line.is_some_and(|set| set.trim().chars().all(|digit| digit == '0'))
        });
    // Root keeps capabilities over its own, empty, inner namespace. It should not run this.
    format!(
        "uid {uid} {}",
        if capabilities {
            "without capabilities"
        } else {
            "with capabilities"
        }
    )
}

fn interfaces() -> String {
    let list = nix::net::if_::if_nameindex();
    let names = list.map(|list| {
        list.iter()
            .map(|i| i.name().to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    });
    names.unwrap_or_else(|errno| errno.desc().to_owned())
}

fn open(address: &str, path: &str) -> std::io::Result<TcpStream> {
    let address: SocketAddr = address.parse().map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // In one piece: a server that answers the first word and closes would reset the rest.
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    Ok(stream)
}

fn fetch(address: &str) -> std::io::Result<String> {
    let mut text = String::new();
    open(address, "/")?
        .take(64 * 1024)
        .read_to_string(&mut text)?;
    Ok(text
        .split("\r\n\r\n")
        .nth(1)
        .unwrap_or_default()
        .trim_end()
        .to_owned())
}

/// Reads a connection to its end; says how it ended, and how many milliseconds that took.
fn wait(held: Option<TcpStream>) -> String {
    let Some(mut stream) = held else {
        return "nothing is held".to_owned();
    };
    let started = Instant::now();
    let mut buffer = [0; 4096];
    let how = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break "end of file".to_owned(),
            Ok(_) => {}
            Err(error) => break plain(&error),
        }
    };
    format!("{} {how}", started.elapsed().as_millis())
}

/// Asks the instance's resolver for both kinds of address.
///
/// By hand: a static program cannot use the C library's resolver.
fn resolve(name: &str) -> std::io::Result<String> {
    let text = std::fs::read_to_string("/etc/resolv.conf")?;
    let servers = text
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver "));
    let Some(server) = servers.map(str::trim).next() else {
        return Ok("no resolver".to_owned());
    };
    let server: std::net::IpAddr = server.parse().map_err(std::io::Error::other)?;
    let any: SocketAddr = if server.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0; 16], 0).into()
    };
    let mut found = Vec::new();
    for (id, ipv6) in [(1, false), (2, true)] {
        let socket = UdpSocket::bind(any)?;
        socket.connect((server, 53))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.send(&dns::question(id, name, ipv6))?;
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer)?;
        let address = dns::first_address(id, &buffer[..length]);
        found.push(address.map_or_else(|| "none".to_owned(), |address| address.to_string()));
    }
    Ok(found.join(" "))
}
