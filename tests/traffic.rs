//! A lot of traffic: every byte of gigabytes, every size of packets, kernels that refuse offload, and a crowd.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "traffic/crowd.rs"]
mod crowd;
#[path = "traffic/intact.rs"]
mod intact;
#[path = "traffic/refused.rs"]
mod refused;
