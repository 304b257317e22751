//! Profiles as the helper keeps them: in and out through pipes, so that no file of ours holds a key.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use vpnns_protocol::argv::Call;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::listing::{Broken, Imported, NotImported};

use super::Session;
use crate::helper::Trouble;
use crate::i18n::gettext_f;

/// What `--import --json` prints.
#[derive(Deserialize)]
#[serde(untagged)]
enum Outcome {
    Done(Imported),
    Failed(NotImported),
}

impl Session {
    /// The names that VPNs have.
    pub fn taken_names(&self) -> BTreeSet<String> {
        self.vpns.iter().map(|vpn| vpn.name().to_string()).collect()
    }

    /// A profile's text, the broken ones' too.
    pub async fn export(&self, name: InstanceName) -> Result<String, Trouble> {
        let text = self.helper.run(&Call::Export(name)).await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Makes a profile of a text.
    pub async fn save(
        &self,
        name: InstanceName,
        text: &str,
        replace: bool,
    ) -> Result<Imported, Trouble> {
        let call = Call::Import {
            source: None,
            name: Some(name),
            replace,
            dry_run: false,
        };
        let saved = self.import(&call, Some(text.as_bytes().to_vec())).await?;
        self.reload_profiles().await;
        Ok(saved)
    }

    /// What a file would become.
    pub async fn look_at(&self, file: PathBuf) -> Result<Imported, Trouble> {
        let call = Call::Import {
            source: Some(file),
            name: None,
            // Whether the name is free, is asked for later.
            replace: true,
            dry_run: true,
        };
        self.import(&call, None).await
    }

    /// Makes a profile of a file.
    pub async fn import_file(
        &self,
        file: PathBuf,
        name: InstanceName,
        replace: bool,
    ) -> Result<Imported, Trouble> {
        let call = Call::Import {
            source: Some(file),
            name: Some(name),
            replace,
            dry_run: false,
        };
        let imported = self.import(&call, None).await?;
        self.reload_profiles().await;
        Ok(imported)
    }

    /// Deletes a profile.
    pub async fn remove(&self, name: InstanceName) -> Result<(), Trouble> {
        self.helper.run(&Call::Remove(name)).await?;
        self.reload_profiles().await;
        Ok(())
    }

    async fn import(&self, call: &Call, input: Option<Vec<u8>>) -> Result<Imported, Trouble> {
        match self.helper.document(call, input).await? {
            Outcome::Done(imported) => Ok(imported),
            Outcome::Failed(failed) => Err(trouble(failed.error)),
        }
    }
}

/// What is wrong with a profile or a source, with its place.
fn trouble(broken: Broken) -> Trouble {
    let message = match (broken.line, broken.column) {
        (Some(line), Some(column)) => gettext_f(
            "line {line}, column {column}: {message}",
            &[
                ("line", &line.to_string()),
                ("column", &column.to_string()),
                ("message", &broken.message),
            ],
        ),
        _ => broken.message,
    };
    let trouble = Trouble::new(message);
    match broken.hint {
        Some(hint) => trouble.hint(hint),
        None => trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_has_worked_or_has_not() {
        let done = r#"{"version":1,"name":"a","kind":"demo","path":"/a","notes":["x"]}"#;
        assert!(matches!(
            serde_json::from_str(done),
            Ok(Outcome::Done(Imported { notes, .. })) if notes == ["x"]
        ));
        let failed = r#"{"version":1,"error":{"message":"no","hint":"do","line":2,"column":3}}"#;
        let Ok(Outcome::Failed(failed)) = serde_json::from_str(failed) else {
            panic!("not read as a failure")
        };
        let trouble = trouble(failed.error);
        assert_eq!(trouble.message, "line 2, column 3: no");
        assert_eq!(trouble.hint.as_deref(), Some("do"));
    }
}
