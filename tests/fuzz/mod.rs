//! What must hold of any input, for the fuzzer and for the inputs that it once found.
//!
//! The modules under test are taken by their paths: the helper is a program, not a library.

#![allow(dead_code, unreachable_pub, clippy::missing_panics_doc)]

#[path = "../../src/vpnns/client"]
mod client {
    pub mod announcement;
    pub mod openconnect {
        mod environment;

        pub use environment::announcement;
    }
    pub mod openvpn {
        mod environment;

        pub use environment::announcement;
    }
}
#[path = "../../src/vpnns/tunnel"]
mod tunnel {
    pub mod offload;
}

pub mod environment;
pub mod packets;
