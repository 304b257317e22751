//! The form of a profile: rows in groups, and what is wrong below each.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use adw::prelude::*;
use gtk::glib;

use super::rows::{Place, Shown};
use super::{apps, rows};
use crate::helper::Trouble;
use crate::i18n::{gettext, gettext_f};
use crate::model::draft::{Draft, Fault, Field, Kind, name_for};
use crate::model::words::{full_sentence, joined};

/// Who is told whether all is well.
type Told = Rc<dyn Fn(bool)>;

/// A form on the screen.
pub struct Form {
    /// What it holds.
    pub draft: RefCell<Draft>,
    /// The file that an OpenVPN configuration is to be taken from.
    pub source: RefCell<Option<PathBuf>>,
    /// The rows as they stand now.
    pub(super) rows: RefCell<HashMap<Field, Shown>>,
    /// Hides the text of a configuration that is going to be replaced.
    pub(super) hide_text: RefCell<Option<Box<dyn Fn()>>>,
    /// The window that it is in.
    pub window: glib::WeakRef<adw::Window>,
    /// The pages of that window.
    pub leaflet: glib::WeakRef<adw::Leaflet>,
    /// Whether the file's name follows what people call it.
    follows: Cell<bool>,
    /// Whether the name must stay, because something runs under it.
    fixed_name: bool,
    column: gtk::Box,
    trouble: gtk::Label,
    told: RefCell<Option<Told>>,
}

impl Form {
    /// A form that holds a draft.
    pub fn new(
        window: &adw::Window,
        leaflet: &adw::Leaflet,
        draft: Draft,
        fixed_name: bool,
    ) -> Rc<Self> {
        let follows = Cell::new(draft.get(Field::Name).is_empty());
        let this = Rc::new(Self {
            draft: RefCell::new(draft),
            source: RefCell::default(),
            rows: RefCell::default(),
            hide_text: RefCell::default(),
            window: window.downgrade(),
            leaflet: leaflet.downgrade(),
            follows,
            fixed_name,
            column: gtk::Box::new(gtk::Orientation::Vertical, 24),
            trouble: rows::fault_label(),
            told: RefCell::default(),
        });
        this.follow_title();
        this.build();
        this
    }

    /// What is to be put into a window.
    pub fn widget(&self) -> &gtk::Box {
        &self.column
    }

    /// Puts the cursor into the first field.
    pub fn focus(&self) {
        if let Some(shown) = self.rows.borrow().get(&Field::Title) {
            shown.row.grab_focus();
        }
    }

    /// Whether the cursor is in one of the fields.
    pub fn has_focus(&self) -> bool {
        self.column.focus_child().is_some()
    }

    /// Calls back with whether all is well, now and after each change.
    pub fn connect_valid(&self, call: impl Fn(bool) + 'static) {
        self.told.replace(Some(Rc::new(call)));
        self.tell();
    }

    /// Says above the form what the helper has against it.
    pub fn show_trouble(&self, trouble: &Trouble) {
        let more = trouble.causes.iter().chain(&trouble.hint);
        let text = joined(
            std::iter::once(&trouble.message)
                .chain(more)
                .map(|it| full_sentence(it)),
        );
        self.trouble.set_label(&glib::markup_escape_text(&text));
        self.trouble.set_visible(true);
        self.trouble.grab_focus();
    }

    /// A field has another text.
    pub(super) fn changed(self: &Rc<Self>, field: Field, text: &str) {
        if self.draft.borrow().get(field) == text {
            return;
        }
        self.draft.borrow_mut().set(field, text);
        self.trouble.set_visible(false);
        match field {
            Field::Title => self.follow_title(),
            Field::Name => self.follows.set(text.is_empty()),
            Field::DnsMode => self.show_dns(),
            // One takes the place of the other, so what was missing may not be any more.
            Field::ConfigFile => self.show_fault(Field::Config, None),
            _ => {}
        }
        // What was wrong is looked at again while it is mended; what was not yet, not before it is left.
        let is_shown = self.rows.borrow().get(&field).is_some_and(Shown::has_fault);
        if is_shown {
            self.check(field);
        }
        self.tell();
    }

    /// A field was left, or must be looked at.
    pub(super) fn check(self: &Rc<Self>, field: Field) {
        let fault = self.draft.borrow().fault(field);
        self.show_fault(field, fault.as_ref());
    }

    /// Says below a field what is wrong with it, or nothing.
    pub(super) fn show_fault(&self, field: Field, fault: Option<&Fault>) {
        if let Some(shown) = self.rows.borrow().get(&field) {
            shown.show(fault);
        }
    }

    fn tell(&self) {
        let told = self.told.borrow().clone();
        if let Some(told) = told {
            let faults = self.draft.borrow().faults();
            // Two fields that do not go together: said below the second one.
            if let [fault] = &faults[..]
                && self.draft.borrow().fault(fault.field).is_none()
            {
                self.show_fault(fault.field, Some(fault));
            }
            told(faults.is_empty());
        }
    }

    fn follow_title(&self) {
        if !self.follows.get() {
            return;
        }
        let name = {
            let draft = self.draft.borrow();
            name_for(draft.get(Field::Title), &draft.taken)
        };
        self.draft.borrow_mut().set(Field::Name, name.as_str());
        let row = self
            .rows
            .borrow()
            .get(&Field::Name)
            .map(|it| it.row.clone());
        if let Some(row) = row.and_downcast::<adw::EntryRow>() {
            row.set_text(name.as_str());
        }
        self.follows.set(true);
    }

    fn show_dns(&self) {
        let own = self.draft.borrow().get(Field::DnsMode) == "own";
        if let Some(shown) = self.rows.borrow().get(&Field::Dns) {
            shown.row.set_visible(own);
            if !own {
                shown.show(None);
            }
        }
    }

    /// Makes all rows anew.
    pub(super) fn build(self: &Rc<Self>) {
        while let Some(child) = self.column.first_child() {
            self.column.remove(&child);
        }
        self.rows.borrow_mut().clear();
        self.trouble.set_visible(false);
        self.column.append(&self.trouble);
        let kind = self.draft.borrow().kind();
        let advanced = rows::expander(&gettext("Advanced"), &advanced_subtitle(kind));
        let first = self.group("", "");
        self.entry(&first, Field::Title);
        match kind {
            Kind::OpenConnect => self.build_openconnect(&first, &advanced),
            Kind::OpenVpn => self.build_openvpn(&first, &advanced),
            Kind::WireGuard => self.build_wireguard(&first, &advanced),
            Kind::Command => {
                self.entry(&first, Field::Run);
                self.choice(&advanced, Field::Method);
                self.entry(&advanced, Field::Environment);
                first.add(&advanced);
            }
            Kind::Demo => first.add(&advanced),
        }
        self.entry(&advanced, Field::Name);
        if self.fixed_name
            && let Some(shown) = self.rows.borrow().get(&Field::Name)
        {
            shown.row.set_sensitive(false);
            let why = gettext("It can be changed when the VPN is off and no app is open in it");
            shown.row.set_tooltip_text(Some(&why));
        }
        self.build_common();
        self.tell();
    }

    fn build_openconnect(
        self: &Rc<Self>,
        first: &adw::PreferencesGroup,
        advanced: &adw::ExpanderRow,
    ) {
        self.entry(first, Field::Server);
        let protocol = self.group("", "");
        self.choice(&protocol, Field::Protocol);
        let hint = gettext("The password is asked for when you connect.");
        let sign_in = self.group(&gettext("Sign-In"), &hint);
        self.entry(&sign_in, Field::User);
        sign_in.add(advanced);
        self.entry(advanced, Field::Group);
        self.path(advanced, Field::Certificate);
        self.path(advanced, Field::Key);
        self.path(advanced, Field::Ca);
        self.entry(advanced, Field::Fingerprint);
        self.choice(advanced, Field::Method);
        self.entry(advanced, Field::Arguments);
    }

    fn build_openvpn(self: &Rc<Self>, first: &adw::PreferencesGroup, advanced: &adw::ExpanderRow) {
        self.configuration(first);
        let hint = gettext("The password is asked for when you connect.");
        let sign_in = self.group(&gettext("Sign-In"), &hint);
        self.entry(&sign_in, Field::User);
        sign_in.add(advanced);
        self.path(advanced, Field::ConfigFile);
        self.entry(advanced, Field::Arguments);
        self.config_text(advanced);
    }

    fn build_wireguard(self: &Rc<Self>, _: &adw::PreferencesGroup, advanced: &adw::ExpanderRow) {
        let own = self.group(&gettext("This Computer"), "");
        let draft = self.draft.borrow();
        let by_file = !draft.get(Field::PrivateKeyFile).is_empty();
        let peers = draft.peers();
        drop(draft);
        if by_file {
            self.path(&own, Field::PrivateKeyFile);
        } else {
            self.secret(&own, Field::PrivateKey);
        }
        self.entry(&own, Field::Addresses);
        own.add(advanced);
        self.entry(advanced, Field::Mtu);
        self.entry(advanced, Field::ListenPort);
        self.entry(advanced, Field::Search);
        if !by_file {
            self.path(advanced, Field::PrivateKeyFile);
        }
        for index in 0..peers {
            self.build_peer(index, peers);
        }
        let add = gtk::Button::builder()
            .label(gettext("Add Peer"))
            .halign(gtk::Align::Center)
            .build();
        let weak = Rc::downgrade(self);
        add.connect_clicked(move |_| {
            if let Some(this) = weak.upgrade() {
                this.draft.borrow_mut().add_peer();
                this.build();
            }
        });
        self.column.append(&add);
    }

    fn build_peer(self: &Rc<Self>, index: usize, peers: usize) {
        let title = if peers == 1 {
            // Translators: the other end, of WireGuard
            gettext("Peer")
        } else {
            gettext_f("Peer {n}", &[("n", &(index + 1).to_string())])
        };
        let group = self.group(&title, "");
        if peers > 1 {
            let remove = gtk::Button::builder()
                .icon_name("user-trash-symbolic")
                .tooltip_text(gettext("Remove Peer"))
                .css_classes(["flat"])
                .build();
            let weak = Rc::downgrade(self);
            remove.connect_clicked(move |_| {
                if let Some(this) = weak.upgrade() {
                    this.draft.borrow_mut().remove_peer(index);
                    this.build();
                }
            });
            group.set_header_suffix(Some(&remove));
        }
        self.entry(&group, Field::PublicKey(index));
        self.entry(&group, Field::Endpoint(index));
        self.entry(&group, Field::AllowedIps(index));
        let more = rows::expander(&gettext("More"), &gettext("Preshared key, keepalive"));
        group.add(&more);
        self.secret(&more, Field::PresharedKey(index));
        self.entry(&more, Field::Keepalive(index));
    }

    fn build_common(self: &Rc<Self>) {
        let connection = self.group(&gettext("Connection"), "");
        self.choice(&connection, Field::Routes);
        self.choice(&connection, Field::DnsMode);
        self.entry(&connection, Field::Dns);
        self.choice(&connection, Field::OnDrop);
        self.switch(&connection, Field::StartAtLogin);
        self.switch(&connection, Field::ConnectOnOpen);
        let ports = rows::expander(
            &gettext("Ports"),
            &gettext("Single ports that stay open past the VPN"),
        );
        connection.add(&ports);
        self.entry(&ports, Field::Publish);
        self.entry(&ports, Field::Reach);
        self.show_dns();
        let hint = gettext("These apps are opened in this VPN each time it is connected.");
        let group = self.group(&Field::Apps.title(), &hint);
        apps::fill(self, &group);
    }

    pub(super) fn group(&self, title: &str, description: &str) -> adw::PreferencesGroup {
        let group = adw::PreferencesGroup::builder()
            .title(title)
            .description(description)
            .build();
        self.column.append(&group);
        group
    }

    /// Remembers a row, and puts below it the place for what is wrong with it.
    pub(super) fn place(&self, place: &impl Place, field: Field, row: &impl IsA<gtk::Widget>) {
        place.put(row.upcast_ref());
        let shown = Shown::new(row.upcast_ref());
        place.put(shown.fault.upcast_ref());
        self.rows.borrow_mut().insert(field, shown);
    }
}

fn advanced_subtitle(kind: Kind) -> String {
    match kind {
        Kind::OpenConnect => gettext("Group, certificate, fingerprint, more options"),
        Kind::OpenVpn => gettext("File used where it is, more options, text"),
        Kind::WireGuard => gettext("MTU, port, search domains, key file"),
        Kind::Command => gettext("Packets, variables"),
        Kind::Demo => gettext("Name on the command line"),
    }
}
