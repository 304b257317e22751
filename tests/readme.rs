//! The README is true: its commands are run as they are written, and whatever it names is there.
//!
//! # Theory of operation
//!
//! `document` reads the README into sections, blocks and commands. `commands` is a table of every command, with
//! how it is run; one that is not in it fails the test. `stage` is a computer in the lab that has what a reader has:
//! files in `~/Downloads`, a person who types, a name for the server. `recipes` plays the sections on it, one
//! after another command of each, and proves that what the text promises has happened. `symptoms` has things go wrong.

#![allow(clippy::unwrap_used)]

mod support;

#[path = "readme/commands.rs"]
mod commands;
#[allow(dead_code)] // Of the desk only a part is used here.
#[path = "handoff/desk.rs"]
mod desk;
#[path = "readme/document.rs"]
mod document;
#[path = "readme/house.rs"]
mod house;
#[path = "readme/links.rs"]
mod links;
#[path = "readme/recipes.rs"]
mod recipes;
#[path = "readme/stage.rs"]
mod stage;
#[path = "readme/symptoms.rs"]
mod symptoms;
#[path = "readme/torrent.rs"]
mod torrent;
#[path = "readme/words.rs"]
mod words;

use std::path::{Path, PathBuf};

/// The directory of the README.
fn top() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.join("../..").canonicalize().unwrap()
}

/// The text of the README.
fn readme() -> String {
    std::fs::read_to_string(top().join("README.md")).unwrap()
}
