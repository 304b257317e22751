//! As much of DNS (RFC 1035) as one name needs: asking for it, and answering.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Length of the header: id, flags and four counts.
const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
/// Recursion desired.
const QUERY: [u8; 2] = [0x01, 0x00];
/// A response, with recursion desired and available.
const RESPONSE: [u8; 2] = [0x81, 0x80];
/// The same, saying that there is no such name (RCODE 3).
const NO_SUCH_NAME: [u8; 2] = [0x81, 0x83];
/// A pointer to the question's name, which directly follows the header.
const NAME_OF_QUESTION: [u8; 2] = [0xc0, 12];

/// A question for the addresses of a name in one family.
pub fn question(id: u16, name: &str, ipv6: bool) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend(QUERY);
    message.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let label = &label.as_bytes()[..label.len().min(63)];
        // At most 63: fits.
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend(label);
    }
    message.push(0);
    message.extend(if ipv6 { TYPE_AAAA } else { TYPE_A }.to_be_bytes());
    message.extend(CLASS_IN.to_be_bytes());
    message
}

/// The answer to a question: the addresses that belong to `name`, or that there is no such name.
///
/// `None` for whatever is no question.
pub fn answer(question: &[u8], name: &str, v4: Ipv4Addr, v6: Ipv6Addr) -> Option<Vec<u8>> {
    let header = question.get(..HEADER)?;
    let (asked, rest) = read_name(question.get(HEADER..)?)?;
    let kind = u16::from_be_bytes(rest.get(..2)?.try_into().ok()?);
    let question_length = question.len() - rest.len() + 4;
    let known = asked.eq_ignore_ascii_case(name);
    let data: Vec<u8> = match kind {
        TYPE_A if known => v4.octets().to_vec(),
        TYPE_AAAA if known => v6.octets().to_vec(),
        _ => Vec::new(),
    };
    let mut message = header[..2].to_vec();
    message.extend(if known { RESPONSE } else { NO_SUCH_NAME });
    message.extend([0, 1, 0, u8::from(!data.is_empty()), 0, 0, 0, 0]);
    message.extend(question.get(HEADER..question_length)?);
    if !data.is_empty() {
        message.extend(NAME_OF_QUESTION);
        message.extend(kind.to_be_bytes());
        message.extend(CLASS_IN.to_be_bytes());
        // Seconds that it may be kept: none.
        message.extend([0; 4]);
        message.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
        message.extend(data);
    }
    Some(message)
}

/// The first address in an answer of the kind that [`answer`] makes.
pub fn first_address(id: u16, message: &[u8]) -> Option<IpAddr> {
    if message.get(..2)? != id.to_be_bytes() || message.get(2..4)? != RESPONSE {
        return None;
    }
    let (_, rest) = read_name(message.get(HEADER..)?)?;
    // Type and class of the question; then name, type, class, time to live and length.
    let record = rest.get(4..)?;
    let data = record.get(12..)?;
    match u16::from_be_bytes(record.get(2..4)?.try_into().ok()?) {
        TYPE_A => Some(Ipv4Addr::from(<[u8; 4]>::try_from(data.get(..4)?).ok()?).into()),
        TYPE_AAAA => Some(Ipv6Addr::from(<[u8; 16]>::try_from(data.get(..16)?).ok()?).into()),
        _ => None,
    }
}

/// A name without pointers, and what follows it.
fn read_name(mut bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut labels = Vec::new();
    loop {
        let (length, rest) = bytes.split_first()?;
        if *length == 0 {
            return Some((labels.join("."), rest));
        }
        let label = rest.get(..usize::from(*length))?;
        labels.push(String::from_utf8_lossy(label).into_owned());
        bytes = rest.get(usize::from(*length)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    #[test]
    fn a_question_is_answered_in_its_family() {
        for (ipv6, expected) in [(false, IpAddr::from(V4)), (true, IpAddr::from(V6))] {
            let answer = answer(&question(7, "a.test", ipv6), "A.test", V4, V6).unwrap();
            assert_eq!(first_address(7, &answer), Some(expected));
            assert_eq!(first_address(8, &answer), None);
        }
    }

    #[test]
    fn another_name_does_not_exist() {
        let answer = answer(&question(7, "b.test", false), "a.test", V4, V6).unwrap();
        assert_eq!(answer[3] & 0x0f, 3);
        assert_eq!(first_address(7, &answer), None);
    }

    #[test]
    fn cut_messages_are_no_messages() {
        let question = question(7, "a.test", false);
        let full = answer(&question, "a.test", V4, V6).unwrap();
        for length in 0..question.len() {
            assert!(
                answer(&question[..length], "a.test", V4, V6).is_none(),
                "{length}"
            );
        }
        for length in 0..full.len() {
            assert!(first_address(7, &full[..length]).is_none(), "{length}");
        }
    }
}
