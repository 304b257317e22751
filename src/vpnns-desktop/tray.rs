//! The icon in the tray: a StatusNotifierItem with a menu.
//!
//! # Theory of operation
//!
//! It lives on the thread of [`crate::runtime`] and holds plain data: no GObject, which would
//! belong to the main loop. The application hands it a whole [`TrayState`] whenever something has
//! changed; ksni compares what comes of it with what the host has seen, and sends the difference.
//! What somebody clicks goes back as a [`Wish`], over a channel that a host which floods us fills
//! and does not block.

mod menu;
mod state;

pub use self::state::{AppItem, TrayState, is_up};

use std::collections::HashMap;
use std::time::Duration;

use async_channel::Sender;
use ksni::menu::{StandardItem, SubMenu};
use ksni::{Icon, MenuItem, OfflineReason, Status, ToolTip, TrayMethods};

use self::menu::Item;
use crate::config::APP_ID;
use crate::i18n::gettext;
use crate::model::presentation::{Act, Look};
use crate::model::time;
use crate::runtime;

/// How long the session's bus may take to take us in.
const LIMIT: Duration = Duration::from_secs(20);

/// What somebody wants who clicks at the tray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The window: to the front, or away.
    ToggleWindow,
    /// The window, to the front.
    ShowWindow,
    /// The default VPN, up.
    ConnectDefault,
    /// Something with a VPN.
    Act(Act, String),
    /// An app in a VPN.
    Open {
        /// The VPN's name.
        vpn: String,
        /// The app's entry.
        entry: String,
    },
    /// The picker for a VPN.
    OtherApp(String),
    /// A leak check of a VPN.
    Check(String),
    /// A further VPN.
    AddVpn,
    /// The settings.
    Preferences,
    /// The end of the app.
    Quit,
    /// The end of the app and of all VPNs.
    DisconnectAndQuit,
}

/// What the tray tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Whether somebody shows the icon.
    Watched(bool),
    /// A click, with what Wayland wants to see before a window may come to the front.
    Wish(Wish, Option<String>),
}

/// A picture of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixmap {
    /// Width and height in pixels.
    pub size: i32,
    /// Alpha, red, green, blue of each pixel.
    pub argb: Vec<u8>,
}

/// The pictures of each state, for hosts that do not find the icon by its name.
pub type Pictures = HashMap<Look, Vec<Pixmap>>;

/// The item on the bus.
pub struct Notifier {
    state: TrayState,
    pictures: Pictures,
    tell: Sender<Told>,
}

/// A tray icon; gone with this value.
pub struct Tray(ksni::Handle<Notifier>);

impl Tray {
    /// Puts the icon into the tray, or waits for one to appear. Nothing without a session bus.
    pub async fn show(state: TrayState, pictures: Pictures, tell: Sender<Told>) -> Option<Self> {
        let item = Notifier {
            state,
            pictures,
            tell: tell.clone(),
        };
        // Told only if it changes later on; a missing tray tells itself before this.
        let _ = tell.try_send(Told::Watched(true));
        let is_sandboxed = crate::sandbox::is_here();
        let shown = runtime::run(LIMIT, async move {
            item.disable_dbus_name(is_sandboxed)
                .assume_sni_available(true)
                .spawn()
                .await
        });
        match shown.await {
            Some(Ok(handle)) => Some(Self(handle)),
            Some(Err(error)) => {
                eprintln!("vpnns-desktop: no tray icon: {error}");
                let _ = tell.try_send(Told::Watched(false));
                None
            }
            None => {
                let _ = tell.try_send(Told::Watched(false));
                None
            }
        }
    }

    /// Shows another state.
    pub async fn update(&self, state: TrayState) {
        // Nothing once the bus is gone.
        let _ = self.0.update(|item| item.state = state).await;
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        // Whoever waits for that waits on another thread.
        drop(self.0.shutdown());
    }
}

impl Notifier {
    fn wish(&self, wish: Wish) {
        let token = ksni::current_xdg_activation_token();
        // Full only while a host floods us: the clicks of a person come through.
        let _ = self.tell.try_send(Told::Wish(wish, token));
    }

    fn look(&self) -> Look {
        self.state.look(time::now())
    }

    fn pixmaps(&self) -> Vec<Icon> {
        let pictures = self.pictures.get(&self.look());
        pictures
            .into_iter()
            .flatten()
            .map(|it| Icon {
                width: it.size,
                height: it.size,
                data: it.argb.clone(),
            })
            .collect()
    }
}

impl ksni::Tray for Notifier {
    fn id(&self) -> String {
        APP_ID.to_owned()
    }

    fn title(&self) -> String {
        gettext("Per-App VPN")
    }

    fn status(&self) -> Status {
        match self.look() {
            Look::Question | Look::Failed => Status::NeedsAttention,
            _ => Status::Active,
        }
    }

    fn icon_name(&self) -> String {
        self.look().icon().to_owned()
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        self.pixmaps()
    }

    fn attention_icon_name(&self) -> String {
        self.look().icon().to_owned()
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        self.pixmaps()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: gettext("Per-App VPN"),
            description: self.state.tooltip(time::now()),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.wish(Wish::ToggleWindow);
    }

    fn secondary_activate(&mut self, _x: i32, _y: i32) {
        self.wish(Wish::ConnectDefault);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let items = menu::items(&self.state, time::now());
        items.into_iter().map(line).collect()
    }

    fn menu_about_to_show(&mut self) {
        // Overridden, so that ksni asks for the menu anew: minutes have passed since.
    }

    fn watcher_online(&self) {
        let _ = self.tell.try_send(Told::Watched(true));
    }

    fn watcher_offline(&self, _reason: OfflineReason) -> bool {
        let _ = self.tell.try_send(Told::Watched(false));
        true
    }
}

fn line(item: Item) -> MenuItem<Notifier> {
    match item {
        Item::Separator => MenuItem::Separator,
        Item::Entry(entry) => {
            let wish = entry.wish;
            StandardItem {
                label: entry.label,
                icon_name: entry.icon_name,
                icon_data: entry.picture,
                enabled: entry.enabled,
                visible: entry.visible,
                activate: Box::new(move |item: &mut Notifier| item.wish(wish.clone())),
                ..StandardItem::default()
            }
            .into()
        }
        Item::Sub {
            label,
            icon_name,
            enabled,
            items,
        } => SubMenu {
            label,
            icon_name,
            enabled,
            submenu: items.into_iter().map(line).collect(),
            ..SubMenu::default()
        }
        .into(),
    }
}
