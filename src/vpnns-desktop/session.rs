//! What the running app has, and what it does with it: the calls behind every action.

mod profiles;

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use gtk::{gio, glib, prelude::*};
use vpnns_protocol::VERSION;
use vpnns_protocol::app::Entries;
use vpnns_protocol::argv::{Call, LaunchRequest};
use vpnns_protocol::event::Event;
use vpnns_protocol::finding;
use vpnns_protocol::log::{self, Log};
use vpnns_protocol::name::InstanceName;
use vpnns_protocol::profile::listing::{Listed, Profiles};
use vpnns_protocol::question::{Answer, Reply};

use crate::helper::{Helper, Trouble};
use crate::i18n::gettext;
use crate::model::installed::Catalogue;
use crate::model::presentation::Look;
use crate::model::settings::Settings;
use crate::model::traffic::Traffic;
use crate::model::vpn::{Checked, Pending};
use crate::model::{Vpn, VpnList, time};
use crate::monitor::{self, Monitor, Told};
use crate::widgets::Ticker;

/// How long a single check for leaks may take.
const CHECK_PATIENCE: Duration = Duration::from_secs(60);

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
    traffic_wanted: Cell<bool>,
    /// Counts the seconds in which a VPN that was lost tells no traffic.
    silence: RefCell<Ticker>,
    apps_wanted: Cell<bool>,
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
            traffic_wanted: Cell::default(),
            silence: RefCell::default(),
            apps_wanted: Cell::default(),
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
                    if *event == Event::Ready {
                        this.set_lost(None);
                    }
                    this.vpns.apply(*event);
                    this.follow_traffic();
                    this.count_silence();
                }
                Told::Lost(trouble) => this.set_lost(Some(&trouble)),
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

    /// Why the helper is lost, if it is.
    pub fn lost(&self) -> Option<Trouble> {
        self.lost.borrow().clone()
    }

    fn set_lost(&self, lost: Option<&Trouble>) {
        if self.lost.borrow().as_ref() == lost {
            return;
        }
        self.lost.replace(lost.cloned());
        if lost.is_some() {
            self.vpns.set_known();
        }
        let listeners = self.listeners.borrow().clone();
        for listener in listeners {
            listener(lost);
        }
    }

    /// Watches traffic as long as somebody can see it: that costs a wake-up a second.
    pub fn watch_traffic(self: &Rc<Self>, wanted: bool) {
        self.traffic_wanted.set(wanted);
        self.follow_traffic();
        if !wanted {
            self.silence.borrow_mut().stop();
            for vpn in self.vpns.iter() {
                vpn.update_traffic(Traffic::forget);
            }
        }
    }

    /// Where nothing runs there is no traffic, and so no helper that waits for some.
    fn follow_traffic(self: &Rc<Self>) {
        let wanted =
            self.traffic_wanted.get() && self.vpns.iter().any(|vpn| vpn.facts().instance.is_some());
        if wanted == self.traffic.borrow().is_some() {
            return;
        }
        if !wanted {
            self.traffic.replace(None);
            return;
        }
        let vpns = self.vpns.clone();
        let monitor = monitor::watch(self.helper.clone(), true, move |told| {
            if let Told::Event(event) = told
                && let Event::Traffic { name, counters } = *event
                && let Some(vpn) = vpns.find(name.as_str())
            {
                vpn.update_traffic(|traffic| traffic.count(counters));
            }
        });
        self.traffic.replace(Some(monitor));
        self.count_silence();
    }

    /// A lost VPN tells no traffic: its seconds pass all the same. One that is off has no minute.
    fn count_silence(self: &Rc<Self>) {
        if !self.traffic_wanted.get() {
            return;
        }
        let mut is_any_lost = false;
        for vpn in self.vpns.iter() {
            match vpn.presentation().look {
                Look::Reconnecting => is_any_lost = true,
                Look::Connected => {}
                _ if vpn.traffic().is_empty() => {}
                _ => vpn.update_traffic(Traffic::forget),
            }
        }
        let weak = Rc::downgrade(self);
        let ticks = is_any_lost.then_some(1);
        self.silence.borrow_mut().set(ticks, move || {
            let Some(this) = weak.upgrade() else { return };
            for vpn in this.vpns.iter() {
                if vpn.presentation().look == Look::Reconnecting {
                    vpn.update_traffic(Traffic::silence);
                }
            }
        });
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
        match self.read_profiles().await {
            Ok(profiles) => self.vpns.set_profiles(profiles),
            Err(trouble) => self.set_lost(Some(&trouble)),
        }
    }

    /// The profiles that there are now.
    pub async fn read_profiles(&self) -> Result<Vec<Listed>, Trouble> {
        let profiles: Profiles = self.helper.document(&Call::Profiles, None).await?;
        Ok(profiles.profiles)
    }

    /// Reads the installed applications anew.
    pub async fn reload_apps(&self) -> Result<(), Trouble> {
        let entries = self.helper.document::<Entries>(&Call::Apps, None).await?;
        self.catalogue.set(entries.apps);
        Ok(())
    }

    /// Reads the installed applications, if nobody has yet: names and icons are wanted.
    pub fn want_apps(self: &Rc<Self>) {
        if self.apps_wanted.replace(true) || self.catalogue.store.n_items() > 0 {
            return;
        }
        let this = self.clone();
        glib::spawn_future_local(async move {
            // Without them, apps are shown by their programs' names; the picker says why.
            let _ = this.reload_apps().await;
        });
    }

    /// Brings a VPN up; what goes wrong is shown as its state.
    pub async fn connect(&self, vpn: &Vpn) {
        let wish = vpn.begin_wish();
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
        // Whoever wants something else by now does not ask how this one came out.
        if vpn.is_last_wish(wish) {
            vpn.update(|facts| {
                facts.pending = None;
                facts.trouble = result.err();
            });
        }
    }

    /// Takes a VPN down in order.
    pub async fn disconnect(&self, vpn: &Vpn) -> Result<(), Trouble> {
        let wish = vpn.begin_wish();
        vpn.update(|facts| {
            facts.pending = Some(Pending::Disconnecting);
            facts.trouble = None;
        });
        let result = self.helper.run(&Call::Disconnect(vpn.name())).await;
        if vpn.is_last_wish(wish) {
            vpn.update(|facts| facts.pending = None);
        }
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

    /// Runs a program by its path.
    pub async fn run_program(
        &self,
        name: InstanceName,
        command: Vec<OsString>,
    ) -> Result<(), Trouble> {
        self.helper
            .run(&Call::Run { name, command })
            .await
            .map(drop)
    }

    /// Ends one application.
    pub async fn close(&self, vpn: &Vpn, pid: u32, force: bool) -> Result<(), Trouble> {
        let name = vpn.name();
        self.helper
            .run(&Call::Close { name, pid, force })
            .await
            .map(drop)
    }

    /// Looks for leaks, and notes what was found or why that could not be done.
    pub async fn check(&self, vpn: &Vpn) {
        if vpn.is_checking() {
            return;
        }
        vpn.update_checking(|_| ());
        let checked = self.look_for_leaks(vpn).await;
        vpn.set_checked(checked);
    }

    async fn look_for_leaks(&self, vpn: &Vpn) -> Result<Checked, Trouble> {
        let tunnel = {
            let facts = vpn.facts();
            let instance = facts.instance.as_ref();
            instance
                .and_then(|it| it.tunnel.as_ref())
                .map(|tunnel| tunnel.since)
        };
        let mut stream = self.helper.stream(&Call::Check(vpn.name()))?;
        loop {
            let next = glib::future_with_timeout(CHECK_PATIENCE, stream.next()).await;
            let silent = || Trouble::new(gettext("The VPN helper does not answer"));
            let Some(line) = next.map_err(|_| silent())?? else {
                let ended = || Trouble::new(gettext("The VPN helper has ended"));
                return Err(stream.trouble().await.unwrap_or_else(ended));
            };
            let progress = match serde_json::from_str::<finding::Line>(&line) {
                Ok(line) if line.version == VERSION => line.progress,
                _ => {
                    let text = gettext("The answer of the VPN helper cannot be read");
                    return Err(Trouble::new(text)
                        .hint(gettext("Check that app and helper have the same version.")));
                }
            };
            if let Some(findings) = vpn.update_checking(|it| it.hear(progress)) {
                let at = time::now();
                return Ok(Checked {
                    findings,
                    at,
                    tunnel,
                });
            }
        }
    }

    /// What has happened in a VPN.
    pub async fn log(&self, vpn: &Vpn) -> Result<Vec<log::Line>, Trouble> {
        let call = Call::Log(vpn.name());
        Ok(self.helper.document::<Log>(&call, None).await?.lines)
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
