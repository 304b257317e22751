//! Echoes over UDP: the app that answers and the one that asks, both for use inside instances.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::json;

use super::statistics::{median, quantile};
use crate::failure::{Act, Failure, Result};

/// How long an answer may take; a datagram may be lost, the measurement must not hang.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many answers in a row may fail to come.
const MOST_LOST: u32 = 10;

/// What to be.
#[derive(Clone, clap::Subcommand)]
pub(crate) enum Role {
    /// Answer every datagram, until ended
    Serve {
        /// Where
        port: u16,
    },
    /// Ask again and again, and print what it took
    Ask {
        /// Whom
        address: IpAddr,
        /// Where
        port: u16,
        /// How often
        count: u32,
        /// How many bytes a question has
        #[arg(default_value_t = 64)]
        size: u16,
    },
}

/// Plays one side.
pub(crate) fn play(role: &Role) -> Result {
    match *role {
        Role::Serve { port } => serve(port),
        Role::Ask {
            address,
            port,
            count,
            size,
        } => ask(address, port, count, size),
    }
}

fn serve(port: u16) -> Result {
    // Of both families.
    let socket = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port))
        .act(|| format!("failed to listen on port {port}"))?;
    println!("listening");
    let mut buffer = vec![0; 65_536];
    loop {
        // A bounce for an earlier answer shows up here, and concerns nobody.
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..length], from);
        }
    }
}

fn ask(address: IpAddr, port: u16, count: u32, size: u16) -> Result {
    let any: IpAddr = match address {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let act = || format!("failed to ask {address}");
    let socket = UdpSocket::bind((any, 0)).act(act)?;
    socket.connect((address, port)).act(act)?;
    socket.set_read_timeout(Some(PATIENCE)).act(act)?;
    let mut question = vec![0x55; usize::from(size).max(4)];
    let mut answer = vec![0; question.len() + 1];
    let (mut times, mut lost, mut lost_now) = (Vec::new(), 0, 0);
    for number in 0..count {
        question[..4].copy_from_slice(&number.to_be_bytes());
        let began = Instant::now();
        let came = socket.send(&question).and_then(|_| {
            loop {
                let length = socket.recv(&mut answer)?;
                // A late answer to an earlier question is none to this one.
                if answer[..length] == question {
                    return Ok(began.elapsed());
                }
            }
        });
        match came {
            Ok(time) => {
                times.push(time.as_secs_f64() * 1e6);
                lost_now = 0;
            }
            Err(error) => {
                lost += 1;
                lost_now += 1;
                if lost_now == MOST_LOST {
                    return Err(error).act(|| format!("{address} does not answer"));
                }
                if error.kind() != ErrorKind::WouldBlock {
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }
    if times.is_empty() {
        return Err(Failure::new("no question was to be asked"));
    }
    let answer = json!({
        "median_us": median(&times),
        "p99_us": quantile(&times, 0.99),
        "answers": times.len(),
        "lost": lost,
    });
    println!("{answer}");
    Ok(())
}
