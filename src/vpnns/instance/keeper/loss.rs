//! What happens to the programs when a connection is lost against the user's wish (`on-drop`).

use vpnns_protocol::instance::State;
use vpnns_protocol::profile::OnDrop;

use super::Keeper;
use super::freezer::Freezer;

/// A connection that is lost, or is not, and what the profile wants for that.
#[derive(Debug, Default)]
pub(super) struct Loss {
    wanted: OnDrop,
    /// The profile's tunnel has been up: from then on it can be lost.
    was_up: bool,
    /// It is down, and nobody wanted that.
    is_lost: bool,
    /// The programs that are stopped meanwhile.
    freezer: Option<Freezer>,
}

impl Loss {
    /// A profile is being connected.
    pub(super) fn begin(&mut self, wanted: OnDrop) {
        // What was stopped for the one before goes on being stopped only for the same reason.
        self.is_lost &= wanted == OnDrop::Freeze && self.freezer.is_some();
        self.wanted = wanted;
        self.was_up = false;
    }

    /// The user wants no connection any more.
    pub(super) fn is_wished(&mut self) {
        self.is_lost = false;
        self.was_up = false;
    }

    /// The instance comes to a state; whether a profile is kept up in it.
    pub(super) fn comes_to(&mut self, state: &State, is_kept_up: bool) {
        match state {
            State::Connected => {
                self.is_lost = false;
                self.was_up |= is_kept_up;
            }
            State::Reconnecting | State::Failed { .. } => self.is_lost |= self.was_up,
            State::Isolated | State::Connecting { .. } => {}
        }
    }

    /// The process that keeps programs stopped.
    pub(super) fn freezer(&self) -> Option<&Freezer> {
        self.freezer.as_ref()
    }
}

impl Keeper {
    /// Does to the programs what the state asks for; at the end of a turn, when it is the last one.
    pub(super) fn follow_loss(&mut self) {
        let is_frozen = self.loss.freezer.is_some();
        match (self.loss.wanted, self.loss.is_lost) {
            (OnDrop::Freeze, true) if !is_frozen => self.freeze(),
            (_, false) if is_frozen => {
                self.loss.freezer = None;
                self.log.add("the programs go on");
                self.changed = true;
            }
            (OnDrop::Close, true) if matches!(self.state, State::Failed { .. }) => {
                self.loss.is_wished();
                self.log.add("the programs are told to end");
                self.look_for_members();
                self.tell_to_end();
            }
            _ => {}
        }
    }

    fn freeze(&mut self) {
        match Freezer::freeze(self.name.as_str(), self.network_inode, &self.directory.path) {
            Ok(freezer) => {
                self.loss.freezer = Some(freezer);
                self.log.add("the programs are stopped");
                self.changed = true;
            }
            // They are offline either way. Not tried again in every turn.
            Err(errno) => {
                self.loss.is_lost = false;
                let reason = errno.desc();
                self.log
                    .add(&format!("failed to stop the programs: {reason}"));
            }
        }
    }
}
