//! The reader of `vpnns --monitor --json`: the only source of what the app knows.

use std::time::Duration;

use gtk::glib;
use vpnns_protocol::VERSION;
use vpnns_protocol::argv::Call;
use vpnns_protocol::event::{Event, Line};

use crate::helper::{Helper, Trouble};
use crate::i18n::gettext;

/// The first wait before the helper is started again, in seconds; it doubles.
const FIRST_WAIT: u64 = 1;
/// The longest wait in seconds.
const LONGEST_WAIT: u64 = 30;

/// How long the helper may take to tell what is there.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the monitor tells.
#[derive(Debug)]
pub enum Told {
    /// It is started: what is not told before [`Event::Ready`] is not there.
    Started,
    /// Something happened.
    Event(Box<Event>),
    /// It cannot be asked; it is tried again by itself.
    Lost(Trouble),
}

/// A running monitor, which ends with this value.
pub struct Monitor(glib::JoinHandle<()>);

impl Drop for Monitor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts the helper, and starts it again whenever it ends.
pub fn watch(helper: Helper, traffic: bool, tell: impl Fn(Told) + 'static) -> Monitor {
    Monitor(glib::spawn_future_local(async move {
        let mut wait = FIRST_WAIT;
        loop {
            let (trouble, was_ready) = listen(&helper, traffic, &tell).await;
            if was_ready {
                wait = FIRST_WAIT;
            }
            tell(Told::Lost(trouble));
            glib::timeout_future(Duration::from_secs(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }))
}

/// Listens to one helper until it ends; returns why, and whether it has worked.
async fn listen(helper: &Helper, traffic: bool, tell: &impl Fn(Told)) -> (Trouble, bool) {
    let mut was_ready = false;
    let mut stream = match helper.stream(&Call::Monitor { traffic }) {
        Ok(stream) => stream,
        Err(trouble) => return (trouble, was_ready),
    };
    tell(Told::Started);
    loop {
        let next = stream.next();
        let said = if was_ready {
            next.await
        } else {
            // Who is there is told at once; later it may be silent for days.
            if let Ok(said) = glib::future_with_timeout(PATIENCE, next).await {
                said
            } else {
                let trouble = Trouble::new(gettext("The VPN helper does not answer"));
                return (trouble, was_ready);
            }
        };
        match said {
            Ok(Some(line)) => match parse(&line) {
                Ok(event) => {
                    was_ready |= event == Event::Ready;
                    tell(Told::Event(Box::new(event)));
                }
                Err(trouble) => return (trouble, was_ready),
            },
            Ok(None) => {
                let trouble = Trouble::new(gettext("The VPN helper has ended"));
                return (trouble, was_ready);
            }
            Err(trouble) => return (trouble, was_ready),
        }
    }
}

fn parse(line: &str) -> Result<Event, Trouble> {
    let said: Result<Line, _> = serde_json::from_str(line);
    match said {
        Ok(line) if line.version == VERSION => Ok(line.event),
        Ok(_) => Err(Trouble::new(gettext("The VPN helper has another version"))
            .hint(gettext("Install app and helper of the same version."))),
        Err(error) => Err(
            Trouble::new(gettext("The answer of the VPN helper cannot be read"))
                .caused_by(error.to_string())
                .hint(gettext("Check that app and helper have the same version.")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_another_version_or_none_is_a_trouble() {
        assert!(parse(r#"{"version":1,"event":"ready"}"#).is_ok());
        let newer = parse(r#"{"version":2,"event":"ready"}"#).unwrap_err();
        assert_eq!(newer.message, "The VPN helper has another version");
        assert!(parse("hello").unwrap_err().hint.is_some());
    }
}
