//! What the doctor found: a verdict, what needs attention with its remedy, and what passed.

mod remedy;

use adw::prelude::*;
use adw::subclass::prelude::*;
use gtk::glib;
use vpnns_protocol::argv::Call;
use vpnns_protocol::finding::{Findings, Outcome};

use super::{Window, trouble};
use crate::application::Application;
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::examination::{Examination, Group, Row};

mod imp {
    use std::cell::{Cell, RefCell};

    use adw::subclass::prelude::*;
    use gtk::{CompositeTemplate, glib};

    /// The fields of [`super::SystemCheck`].
    #[derive(Default, CompositeTemplate)]
    #[template(file = "system_check.ui")]
    pub struct SystemCheck {
        #[template_child]
        pub toasts: TemplateChild<adw::ToastOverlay>,
        #[template_child]
        pub badge: TemplateChild<gtk::Stack>,
        #[template_child]
        pub icon: TemplateChild<gtk::Image>,
        #[template_child]
        pub spinner: TemplateChild<gtk::Spinner>,
        #[template_child]
        pub verdict: TemplateChild<gtk::Label>,
        #[template_child]
        pub line: TemplateChild<gtk::Label>,
        #[template_child]
        pub again: TemplateChild<gtk::Button>,
        #[template_child]
        pub groups: TemplateChild<gtk::Box>,
        pub runs: Cell<bool>,
        /// What "Copy Report" copies.
        pub report: RefCell<String>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for SystemCheck {
        const NAME: &'static str = "VpnnsSystemCheck";
        type Type = super::SystemCheck;
        type ParentType = adw::Window;

        fn class_init(klass: &mut Self::Class) {
            klass.bind_template();
            klass.install_action("check.again", None, |window, _, _| window.check());
            klass.install_action("check.copy-report", None, |window, _, _| {
                window.copy_report();
            });
            klass.add_shortcut(
                &gtk::Shortcut::builder()
                    .trigger(&gtk::KeyvalTrigger::new(
                        gtk::gdk::Key::Escape,
                        gtk::gdk::ModifierType::empty(),
                    ))
                    .action(&gtk::NamedAction::new("window.close"))
                    .build(),
            );
        }

        fn instance_init(object: &glib::subclass::InitializingObject<Self>) {
            object.init_template();
        }
    }

    impl ObjectImpl for SystemCheck {}
    impl WidgetImpl for SystemCheck {}
    impl WindowImpl for SystemCheck {}
    impl AdwWindowImpl for SystemCheck {}
}

glib::wrapper! {
    /// The window of the system check.
    pub struct SystemCheck(ObjectSubclass<imp::SystemCheck>)
        @extends gtk::Widget, gtk::Window, adw::Window,
        @implements gtk::Accessible, gtk::Buildable, gtk::ConstraintTarget, gtk::Native,
            gtk::Root, gtk::ShortcutManager;
}

/// Shows it, and checks.
pub fn present(window: &Window) {
    let app = Application::current();
    let open = app
        .windows()
        .into_iter()
        .find_map(|it| it.downcast::<SystemCheck>().ok());
    if let Some(open) = open {
        open.present();
        return;
    }
    // The settings lead here too, and block every window that does not stand above them.
    let above = app.active_window();
    let above = above.unwrap_or_else(|| window.clone().upcast());
    let this: SystemCheck = glib::Object::builder()
        .property("application", &app)
        .build();
    // Above a window that is hidden, it would be hidden too.
    if above.is_visible() {
        this.set_transient_for(Some(&above));
        this.set_modal(above.is_modal());
    }
    GtkWindowExt::set_focus(&this, gtk::Widget::NONE);
    this.present();
    this.check();
}

impl SystemCheck {
    /// Runs the doctor.
    fn check(&self) {
        if self.imp().runs.replace(true) {
            return;
        }
        self.show_running();
        let weak = self.downgrade();
        glib::spawn_future_local(async move {
            let helper = Application::current().session().helper.clone();
            let result = helper.document::<Findings>(&Call::Doctor, None).await;
            let Some(this) = weak.upgrade() else { return };
            this.imp().runs.set(false);
            match result {
                Ok(document) => this.show_findings(&document),
                Err(trouble) => this.show_lost(&trouble),
            }
            this.imp().again.set_sensitive(true);
            if GtkWindowExt::focus(&this).is_none() {
                this.imp().again.grab_focus();
            }
        });
    }

    fn show_running(&self) {
        let imp = self.imp();
        self.set_badge("off", None);
        imp.verdict.set_label(&gettext("Checking…"));
        imp.line.set_label(&gettext(
            "Looks at everything that a VPN for single apps needs",
        ));
        imp.again.set_sensitive(false);
    }

    /// The badge: an icon in a colour, or the spinner.
    fn set_badge(&self, class: &str, icon: Option<&str>) {
        let imp = self.imp();
        for old in ["off", "success", "warning", "error"] {
            imp.badge.remove_css_class(old);
        }
        imp.badge.add_css_class(class);
        imp.spinner.set_spinning(icon.is_none());
        if icon.is_some() {
            imp.icon.set_icon_name(icon);
        }
        imp.badge
            .set_visible_child_name(if icon.is_some() { "icon" } else { "spinner" });
    }

    fn show_findings(&self, document: &Findings) {
        let shown = Examination::of(document);
        if shown.ok {
            self.set_badge("success", Some("emblem-ok-symbolic"));
        } else {
            self.set_badge("warning", Some("dialog-warning-symbolic"));
        }
        let imp = self.imp();
        imp.verdict.set_label(&shown.title);
        imp.line.set_label(&shown.line);
        imp.report.replace(report(document));
        self.clear();
        for group in &shown.groups {
            imp.groups.append(&self.group(group));
        }
    }

    fn show_lost(&self, trouble: &Trouble) {
        let imp = self.imp();
        self.set_badge("error", Some("dialog-error-symbolic"));
        imp.verdict.set_label(&gettext("Cannot Be Checked"));
        imp.line.set_label(&trouble.message);
        imp.report.replace(trouble.text());
        self.clear();
        if let Some(hint) = &trouble.hint {
            let list = adw::PreferencesGroup::new();
            list.add(&self.remedy_row(hint, None));
            imp.groups.append(&list);
        }
    }

    fn clear(&self) {
        let groups = &self.imp().groups;
        while let Some(group) = groups.first_child() {
            groups.remove(&group);
        }
    }

    fn group(&self, group: &Group) -> adw::PreferencesGroup {
        let list = adw::PreferencesGroup::builder()
            .title(glib::markup_escape_text(&group.title))
            .build();
        for row in &group.rows {
            match (&row.remedy, row.outcome) {
                (Some(remedy), Outcome::Problem) => {
                    list.add(&head(&adw::ActionRow::new(), row));
                    list.add(&self.remedy_row(remedy, Some(&row.id)));
                }
                // Nothing that has to be done: one click away.
                (Some(remedy), _) => {
                    let expander = adw::ExpanderRow::new();
                    expander.set_title(&glib::markup_escape_text(&row.title));
                    expander.set_subtitle(&glib::markup_escape_text(&row.subtitle));
                    expander.add_prefix(&mark(row.outcome));
                    expander.add_row(&self.remedy_row(remedy, None));
                    list.add(&expander);
                }
                (None, _) => list.add(&head(&adw::ActionRow::new(), row)),
            }
        }
        list
    }

    fn remedy_row(&self, remedy: &str, id: Option<&str>) -> adw::PreferencesRow {
        let weak = self.downgrade();
        let copied = move || {
            if let Some(this) = weak.upgrade() {
                this.toast(&gettext("Command copied"));
            }
        };
        let content = remedy::content(remedy, copied);
        let profile = crate::model::remedy::apparmor_profile(remedy);
        if let Some(profile) = profile.filter(|_| id == Some("apparmor-userns")) {
            content.append(&self.install_button(profile));
        }
        // Of this type, or the group would put it below its list.
        adw::PreferencesRow::builder()
            .activatable(false)
            .selectable(false)
            .child(&content)
            .build()
    }

    /// The button that does it: after the system has asked for a password.
    fn install_button(&self, profile: String) -> gtk::Button {
        let button = gtk::Button::builder()
            .label(gettext("Install Profile…"))
            .halign(gtk::Align::Start)
            .margin_top(6)
            .css_classes(["suggested-action"])
            .build();
        let weak = self.downgrade();
        button.connect_clicked(move |button| {
            let (weak, button, profile) = (weak.clone(), button.clone(), profile.clone());
            button.set_sensitive(false);
            glib::spawn_future_local(async move {
                let helper = Application::current().session().helper.clone();
                let result = helper.install_apparmor_profile(&profile).await;
                button.set_sensitive(true);
                let Some(this) = weak.upgrade() else { return };
                match result {
                    Ok(true) => {
                        this.toast(&gettext("Profile installed"));
                        this.check();
                    }
                    Ok(false) => {}
                    Err(trouble) => trouble::present(&this, &trouble),
                }
            });
        });
        button
    }

    fn copy_report(&self) {
        self.clipboard().set_text(&self.imp().report.borrow());
        self.toast(&gettext("Report copied"));
    }

    fn toast(&self, text: &str) {
        self.imp().toasts.add_toast(adw::Toast::new(text));
    }
}

/// Fills a row with what was seen.
fn head(action: &adw::ActionRow, row: &Row) -> adw::ActionRow {
    action.set_title(&glib::markup_escape_text(&row.title));
    action.set_subtitle(&glib::markup_escape_text(&row.subtitle));
    action.add_prefix(&mark(row.outcome));
    let words = match row.outcome {
        Outcome::Ok => gettext_f("Passed: {check}", &[("check", &row.title)]),
        Outcome::Note => gettext_f("Note: {check}", &[("check", &row.title)]),
        Outcome::Problem => gettext_f("Problem: {check}", &[("check", &row.title)]),
    };
    action.update_property(&[gtk::accessible::Property::Label(&words)]);
    action.clone()
}

fn mark(outcome: Outcome) -> gtk::Image {
    let (icon, class) = match outcome {
        Outcome::Ok => ("object-select-symbolic", "success"),
        Outcome::Note => ("dialog-information-symbolic", "accent"),
        Outcome::Problem => ("process-stop-symbolic", "error"),
    };
    gtk::Image::builder()
        .icon_name(icon)
        .css_classes([class])
        .accessible_role(gtk::AccessibleRole::Presentation)
        .build()
}

/// Everything as text, for a message to somebody who can help.
fn report(document: &Findings) -> String {
    let lines = document.findings.iter().map(|finding| {
        let outcome = match finding.outcome {
            Outcome::Ok => "ok",
            Outcome::Note => "note",
            Outcome::Problem => "problem",
        };
        let remedy = finding.remedy.iter().map(|remedy| format!("{remedy}\n"));
        format!(
            "{outcome}: {} ({})\n{}",
            finding.summary,
            finding.id,
            remedy.collect::<String>()
        )
    });
    lines.collect()
}
