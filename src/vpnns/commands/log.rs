//! `vpnns --log`: the last things that have happened to an instance.

use vpnns_protocol::log::Log;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::{VERSION, exit};

use super::{Error, print_all};
use crate::instance::control::{Reply, Request};
use crate::instance::discovery;
use crate::sys;

/// Prints what the keeper remembers.
pub fn log(name: &InstanceName, json: bool) -> Result<u8, Error> {
    let keeper = discovery::connect_by_name(name)?.ok_or_else(|| Error::NoLog(name.clone()))?;
    let (reply, _) = keeper.ask(Request::ReadLog)?;
    let lines = match reply.accepted()? {
        Reply::Log { lines } => lines,
        _ => Vec::new(),
    };
    if json {
        let version = VERSION;
        // Strings and numbers only: this cannot fail.
        let text = serde_json::to_string_pretty(&Log { version, lines }).unwrap_or_default();
        print_all(&format!("{text}\n"))?;
        return Ok(exit::SUCCESS);
    }
    let lines = lines.iter().map(|line| {
        let [year, month, day, hour, minute, second] = sys::clock::local(line.time);
        let time = format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        format!("{time} {}\n", line.text)
    });
    print_all(&lines.collect::<String>())?;
    Ok(exit::SUCCESS)
}
