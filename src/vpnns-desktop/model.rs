//! What the app knows, without a single widget: testable without a display.

pub mod details;
pub mod draft;
pub mod examination;
pub mod fingerprint;
pub mod installed;
pub mod leaks;
pub mod notices;
pub mod presentation;
pub mod remedy;
pub mod running;
pub mod search;
pub mod settings;
pub mod sign_in;
pub mod time;
pub mod traffic;
pub mod vpn;
pub mod vpn_list;
pub mod words;

pub use self::presentation::Presentation;
pub use self::vpn::Vpn;
pub use self::vpn_list::VpnList;
