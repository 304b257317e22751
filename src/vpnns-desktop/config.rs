//! What the app is called, and by whom.

/// The application id: of the bus name, the .desktop file, the icons and the resources.
pub const APP_ID: &str = "org.vpnns.PerAppVpn";
/// The version that people see.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The gettext domain.
pub const DOMAIN: &str = "vpnns-desktop";
