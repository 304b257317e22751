//! The first card's head: am I connected, and the one thing to do about it.

mod text;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;

use super::reveal::reveal;
use crate::i18n::gettext_f;
use crate::model::presentation::{Act, Button, Look, STEPS};
use crate::model::{Presentation, Vpn};

mod imp {
    use std::cell::{Cell, RefCell};

    use adw::prelude::*;
    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    use crate::model::presentation::Button;
    use crate::widgets::badge::Badge;
    use crate::widgets::hero::text::HeroText;
    use crate::widgets::reveal::hide_when_shut;

    /// The fields of [`super::Hero`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "hero.ui")]
    pub struct Hero {
        #[template_child]
        pub head: TemplateChild<gtk::Box>,
        #[template_child]
        pub badge: TemplateChild<Badge>,
        #[template_child]
        pub text: TemplateChild<HeroText>,
        #[template_child]
        pub buttons: TemplateChild<gtk::Box>,
        #[template_child]
        pub stage: TemplateChild<gtk::Revealer>,
        #[template_child]
        pub progress: TemplateChild<gtk::ProgressBar>,
        #[template_child]
        pub stage_text: TemplateChild<gtk::Label>,
        #[template_child]
        pub step_text: TemplateChild<gtk::Label>,
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
        /// Where the buttons stand in a narrow window, after the reason.
        #[template_child]
        pub below: TemplateChild<gtk::Box>,
        #[template_child]
        pub failure_buttons: TemplateChild<gtk::Box>,
        #[template_child]
        pub edit: TemplateChild<gtk::Button>,
        #[template_child]
        pub show_log: TemplateChild<gtk::Button>,
        /// What is on the buttons now, so that they stay the same widgets while they say the same.
        pub labels: RefCell<Vec<Button>>,
        pub narrow: Cell<bool>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Hero {
        const NAME: &'static str = "VpnnsHero";
        type Type = super::Hero;
        type ParentType = gtk::Box;

        fn class_init(klass: &mut Self::Class) {
            Badge::ensure_type();
            HeroText::ensure_type();
            klass.bind_template();
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for Hero {
        fn constructed(&self) {
            self.parent_constructed();
            for revealer in [&self.stage, &self.strip, &self.failure] {
                hide_when_shut(revealer);
            }
        }
    }

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
        let icon = (shown.look != Look::Connecting).then(|| shown.look.icon());
        imp.badge.show(icon, shown.look.class());
        imp.text.show(&shown.title, &shown.subtitle);
        self.show_buttons(&shown.buttons, &name);
        self.show_stage(shown);
        if let Some(text) = &shown.strip {
            imp.strip_text.set_label(text);
        }
        reveal(&imp.strip, shown.strip.is_some());
        imp.try_now
            .set_detailed_action_name(&format!("app.reconnect-vpn::{name}"));
        if let Some(failure) = &shown.failure {
            imp.failure_heading.set_label(&failure.heading);
            imp.failure_text.set_label(&failure.text);
            imp.failure_text.set_visible(!failure.text.is_empty());
        }
        reveal(&imp.failure, shown.failure.is_some());
        let has_profile = vpn.facts().listed.is_some();
        // Where editing is the one thing to do, that button is the large one.
        let is_offered = shown.buttons.iter().any(|it| it.act == Act::Edit);
        imp.edit.set_visible(has_profile && !is_offered);
        imp.edit
            .set_detailed_action_name(&format!("app.edit-vpn::{name}"));
        imp.show_log
            .set_detailed_action_name(&format!("app.log-vpn::{name}"));
        self.place_buttons();
    }

    /// Puts the buttons below the text where there is no room beside it.
    pub fn set_narrow(&self, narrow: bool) {
        let imp = self.imp();
        if imp.narrow.replace(narrow) == narrow {
            return;
        }
        imp.head.set_orientation(if narrow {
            gtk::Orientation::Vertical
        } else {
            gtk::Orientation::Horizontal
        });
        imp.text.set_narrow(narrow);
        self.place_buttons();
    }

    /// In a narrow window the reason comes first, and what to do about it after it.
    fn place_buttons(&self) {
        let imp = self.imp();
        let narrow = imp.narrow.get();
        let below = narrow && imp.failure.reveals_child();
        let place = if below { &imp.below } else { &imp.head };
        if imp.buttons.parent().as_ref() != Some(place.upcast_ref()) {
            if let Some(old) = imp.buttons.parent().and_downcast::<gtk::Box>() {
                old.remove(&*imp.buttons);
            }
            place.append(&*imp.buttons);
            imp.below.set_visible(below);
        }
        let has_buttons = imp.buttons.first_child().is_some();
        imp.buttons.set_visible(has_buttons);
        imp.buttons.set_hexpand(narrow);
        imp.buttons.set_homogeneous(narrow);
        imp.failure_buttons.set_homogeneous(narrow);
        for button in [&imp.edit, &imp.show_log] {
            set_class(&**button, "pill", narrow);
            set_class(&**button, "close-set", narrow);
            button.set_hexpand(narrow);
        }
        set_class(&*imp.show_log, "flat", !narrow);
        let mut child = imp.buttons.first_child();
        while let Some(button) = child {
            button.set_hexpand(narrow);
            set_class(&button, "close-set", narrow);
            child = button.next_sibling();
        }
    }

    fn show_buttons(&self, buttons: &[Button], name: &str) {
        let imp = self.imp();
        if *imp.labels.borrow() == buttons {
            return;
        }
        let had_focus = imp.buttons.focus_child().is_some();
        while let Some(child) = imp.buttons.first_child() {
            imp.buttons.remove(&child);
        }
        for button in buttons {
            let widget = gtk::Button::builder()
                .label(&button.label)
                .css_classes(["pill"])
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

    fn show_stage(&self, shown: &Presentation) {
        let imp = self.imp();
        if let Some(stage) = &shown.stage {
            imp.stage_text.set_label(stage);
            imp.progress.set_visible(shown.step.is_some());
            imp.step_text.set_visible(shown.step.is_some());
        }
        if let Some(step) = shown.step {
            imp.progress
                .set_fraction(f64::from(step) / f64::from(STEPS));
            imp.step_text.set_label(&gettext_f(
                "Step {step} of {all}",
                &[("step", &step.to_string()), ("all", &STEPS.to_string())],
            ));
        }
        reveal(&imp.stage, shown.stage.is_some());
    }
}

fn set_class(widget: &impl IsA<gtk::Widget>, class: &str, wanted: bool) {
    if wanted {
        widget.add_css_class(class);
    } else {
        widget.remove_css_class(class);
    }
}
