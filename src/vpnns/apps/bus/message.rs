//! One kind of D-Bus message to send, and as much of any other as is needed to know the answer.

/// Length of what every message begins with, up to the array of its header fields.
pub(super) const START: usize = 16;
/// Longest message that is read: an answer has some hundred bytes.
const LONGEST: usize = 1 << 16;
/// The field in which an answer says what it answers.
const REPLY_SERIAL: u8 = 5;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A result.
    Return,
    /// The call has failed.
    Error,
    /// A call or a signal, which is no answer.
    Other,
}

/// A message that was received.
#[derive(Debug)]
pub(super) struct Message {
    /// What it is.
    pub(super) kind: Kind,
    /// The number of the call that it answers.
    pub(super) reply_to: Option<u32>,
    big: bool,
    body: Vec<u8>,
}

/// What a call hands over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'call> {
    /// Nothing.
    Empty,
    /// One string.
    Text(&'call str),
    /// Names with their values.
    Pairs(&'call [(String, String)]),
}

impl Body<'_> {
    fn signature(self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::Text(_) => "s",
            Self::Pairs(_) => "a{ss}",
        }
    }

    fn bytes(self) -> Vec<u8> {
        let mut body = Vec::new();
        match self {
            Self::Empty => {}
            Self::Text(text) => string(&mut body, text),
            Self::Pairs(pairs) => {
                for (name, value) in pairs {
                    align(&mut body, 8);
                    string(&mut body, name);
                    string(&mut body, value);
                }
                // The array's length, and what brings its first pair to a multiple of 8.
                let before = [length(&body), 0].map(u32::to_le_bytes);
                body.splice(0..0, before.into_iter().flatten());
            }
        }
        body
    }
}

/// A call of the bus's own method.
pub(super) fn call(serial: u32, member: &str, argument: Body) -> Vec<u8> {
    const BUS: &str = "org.freedesktop.DBus";
    let body = argument.bytes();
    let mut fields = Vec::new();
    field(&mut fields, 1, b'o', "/org/freedesktop/DBus");
    field(&mut fields, 2, b's', BUS);
    field(&mut fields, 3, b's', member);
    field(&mut fields, 6, b's', BUS);
    let signature = argument.signature();
    if !signature.is_empty() {
        align(&mut fields, 8);
        // A signature's length is one byte.
        let count = u8::try_from(signature.len()).unwrap_or(0);
        fields.extend([8, 1, b'g', 0, count]);
        fields.extend(signature.as_bytes());
        fields.push(0);
    }
    // Little-endian, a call, no flags, version 1.
    let mut message = vec![b'l', 1, 0, 1];
    message.extend(length(&body).to_le_bytes());
    message.extend(serial.to_le_bytes());
    message.extend(length(&fields).to_le_bytes());
    message.extend(fields);
    align(&mut message, 8);
    message.extend(body);
    message
}

fn field(fields: &mut Vec<u8>, code: u8, kind: u8, value: &str) {
    align(fields, 8);
    fields.extend([code, 1, kind, 0]);
    string(fields, value);
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    align(bytes, 4);
    bytes.extend(u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

fn length(bytes: &[u8]) -> u32 {
    // Names and a few variables: nowhere near the limit.
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

/// How much follows the start of a message; `None` if it is none.
pub(super) fn rest(start: &[u8]) -> Option<usize> {
    let big = is_big(start)?;
    let body = usize::try_from(number(start, 4, big)?).ok()?;
    let fields = usize::try_from(number(start, 12, big)?).ok()?;
    let fields = fields.checked_next_multiple_of(8)?;
    body.checked_add(fields).filter(|all| *all <= LONGEST)
}

fn is_big(start: &[u8]) -> Option<bool> {
    match start.first()? {
        b'l' => Some(false),
        b'B' => Some(true),
        _ => None,
    }
}

fn number(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(if big {
        u32::from_be_bytes(four)
    } else {
        u32::from_le_bytes(four)
    })
}

impl Message {
    /// Reads a message whose start and rest have been received.
    pub(super) fn read(start: &[u8], rest: &[u8]) -> Option<Self> {
        let big = is_big(start)?;
        let kind = match start.get(1)? {
            2 => Kind::Return,
            3 => Kind::Error,
            _ => Kind::Other,
        };
        let end = usize::try_from(number(start, 12, big)?).ok()?;
        let fields = rest.get(..end)?;
        let body = rest.get(end.checked_next_multiple_of(8)?..)?.to_vec();
        Some(Self {
            kind,
            reply_to: reply_serial(fields, big)?,
            big,
            body,
        })
    }

    /// The number that the body begins with.
    pub(super) fn number(&self) -> Option<u32> {
        number(&self.body, 0, self.big)
    }
}

/// Looks through the header fields. The outer `None`: they are not what the specification allows.
#[allow(clippy::option_option)]
fn reply_serial(fields: &[u8], big: bool) -> Option<Option<u32>> {
    let mut at = 0_usize;
    while at < fields.len() {
        let [code, 1, kind, 0] = *fields.get(at..at + 4)? else {
            return None;
        };
        let value = at + 4;
        let size = usize::try_from(number(fields, value, big).unwrap_or(0)).ok()?;
        let after = match kind {
            b'u' if code == REPLY_SERIAL => return Some(Some(number(fields, value, big)?)),
            b'u' => value + 4,
            // Length, text and the byte that ends it.
            b's' | b'o' => value.checked_add(5)?.checked_add(size)?,
            b'g' => value + 2 + usize::from(*fields.get(value)?),
            _ => return None,
        };
        at = after.checked_next_multiple_of(8)?;
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_laid_out_as_the_specification_says() {
        let message = call(7, "GetConnectionUnixProcessID", Body::Text("org.a"));
        assert_eq!(&message[..4], b"l\x01\0\x01");
        assert_eq!(message.len(), START + rest(&message[..START]).unwrap());
        assert!(message.ends_with(b"\x05\0\0\0org.a\0"));
        let read = Message::read(&message[..START], &message[START..]).unwrap();
        assert_eq!((read.kind, read.reply_to), (Kind::Other, None));
        assert_eq!(read.number(), Some(5));
    }

    #[test]
    fn pairs_begin_at_a_multiple_of_eight_each() {
        let pairs = [
            ("A".to_owned(), "b".to_owned()),
            ("CD".to_owned(), String::new()),
        ];
        let expected = b"\x1d\0\0\0\0\0\0\0\x01\0\0\0A\0\0\0\x01\0\0\0b\0\0\0\
            \x02\0\0\0CD\0\0\0\0\0\0\0";
        assert_eq!(Body::Pairs(&pairs).bytes(), expected);
        let message = call(1, "UpdateActivationEnvironment", Body::Pairs(&pairs));
        assert_eq!(message.len(), START + rest(&message[..START]).unwrap());
    }

    #[test]
    fn an_answer_is_known_by_the_number_of_its_call_in_either_byte_order() {
        let little = b"l\x02\x01\x01\x04\0\0\0\x09\0\0\0\x08\0\0\0\x05\x01u\0\x07\0\0\0\x2a\0\0\0";
        let big = b"B\x02\x01\x01\0\0\0\x04\0\0\0\x09\0\0\0\x08\x05\x01u\0\0\0\0\x07\0\0\0\x2a";
        for bytes in [little, big] {
            let (start, after) = bytes.split_at(START);
            assert_eq!(rest(start), Some(after.len()));
            let message = Message::read(start, after).unwrap();
            assert_eq!((message.kind, message.reply_to), (Kind::Return, Some(7)));
            assert_eq!(message.number(), Some(42));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            if bytes.len() >= START {
                rest(&bytes[..START]);
                let _ = Message::read(&bytes[..START], &bytes[START..]);
            }
        }
    }
}
