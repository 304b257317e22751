//! What openvpn needs to know from the user, and what is known from before.

use std::collections::BTreeMap;

use vpnns_protocol::question::{Ask, Field, FieldKind, Reply};

use super::management::{Challenge, Need, give_password, give_user};
use crate::client::connector::Failure;

const USER: &str = "username";
const PASSWORD: &str = "password";
const CODE: &str = "code";
/// The kind of the login at the server; others are for keys and proxies.
const LOGIN: &str = "Auth";

/// What to do about a need.
pub enum Step {
    /// Say this to openvpn.
    Command(String),
    /// Ask the user, with a message above.
    Ask(String, Ask),
}

/// User name and password, as far as they are known; kept in memory only.
#[derive(Default)]
pub struct Authentication {
    user: Option<String>,
    /// By kind: what openvpn was given, good until it is refused.
    known: BTreeMap<String, (Option<String>, String)>,
    /// Whether what is known was given since the last success.
    is_tried: bool,
    /// What the server wants to know in place of a refusal.
    challenge: Option<Challenge>,
    refusal: Option<String>,
    asked: Option<Need>,
}

impl Authentication {
    /// With the profile's user name.
    pub fn new(user: Option<String>) -> Self {
        Self {
            user,
            ..Self::default()
        }
    }

    /// openvpn needs something.
    pub fn needed(&mut self, need: Need) -> Step {
        let is_login = need.kind == LOGIN;
        let message = self.refusal.take().unwrap_or_default();
        if let Some(challenge) = self.challenge.as_ref().filter(|_| is_login) {
            let (text, kind) = (challenge.text.clone(), FieldKind::Code);
            let fields = vec![field(CODE, "Answer", kind, None)];
            self.asked = Some(need);
            return Step::Ask(text, Ask::Form { fields });
        }
        if need.challenge.is_none()
            && let Some((user, password)) = self.known.get(&need.kind)
            && !std::mem::replace(&mut self.is_tried, true)
        {
            return Step::Command(commands(&need.kind, user.as_deref(), password));
        }
        let mut fields = Vec::new();
        if need.user && !(is_login && self.user.is_some()) {
            fields.push(field(USER, "User name", FieldKind::Text, None));
        }
        let label = match need.kind.as_str() {
            LOGIN => "Password".to_owned(),
            "Private Key" => "Passphrase of the private key".to_owned(),
            kind => format!("Password ({kind})"),
        };
        fields.push(field(PASSWORD, &label, FieldKind::Password, None));
        if let Some(challenge) = &need.challenge {
            fields.push(field(CODE, &challenge.text, FieldKind::Code, None));
        }
        self.asked = Some(need);
        Step::Ask(message, Ask::Form { fields })
    }

    /// The user has answered: what to say to openvpn.
    pub fn answered(&mut self, reply: &Reply) -> Result<String, Failure> {
        let Reply::Form { values } = reply else {
            return Err(Failure::new("the login was cancelled".to_owned()));
        };
        let Some(need) = self.asked.take() else {
            return Ok(String::new());
        };
        let value = |name: &str| values.get(name).cloned().unwrap_or_default();
        if let Some(challenge) = self.challenge.take() {
            let password = challenge.password(&value(CODE));
            return Ok(commands(&need.kind, Some(&challenge.user), &password));
        }
        let profile = self.user.clone().filter(|_| need.kind == LOGIN);
        let user = need.user.then(|| profile.unwrap_or_else(|| value(USER)));
        let password = value(PASSWORD);
        if let Some(challenge) = &need.challenge {
            let password = challenge.password(&password, &value(CODE));
            return Ok(commands(&need.kind, user.as_deref(), &password));
        }
        let said = commands(&need.kind, user.as_deref(), &password);
        self.is_tried = true;
        self.known.insert(need.kind, (user, password));
        Ok(said)
    }

    /// What was given is not accepted, or not yet.
    pub fn refused(&mut self, kind: &str, challenge: Option<Challenge>) {
        self.challenge = challenge.filter(|challenge| challenge.answer);
        if self.challenge.is_some() {
            return;
        }
        self.known.remove(kind);
        self.refusal.get_or_insert_with(|| match kind {
            LOGIN => "The server does not accept user name or password.".to_owned(),
            "Private Key" => "The passphrase is not the key's.".to_owned(),
            kind => format!("What was given for {kind} is not accepted."),
        });
    }

    /// A line of the log: the server may have said why.
    pub fn heard(&mut self, line: &str) {
        if let Some((_, reason)) = line.split_once("AUTH_FAILED,")
            && !reason.starts_with("CRV1:")
            && !reason.trim().is_empty()
        {
            self.refusal = Some(reason.trim().to_owned());
        }
    }

    /// Whether a refusal or a challenge waits to be told.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some() || self.challenge.is_some()
    }

    /// The connection is up: what was given is right.
    pub fn succeeded(&mut self) {
        self.is_tried = false;
        self.refusal = None;
        self.challenge = None;
    }
}

fn field(name: &str, label: &str, kind: FieldKind, value: Option<String>) -> Field {
    Field {
        name: name.to_owned(),
        label: label.to_owned(),
        kind,
        options: Vec::new(),
        value,
    }
}

fn commands(kind: &str, user: Option<&str>, password: &str) -> String {
    let mut text = user.map(|user| give_user(kind, user)).unwrap_or_default();
    text.push_str(&give_password(kind, password));
    text
}

#[cfg(test)]
mod tests {
    use super::super::management::{Message, parse};
    use super::*;

    fn need(line: &str) -> Need {
        match parse(line) {
            Message::Need(need) => need,
            other => panic!("{other:?}"),
        }
    }

    fn form(values: &[(&str, &str)]) -> Reply {
        let values = values
            .iter()
            .map(|(name, text)| ((*name).into(), (*text).into()));
        Reply::Form {
            values: values.collect(),
        }
    }

    #[test]
    fn a_refused_password_is_asked_again_and_a_good_one_is_given_again() {
        let line = ">PASSWORD:Need 'Auth' username/password";
        let mut it = Authentication::new(Some("me".into()));
        assert!(matches!(it.needed(need(line)), Step::Ask(message, _) if message.is_empty()));
        let said = it.answered(&form(&[("password", "x")])).unwrap();
        assert_eq!(said, "username \"Auth\" \"me\"\npassword \"Auth\" \"x\"\n");
        it.refused("Auth", None);
        assert!(it.is_refused());
        assert!(matches!(it.needed(need(line)), Step::Ask(message, _) if !message.is_empty()));
        it.answered(&form(&[("password", "y")])).unwrap();
        it.succeeded();
        assert!(matches!(it.needed(need(line)), Step::Command(said) if said.contains("\"y\"")));
        assert!(
            matches!(it.needed(need(line)), Step::Ask(..)),
            "it was tried twice"
        );
    }

    #[test]
    fn a_challenge_of_the_server_is_a_code() {
        let mut it = Authentication::new(None);
        let line = ">PASSWORD:Verification Failed: 'Auth' ['CRV1:R,E:state:Y3Ix:PIN?']";
        let Message::Refused { kind, challenge } = parse(line) else {
            panic!()
        };
        it.refused(&kind, challenge);
        let step = it.needed(need(">PASSWORD:Need 'Auth' username/password"));
        assert!(matches!(step, Step::Ask(text, _) if text == "PIN?"));
        let said = it.answered(&form(&[("code", "42")])).unwrap();
        assert_eq!(
            said,
            "username \"Auth\" \"cr1\"\npassword \"Auth\" \"CRV1::state::42\"\n"
        );
    }

    #[test]
    fn a_static_challenge_is_one_form_and_never_given_again() {
        let line = ">PASSWORD:Need 'Auth' username/password SC:0,Token";
        let mut it = Authentication::new(None);
        let Step::Ask(_, Ask::Form { fields }) = it.needed(need(line)) else {
            panic!()
        };
        assert_eq!(fields.len(), 3);
        let answer = form(&[("username", "u"), ("password", "p"), ("code", "1")]);
        assert!(it.answered(&answer).unwrap().contains("SCRV1:cA==:MQ=="));
        it.succeeded();
        assert!(matches!(it.needed(need(line)), Step::Ask(..)));
    }
}
