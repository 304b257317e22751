//! The application: one for each session, with its actions, windows and command line.

mod actions;
mod autostart;
mod command_line;
mod host;
mod leaving;
mod links;
mod login;
mod notices;
pub mod notifier;
mod opening;
mod outside;
mod pictures;
mod presence;
mod status_line;
mod wishes;

use std::rc::Rc;

use adw::subclass::prelude::*;
use gtk::{gio, glib, prelude::*};

use crate::config::APP_ID;
use crate::helper::Helper;
use crate::session::Session;
use crate::widgets::Window;

mod imp {
    use std::cell::{OnceCell, RefCell};
    use std::ops::ControlFlow;
    use std::rc::Rc;

    use adw::subclass::prelude::*;
    use gtk::{gio, glib};

    use crate::session::Session;

    /// The fields of [`super::Application`].
    #[derive(Default)]
    pub struct Application {
        pub session: OnceCell<Rc<Session>>,
        /// Keeps the app running without a window.
        pub hold: RefCell<Option<gio::ApplicationHoldGuard>>,
        pub presence: super::presence::Presence,
        pub notices: super::notices::Notices,
        pub hosts: super::host::Hosts,
        pub status_line: super::status_line::StatusLine,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Application {
        const NAME: &'static str = "VpnnsApplication";
        type Type = super::Application;
        type ParentType = adw::Application;
    }

    impl ObjectImpl for Application {}

    impl ApplicationImpl for Application {
        fn startup(&self) {
            self.parent_startup();
            gtk::Window::set_default_icon_name(crate::config::APP_ID);
            crate::sandbox::find_icons();
            let app = self.obj();
            app.add_actions();
            app.watch_launchers();
            app.add_entry_actions();
            app.session().begin();
            crate::widgets::question::follow(&app);
            app.begin_presence();
        }

        fn activate(&self) {
            self.parent_activate();
            self.obj().show_window();
        }

        fn open(&self, files: &[gio::File], _hint: &str) {
            self.obj().open_files(files);
        }

        fn command_line(&self, line: &gio::ApplicationCommandLine) -> glib::ExitCode {
            self.obj().run_command_line(line)
        }

        fn handle_local_options(&self, options: &glib::VariantDict) -> ControlFlow<glib::ExitCode> {
            if options.contains("version") {
                println!("vpnns-desktop {}", crate::config::VERSION);
                return ControlFlow::Break(glib::ExitCode::SUCCESS);
            }
            ControlFlow::Continue(())
        }
    }

    impl GtkApplicationImpl for Application {}
    impl AdwApplicationImpl for Application {}
}

glib::wrapper! {
    /// The application.
    pub struct Application(ObjectSubclass<imp::Application>)
        @extends gio::Application, gtk::Application, adw::Application,
        @implements gio::ActionGroup, gio::ActionMap;
}

impl Application {
    /// The application of this process; registers with the session's bus when it is run.
    pub fn new() -> Self {
        let app: Self = glib::Object::builder()
            .property("application-id", APP_ID)
            .property("resource-base-path", "/org/vpnns/PerAppVpn")
            .property(
                "flags",
                // A file manager hands files over by the bus, where there is no command line.
                gio::ApplicationFlags::HANDLES_COMMAND_LINE | gio::ApplicationFlags::HANDLES_OPEN,
            )
            .build();
        let _ = app.imp().session.set(Session::new(Helper::find()));
        app.add_options();
        app
    }

    /// The one that runs. Only from the main thread, and only while it runs.
    pub fn current() -> Self {
        gio::Application::default()
            .and_downcast()
            .expect("widgets live inside of the application")
    }

    /// Helper, model and settings.
    pub fn session(&self) -> Rc<Session> {
        self.imp()
            .session
            .get()
            .expect("new() sets the session")
            .clone()
    }

    /// The window, made when it is first needed.
    pub fn window(&self) -> Window {
        self.existing_window().unwrap_or_else(|| {
            let window = Window::new(self);
            let app = self.downgrade();
            window.connect_is_active_notify(move |window| {
                if let Some(app) = app.upgrade().filter(|_| window.is_active()) {
                    app.withdraw_questions();
                }
            });
            window
        })
    }

    /// The window, if it was made.
    pub fn existing_window(&self) -> Option<Window> {
        self.windows()
            .into_iter()
            .find_map(|window| window.downcast().ok())
    }

    /// Brings the window to the front.
    pub fn show_window(&self) {
        self.window().present();
    }

    /// Stays without a window, or no longer.
    pub fn stay(&self, wanted: bool) {
        let hold = &self.imp().hold;
        if wanted && hold.borrow().is_none() {
            hold.replace(Some(self.hold()));
        } else if !wanted {
            hold.replace(None);
        }
    }
}
