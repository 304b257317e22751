//! Passwords in the Secret Service, only where somebody has asked for that.
//!
//! Each call has a limit: a keyring that is locked, and that nobody can unlock, does not answer at all.

use std::collections::HashMap;
use std::time::Duration;

use oo7::{Item, Keyring, Secret};

use crate::config::APP_ID;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::runtime;

/// How long a call may take that asks nobody.
const LIMIT: Duration = Duration::from_secs(4);
/// How long somebody may take to unlock the keyring.
const LONG_LIMIT: Duration = Duration::from_secs(120);

/// What a stored password is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The VPN's name.
    pub vpn: String,
    /// The field of the form, as the server calls it.
    pub field: String,
    /// The server: another one does not get it.
    pub server: String,
}

/// What there is in the keyring.
pub enum Found {
    /// The password.
    Secret(Secret),
    /// Something that cannot be read before the keyring is unlocked.
    Locked,
    /// Nothing.
    Nothing,
    /// There is no keyring.
    Unavailable,
}

impl Place {
    fn attributes(&self) -> HashMap<&'static str, String> {
        let Self { vpn, field, server } = self.clone();
        HashMap::from([
            ("xdg:schema", schema()),
            ("vpn", vpn),
            ("field", field),
            ("server", server),
        ])
    }

    fn of(attributes: &HashMap<String, String>) -> Option<Self> {
        let text = |name: &str| attributes.get(name).cloned();
        Some(Self {
            vpn: text("vpn")?,
            field: text("field")?,
            server: text("server")?,
        })
    }
}

/// What sets our passwords apart from all others.
fn schema() -> String {
    format!("{APP_ID}.Password")
}

fn ours() -> HashMap<&'static str, String> {
    HashMap::from([("xdg:schema", schema())])
}

/// The keyring, if there is one: looking into it must not ask people to make one.
async fn existing() -> oo7::Result<Option<Keyring>> {
    if !oo7::ashpd::is_sandboxed() {
        let service = oo7::dbus::Service::new().await?;
        let default = oo7::dbus::Service::DEFAULT_COLLECTION;
        if service.with_alias(default).await?.is_none() {
            return Ok(None);
        }
    }
    Keyring::new().await.map(Some)
}

/// The passwords of ours that have these attributes.
async fn items(attributes: &HashMap<&'static str, String>) -> oo7::Result<Vec<Item>> {
    match existing().await? {
        Some(keyring) => keyring.search_items(attributes).await,
        None => Ok(Vec::new()),
    }
}

/// Looks for a password, without asking anybody.
pub async fn find(place: &Place) -> Found {
    let attributes = place.attributes();
    let look = async move {
        let Some(item) = items(&attributes).await?.into_iter().next() else {
            return Ok(Found::Nothing);
        };
        if item.is_locked().await? {
            return Ok(Found::Locked);
        }
        item.secret().await.map(Found::Secret)
    };
    let found: Option<oo7::Result<Found>> = runtime::run(LIMIT, look).await;
    found.and_then(Result::ok).unwrap_or(Found::Unavailable)
}

/// Has the keyring unlocked, and looks again.
pub async fn unlock_and_find(place: &Place) -> Option<Secret> {
    let attributes = place.attributes();
    let look = async move {
        let keyring = Keyring::new().await?;
        keyring.unlock().await?;
        let item = keyring.search_items(&attributes).await?.into_iter().next();
        match item {
            Some(item) => item.secret().await.map(Some),
            None => Ok(None),
        }
    };
    let found: Option<oo7::Result<Option<Secret>>> = runtime::run(LONG_LIMIT, look).await;
    found?.ok()?
}

/// Keeps a password, in place of the one that was there.
pub async fn keep(place: &Place, shown: &str, secret: Secret) -> Result<(), Trouble> {
    let attributes = place.attributes();
    let label = gettext_f("Password for {vpn} (VPN)", &[("vpn", shown)]);
    let call = async move {
        let keyring = Keyring::new().await?;
        keyring.unlock().await?;
        keyring.create_item(&label, &attributes, secret, true).await
    };
    outcome(
        runtime::run(LONG_LIMIT, call).await,
        &gettext("The password could not be stored"),
    )
}

/// Everything that was stored, in order. For settings.
pub async fn list() -> Result<Vec<Place>, Trouble> {
    let call = async {
        let mut places = Vec::new();
        for item in items(&ours()).await? {
            places.extend(Place::of(&item.attributes().await?));
        }
        places.sort();
        oo7::Result::Ok(places)
    };
    outcome(
        runtime::run(LIMIT, call).await,
        &gettext("The stored passwords cannot be listed"),
    )
}

/// Forgets a password.
pub async fn forget(place: &Place) -> Result<(), Trouble> {
    let attributes = place.attributes();
    let call = async move {
        for item in items(&attributes).await? {
            item.delete().await?;
        }
        oo7::Result::Ok(())
    };
    outcome(
        runtime::run(LIMIT, call).await,
        &gettext("The password could not be deleted"),
    )
}

/// Forgets the passwords of a VPN that is gone.
pub async fn forget_vpn(name: &str) {
    for place in list().await.unwrap_or_default() {
        if place.vpn == name {
            // A password without its VPN can still be deleted in the settings.
            let _ = forget(&place).await;
        }
    }
}

/// Keeps the passwords of a VPN that has another name now.
pub async fn rename(old: &str, new: &str) {
    let (old, new) = (old.to_owned(), new.to_owned());
    let call = async move {
        for item in items(&ours()).await? {
            let place = Place::of(&item.attributes().await?);
            if let Some(mut place) = place.filter(|place| place.vpn == old) {
                place.vpn.clone_from(&new);
                move_to(&item, &place).await?;
            }
        }
        oo7::Result::Ok(())
    };
    // Without them they are asked for again.
    let _ = runtime::run(LIMIT, call).await;
}

async fn move_to(item: &Item, place: &Place) -> oo7::Result<()> {
    item.set_attributes(&place.attributes()).await
}

fn outcome<T>(result: Option<oo7::Result<T>>, sentence: &str) -> Result<T, Trouble> {
    match result {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(Trouble::new(sentence).caused_by(error.to_string())),
        None => Err(Trouble::new(sentence)
            .caused_by(gettext("the keyring does not answer"))
            .hint(gettext("Unlock your keyring, and try again."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_by_what_is_written_down() {
        let place = Place {
            vpn: "work".into(),
            field: "Password".into(),
            server: "vpn.example.com".into(),
        };
        let written: HashMap<String, String> = place
            .attributes()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(Place::of(&written), Some(place));
        assert_eq!(written["xdg:schema"], "org.vpnns.PerAppVpn.Password");
        assert_eq!(Place::of(&HashMap::new()), None);
    }
}
