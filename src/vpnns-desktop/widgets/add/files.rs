//! Choosing files, and the connections of NetworkManager that can be read.

use std::fs::{self, File};
use std::path::PathBuf;

use adw::prelude::*;
use gtk::{gio, glib};

use crate::i18n::gettext;

/// Where NetworkManager keeps its connections, its own first.
const PLACES: [&str; 3] = [
    "/etc/NetworkManager/system-connections",
    "/run/NetworkManager/system-connections",
    "/usr/lib/NetworkManager/system-connections",
];
/// More would be no list to choose from.
const MOST: usize = 40;

/// The connections that this user may read.
pub fn of_network_manager() -> Vec<PathBuf> {
    let files = PLACES.iter().filter_map(|place| fs::read_dir(place).ok());
    let mut files: Vec<PathBuf> = files
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "nmconnection"))
        .filter(|path| File::open(path).is_ok())
        .collect();
    files.sort();
    files.truncate(MOST);
    files
}

/// Lets people choose what can be imported.
pub fn choose_several(parent: &impl IsA<gtk::Window>, call: impl Fn(Vec<gio::File>) + 'static) {
    let chooser = chooser(parent, &gettext("Import VPN"), &gettext("_Import"));
    chooser.set_select_multiple(true);
    let known = gtk::FileFilter::new();
    known.set_name(Some(&gettext("VPN Configurations")));
    for ending in ["ovpn", "conf", "nmconnection", "toml"] {
        known.add_suffix(ending);
    }
    chooser.add_filter(&known);
    chooser.add_filter(&any());
    run(&chooser, call);
}

/// Lets people choose one file.
pub fn choose_one(
    parent: &impl IsA<gtk::Window>,
    title: &str,
    ending: Option<&str>,
    call: impl Fn(PathBuf) + 'static,
) {
    let chooser = chooser(parent, title, &gettext("_Choose"));
    if let Some(ending) = ending {
        let filter = gtk::FileFilter::new();
        filter.set_name(Some(&format!("*.{ending}")));
        filter.add_suffix(ending);
        chooser.add_filter(&filter);
        chooser.add_filter(&any());
    }
    run(&chooser, move |files| {
        if let Some(path) = files.first().and_then(gio::File::path) {
            call(path);
        }
    });
}

fn chooser(parent: &impl IsA<gtk::Window>, title: &str, accept: &str) -> gtk::FileChooserNative {
    let chooser = gtk::FileChooserNative::new(
        Some(title),
        Some(parent),
        gtk::FileChooserAction::Open,
        Some(accept),
        None,
    );
    chooser.set_modal(true);
    chooser
}

fn any() -> gtk::FileFilter {
    let filter = gtk::FileFilter::new();
    filter.set_name(Some(&gettext("All Files")));
    filter.add_pattern("*");
    filter
}

fn run(chooser: &gtk::FileChooserNative, call: impl Fn(Vec<gio::File>) + 'static) {
    // A native dialog belongs to nobody: it lives until it has answered.
    let kept = std::cell::RefCell::new(Some(chooser.clone()));
    chooser.connect_response(move |chooser, response| {
        if response == gtk::ResponseType::Accept {
            let files = chooser.files();
            let files = (0..files.n_items()).filter_map(|index| files.item(index).and_downcast());
            call(files.collect());
        }
        kept.take();
    });
    chooser.show();
}

/// Takes files that are dropped on a widget.
pub fn take_drops(widget: &impl IsA<gtk::Widget>, call: impl Fn(Vec<gio::File>) + 'static) {
    let target = gtk::DropTarget::new(
        gtk::gdk::FileList::static_type(),
        gtk::gdk::DragAction::COPY,
    );
    target.connect_drop(move |_, value: &glib::Value, _, _| {
        let Ok(files) = value.get::<gtk::gdk::FileList>() else {
            return false;
        };
        call(files.files());
        true
    });
    widget.add_controller(target);
}
