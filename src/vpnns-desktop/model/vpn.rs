//! One VPN: a profile, the instance that runs it, or both.

use std::cell::{Cell, Ref, RefCell, RefMut};

use gtk::glib;
use gtk::glib::prelude::*;
use gtk::glib::subclass::prelude::*;
use vpnns_protocol::finding::Findings;
use vpnns_protocol::instance::Instance;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::listing::Listed;

use super::leaks::{Checking, Leaks};
use super::presentation::Presentation;
use super::sign_in::SignIn;
use super::time;
use super::traffic::Traffic;
use crate::helper::Trouble;

/// What was asked for and is not to be seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// The helper was called to bring it up.
    Connecting,
    /// The helper was called to take it down.
    Disconnecting,
}

/// What is known about a VPN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The name of profile and instance.
    pub name: InstanceName,
    /// Its profile, as it is listed.
    pub listed: Option<Listed>,
    /// Its instance, if it runs.
    pub instance: Option<Instance>,
    /// What is on its way.
    pub pending: Option<Pending>,
    /// Why it could not be brought up, where no instance says it.
    pub trouble: Option<Trouble>,
}

/// The last leak check.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What was found.
    pub findings: Findings,
    /// When, in seconds since 1970.
    pub at: u64,
    /// The tunnel that it was about: when that came up; nothing if there was none.
    pub tunnel: Option<u64>,
}

impl Checked {
    /// Whether it is about the connection of now, or about being off since then.
    pub fn is_of(&self, facts: &Facts) -> bool {
        let instance = facts.instance.as_ref();
        let tunnel = instance
            .and_then(|it| it.tunnel.as_ref())
            .map(|it| it.since);
        self.tunnel == tunnel && (tunnel.is_some() || instance.is_none_or(|it| self.at >= it.since))
    }
}

mod imp {
    use std::sync::OnceLock;

    use super::{Cell, Checked, Checking, Facts, RefCell, SignIn, Traffic, Trouble, glib};
    use gtk::glib::subclass::Signal;
    use gtk::glib::subclass::prelude::*;

    /// The fields of [`super::Vpn`].
    #[derive(Default)]
    pub struct Vpn {
        pub facts: RefCell<Facts>,
        pub traffic: RefCell<Traffic>,
        pub checked: RefCell<Option<Result<Checked, Trouble>>>,
        pub checking: RefCell<Option<Checking>>,
        pub asked: Cell<Option<u64>>,
        pub wishes: Cell<u32>,
        pub sign_in: RefCell<SignIn>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Vpn {
        const NAME: &'static str = "VpnnsVpn";
        type Type = super::Vpn;
    }

    impl ObjectImpl for Vpn {
        fn signals() -> &'static [Signal] {
            static SIGNALS: OnceLock<Vec<Signal>> = OnceLock::new();
            SIGNALS.get_or_init(|| {
                // One for everything but traffic: a view recomputes its Presentation.
                vec![
                    Signal::builder("changed").build(),
                    Signal::builder("traffic").build(),
                ]
            })
        }
    }
}

glib::wrapper! {
    /// A VPN of the sidebar.
    pub struct Vpn(ObjectSubclass<imp::Vpn>);
}

impl Vpn {
    /// A VPN of which nothing but the name is known.
    pub fn new(name: InstanceName) -> Self {
        let this: Self = glib::Object::new();
        this.imp().facts.borrow_mut().name = name;
        this
    }

    /// Its name.
    pub fn name(&self) -> InstanceName {
        self.imp().facts.borrow().name.clone()
    }

    /// What is known.
    pub fn facts(&self) -> Ref<'_, Facts> {
        self.imp().facts.borrow()
    }

    /// What is shown.
    pub fn presentation(&self) -> Presentation {
        Presentation::of(&self.facts(), time::now())
    }

    /// Changes what is known; tells it if that made a difference.
    pub fn update(&self, change: impl FnOnce(&mut Facts)) {
        let before = self.facts().clone();
        change(&mut self.imp().facts.borrow_mut());
        if *self.facts() != before {
            self.emit_by_name::<()>("changed", &[]);
        }
    }

    /// Notes that somebody wants it up or down; the number is this wish's.
    pub fn begin_wish(&self) -> u32 {
        let wishes = &self.imp().wishes;
        wishes.set(wishes.get().wrapping_add(1));
        wishes.get()
    }

    /// Whether nobody has wanted anything else since.
    pub fn is_last_wish(&self, wish: u32) -> bool {
        self.imp().wishes.get() == wish
    }

    /// What passed in the last minute.
    pub fn traffic(&self) -> Ref<'_, Traffic> {
        self.imp().traffic.borrow()
    }

    /// Changes what passed, and tells it.
    pub fn update_traffic(&self, change: impl FnOnce(&mut Traffic)) {
        change(&mut self.imp().traffic.borrow_mut());
        self.emit_by_name::<()>("traffic", &[]);
    }

    /// The leak check as it is shown.
    pub fn leaks(&self) -> Leaks {
        let imp = self.imp();
        let (checking, checked) = (imp.checking.borrow(), imp.checked.borrow());
        Leaks::of(
            &self.facts(),
            checking.as_ref(),
            checked.as_ref(),
            time::now(),
        )
    }

    /// Whether leaks are looked for right now.
    pub fn is_checking(&self) -> bool {
        self.imp().checking.borrow().is_some()
    }

    /// Changes how far the leak check is, which begins with that.
    pub fn update_checking<T>(&self, change: impl FnOnce(&mut Checking) -> T) -> T {
        let made = change(self.imp().checking.borrow_mut().get_or_insert_default());
        self.emit_by_name::<()>("changed", &[]);
        made
    }

    /// Notes how a leak check has ended.
    pub fn set_checked(&self, checked: Result<Checked, Trouble>) {
        self.imp().checking.replace(None);
        self.imp().checked.replace(Some(checked));
        self.emit_by_name::<()>("changed", &[]);
    }

    /// Whether this question is shown for the first time; afterwards it is not any more.
    pub fn begin_question(&self, id: u64) -> bool {
        self.imp().asked.replace(Some(id)) != Some(id)
    }

    /// Nothing is asked any more; the next question may have the same number.
    pub fn end_question(&self) {
        self.imp().asked.set(None);
    }

    /// What was tried to sign in.
    pub fn sign_in(&self) -> RefMut<'_, SignIn> {
        self.imp().sign_in.borrow_mut()
    }

    /// Calls back whenever something but the traffic has changed.
    pub fn connect_changed(&self, call: impl Fn(&Self) + 'static) -> glib::SignalHandlerId {
        self.connect_local("changed", false, move |values| {
            if let Ok(this) = values[0].get() {
                call(&this);
            }
            None
        })
    }

    /// Calls back once a second while traffic is watched.
    pub fn connect_traffic(&self, call: impl Fn(&Self) + 'static) -> glib::SignalHandlerId {
        self.connect_local("traffic", false, move |values| {
            if let Ok(this) = values[0].get() {
                call(&this);
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn a_change_is_told_once_and_no_change_not_at_all() {
        let vpn = Vpn::new(InstanceName::default());
        let told = Rc::new(Cell::new(0));
        let count = told.clone();
        vpn.connect_changed(move |_| count.set(count.get() + 1));
        vpn.update(|facts| facts.pending = Some(Pending::Connecting));
        vpn.update(|facts| facts.pending = Some(Pending::Connecting));
        assert_eq!(told.get(), 1);
    }

    #[test]
    fn a_question_is_begun_once() {
        let vpn = Vpn::new(InstanceName::default());
        assert!(vpn.begin_question(1) && !vpn.begin_question(1) && vpn.begin_question(2));
        vpn.end_question();
        assert!(vpn.begin_question(2));
    }
}
