//! Every input that fuzzing starts from or has once found a defect with, taken again.
//!
//! `cargo xtask fuzz` looks for new ones.

#![allow(clippy::unwrap_used)]

#[path = "fuzz/mod.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

/// Above this the corpus is no longer a small one, in bytes.
const LARGEST_CORPUS: u64 = 200_000;

fn replay(target: &str, check: fn(&[u8])) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/fuzz");
    let mut inputs = 0;
    let mut bytes = 0;
    for entry in fs::read_dir(fixtures.join(target)).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        // The name, should it panic.
        println!("{}", path.display());
        check(&input);
        // And what a careless mutation makes of it.
        for length in 0..input.len().min(300) {
            check(&input[..length]);
        }
        inputs += 1;
        bytes += input.len() as u64;
    }
    assert!(inputs > 0, "there is no input for {target}");
    assert!(bytes < LARGEST_CORPUS, "{bytes} bytes are no small corpus");
}

#[test]
fn packets_that_were_once_trouble_are_none() {
    replay("packets", fuzz::packets::check);
}

#[test]
fn environments_that_were_once_trouble_are_none() {
    replay("environment", fuzz::environment::check);
}
