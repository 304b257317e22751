//! `vpnns --apps`: the installed applications, in a line each or as JSON.

use vpnns_protocol::app::Entries;
use vpnns_protocol::{VERSION, exit};

use super::list::table;
use super::{Error, print_all};
use crate::apps;
use crate::isolation::command::printable;
use crate::report;

/// Lists what can be opened, and if asked what was left out.
pub fn apps(json: bool, verbose: bool) -> Result<u8, Error> {
    let (apps, broken) = apps::all().map_err(apps::Error::from)?;
    let broken = verbose.then_some(broken);
    if json {
        let document = Entries {
            version: VERSION,
            apps,
            broken,
        };
        // Strings and numbers only: this cannot fail.
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        print_all(&format!("{text}\n"))?;
        return Ok(exit::SUCCESS);
    }
    if apps.is_empty() {
        print_all("No application was found.\n")?;
    } else {
        let head = ["ID", "NAME"].map(str::to_owned);
        let rows = apps
            .iter()
            .map(|app| [&app.id, &app.name].map(|it| printable(it.as_bytes())));
        print_all(&table(
            &std::iter::once(head).chain(rows).collect::<Vec<_>>(),
        ))?;
    }
    for one in broken.into_iter().flatten() {
        let path = printable(one.path.as_bytes());
        report::note(&format!(
            "left out {path}: {}",
            printable(one.reason.as_bytes())
        ));
    }
    Ok(exit::SUCCESS)
}
