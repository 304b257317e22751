//! The map of the house has every room, and no room that is not there.

use std::fs;

use crate::document::prose;
use crate::{readme, top};

/// The places that the map names.
fn rooms() -> Vec<String> {
    let text = prose(&readme());
    let section = text.split_once("\n## Contributing\n").unwrap().1.to_owned();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let places = rows.flat_map(|row| {
        let names = format!("`{}", row.split(" | ").next().unwrap());
        let names = names.split('`').skip(1).step_by(2).map(str::to_owned);
        names.collect::<Vec<_>>()
    });
    places.collect()
}

#[test]
fn every_room_of_the_map_is_there() {
    let rooms = rooms();
    assert!(rooms.len() > 10, "{rooms:?}");
    for room in rooms {
        assert!(top().join(&room).exists(), "there is no {room}");
    }
}

#[test]
fn the_map_has_every_room() {
    let rooms = rooms();
    for directory in ["", "src"] {
        for entry in fs::read_dir(top().join(directory)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let place = format!("{directory}/{name}");
            let place = place.trim_start_matches('/');
            let built = place == "target" || place.starts_with('.');
            if entry.path().is_dir() && !built && place != "src" {
                assert!(
                    rooms.iter().any(|room| room == place),
                    "the map has no {place}"
                );
            }
        }
    }
}
