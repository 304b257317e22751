//! Hiding the host's services, as the table in `services` says, and keeping them hidden.
//!
//! # Theory of operation
//!
//! Something of ours is mounted over each place. That comes off in every mount namespace
//! when the host removes the place, as it does when such a service is restarted, and a
//! place that is made later was never covered. So the keeper watches the parents, and covers
//! what appears. The host makes a directory before its service makes the socket in it; a socket
//! whose directory cannot be hidden is bound before anybody listens at it.

mod cover;

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

pub use self::cover::{SYSTEM_BUS, SystemBusDoor};
use super::Error;
use super::services::{Exposure, Place, Seen, runtime_directories};

/// Where a host that has Flatpak has it.
const FLATPAK: &str = "/usr/bin/flatpak";
/// What Flatpak's session helper makes in the run-time directory when it is first needed.
const FLATPAK_MONITOR: &str = ".flatpak-helper/monitor";

/// How often it is looked where nothing can be watched: a name service that was started again
/// leaks that long at most.
const LOOK: Duration = Duration::from_secs(1);

/// What is hidden in an instance.
#[derive(Debug)]
pub struct Masks {
    /// By what was asked for.
    pub exposure: Exposure,
    /// The instance's system bus, where it is neither the host's nor none.
    pub system_bus: Option<SystemBusDoor>,
    places: Vec<Place>,
    /// The instance's state directory.
    directory: PathBuf,
}

impl Masks {
    /// To be called outside, where the user's number is the user's.
    pub fn new(directory: &Path, exposure: &Exposure) -> Self {
        if Path::new(FLATPAK).exists() {
            make_flatpak_monitor();
        }
        Self {
            exposure: exposure.clone(),
            system_bus: None,
            places: exposure.places(),
            directory: directory.to_owned(),
        }
    }

    /// Covers each place that exists and is not covered. One that cannot be is the failure, and
    /// keeps none of the others from being covered.
    pub(super) fn apply(&mut self) -> Result<(), Error> {
        let mut empty_one = None;
        let mut outcome = Ok(());
        for place in &self.places {
            let door = self.system_bus.as_ref();
            match cover::cover(place, &self.directory, door, &mut empty_one) {
                Ok(Some(door)) => self.system_bus = Some(door),
                // Absent, or behind a directory that the user may not even enter.
                Ok(None) | Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => {}
                Err(source) => {
                    outcome = outcome.and(Err(Error::Mask {
                        path: place.path.clone(),
                        reason: place.reason,
                        source,
                    }));
                }
            }
        }
        outcome
    }

    /// Opens what [`Self::revive`] needs; to be called outside.
    pub fn look_outside(&self) -> Option<OwnedFd> {
        self.place_of_system_bus()
            .and_then(|path| cover::open_directory(path).ok())
    }

    /// In the mounts of a killed keeper: makes the system bus again, whose socket went with it.
    pub fn revive(&mut self, outside: Option<OwnedFd>) {
        let path = self.place_of_system_bus().map(Path::to_owned);
        if let (Some(path), Some(outside)) = (path, outside) {
            // What fails leaves the dead socket in place: no bus, rather than the host's.
            self.system_bus = cover::system_bus(&path, outside).ok();
        }
    }

    fn place_of_system_bus(&self) -> Option<&Path> {
        let mut places = self.places.iter();
        let place = places.find(|place| place.seen == Seen::SystemBus)?;
        Some(&place.path)
    }

    /// Each directory in which something may appear, and those in which they may.
    fn parents(&self) -> Vec<&Path> {
        let mut parents: Vec<&Path> = Vec::new();
        for place in &self.places {
            // Two levels: Flatpak's directory is made in one that is not there either.
            for parent in place.path.ancestors().skip(1).take(2) {
                if parent != Path::new("/") && !parents.contains(&parent) {
                    parents.push(parent);
                }
            }
        }
        parents
    }
}

/// Makes the directory before Flatpak does: an application that starts it would otherwise have
/// the host's files in the moment between its appearance and our cover.
fn make_flatpak_monitor() {
    for directory in runtime_directories() {
        let monitor = directory.join(FLATPAK_MONITOR);
        if directory.is_dir() && !monitor.exists() {
            // Flatpak takes it as it is.
            let _ = fs::create_dir_all(monitor);
        }
    }
}

/// The keeper's watch over the masks.
#[derive(Debug)]
pub struct Watch {
    masks: Masks,
    /// `None` where the user has no watches left (fs.inotify.max_user_instances): desktops use
    /// many, and 128 is the kernel's default.
    inotify: Option<Inotify>,
    /// Where not all is watched: when it is looked at next.
    look_at: Option<Instant>,
}

impl Watch {
    /// Begins to watch, and covers what has appeared since the instance was made.
    pub fn new(masks: Masks) -> Self {
        let mut watch = Self {
            masks,
            inotify: None,
            look_at: None,
        };
        watch.renew();
        watch
    }

    /// Something changed beside the masks: puts on those that have come off. Returns whether the
    /// instance has another system bus now.
    pub fn renew(&mut self) -> bool {
        let listener = |masks: &Masks| {
            let door = masks.system_bus.as_ref();
            door.map(|door| door.listener.as_raw_fd())
        };
        let before = listener(&self.masks);
        if self.inotify.is_none() {
            let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
            self.inotify = Inotify::init(flags).ok();
        }
        let mut sees_all = self.inotify.is_some();
        if let Some(inotify) = &self.inotify {
            while inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
            let what = AddWatchFlags::IN_CREATE
                | AddWatchFlags::IN_MOVED_TO
                | AddWatchFlags::IN_DELETE
                | AddWatchFlags::IN_ONLYDIR;
            // Each time: some of them appear later. One that is watched already stays as it is.
            for parent in self.masks.parents() {
                let added = inotify.add_watch(parent, what);
                // fs.inotify.max_user_watches. What is not there need not be watched.
                sees_all &= !matches!(added, Err(Errno::ENOSPC | Errno::ENOMEM));
            }
        }
        self.look_at = (!sees_all).then(|| Instant::now() + LOOK);
        // What fails now failed at the start, or is a directory that is gone already.
        let _ = self.masks.apply();
        // The new one is made before the old one is closed: the numbers differ.
        before != listener(&self.masks)
    }

    /// When to renew, whether anything has become readable or not.
    pub fn deadline(&self) -> Option<Instant> {
        self.look_at
    }

    /// What becomes readable when there is something to renew.
    pub fn changes(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// The instance's system bus, where it has one of its own.
    pub fn system_bus(&self) -> Option<&SystemBusDoor> {
        self.masks.system_bus.as_ref()
    }
}
