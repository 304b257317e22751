//! What is seen: windows, pages, rows. Each is a function of the model.

pub mod about;
pub mod add;
mod app_group;
mod app_icon;
mod app_row;
mod badge;
mod close_app;
mod details_row;
mod drop;
mod hero;
mod leak_page;
mod leak_row;
pub mod log;
mod lost_banner;
mod narrow;
pub mod picker;
mod plot;
pub mod preferences;
pub mod question;
mod reveal;
pub mod shortcuts;
mod sidebar_row;
pub mod stop;
pub mod system_check;
mod ticker;
pub mod trouble;
mod vpn_page;
mod welcome;
mod wheel;
mod window;

pub use self::ticker::Ticker;
pub use self::vpn_page::VpnPage;
pub use self::window::Window;
