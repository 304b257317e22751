//! What is seen: windows, pages, rows. Each is a function of the model.

pub mod about;
pub mod add;
mod hero;
pub mod log;
pub mod picker;
pub mod preferences;
pub mod question;
pub mod shortcuts;
mod sidebar_row;
pub mod stop;
pub mod system_check;
mod ticker;
pub mod trouble;
mod vpn_page;
mod window;

pub use self::vpn_page::VpnPage;
pub use self::window::Window;
