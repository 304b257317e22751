//! What openvpn's log says about a connection that does not come up.

/// A reason, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// One sentence.
    pub reason: String,
    /// Trying again leads to the same.
    pub is_pointless: bool,
    /// openvpn will not get further with this server, though it does not say so.
    pub is_final: bool,
}

/// Reads a line of the log.
pub fn read(line: &str) -> Option<Trouble> {
    let trouble = |reason: String, is_pointless, is_final| {
        Some(Trouble {
            reason,
            is_pointless,
            is_final,
        })
    };
    if let Some((_, rest)) = line.split_once("VERIFY ERROR: ") {
        let what = rest.split_once("error=").map_or(rest, |(_, error)| error);
        let what = what.split(", serial=").next().unwrap_or(what);
        return trouble(
            format!("the server's certificate is not accepted: {what}"),
            true,
            false,
        );
    }
    if line.contains("RESOLVE: Cannot resolve host address: ") {
        let rest = line.split_once("address: ")?.1;
        return trouble(format!("the name cannot be looked up: {rest}"), false, true);
    }
    if line.contains("ECONNREFUSED") || line.ends_with("failed: Connection refused") {
        let reason = "failed to reach the server: Connection refused";
        return trouble(reason.to_owned(), false, true);
    }
    if line.contains("TLS key negotiation failed") {
        let reason = "the server does not answer (no TLS handshake in time)";
        return trouble(reason.to_owned(), false, false);
    }
    if line.contains("Network is unreachable") || line.contains("ENETUNREACH") {
        let reason = "failed to reach the server: Network is unreachable";
        return trouble(reason.to_owned(), false, true);
    }
    if let Some(rest) = line.strip_prefix("Options error: ") {
        return trouble(format!("openvpn refuses the profile: {rest}"), true, true);
    }
    None
}

/// The cipher in use, where a line tells it.
pub fn cipher(line: &str) -> Option<String> {
    if !line.contains("Data Channel") {
        return None;
    }
    let rest = line.split_once("ipher '")?.1;
    Some(rest.split_once('\'')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_certificate_is_pointless_and_a_refused_connection_is_not() {
        let line = "VERIFY ERROR: depth=0, error=certificate has expired: CN=server, serial=123";
        let expired = read(line).unwrap();
        assert!(expired.is_pointless);
        assert!(
            expired
                .reason
                .ends_with("certificate has expired: CN=server")
        );
        let refused = read("read UDPv4 [ECONNREFUSED]: Connection refused (fd=3,code=111)");
        assert!(!refused.unwrap().is_pointless);
        assert_eq!(read("Initialization Sequence Completed"), None);
    }

    #[test]
    fn the_cipher_is_told_in_two_ways() {
        for line in [
            "Data Channel: cipher 'AES-256-GCM', peer-id: 0",
            "Outgoing Data Channel: Cipher 'AES-256-GCM' initialized with 256 bit key",
        ] {
            assert_eq!(cipher(line).as_deref(), Some("AES-256-GCM"));
        }
        assert_eq!(cipher("Control Channel: TLSv1.3, cipher 'x'"), None);
    }
}
