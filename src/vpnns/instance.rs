//! Instances: their directory, their keeper, and how a process gets in.
//!
//! # Theory of operation
//!
//! An instance is its keeper. The keeper listens on a socket in the state directory; whoever can
//! connect has found the instance, and whoever is refused (ECONNREFUSED, ENOENT) may start it,
//! under the directory's lock. The keeper holds that lock from its birth until it listens and
//! again while it ends, so at no moment can two exist for one name.
//!
//! Who uses an instance is known to the kernel, not counted: an app by a pidfd, a tunnel by its
//! connection, a background child by the network namespace that it stands in. When nothing is
//! left the keeper ends, and the kernel takes the namespaces away.
//!
//! A keeper that was killed leaves `namespaces` behind, which names its network namespace by a
//! cookie that is never used twice; the next process to come adopts the apps that still live in
//! it ([`adoption`]) instead of making a second namespace under the same name.

pub mod adoption;
pub mod client;
pub mod control;
pub mod directory;
pub mod discovery;
pub mod enter;
pub mod entry;
pub mod keeper;
pub mod record;
