//! Programs of the host that act there for whoever asks: what the table of services hides.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::inside::{Answer, Local, Question};
use super::scene::{Scene, namespace};
use super::{Seen, listing, processes};
use crate::isolation::services::{self, Exposure, Place};

/// Rows of the table that have a check of their own, by the ends of their paths; sssd's tells
/// nothing that nsswitch.conf does not allow.
const ELSEWHERE: [&str; 6] = [
    "/run/nscd",
    "/run/systemd/resolve",
    "/run/avahi-daemon",
    "/run/dbus",
    "/var/lib/sss/pipes",
    "/.flatpak-helper/monitor",
];
/// Sockets that are tried, and directories below a row that are looked into, at most.
const MOST: usize = 256;
const DEPTH: usize = 3;

/// Nobody outside answers at a place that is to be hidden.
pub fn helpers(scene: &mut Scene) -> Result<Seen, String> {
    let hidden = Exposure::default().places().into_iter();
    let hidden = hidden.filter(|place| {
        let path = place.path.to_string_lossy();
        !ELSEWHERE.iter().any(|end| path.ends_with(end))
    });
    let mut sockets = Vec::new();
    for place in hidden {
        collect(&place, &place.path, DEPTH, &mut sockets);
    }
    sockets.truncate(MOST);
    let tried = sockets.len();
    let at = sockets.into_iter().map(Local::Path).collect();
    let Answer::Knocked(answered) = scene.ask(&Question::Knock(at))? else {
        return Err("the app answered something else".to_owned());
    };
    let (mut shared, mut open) = (Vec::new(), Vec::new());
    for it in answered {
        let pid = u32::try_from(it.pid).unwrap_or_default();
        // One of the instance's own has no other way out than the rest.
        if namespace(pid, "net").ok() == Some(scene.network) {
            continue;
        }
        let who = format!("{} at {}", processes::describe(pid), it.at);
        match &it.at {
            Local::Path(path) if is_shared(scene, path) => shared.push(who),
            _ => open.push(who),
        }
    }
    if !open.is_empty() {
        return Ok(Seen::bad(
            format!(
                "{} acts in your own network for whoever asks",
                listing(&open)
            ),
            "end the instance and start the apps again: vpnns --stop",
        ));
    }
    if !shared.is_empty() {
        return Ok(Seen::note(
            "A Helper Outside Is Shared",
            format!(
                "{} acts in your own network for whoever asks",
                listing(&shared)
            ),
            "you have shared it: --share says which",
        ));
    }
    Ok(Seen::good(match tried {
        0 => "no program outside is there that would act for others".to_owned(),
        1 => "the one program outside that would act for others does not answer".to_owned(),
        many => format!("{many} sockets of programs outside that would act for others are shut"),
    }))
}

/// The sockets that the host has at a place, or below it.
fn collect(place: &Place, path: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(file) = fs::symlink_metadata(path) else {
        return;
    };
    if file.file_type().is_socket() {
        let name = path.file_name().and_then(|name| name.to_str());
        // Some entries of a directory may be meant to stay.
        let is_kept = matches!(place.seen, services::Seen::Own(kept)
            if name.is_some_and(|name| kept.contains(&name)));
        if !is_kept {
            found.push(path.to_owned());
        }
    } else if file.is_dir() && depth > 0 {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        for entry in entries.take(MOST) {
            collect(place, &entry.path(), depth - 1, found);
        }
    }
}

/// Whether the user wants the instance to see it as the host does.
pub fn is_shared(scene: &Scene, path: &Path) -> bool {
    scene
        .exposure
        .shared
        .iter()
        .any(|shared| path.starts_with(shared))
}

/// Flatpak's applications have a resolv.conf of their own, which is not that of /etc.
pub fn flatpak(scene: &mut Scene) -> Result<Seen, String> {
    let files = services::runtime_directories();
    let files = files
        .iter()
        .map(|it| it.join(".flatpak-helper/monitor/resolv.conf"));
    let own = resolvers(scene, "/etc/resolv.conf".into())?.unwrap_or_default();
    let mut seen = 0;
    for file in files {
        let Some(theirs) = resolvers(scene, file.clone())? else {
            continue;
        };
        seen += 1;
        let others: Vec<&String> = theirs.iter().filter(|it| !own.contains(it)).collect();
        if others.is_empty() {
            continue;
        }
        let summary = format!("{} names {}", file.display(), listing(&others));
        return Ok(if is_shared(scene, &file) {
            let remedy = "you have shared it: --share says which";
            Seen::note("Flatpak Apps Ask Your Network", summary, remedy)
        } else {
            Seen::bad(
                summary,
                "end the instance and start the apps again: vpnns --stop",
            )
        });
    }
    Ok(Seen::good(if seen == 0 {
        "there is no other resolv.conf than that of /etc"
    } else {
        "they have the same resolvers as all apps"
    }))
}

fn resolvers(scene: &mut Scene, file: PathBuf) -> Result<Option<Vec<String>>, String> {
    let Answer::Text(text) = scene.ask(&Question::Read(file))? else {
        return Err("the app answered something else".to_owned());
    };
    let named = |text: String| {
        let lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("nameserver"));
        lines.map(|name| name.trim().to_owned()).collect()
    };
    Ok(text.map(named))
}
