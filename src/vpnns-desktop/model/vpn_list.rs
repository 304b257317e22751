//! All VPNs: the profiles that there are, and the instances that run.

use std::collections::BTreeSet;

use gtk::gio;
use gtk::glib::prelude::*;
use gtk::prelude::*;
use vpnns_protocol::event::Event;
use vpnns_protocol::instance::{Instance, State};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::listing::Listed;

use super::vpn::{Pending, Vpn};

/// The VPNs in the order of their names.
#[derive(Clone, Debug)]
pub struct VpnList {
    store: gio::ListStore,
    /// The instances told since the helper was started, until it is ready.
    told: std::rc::Rc<std::cell::RefCell<Option<BTreeSet<InstanceName>>>>,
    known: std::rc::Rc<std::cell::Cell<bool>>,
}

impl Default for VpnList {
    fn default() -> Self {
        Self {
            store: gio::ListStore::new::<Vpn>(),
            told: std::rc::Rc::default(),
            known: std::rc::Rc::default(),
        }
    }
}

impl VpnList {
    /// The list for views; its items are [`Vpn`]s.
    pub fn model(&self) -> &gio::ListStore {
        &self.store
    }

    /// Whether an empty list means that there is none, and not that nobody has answered yet.
    pub fn is_known(&self) -> bool {
        self.known.get()
    }

    /// Somebody has answered, or nobody will; views are told as of any other change.
    pub fn set_known(&self) {
        if !self.known.replace(true) {
            self.store.items_changed(0, 0, 0);
        }
    }

    /// Each VPN.
    pub fn iter(&self) -> impl Iterator<Item = Vpn> + '_ {
        (0..self.store.n_items()).filter_map(|index| self.store.item(index).and_downcast::<Vpn>())
    }

    /// The VPN of that name.
    pub fn find(&self, name: &str) -> Option<Vpn> {
        self.iter().find(|vpn| vpn.facts().name.as_str() == name)
    }

    /// The helper was started: what it does not tell now is gone.
    pub fn begin(&self) {
        self.told.replace(Some(BTreeSet::new()));
    }

    /// What the helper tells.
    pub fn apply(&self, event: Event) {
        match event {
            Event::Appeared { instance } | Event::Changed { instance } => self.put(instance),
            Event::Gone { name } => self.gone(&name),
            Event::Ready => {
                let told = self.told.take().unwrap_or_default();
                let names: Vec<_> = self.iter().map(|vpn| vpn.name()).collect();
                for name in names.iter().filter(|name| !told.contains(name)) {
                    self.gone(name);
                }
            }
            Event::Traffic { .. } | Event::Unknown => {}
        }
    }

    fn put(&self, instance: Instance) {
        if let Some(told) = self.told.borrow_mut().as_mut() {
            told.insert(instance.name.clone());
        }
        let vpn = self.find_or_make(&instance.name);
        vpn.update(|facts| {
            let settled = match facts.pending {
                // What a stale failure says is not the answer to a call just made.
                Some(Pending::Connecting) => {
                    !matches!(instance.state, State::Isolated | State::Failed { .. })
                }
                Some(Pending::Disconnecting) => {
                    matches!(instance.state, State::Isolated | State::Failed { .. })
                }
                None => false,
            };
            if settled {
                facts.pending = None;
            }
            if matches!(instance.state, State::Connected) {
                facts.trouble = None;
            }
            facts.instance = Some(instance);
        });
    }

    fn gone(&self, name: &InstanceName) {
        let Some(vpn) = self.find(name.as_str()) else {
            return;
        };
        vpn.update(|facts| {
            facts.instance = None;
            if facts.pending == Some(Pending::Disconnecting) {
                facts.pending = None;
            }
        });
        self.drop_if_empty(&vpn);
    }

    /// The profiles that there are now.
    pub fn set_profiles(&self, profiles: Vec<Listed>) {
        let mut names = BTreeSet::new();
        for listed in profiles {
            // The name of a broken file may be none that a VPN can have.
            let Ok(name) = listed.name.parse::<InstanceName>() else {
                continue;
            };
            self.find_or_make(&name)
                .update(|facts| facts.listed = Some(listed));
            names.insert(name);
        }
        let gone: Vec<Vpn> = self
            .iter()
            .filter(|vpn| !names.contains(&vpn.name()))
            .collect();
        for vpn in gone {
            vpn.update(|facts| facts.listed = None);
            self.drop_if_empty(&vpn);
        }
        self.sort();
        self.set_known();
    }

    fn find_or_make(&self, name: &InstanceName) -> Vpn {
        self.find(name.as_str()).unwrap_or_else(|| {
            let vpn = Vpn::new(name.clone());
            self.store.insert_sorted(&vpn, compare);
            vpn
        })
    }

    /// Neither a profile nor an instance: nothing to show.
    fn drop_if_empty(&self, vpn: &Vpn) {
        let empty = {
            let facts = vpn.facts();
            facts.listed.is_none() && facts.instance.is_none()
        };
        if empty && let Some(index) = self.store.find(vpn) {
            self.store.remove(index);
        }
    }

    fn sort(&self) {
        let sorted = self.iter().is_sorted_by_key(|vpn| key(&vpn));
        // Rows that only change must not be made anew: the selection would go with them.
        if !sorted {
            self.store.sort(compare);
        }
    }
}

fn key(vpn: &Vpn) -> (String, InstanceName) {
    (vpn.presentation().name.to_lowercase(), vpn.name())
}

fn compare(a: &gtk::glib::Object, b: &gtk::glib::Object) -> std::cmp::Ordering {
    match (a.downcast_ref::<Vpn>(), b.downcast_ref::<Vpn>()) {
        (Some(a), Some(b)) => key(a).cmp(&key(b)),
        _ => std::cmp::Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: &str, state: &str) -> Instance {
        let json = format!(
            r#"{{"name":"{name}","state":"{state}","since":0,"keeper":1,"apps":[],"tunnel":null}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn listed(name: &str) -> Listed {
        let json = format!(
            r#"{{"name":"{name}","path":"/p","title":null,"kind":"demo","server":null,
               "connect-on-open":false,"start-at-login":false,"apps":[],"error":null}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn names(list: &VpnList) -> Vec<String> {
        list.iter().map(|vpn| vpn.name().to_string()).collect()
    }

    #[test]
    fn profiles_and_instances_of_one_name_are_one_vpn() {
        let list = VpnList::default();
        list.set_profiles(vec![listed("b"), listed("a")]);
        list.apply(Event::Appeared {
            instance: instance("b", "connected"),
        });
        list.apply(Event::Appeared {
            instance: instance("c", "isolated"),
        });
        assert_eq!(names(&list), ["a", "b", "c"]);
        list.apply(Event::Gone {
            name: "b".parse().unwrap(),
        });
        list.apply(Event::Gone {
            name: "c".parse().unwrap(),
        });
        assert_eq!(names(&list), ["a", "b"]);
        list.set_profiles(vec![]);
        assert_eq!(names(&list), [""; 0]);
    }

    #[test]
    fn that_there_is_none_is_told_once_it_is_known() {
        let list = VpnList::default();
        let told = std::rc::Rc::new(std::cell::Cell::new(0));
        let counted = told.clone();
        list.model()
            .connect_items_changed(move |_, _, _, _| counted.set(counted.get() + 1));
        assert!(!list.is_known());
        list.set_profiles(vec![]);
        list.set_profiles(vec![]);
        assert!(list.is_known());
        assert_eq!(told.get(), 1);
    }

    #[test]
    fn a_restarted_helper_tells_the_truth_again() {
        let list = VpnList::default();
        list.apply(Event::Appeared {
            instance: instance("old", "connected"),
        });
        list.begin();
        list.apply(Event::Appeared {
            instance: instance("new", "isolated"),
        });
        assert_eq!(names(&list), ["new", "old"]);
        list.apply(Event::Ready);
        assert_eq!(names(&list), ["new"]);
    }

    #[test]
    fn an_old_failure_does_not_end_a_new_try() {
        let list = VpnList::default();
        list.set_profiles(vec![listed("a")]);
        let vpn = list.find("a").unwrap();
        vpn.update(|facts| facts.pending = Some(Pending::Connecting));
        list.apply(Event::Appeared {
            instance: instance("a", "isolated"),
        });
        assert!(vpn.facts().pending.is_some());
        list.apply(Event::Changed {
            instance: instance("a", "connected"),
        });
        assert!(vpn.facts().pending.is_none());
    }
}
