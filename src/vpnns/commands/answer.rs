//! `vpnns --answer`: answers the question that an instance's server asks, from another process.

use std::io::BufRead;

use vpnns_protocol::exit;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::question::{Answer, Question, Reply as Answered};

use super::Error;
use super::connect::dialogue::Dialogue;
use super::connect::terminal::{Terminal, write_stderr};
use crate::instance::control::{Reply, Request};
use crate::instance::discovery;

/// Answers with what comes on the standard input: JSON, or what a person types in a terminal.
pub fn answer(name: &InstanceName, id: u64) -> Result<u8, Error> {
    let keeper =
        discovery::connect_by_name(name)?.ok_or_else(|| Error::NotRunning(name.clone()))?;
    let terminal = Terminal::new();
    let answer = if terminal.is_terminal() {
        let open = discovery::status(&keeper).and_then(|instance| instance.question);
        let question = open.filter(|question| question.id == id);
        typed(terminal, question.ok_or(Error::NoQuestion)?)?
    } else {
        Answer { id, reply: read()? }
    };
    let (reply, _) = keeper.ask(Request::Answer(Box::new(answer)))?;
    match reply.accepted()? {
        Reply::Done { .. } => Ok(exit::SUCCESS),
        _ => Err(Error::NoQuestion),
    }
}

fn read() -> Result<Answered, Error> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Error::Input)?;
    // Not its own words: they might quote a secret.
    serde_json::from_str(&line).map_err(|error| Error::NoAnswer(error.column()))
}

fn typed(mut terminal: Terminal, question: Question) -> Result<Answer, Error> {
    let mut dialogue = Dialogue::new(question);
    write_stderr(&dialogue.opening());
    while let Some(prompt) = dialogue.prompt() {
        terminal.prompt(&prompt, dialogue.is_secret());
        let line = loop {
            if let Some(line) = terminal.line() {
                break line;
            }
            if terminal.has_ended() {
                return Err(Error::Input(std::io::ErrorKind::UnexpectedEof.into()));
            }
            terminal.fill();
        };
        terminal.show();
        if let Some(answer) = dialogue.line(&line) {
            return Ok(answer);
        }
    }
    // The browser answers itself.
    Err(Error::NoQuestion)
}
