//! Ending one program of the instance, with everything that it has started in there.

use std::io;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::Keeper;
use super::freezer::Freezer;
use super::members::{self, Member};
use crate::instance::control::Reply;
use crate::sys::process::is_alive;

/// How often it is looked for children that were started while the others were stopped. A stopped
/// process starts none, so that each round finds those of the round before at most.
const ROUNDS: usize = 64;

/// Why a program was not ended.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("process {pid} does not run in the instance {name}")]
    NotInside { name: String, pid: u32 },
    #[error("failed to look for the programs of the instance {name}")]
    Look {
        name: String,
        #[source]
        source: io::Error,
    },
}

impl Keeper {
    /// Somebody wants a program ended.
    pub(super) fn close(&mut self, index: usize, pid: u32, force: bool) {
        let name = self.name.to_string();
        let Some(program) = self.find_member(pid) else {
            let hint = format!("vpnns --status --name {name} shows the programs in it");
            let refusal = Refusal::NotInside { name, pid };
            return self.connections[index].refuse(&refusal, Some(hint));
        };
        let ended = if force {
            self.kill_family(&program)
        } else {
            self.family(&program)
                .map(|family| family.iter().for_each(Member::tell_to_end))
        };
        match ended {
            Ok(()) => {
                let warnings = Vec::new();
                self.connections[index].reply(Reply::Done { warnings }, None);
            }
            Err(source) => {
                let refusal = Refusal::Look { name, source };
                self.connections[index].refuse(&refusal, None);
            }
        }
    }

    /// The member with this number.
    fn find_member(&self, pid: u32) -> Option<Member> {
        let pid = Pid::from_raw(i32::try_from(pid).ok().filter(|pid| *pid > 0)?);
        let is_freezer = |freezer: &Freezer| freezer.pid() == pid;
        if self.loss.freezer().is_some_and(is_freezer) {
            return None;
        }
        if let Some(found) = members::find(pid, self.network_inode) {
            return Some(found);
        }
        // One that hides its namespaces has come through the door, and is held.
        let mut known = self.members.iter();
        let known = known.find(|it| it.pid == pid && is_alive(&it.pidfd))?;
        known.try_clone().ok()
    }

    /// A program and its descendants, parents before their children.
    fn family(&self, program: &Member) -> io::Result<Vec<Member>> {
        let others = members::scan(self.network_inode, None)?.into_iter();
        let others = others.filter(|it| it.pid != program.pid);
        let mut others: Vec<_> = others.map(|it| (it.parent(), it)).collect();
        let mut family = vec![program.try_clone()?];
        let mut looked_at = 0;
        while let Some(parent) = family.get(looked_at).map(Member::number) {
            let (children, rest) = others
                .into_iter()
                .partition::<Vec<_>, _>(|(of, _)| *of == Some(parent));
            family.extend(children.into_iter().map(|(_, child)| child));
            others = rest;
            looked_at += 1;
        }
        Ok(family)
    }

    /// Kills them all. They are stopped before: one that still ran could start more meanwhile, which
    /// would be nobody's children then.
    fn kill_family(&self, program: &Member) -> io::Result<()> {
        let mut stopped: Vec<Member> = Vec::new();
        let mut looked = Ok(());
        for _ in 0..ROUNDS {
            let mut family = match self.family(program) {
                Ok(family) => family,
                // Whoever is stopped by now is not to be left standing.
                Err(error) => {
                    looked = Err(error);
                    break;
                }
            };
            family.retain(|it| stopped.iter().all(|known| known.pid != it.pid));
            if family.is_empty() {
                break;
            }
            for member in &family {
                member.signal(Signal::SIGSTOP);
            }
            stopped.extend(family);
        }
        for member in &stopped {
            member.signal(Signal::SIGKILL);
        }
        looked
    }
}
