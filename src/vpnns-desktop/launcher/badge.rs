//! The icon of a launcher: the app's own, with the mark of the VPN in a corner.
//!
//! Drawn once into a PNG file, since not every desktop draws an SVG file that holds pictures.

use std::path::{Path, PathBuf};
use std::{fs, io};

use gtk::gdk_pixbuf::Pixbuf;
use gtk::{gdk, gio, glib};

use crate::sandbox;

/// Width and height in pixels.
const SIZE: i32 = 128;

/// Draws the badge of an icon, which is a name in the theme or a path, into a file.
pub fn draw(icon: &str, into: &Path) -> Option<PathBuf> {
    let original = Pixbuf::from_file_at_size(file_of(icon)?, SIZE, SIZE).ok()?;
    let picture = original.save_to_bufferv("png", &[]).ok()?;
    let svg = glib::Bytes::from_owned(composed(&picture).into_bytes());
    let stream = gio::MemoryInputStream::from_bytes(&svg);
    let cancel = gio::Cancellable::NONE;
    let badge = Pixbuf::from_stream_at_scale(&stream, SIZE, SIZE, true, cancel).ok()?;
    let badge = badge.save_to_bufferv("png", &[]).ok()?;
    write(into, &badge).ok()?;
    Some(into.to_owned())
}

/// The file of an icon.
fn file_of(icon: &str) -> Option<PathBuf> {
    if icon.starts_with('/') {
        return Some(sandbox::seen(icon));
    }
    let theme = gtk::IconTheme::for_display(&gdk::Display::default()?);
    if !theme.has_icon(icon) {
        return None;
    }
    let flags = gtk::IconLookupFlags::empty();
    let found = theme.lookup_icon(icon, &[], SIZE, 1, gtk::TextDirection::None, flags);
    gtk::prelude::FileExt::path(&found.file()?)
}

/// The picture with the mark above it: an app in its arch, white on blue.
fn composed(picture: &[u8]) -> String {
    let data = glib::base64_encode(picture);
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
         width='128' height='128' viewBox='0 0 128 128'>\
         <image width='128' height='128' xlink:href='data:image/png;base64,{data}'/>\
         <circle cx='98' cy='98' r='27' fill='#1c71d8' stroke='#ffffff' stroke-width='4'/>\
         <g transform='translate(82 81) scale(2)' fill='#ffffff'>\
         <path d='M1 14V8a7 7 0 0 1 14 0v6a1 1 0 0 1-2 0V8A5 5 0 0 0 3 8v6a1 1 0 0 1-2 0z'/>\
         <rect x='5' y='8' width='6' height='6' rx='1.5'/></g></svg>"
    )
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, bytes)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_badge_is_the_apps_icon_with_something_in_the_corner() {
        let directory = tempfile::tempdir().unwrap();
        let plain = Pixbuf::new(gtk::gdk_pixbuf::Colorspace::Rgb, true, 8, SIZE, SIZE).unwrap();
        plain.fill(0x00ff_00ff);
        let icon = directory.path().join("icon.png");
        plain.savev(&icon, "png", &[]).unwrap();
        let made = draw(
            icon.to_str().unwrap(),
            &directory.path().join("a/badge.png"),
        )
        .unwrap();
        let badge = Pixbuf::from_file(made).unwrap();
        let bytes = badge.read_pixel_bytes();
        let stride = usize::try_from(badge.rowstride()).unwrap();
        let channels = usize::try_from(badge.n_channels()).unwrap();
        let pixel = |x: usize, y: usize| {
            let at = y * stride + x * channels;
            [bytes[at], bytes[at + 1], bytes[at + 2]]
        };
        assert_eq!(pixel(20, 20), [0, 255, 0]);
        assert_eq!(pixel(78, 98), [0x1c, 0x71, 0xd8]);
    }
}
