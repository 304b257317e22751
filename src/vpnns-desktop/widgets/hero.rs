//! The first card's head: am I connected, and the one thing to do about it.

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use crate::model::presentation::{Button, Look};
use crate::model::{Presentation, Vpn};

mod imp {
    use std::cell::{Cell, RefCell};

    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use crate::model::presentation::Button;
    use crate::widgets::ticker::Ticker;

    /// The fields of [`super::Hero`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "hero.ui")]
    pub struct Hero {
        #[template_child]
        pub head: TemplateChild<gtk::Box>,
        #[template_child]
        pub badge: TemplateChild<gtk::Stack>,
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub spinner: TemplateChild<gtk::Spinner>,
        #[template_child]
        pub title: TemplateChild<gtk::Label>,
        #[template_child]
        pub subtitle: TemplateChild<gtk::Label>,
        #[template_child]
        pub buttons: TemplateChild<gtk::Box>,
        #[template_child]
        pub stage: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub progress: TemplateChild<gtk::ProgressBar>,
        #[template_child]
        pub stage_text: TemplateChild<gtk::Label>,
        #[template_child]
        pub strip: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub strip_text: TemplateChild<gtk::Label>,
        #[template_child]
        pub try_now: TemplateChild<gtk::Button>,
        #[template_child]
        pub failure: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub failure_heading: TemplateChild<gtk::Label>,
        #[template_child]
        pub failure_text: TemplateChild<gtk::Label>,
        #[template_child]
        pub edit: TemplateChild<gtk::Button>,
        #[template_child]
        pub show_log: TemplateChild<gtk::Button>,
        /// What is on the buttons now, so that they stay the same widgets while they say the same.
        pub labels: RefCell<Vec<Button>>,
        pub class: Cell<&'static str>,
        pub pulse: RefCell<Ticker>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Hero {
        const NAME: &'static str = "VpnnsHero";
        type Type = super::Hero;
        type ParentType = gtk::Box;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Hero {}
    impl WidgetImpl for Hero {}
    impl BoxImpl for Hero {}
}

glib::wrapper! {
    /// The head of the first card.
    pub struct Hero(ObjectSubclass<imp::Hero>)
        @extends gtk::Widget, gtk::Box,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Orientable;
}

impl Hero {
    /// Shows a VPN.
    pub fn show(&self, vpn: &Vpn, shown: &Presentation) {
        let imp = self.imp();
        let name = vpn.name().to_string();
        self.show_badge(shown.look);
        imp.title.set_label(&shown.title);
        imp.subtitle.set_label(&shown.subtitle);
        imp.subtitle.set_visible(!shown.subtitle.is_empty());
        self.show_buttons(&shown.buttons, &name);
        self.show_stage(shown.stage.as_deref());
        if let Some(text) = &shown.strip {
            imp.strip_text.set_label(text);
        }
        imp.strip.set_reveal_child(shown.strip.is_some());
        imp.try_now
            .set_detailed_action_name(&format!("app.reconnect-vpn::{name}"));
        if let Some(failure) = &shown.failure {
            imp.failure_heading.set_label(&failure.heading);
            imp.failure_text.set_label(&failure.text);
            imp.failure_text.set_visible(!failure.text.is_empty());
        }
        imp.failure.set_reveal_child(shown.failure.is_some());
        let has_profile = vpn.facts().listed.is_some();
        imp.edit.set_visible(has_profile);
        imp.edit
            .set_detailed_action_name(&format!("app.edit-vpn::{name}"));
        imp.show_log
            .set_detailed_action_name(&format!("app.log-vpn::{name}"));
    }

    /// Puts the buttons below the text where there is no room beside it.
    pub fn set_narrow(&self, narrow: bool) {
        let imp = self.imp();
        let orientation = if narrow {
            gtk::Orientation::Vertical
        } else {
            gtk::Orientation::Horizontal
        };
        imp.head.set_orientation(orientation);
        imp.buttons.set_homogeneous(narrow);
        let (add, remove) = if narrow {
            ("title-2", "title-1")
        } else {
            ("title-1", "title-2")
        };
        imp.title.remove_css_class(remove);
        imp.title.add_css_class(add);
        let mut child = imp.buttons.first_child();
        while let Some(button) = child {
            button.set_hexpand(narrow);
            child = button.next_sibling();
        }
    }

    fn show_badge(&self, look: Look) {
        let imp = self.imp();
        let spins = look == Look::Connecting;
        imp.icon.set_icon_name(Some(look.icon()));
        imp.spinner.set_spinning(spins);
        imp.badge
            .set_visible_child_name(if spins { "spinner" } else { "icon" });
        let before = imp.class.replace(look.class());
        if before != look.class() {
            if !before.is_empty() {
                imp.badge.remove_css_class(before);
            }
            imp.badge.add_css_class(look.class());
        }
    }

    fn show_buttons(&self, buttons: &[Button], name: &str) {
        let imp = self.imp();
        if *imp.labels.borrow() == buttons {
            return;
        }
        let narrow = imp.head.orientation() == gtk::Orientation::Vertical;
        let had_focus = imp.buttons.focus_child().is_some();
        while let Some(child) = imp.buttons.first_child() {
            imp.buttons.remove(&child);
        }
        for button in buttons {
            let widget = gtk::Button::builder()
                .label(&button.label)
                .css_classes(["pill"])
                .hexpand(narrow)
                .build();
            if button.suggested {
                widget.add_css_class("suggested-action");
            }
            widget.set_detailed_action_name(&format!("{}::{name}", button.act.action()));
            imp.buttons.append(&widget);
        }
        imp.labels.replace(buttons.to_vec());
        if had_focus && let Some(last) = imp.buttons.last_child() {
            last.grab_focus();
        }
    }

    fn show_stage(&self, stage: Option<&str>) {
        let imp = self.imp();
        if let Some(stage) = stage {
            imp.stage_text.set_label(stage);
        }
        imp.stage.set_reveal_child(stage.is_some());
        // How far it is nobody knows: a bar that moves says that it goes on.
        let bar = imp.progress.downgrade();
        let animate = gtk::Settings::default().is_none_or(|it| it.is_gtk_enable_animations());
        let wanted = stage.filter(|_| animate && self.is_mapped()).map(|_| 1);
        imp.pulse.borrow_mut().set(wanted, move || {
            if let Some(bar) = bar.upgrade() {
                bar.pulse();
            }
        });
    }
}
