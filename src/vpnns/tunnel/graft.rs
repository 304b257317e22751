//! The tun graft: a stock VPN client's tun device is made inside an instance.
//!
//! # Theory of operation
//!
//! A VPN client opens /dev/net/tun and calls the ioctl TUNSETIFF. A seccomp filter, which it is
//! started with, traps that one call. Its supervisor (this process: same user, the client's
//! parent, in the host's namespaces) asks the keeper for the instance's device and puts its
//! descriptor in place of the client's; the call then returns as if it had made the device. From
//! there on the client carries its packets itself, with its sockets in the host's network, the
//! device in the instance's, and no privilege anywhere; nothing of ours is in between.
//!
//! A client that gives its device addresses itself does so through ioctls on the device's name
//! and through rtnetlink: the former are carried out in the instance, for the latter it gets
//! sockets of the instance's network. That the user may do so without a capability is because
//! the kernel grants the owner of a user namespace every capability in it (user_namespaces(7)).

mod calls;
mod launcher;

pub use self::calls::{Attention, Calls, Failure};
pub use self::launcher::{Error as LaunchError, Launched, launch};
