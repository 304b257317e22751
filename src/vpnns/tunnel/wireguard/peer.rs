//! One peer: the protocol's state, where it is, and when it needs our attention next.
//!
//! boringtun's timers are asked at a fixed rate by its own device. Here they are asked when the
//! protocol has something to do, which is what the moments below are kept for; a quiet tunnel
//! sleeps. While packets pass they are asked every [`RATE`], because boringtun stamps packets
//! with the time of the last asking.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use boringtun::noise::errors::WireGuardError;
use boringtun::noise::rate_limiter::RateLimiter;
use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519;
use vpnns_protocol::profile::wireguard::PublicKey;

/// How often the protocol's clock is set while packets pass.
pub const RATE: Duration = Duration::from_millis(250);
/// How long an answer may take before the other end counts as gone: it would have sent an empty
/// packet after 10 s (KEEPALIVE_TIMEOUT), and 5 s are its second chance (REKEY_TIMEOUT).
pub const PATIENCE: Duration = Duration::from_secs(15);

// The protocol's own times (https://www.wireguard.com/papers/wireguard.pdf, section 6.1).
const REKEY_AFTER: Duration = Duration::from_secs(120);
const REJECT_AFTER: Duration = Duration::from_secs(180);
const REKEY_ON_RECEIVE: Duration = Duration::from_secs(165);
const REKEY_TIMEOUT: Duration = Duration::from_secs(5);
const KEEPALIVE: Duration = Duration::from_secs(10);
/// boringtun compares with clocks of its own, so that a moment is due a moment later.
const LATE: Duration = Duration::from_millis(10);

/// The largest message that is not data.
pub const CONTROL: usize = 148;

/// The first byte of each kind of message.
pub mod kind {
    /// A handshake begins.
    pub const INITIATION: u8 = 1;
    /// Its answer.
    pub const RESPONSE: u8 = 2;
    /// A server under load asks for a proof of address.
    pub const COOKIE: u8 = 3;
    /// A packet.
    pub const DATA: u8 = 4;
}

/// What makes a peer.
pub struct Identity {
    /// Its public key.
    pub key: PublicKey,
    /// A key shared with it beforehand.
    pub preshared: Option<[u8; 32]>,
    /// Seconds between two empty packets.
    pub keepalive: Option<u16>,
    /// Where it is expected.
    pub endpoint: Option<SocketAddr>,
}

/// A peer.
pub struct Peer {
    tunnel: Tunn,
    /// Its public key.
    pub key: PublicKey,
    /// Where it was last heard from, or is expected.
    pub endpoint: Option<SocketAddr>,
    keepalive: Option<Duration>,
    /// When the last handshake was completed, on the wall and on our clock.
    pub handshake: Option<u64>,
    established: Option<Instant>,
    initiated: Option<Instant>,
    sent_data: Option<Instant>,
    received_data: Option<Instant>,
    /// Since when it owes us an answer.
    pub unanswered: Option<Instant>,
    /// Since when we owe it one.
    owed: Option<Instant>,
    kept_alive: Instant,
    /// When its silence was last reported.
    reported: Option<Instant>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of the keys.
        write!(f, "Peer({})", self.key)
    }
}

/// What came of a message.
pub enum Outcome<'a> {
    /// A packet for the device.
    Packet(&'a mut [u8]),
    /// A message to send back.
    Send(&'a [u8]),
    /// It was the peer's, and there is nothing to do.
    Nothing,
    /// It was not the peer's, or came twice.
    Refused,
}

impl Peer {
    /// A peer that nothing is known of but how to begin.
    pub fn new(
        own: &x25519::StaticSecret,
        identity: &Identity,
        index: u32,
        limiter: &Arc<RateLimiter>,
        now: Instant,
    ) -> Self {
        let tunnel = Tunn::new(
            own.clone(),
            x25519::PublicKey::from(identity.key.0),
            identity.preshared,
            identity.keepalive,
            index,
            Some(Arc::clone(limiter)),
        );
        let keepalive = identity.keepalive.filter(|seconds| *seconds > 0);
        Self {
            tunnel,
            key: identity.key,
            endpoint: identity.endpoint,
            keepalive: keepalive.map(|seconds| Duration::from_secs(seconds.into())),
            handshake: None,
            established: None,
            initiated: None,
            sent_data: None,
            received_data: None,
            unanswered: None,
            owed: None,
            kept_alive: now,
            reported: None,
        }
    }

    /// Bytes received and sent, inside the tunnel. Not free: boringtun also estimates its loss.
    pub fn counters(&self) -> (u64, u64) {
        let (_, sent, received, ..) = self.tunnel.stats();
        (received as u64, sent as u64)
    }

    /// Whether there has been a handshake, and all that was sent is answered or may still be.
    pub fn is_up(&self, now: Instant) -> bool {
        self.handshake.is_some() && !self.is_silent(now)
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.unanswered.is_some_and(|since| now >= since + PATIENCE)
    }

    /// Encrypts a packet; what comes out, if anything, is to be sent: the packet, or where there
    /// is no session yet, a handshake, while boringtun keeps the packet.
    ///
    /// `out` has room for the packet and 32 bytes more, and for [`CONTROL`].
    pub fn encrypt<'a>(&mut self, packet: &[u8], out: &'a mut [u8], now: Instant) -> &'a [u8] {
        let result = self.tunnel.encapsulate(packet, out);
        if !packet.is_empty() {
            self.sent_data = Some(now);
            self.unanswered.get_or_insert(now);
        }
        self.sending(result, now)
    }

    fn sending<'a>(&mut self, result: TunnResult<'a>, now: Instant) -> &'a [u8] {
        let TunnResult::WriteToNetwork(message) = result else {
            return &[];
        };
        self.note(message, now);
        message
    }

    /// Remembers what a message that goes out means for the next moments.
    fn note(&mut self, message: &[u8], now: Instant) {
        match message.first() {
            Some(&kind::INITIATION) => {
                self.initiated = Some(now);
                self.unanswered.get_or_insert(now);
            }
            Some(&kind::DATA) => self.owed = None,
            _ => {}
        }
    }

    /// Takes a message that names this peer; `datagram` is empty to fetch what boringtun kept.
    pub fn decrypt<'a>(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        out: &'a mut [u8],
        now: Instant,
    ) -> Outcome<'a> {
        let incoming = datagram.first().copied();
        match self.tunnel.decapsulate(Some(from.ip()), datagram, out) {
            TunnResult::Err(_) => Outcome::Refused,
            TunnResult::WriteToTunnelV4(packet, _) | TunnResult::WriteToTunnelV6(packet, _) => {
                self.heard(from);
                self.received_data = Some(now);
                self.owed.get_or_insert(now);
                Outcome::Packet(packet)
            }
            TunnResult::Done => {
                // A cookie proves nothing about who has sent it.
                if incoming == Some(kind::DATA) {
                    self.heard(from);
                }
                Outcome::Nothing
            }
            TunnResult::WriteToNetwork(message) => {
                let outgoing = message.first().copied();
                match (incoming, outgoing) {
                    // We are under load, and the message was not even looked at.
                    (_, Some(kind::COOKIE)) => {}
                    (Some(kind::INITIATION | kind::RESPONSE), _) => {
                        self.heard(from);
                        self.has_begun(incoming == Some(kind::RESPONSE), now);
                    }
                    // What it had kept.
                    _ => {
                        self.owed = None;
                        self.unanswered.get_or_insert(now);
                    }
                }
                Outcome::Send(message)
            }
        }
    }

    fn heard(&mut self, from: SocketAddr) {
        self.endpoint = Some(from);
        self.unanswered = None;
        self.reported = None;
    }

    fn has_begun(&mut self, initiator: bool, now: Instant) {
        self.initiated = None;
        self.established = Some(now);
        // A responder begins no handshake of its own for the session's age.
        if !initiator {
            self.sent_data = None;
            self.received_data = None;
        }
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        self.handshake = Some(wall.map_or(0, |elapsed| elapsed.as_secs()));
    }

    /// Begins a handshake, whatever else goes on.
    pub fn initiate<'a>(&mut self, out: &'a mut [u8], now: Instant) -> &'a [u8] {
        let result = self.tunnel.format_handshake_initiation(out, true);
        self.sending(result, now)
    }

    /// Sets the protocol's clock, and returns what it wants to be sent.
    ///
    /// It gives up a handshake after 90 s, and forgets all keys; with `persist`, it begins anew.
    pub fn tick<'a>(&mut self, out: &'a mut [u8], persist: bool, now: Instant) -> &'a [u8] {
        if self
            .keepalive
            .is_some_and(|every| now >= self.kept_alive + every)
        {
            self.kept_alive = now;
        }
        let length = match self.tunnel.update_timers(out) {
            TunnResult::WriteToNetwork(message) => message.len(),
            TunnResult::Err(WireGuardError::ConnectionExpired) => {
                self.initiated = None;
                if persist || self.keepalive.is_some() {
                    return self.initiate(out, now);
                }
                0
            }
            _ => 0,
        };
        let message = &out[..length];
        self.note(message, now);
        message
    }

    /// When [`tick`](Self::tick) has something to do next, later than `last`.
    pub fn next(&self, last: Instant) -> Option<Instant> {
        let after = |moment: Option<Instant>, time: Duration| Some(moment? + time + LATE);
        let since = |moment: Option<Instant>| {
            let (moment, established) = (moment?, self.established?);
            (moment >= established).then_some(established)
        };
        let persistent = self.keepalive.map(|every| self.kept_alive + every + LATE);
        [
            after(self.initiated, REKEY_TIMEOUT),
            after(self.unanswered, PATIENCE),
            after(self.owed, KEEPALIVE),
            after(since(self.sent_data), REKEY_AFTER),
            after(since(self.received_data), REKEY_ON_RECEIVE),
            after(self.established, REJECT_AFTER),
            after(self.established, REJECT_AFTER * 3),
            persistent,
        ]
        .into_iter()
        .flatten()
        .filter(|moment| *moment > last)
        .min()
    }

    /// Whether it has been silent for another `every`; told once each time.
    pub fn is_lost(&mut self, every: Duration, now: Instant) -> bool {
        let Some(at) = self.next_report(every) else {
            return false;
        };
        if now < at {
            return false;
        }
        self.reported = Some(now);
        true
    }

    /// When [`is_lost`](Self::is_lost) will say so.
    pub fn next_report(&self, every: Duration) -> Option<Instant> {
        let since = self.reported.or(self.unanswered)?;
        self.unanswered.map(|_| since + every)
    }
}
