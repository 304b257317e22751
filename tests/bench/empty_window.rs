//! An empty libadwaita window, the yardstick of `cargo xtask bench window`: what GTK itself costs.

use adw::prelude::*;

/// The size of the app's own window.
const SIZE: (i32, i32) = (1000, 680);

fn main() -> gtk::glib::ExitCode {
    let app = adw::Application::builder()
        .application_id("org.vpnns.EmptyWindow")
        .build();
    app.connect_activate(|app| {
        let content = gtk::Box::new(gtk::Orientation::Vertical, 0);
        content.append(&adw::HeaderBar::new());
        adw::ApplicationWindow::builder()
            .application(app)
            .title("Empty")
            .default_width(SIZE.0)
            .default_height(SIZE.1)
            .content(&content)
            .build()
            .present();
    });
    app.run()
}
