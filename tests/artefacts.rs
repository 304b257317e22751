//! What is published: built by its one command, installed on a clean Debian 12, used, updated and removed.
//!
//! The first test to need an artefact builds it, as `cargo xtask dist` does, which takes some minutes.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "artefacts/browser.rs"]
mod browser;
#[path = "artefacts/contents.rs"]
mod contents;
#[path = "artefacts/deb.rs"]
mod deb;
#[allow(dead_code)] // Of the desk only a part is used here.
#[path = "handoff/desk.rs"]
mod desk;
#[path = "artefacts/made.rs"]
mod made;
#[path = "artefacts/prefix.rs"]
mod prefix;
#[path = "artefacts/reproducible.rs"]
mod reproducible;
#[path = "artefacts/tarball.rs"]
mod tarball;
