//! What the running app has, and what it does with it: the calls behind every action.

mod profiles;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use gtk::{gio, glib, prelude::*};
use vpnns_protocol::app::Entries;
use vpnns_protocol::argv::{Call, LaunchRequest};
use vpnns_protocol::event::Event;
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::listing::Profiles;
use vpnns_protocol::question::{Answer, Reply};

use crate::helper::{Helper, Trouble};
use crate::model::installed::Catalogue;
use crate::model::settings::Settings;
use crate::model::vpn::{Checked, Pending};
use crate::model::{Vpn, VpnList, time};
use crate::monitor::{self, Monitor, Told};

type Listener = Rc<dyn Fn(Option<&Trouble>)>;

/// Helper, model and settings of the running app.
pub struct Session {
    /// Starts `vpnns`.
    pub helper: Helper,
    /// All VPNs.
    pub vpns: VpnList,
    /// The installed applications.
    pub catalogue: Catalogue,
    /// The app's own settings.
    pub settings: Settings,
    monitor: RefCell<Option<Monitor>>,
    traffic: RefCell<Option<Monitor>>,
    profiles: RefCell<Option<gio::FileMonitor>>,
    lost: RefCell<Option<Trouble>>,
    listeners: RefCell<Vec<Listener>>,
}

impl Session {
    /// A session that has not begun to listen.
    pub fn new(helper: Helper) -> Rc<Self> {
        Rc::new(Self {
            helper,
            vpns: VpnList::default(),
            catalogue: Catalogue::default(),
            settings: Settings::load(&configuration()),
            monitor: RefCell::default(),
            traffic: RefCell::default(),
            profiles: RefCell::default(),
            lost: RefCell::default(),
            listeners: RefCell::default(),
        })
    }

    /// Begins to listen to the helper, and reads the profiles.
    pub fn begin(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let monitor = monitor::watch(self.helper.clone(), false, move |told| {
            let Some(this) = weak.upgrade() else { return };
            match told {
                Told::Started => this.vpns.begin(),
                Told::Event(event) => {
                    if event == Event::Ready {
                        this.set_lost(None);
                    }
                    this.vpns.apply(event);
                }
                Told::Lost(trouble) => this.set_lost(Some(trouble)),
            }
        });
        self.monitor.replace(Some(monitor));
        self.watch_profiles();
        let this = self.clone();
        glib::spawn_future_local(async move { this.reload_profiles().await });
    }

    /// Calls back whenever the helper is lost, with why, and when it is back.
    pub fn connect_lost(&self, call: impl Fn(Option<&Trouble>) + 'static) {
        call(self.lost.borrow().as_ref());
        self.listeners.borrow_mut().push(Rc::new(call));
    }

    fn set_lost(&self, lost: Option<Trouble>) {
        if *self.lost.borrow() == lost {
            return;
        }
        self.lost.replace(lost.clone());
        let listeners = self.listeners.borrow().clone();
        for listener in listeners {
            listener(lost.as_ref());
        }
    }

    /// Watches traffic as long as somebody can see it: that costs a wake-up a second.
    pub fn watch_traffic(self: &Rc<Self>, wanted: bool) {
        if wanted == self.traffic.borrow().is_some() {
            return;
        }
        if !wanted {
            self.traffic.replace(None);
            for vpn in self.vpns.iter() {
                vpn.update_traffic(crate::model::traffic::Traffic::forget);
            }
            return;
        }
        let vpns = self.vpns.clone();
        let monitor = monitor::watch(self.helper.clone(), true, move |told| {
            if let Told::Event(Event::Traffic { name, counters }) = told
                && let Some(vpn) = vpns.find(name.as_str())
            {
                vpn.update_traffic(|traffic| traffic.count(counters));
            }
        });
        self.traffic.replace(Some(monitor));
    }

    /// Other programs may make profiles too.
    fn watch_profiles(self: &Rc<Self>) {
        let directory = gio::File::for_path(configuration().join("profiles"));
        let Ok(watch) =
            directory.monitor_directory(gio::FileMonitorFlags::NONE, gio::Cancellable::NONE)
        else {
            return;
        };
        let weak = Rc::downgrade(self);
        watch.connect_changed(move |_, _, _, _| {
            let weak = weak.clone();
            glib::spawn_future_local(async move {
                if let Some(this) = weak.upgrade() {
                    this.reload_profiles().await;
                }
            });
        });
        self.profiles.replace(Some(watch));
    }

    /// Reads the profiles anew.
    pub async fn reload_profiles(&self) {
        match self
            .helper
            .document::<Profiles>(&Call::Profiles, None)
            .await
        {
            Ok(listed) => self.vpns.set_profiles(listed.profiles),
            Err(trouble) => self.set_lost(Some(trouble)),
        }
    }

    /// Reads the installed applications anew.
    pub async fn reload_apps(&self) -> Result<(), Trouble> {
        let entries = self.helper.document::<Entries>(&Call::Apps, None).await?;
        self.catalogue.set(entries.apps);
        Ok(())
    }

    /// Brings a VPN up; what goes wrong is shown as its state.
    pub async fn connect(&self, vpn: &Vpn) {
        vpn.update(|facts| {
            facts.pending = Some(Pending::Connecting);
            facts.trouble = None;
        });
        let result = self
            .helper
            .run(&Call::Connect {
                profile: vpn.name(),
            })
            .await;
        vpn.update(|facts| {
            let cancelled = facts.pending == Some(Pending::Disconnecting);
            facts.pending = facts.pending.filter(|it| *it != Pending::Connecting);
            facts.trouble = result.err().filter(|_| !cancelled);
        });
    }

    /// Takes a VPN down in order.
    pub async fn disconnect(&self, vpn: &Vpn) -> Result<(), Trouble> {
        vpn.update(|facts| {
            facts.pending = Some(Pending::Disconnecting);
            facts.trouble = None;
        });
        let result = self.helper.run(&Call::Disconnect(vpn.name())).await;
        vpn.update(|facts| facts.pending = None);
        result.map(drop)
    }

    /// Tries again at once.
    pub async fn reconnect(&self, vpn: &Vpn) -> Result<(), Trouble> {
        self.helper
            .run(&Call::Reconnect(vpn.name()))
            .await
            .map(drop)
    }

    /// Ends a VPN with every app in it.
    pub async fn stop(&self, vpn: &Vpn) -> Result<(), Trouble> {
        self.helper.run(&Call::Stop(vpn.name())).await.map(drop)
    }

    /// Answers a question.
    pub async fn answer(&self, vpn: &Vpn, number: u64, reply: Reply) -> Result<(), Trouble> {
        let answer = Answer { id: number, reply };
        // Names and texts only: this cannot fail.
        let mut text = serde_json::to_vec(&answer).unwrap_or_default();
        text.push(b'\n');
        let name = vpn.name();
        let call = Call::Answer { name, number };
        self.helper.run_with(&call, Some(text)).await.map(drop)
    }

    /// Opens an installed application, and remembers that.
    pub async fn open(&self, request: LaunchRequest) -> Result<(), Trouble> {
        let entry = request.entry.clone();
        self.helper.run(&Call::Open(request)).await?;
        self.settings.change(|values| values.opened(&entry));
        Ok(())
    }

    /// Ends one application.
    pub async fn close(&self, vpn: &Vpn, pid: u32, force: bool) -> Result<(), Trouble> {
        let name = vpn.name();
        self.helper
            .run(&Call::Close { name, pid, force })
            .await
            .map(drop)
    }

    /// Looks for leaks, and notes what was found.
    pub async fn check(&self, vpn: &Vpn) -> Result<(), Trouble> {
        let call = Call::Check(vpn.name());
        let findings = self.helper.document(&call, None).await?;
        let tunnel = {
            let facts = vpn.facts();
            let instance = facts.instance.as_ref();
            instance
                .and_then(|it| it.tunnel.as_ref())
                .map(|tunnel| tunnel.since)
        };
        let at = time::now();
        vpn.set_checked(Checked {
            findings,
            at,
            tunnel,
        });
        Ok(())
    }

    /// The VPN that "Open in VPN" means: the chosen one, else the only one.
    pub fn default_vpn(&self) -> Option<Vpn> {
        let chosen = self.settings.get().default_vpn.clone();
        let chosen = chosen.and_then(|name| self.vpns.find(&name));
        chosen.or_else(|| self.vpns.iter().next())
    }

    /// A VPN's name as the helper takes it.
    pub fn name_of(text: &str) -> Option<InstanceName> {
        text.parse().ok()
    }
}

/// `~/.config/vpnns`.
pub fn configuration() -> PathBuf {
    glib::user_config_dir().join("vpnns")
}
