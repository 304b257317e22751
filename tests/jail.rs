//! What crosses a network namespace by a path: hidden by default, each by a pair of tests.
//!
//! The one shows that the way is there outside, and inside where it is shared: what the mask is
//! against is real. The other shows that without that wish it is not.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "jail/check.rs"]
mod check;
#[path = "jail/flatpak.rs"]
mod flatpak;
#[path = "jail/gnupg.rs"]
mod gnupg;
#[path = "jail/lifetime.rs"]
mod lifetime;
#[path = "jail/machine.rs"]
mod machine;
#[path = "jail/name_service.rs"]
mod name_service;
#[path = "jail/session_bus.rs"]
mod session_bus;
#[path = "jail/sockets.rs"]
mod sockets;
#[path = "jail/system_bus.rs"]
mod system_bus;
#[path = "jail/wishes.rs"]
mod wishes;
