//! The programs of an instance, as a person counts them: by application.

use std::collections::BTreeMap;

use vpnns_protocol::instance::App;

/// An application that runs in an instance, with everything that it has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its first process.
    pub pid: u32,
    /// The processes to close: the first one, and those that nobody in it has started.
    pub roots: Vec<u32>,
    /// The launcher entry that it was opened by.
    pub entry: Option<String>,
    /// The first process' program.
    pub command: String,
    /// How many processes it has.
    pub processes: usize,
}

/// Groups processes: those of an entry belong together, else children with their first parent.
pub fn group(apps: &[App]) -> Vec<Running> {
    let by_pid: BTreeMap<u32, &App> = apps.iter().map(|app| (app.pid, app)).collect();
    let mut groups: BTreeMap<u32, Running> = BTreeMap::new();
    for app in apps {
        let root = root_of(app, &by_pid);
        let group = groups.entry(root.pid).or_insert_with(|| Running {
            pid: root.pid,
            roots: Vec::new(),
            entry: root.entry.clone(),
            command: root.command.clone(),
            processes: 0,
        });
        group.processes += 1;
        let parent = app.parent.and_then(|pid| by_pid.get(&pid));
        let is_child = parent.is_some_and(|parent| root_of(parent, &by_pid).pid == root.pid);
        if app.pid == root.pid || !is_child {
            group.roots.push(app.pid);
        }
    }
    groups.into_values().collect()
}

impl Running {
    /// Whether both are the same application: that of an entry, else that of a process.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.entry, &other.entry) {
            (None, None) => self.pid == other.pid,
            (one, two) => one == two,
        }
    }
}

/// The first parent of the same entry. The parents may be told as a circle: the walk is bounded.
fn root_of<'a>(app: &'a App, by_pid: &BTreeMap<u32, &'a App>) -> &'a App {
    if app.entry.is_some() {
        // A process whose parent is gone (a browser's zygote) belongs to its entry all the same.
        let first = by_pid.values().find(|other| other.entry == app.entry);
        return first.copied().unwrap_or(app);
    }
    let mut root = app;
    for _ in 0..by_pid.len() {
        match root.parent.and_then(|pid| by_pid.get(&pid)) {
            Some(parent) if parent.entry.is_none() && parent.pid < root.pid => root = parent,
            _ => break,
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(pid: u32, parent: u32, entry: &str) -> App {
        App {
            pid,
            command: format!("c{pid}"),
            parent: (parent > 0).then_some(parent),
            entry: (!entry.is_empty()).then(|| entry.to_owned()),
        }
    }

    #[test]
    fn children_count_with_their_application() {
        let apps = [
            app(10, 0, "firefox.desktop"),
            app(11, 10, "firefox.desktop"),
            app(12, 11, "firefox.desktop"),
            app(20, 0, ""),
            app(21, 20, ""),
        ];
        let groups = group(&apps);
        let counted: Vec<_> = groups.iter().map(|it| (it.pid, it.processes)).collect();
        assert_eq!(counted, [(10, 3), (20, 2)]);
        assert_eq!(groups[0].roots, [10]);
    }

    #[test]
    fn what_an_application_opens_is_another_one() {
        let apps = [app(1, 0, "terminal.desktop"), app(2, 1, "editor.desktop")];
        assert_eq!(group(&apps).len(), 2);
    }

    #[test]
    fn a_child_without_a_parent_belongs_to_its_entry() {
        let apps = [app(5, 0, "a.desktop"), app(9, 0, "a.desktop")];
        let groups = group(&apps);
        assert_eq!((groups.len(), groups[0].processes), (1, 2));
        assert_eq!(groups[0].roots, [5, 9]);
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let apps = [app(1, 2, ""), app(2, 1, "")];
        assert_eq!(group(&apps).iter().map(|it| it.processes).sum::<usize>(), 2);
    }
}
