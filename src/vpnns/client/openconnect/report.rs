//! What openconnect reports, line by line, as far as it matters.

use std::net::IpAddr;

/// Something that a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A connection to this address is there.
    Connected(IpAddr),
    /// The session is up, for the first time or again.
    Up,
    /// The session is interrupted.
    Down,
    /// openconnect will try again by itself, in this many seconds.
    Sleeps(u64),
    /// The cipher.
    Cipher(String),
    /// When the session ends, in seconds since 1970-01-01 UTC.
    Expires(u64),
    /// The server does not take the cookie.
    CookieRejected,
    /// The server has ended the session, and says why.
    Terminated(String),
    /// There is no way to the server: a sentence.
    Unreachable(String),
    /// The certificate is not the one that is trusted; its fingerprint.
    OtherCertificate(String),
    /// The secured connection did not come up: why.
    Handshake(String),
    /// The server does not let the user in: what it said.
    Refused(String),
    /// One of our own processes complains: its sentence.
    Ours(String),
}

/// Reads a line.
pub fn read(line: &str) -> Option<News> {
    let line = line.trim();
    let after = |start: &str| line.strip_prefix(start).map(str::trim);
    if let Some(rest) = after("vpnns: ") {
        return Some(News::Ours(rest.to_owned()));
    }
    if let Some(rest) = after("Connected to HTTPS on ") {
        return cipher(rest);
    }
    if let Some(rest) = after("Connected to ") {
        return address(rest).map(News::Connected);
    }
    if line.starts_with("Established DTLS connection") {
        return cipher(line);
    }
    if line.starts_with("CSTP connected")
        || line.starts_with("ESP session established")
        || line.starts_with("Configured as ")
    {
        return Some(News::Up);
    }
    if let Some(rest) = after("sleep ") {
        let seconds = rest.split('s').next()?.parse().ok()?;
        return Some(News::Sleeps(seconds));
    }
    if let Some(rest) = after("Session authentication will expire at ") {
        return date(rest).map(News::Expires);
    }
    if line.starts_with("Cookie was rejected") || line.starts_with("Cookie is no longer valid") {
        return Some(News::CookieRejected);
    }
    if line.contains("Dead Peer Detection detected dead peer")
        || line.starts_with("Caller paused the connection")
        || line.starts_with("Failed to reconnect to host")
        || line.starts_with("Read error on SSL session")
        || line.starts_with("Failed to write to SSL socket")
    {
        return Some(News::Down);
    }
    if let Some(rest) = after("Received server disconnect:") {
        return Some(News::Terminated(quoted(rest)));
    }
    if line.starts_with("Session terminated by server") || line.starts_with("Received Disconnect") {
        return Some(News::Terminated(String::new()));
    }
    trouble(line)
}

/// Why there is no session.
fn trouble(line: &str) -> Option<News> {
    if let Some(rest) = line.strip_prefix("getaddrinfo failed for host ") {
        let (host, reason) = rest.split_once(": ")?;
        let host = host.trim_matches('\'');
        return Some(News::Unreachable(format!(
            "the name {host} cannot be looked up: {reason}"
        )));
    }
    if let Some(rest) = line.strip_prefix("Failed to connect to ") {
        let (place, reason) = rest.rsplit_once(": ")?;
        return Some(News::Unreachable(format!(
            "failed to reach {place}: {reason}"
        )));
    }
    if line.starts_with("None of the ") && line.contains("--servercert") {
        return Some(News::OtherCertificate(line.rsplit_once(": ")?.1.to_owned()));
    }
    if let Some(rest) = line.strip_prefix("Server SSL certificate didn't match: ") {
        return Some(News::OtherCertificate(rest.to_owned()));
    }
    if let Some(rest) = line.strip_prefix("SSL connection failure: ") {
        return Some(News::Handshake(rest.to_owned()));
    }
    if line.contains("HTTP/1.1 401") || line.starts_with("Authentication failed") {
        return Some(News::Refused(
            "the server does not accept the login".to_owned(),
        ));
    }
    if line.starts_with("Login failed") || line.starts_with("Login denied") {
        return Some(News::Refused(format!("the server says: {line}")));
    }
    None
}

fn cipher(text: &str) -> Option<News> {
    let at = text.to_ascii_lowercase().find("ciphersuite ")?;
    let name = text.get(at + "ciphersuite ".len()..)?.trim_end_matches('.');
    Some(News::Cipher(name.to_owned()))
}

/// `192.0.2.1:443` or `[2001:db8::1]:443`.
fn address(place: &str) -> Option<IpAddr> {
    let host = place.rsplit_once(':')?.0;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn quoted(text: &str) -> String {
    text.split('\'').nth(1).unwrap_or(text).trim().to_owned()
}

/// `Tue Nov 24 05:05:38 2026`, in UTC: that is the time zone that openconnect is started with.
fn date(text: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, month, day, time, year] = words[..] else {
        return None;
    };
    let month = MONTHS.find(month)? / 3;
    let mut numbers = time.split(':').map(|word| word.parse::<u64>().ok());
    let mut seconds = 0;
    for _ in 0..3 {
        seconds = seconds * 60 + numbers.next()??;
    }
    let year: u64 = year
        .parse()
        .ok()
        .filter(|year| (1970..3000).contains(year))?;
    let day: u64 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before: u64 = lengths[..month].iter().sum();
    let leap_day = u64::from(month > 1 && is_leap(year));
    let years: u64 = (1970..year)
        .map(|year| 365 + u64::from(is_leap(year)))
        .sum();
    Some((years + before + leap_day + day - 1) * 86_400 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_up_is_understood() {
        assert_eq!(
            read("Connected to 192.0.2.1:443"),
            Some(News::Connected([192, 0, 2, 1].into()))
        );
        let cipher = "(TLS1.2)-(ECDHE-SECP256R1)-(ECDSA-SHA256)-(AES-256-GCM)";
        assert_eq!(
            read(&format!(
                "Connected to HTTPS on 192.0.2.1 with ciphersuite {cipher}"
            )),
            Some(News::Cipher(cipher.into()))
        );
        let dtls = "Established DTLS connection (using GnuTLS). \
            Ciphersuite (DTLS1.2)-(PSK)-(AES-256-GCM).";
        assert_eq!(
            read(dtls),
            Some(News::Cipher("(DTLS1.2)-(PSK)-(AES-256-GCM)".into()))
        );
        assert_eq!(
            read("Configured as 10.99.1.190, with SSL connected and DTLS established"),
            Some(News::Up)
        );
    }

    #[test]
    fn the_expiry_is_a_moment() {
        let line = "Session authentication will expire at Tue Nov 24 05:05:38 2026";
        assert_eq!(read(line), Some(News::Expires(1_795_496_738)));
        let leap = "Session authentication will expire at Thu Feb 29 00:00:00 2024";
        assert_eq!(read(leap), Some(News::Expires(1_709_164_800)));
        let wrong = "Session authentication will expire at tomorrow";
        assert_eq!(read(wrong), None);
    }

    #[test]
    fn trouble_becomes_a_sentence() {
        let unreachable = |text: &str| Some(News::Unreachable(text.into()));
        assert_eq!(
            read("Failed to connect to 192.0.2.1:443: Connection refused"),
            unreachable("failed to reach 192.0.2.1:443: Connection refused")
        );
        assert_eq!(
            read("getaddrinfo failed for host 'nosuch.invalid': Temporary failure"),
            unreachable("the name nosuch.invalid cannot be looked up: Temporary failure")
        );
        assert_eq!(read("Failed to connect to host 192.0.2.1"), None);
        let other = "None of the 1 fingerprint(s) specified via --servercert match server's \
            certificate: pin-sha256:6ejZ=";
        assert_eq!(
            read(other),
            Some(News::OtherCertificate("pin-sha256:6ejZ=".into()))
        );
        assert_eq!(
            read("Cookie was rejected by server; exiting."),
            Some(News::CookieRejected)
        );
        assert_eq!(
            read("sleep 10s, remaining timeout 300s"),
            Some(News::Sleeps(10))
        );
    }
}
