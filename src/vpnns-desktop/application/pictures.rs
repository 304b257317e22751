//! Pictures for the tray: of the states, which data/icons/draw.py has drawn from the same files as the
//! window's icons, and of apps whose icon is a file.

use gtk::gdk_pixbuf::Pixbuf;

use crate::model::presentation::Look;
use crate::sandbox;
use crate::tray::{Pictures, Pixmap};

/// The sizes of panels, in pixels.
const SIZES: [i32; 3] = [16, 24, 48];
/// The size of an app's icon in the menu.
const APP_SIZE: i32 = 32;

/// All of them. A state whose picture cannot be drawn has none: the name has to do.
pub fn of_states() -> Pictures {
    let looks = [
        Look::Off,
        Look::Connected,
        Look::Connecting,
        Look::Reconnecting,
        Look::Question,
        Look::Failed,
    ];
    looks
        .into_iter()
        .map(|look| (look, of_state(look)))
        .collect()
}

fn of_state(look: Look) -> Vec<Pixmap> {
    let name = look.icon();
    SIZES
        .into_iter()
        .filter_map(|size| {
            let path = format!("/org/vpnns/PerAppVpn/tray/{size}x{size}/{name}.png");
            let argb = argb(&Pixbuf::from_resource(&path).ok()?)?;
            Some(Pixmap { size, argb })
        })
        .collect()
}

/// The specification's order of bytes.
fn argb(picture: &Pixbuf) -> Option<Vec<u8>> {
    let (width, height) = (
        usize::try_from(picture.width()).ok()?,
        usize::try_from(picture.height()).ok()?,
    );
    if !picture.has_alpha() || picture.n_channels() != 4 || width != height {
        return None;
    }
    let stride = usize::try_from(picture.rowstride()).ok()?;
    let pixels = picture.read_pixel_bytes();
    let mut argb = Vec::with_capacity(width * height * 4);
    for row in 0..height {
        let row = pixels.get(row * stride..row * stride + width * 4)?;
        for pixel in row.chunks_exact(4) {
            argb.extend([pixel[3], pixel[0], pixel[1], pixel[2]]);
        }
    }
    Some(argb)
}

/// An app's icon as the menu takes it: a name of the theme, or a PNG file.
pub fn of_app(icon: Option<&str>) -> (String, Vec<u8>) {
    const GENERAL: &str = "application-x-executable";
    match icon {
        Some(path) if path.starts_with('/') => {
            let picture =
                Pixbuf::from_file_at_scale(sandbox::seen(path), APP_SIZE, APP_SIZE, true).ok();
            let png = picture.and_then(|it| it.save_to_bufferv("png", &[]).ok());
            match png {
                Some(png) => (String::new(), png),
                None => (GENERAL.to_owned(), Vec::new()),
            }
        }
        Some(name) => {
            let name = name.trim_end_matches(".png").trim_end_matches(".svg");
            (name.to_owned(), Vec::new())
        }
        None => (GENERAL.to_owned(), Vec::new()),
    }
}
