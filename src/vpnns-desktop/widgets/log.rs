//! The log of one VPN, in a window of its own: it follows while it is open.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::Window;
use super::narrow::settle;
use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::Vpn;
use vpnns_protocol::log::Line;

/// How often it is read, in seconds, while it is seen.
const EVERY: u32 = 2;

mod imp {
    use std::cell::{Cell, OnceCell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};
    use vpnns_protocol::log::Line;

    use crate::model::Vpn;
    use crate::widgets::ticker::Ticker;

    /// The fields of [`super::LogWindow`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "log.ui")]
    pub struct LogWindow {
        #[template_child]
        pub title: TemplateChild<adw::WindowTitle>,
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub stack: TemplateChild<gtk::Stack>,
        #[template_child]
        pub status: TemplateChild<adw::StatusPage>,
        #[template_child]
        pub scroller: TemplateChild<gtk::ScrolledWindow>,
        #[template_child]
        pub text: TemplateChild<gtk::TextView>,
        #[template_child]
        pub copy: TemplateChild<gtk::Button>,
        pub vpn: OnceCell<Vpn>,
        pub handler: RefCell<Option<glib::SignalHandlerId>>,
        pub ticker: RefCell<Ticker>,
        pub lines: RefCell<Vec<Line>>,
        pub is_reading: Cell<bool>,
        /// Whether the last line is in sight, and is to stay so.
        pub follows: Cell<bool>,
        /// The height of all lines, to tell the user's scrolling from a layout's.
        pub height: Cell<f64>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LogWindow {
        const NAME: &'static str = "VpnnsLogWindow";
        type Type = super::LogWindow;
        type ParentType = adw::Window;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("log.copy", None, |window, _, _| window.copy());
            klass.install_action("log.refresh", None, |window, _, _| window.read());
            klass.add_binding_action(
                gtk::gdk::Key::F5,
                gtk::gdk::ModifierType::empty(),
                "log.refresh",
            );
            klass.add_binding_action(
                gtk::gdk::Key::Escape,
                gtk::gdk::ModifierType::empty(),
                "window.close",
            );
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for LogWindow {
        fn constructed(&self) {
            self.parent_constructed();
            self.follows.set(true);
            let place = self.scroller.vadjustment();
            let weak = self.obj().downgrade();
            place.connect_value_changed(move |place| {
                if let Some(this) = weak.upgrade() {
                    let imp = this.imp();
                    let by_user = (place.upper() - imp.height.get()).abs() < 0.5;
                    let end = place.upper() - place.page_size();
                    if by_user {
                        imp.follows.set(place.value() >= end - 1.0);
                    }
                }
            });
            // New lines get their places only after they have been added.
            let weak = self.obj().downgrade();
            place.connect_changed(move |place| {
                let Some(this) = weak.upgrade() else { return };
                this.imp().height.set(place.upper());
                // Later: the view itself is about to set the place.
                if this.imp().follows.get() {
                    super::settle(&this, |this| {
                        let place = this.imp().scroller.vadjustment();
                        place.set_value(place.upper() - place.page_size());
                    });
                }
            });
        }

        fn dispose(&self) {
            if let (Some(vpn), Some(handler)) = (self.vpn.get(), self.handler.take()) {
                vpn.disconnect(handler);
            }
        }
    }

    impl WidgetImpl for LogWindow {
        fn map(&self) {
            self.parent_map();
            let weak = self.obj().downgrade();
            self.ticker.borrow_mut().set(Some(super::EVERY), move || {
                if let Some(this) = weak.upgrade() {
                    this.read();
                }
            });
        }

        fn unmap(&self) {
            self.ticker.borrow_mut().stop();
            self.parent_unmap();
        }
    }

    impl WindowImpl for LogWindow {}
    impl AdwWindowImpl for LogWindow {}
}

glib::wrapper! {
    /// The log of a VPN.
    pub struct LogWindow(ObjectSubclass<imp::LogWindow>)
        @extends gtk::Widget, gtk::Window, adw::Window,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Native,
            gtk::Root, gtk::ShortcutManager;
}

/// Shows it.
pub fn present(window: &Window, vpn: &Vpn) {
    let open = Application::current().windows().into_iter().find_map(|it| {
        let it = it.downcast::<LogWindow>().ok()?;
        (it.vpn() == vpn).then_some(it)
    });
    open.unwrap_or_else(|| LogWindow::new(window, vpn))
        .present();
}

impl LogWindow {
    fn new(parent: &Window, vpn: &Vpn) -> Self {
        let this: Self = glib::Object::builder()
            .property("application", parent.application())
            .property("transient-for", parent)
            .build();
        let imp = this.imp();
        let _ = imp.vpn.set(vpn.clone());
        let name = vpn.presentation().name;
        imp.title.set_subtitle(&name);
        this.set_title(Some(&gettext_f("Log of {vpn}", &[("vpn", &name)])));
        let weak = this.downgrade();
        let handler = vpn.connect_changed(move |_| {
            if let Some(this) = weak.upgrade() {
                this.read();
            }
        });
        imp.handler.replace(Some(handler));
        this.read();
        this
    }

    fn vpn(&self) -> &Vpn {
        self.imp().vpn.get().expect("new() sets the VPN")
    }

    /// Reads it anew. One that has ended stays to be read.
    fn read(&self) {
        let imp = self.imp();
        if self.vpn().facts().instance.is_none() {
            if imp.lines.borrow().is_empty() {
                self.say(
                    &gettext("No Log"),
                    &gettext("This VPN is not running. Its log begins when it does."),
                );
            }
            return;
        }
        if imp.is_reading.replace(true) {
            return;
        }
        let this = self.clone();
        glib::spawn_future_local(async move {
            let result = Application::current().session().log(this.vpn()).await;
            this.imp().is_reading.set(false);
            match result {
                Ok(lines) => this.show_lines(lines),
                Err(trouble) => this.show_trouble(&trouble),
            }
        });
    }

    fn say(&self, title: &str, text: &str) {
        let imp = self.imp();
        imp.status.set_title(title);
        imp.status.set_description(Some(text));
        imp.stack.set_visible_child(&*imp.status);
        imp.copy.set_sensitive(false);
    }

    fn show_trouble(&self, trouble: &Trouble) {
        // It may have ended between the question and the answer.
        if self.vpn().facts().instance.is_some() && self.imp().lines.borrow().is_empty() {
            let text = glib::markup_escape_text(&trouble.text());
            self.say(&gettext("The Log Cannot Be Read"), &text);
        }
    }

    fn show_lines(&self, lines: Vec<Line>) {
        let imp = self.imp();
        if *imp.lines.borrow() == lines {
            return;
        }
        if lines.is_empty() {
            let text = gettext("Nothing has happened in this VPN so far.");
            return self.say(&gettext("No Log"), &text);
        }
        let buffer = imp.text.buffer();
        // Only what is new is added: a selection stays, and so does the place.
        let known = imp.lines.borrow().len();
        let is_longer = lines.starts_with(&imp.lines.borrow());
        if !is_longer {
            buffer.set_text("");
        }
        let from = if is_longer { known } else { 0 };
        let mut end = buffer.end_iter();
        for line in &lines[from..] {
            if end.offset() > 0 {
                buffer.insert(&mut end, "\n");
            }
            buffer.insert(&mut end, &in_words(line));
        }
        imp.lines.replace(lines);
        imp.copy.set_sensitive(true);
        imp.stack.set_visible_child(&*imp.scroller);
    }

    fn copy(&self) {
        let imp = self.imp();
        let lines = imp.lines.borrow();
        let text: Vec<String> = lines.iter().map(in_words).collect();
        self.clipboard().set_text(&text.join("\n"));
        imp.toasts.add_toast(adw::Toast::new(&gettext("Copied")));
    }
}

/// A line with its time of day.
fn in_words(line: &Line) -> String {
    let seconds = i64::try_from(line.time).unwrap_or(i64::MAX);
    let time = glib::DateTime::from_unix_local(seconds).and_then(|time| time.format("%H:%M:%S"));
    let time = time.map(|time| format!("{time}  ")).unwrap_or_default();
    format!("{time}{}", line.text)
}
