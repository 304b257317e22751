//! The stand-in for a VPN client (`stand_in.py`), for what the real ones cannot be made to do.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::command::Invocation;
use super::process::{LIMIT, Output, Running};
use super::user::User;

/// The system's Python by its path: a version manager's wrapper may belong to another user.
pub const PYTHON: &str = "/usr/bin/python3";

/// A stand-in about to be started.
#[derive(Clone)]
pub struct StandIn<'user> {
    user: &'user User,
    before: Vec<String>,
    options: Vec<String>,
    command: String,
}

impl<'user> StandIn<'user> {
    /// One that starts the helper as openconnect does.
    pub fn openconnect(user: &'user User, command: &str) -> Self {
        Self::new(user, "shell", command)
    }

    /// One that starts the helper as the openvpn with the out-of-tree pipe does.
    pub fn openvpn_pipe(user: &'user User, command: &str) -> Self {
        Self::new(user, "pipe", command)
    }

    /// One that starts the program at this path as openvpn 2.7's `--dev-node unix:` does.
    pub fn openvpn_node(user: &'user User, program: &Path) -> Self {
        let mut it = Self::new(user, "dev-node", program.to_str().unwrap());
        it.option("--variable", "TUNTAP_SOCKET_FD");
        it
    }

    fn new(user: &'user User, style: &str, command: &str) -> Self {
        let mut it = Self {
            user,
            before: Vec::new(),
            options: Vec::new(),
            command: command.to_owned(),
        };
        it.option("--style", style);
        it
    }

    fn option(&mut self, name: &str, value: &str) {
        self.options.extend([name.to_owned(), value.to_owned()]);
    }

    /// Announces an address of each family in openconnect's words, and an MTU.
    pub fn both_families(self) -> Self {
        self.set("INTERNAL_IP4_ADDRESS", "10.7.0.2")
            .set("INTERNAL_IP6_NETMASK", "fd07::2/64")
            .set("INTERNAL_IP4_MTU", "1400")
            .set("INTERNAL_IP4_DNS", "10.7.0.1")
    }

    /// Sets a variable for the helper.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.option("--set", &format!("{name}={value}"));
        self
    }

    /// Hands over something else than a socket pair; `stand_in.py` knows the kinds.
    pub fn socket(mut self, kind: &str) -> Self {
        self.option("--socket", kind);
        self
    }

    /// Goes on in a child once the helper has been started.
    pub fn background(mut self) -> Self {
        self.options.push("--background".to_owned());
        self
    }

    /// Ignores the end of its children, and has the helper begin so.
    pub fn deaf(mut self) -> Self {
        self.options.push("--deaf".to_owned());
        self
    }

    /// Runs it through another command, which has the stand-in as its arguments.
    pub fn through(mut self, words: &[&str]) -> Self {
        self.before = words.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Runs it until the helper has ended; ends as that did.
    pub fn run(&self) -> Output {
        self.invocation(&[]).run()
    }

    /// Starts it, and returns when it has started the helper.
    pub fn start(&self) -> Client {
        // Several at a time for one user: each takes orders at its own place.
        let control = self.user.home().join(format!("orders-{}", unique()));
        let options = ["--control".to_owned(), control.to_str().unwrap().to_owned()];
        let running = self.invocation(&options).spawn();
        running.wait_for("ready ");
        let background = self.options.iter().any(|option| option == "--background");
        Client {
            running,
            control,
            background,
        }
    }

    /// Starts it and waits until the instance called `name` is connected.
    pub fn connect(&self, name: &str) -> Client {
        let client = self.start();
        self.user
            .instance(name)
            .wait_for_state("connected", &client.running);
        client
    }

    fn invocation(&self, more: &[String]) -> Invocation {
        let program = self
            .user
            .write("stand_in.py", include_str!("stand_in.py"), 0o644);
        let mut words = self.before.clone();
        words.extend([PYTHON.to_owned(), program.to_str().unwrap().to_owned()]);
        words.extend(self.options.iter().chain(more).cloned());
        words.push(self.command.clone());
        self.user.command(&words)
    }
}

fn unique() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A stand-in that runs, and takes orders.
pub struct Client {
    /// Its process.
    pub running: Running,
    control: PathBuf,
    background: bool,
}

impl Drop for Client {
    fn drop(&mut self) {
        // What went into the background has left its guard. No panic in here: a second one while
        // a test fails would abort all the others. What does not answer is ended with its user.
        if self.background
            && let Ok(number) = self.try_order("pid")
            && let Some(number) = number.as_i64().and_then(|number| number.try_into().ok())
        {
            let _ = kill(Pid::from_raw(number), Signal::SIGKILL);
        }
    }
}

impl Client {
    /// Gives an order and returns the answer.
    pub fn order(&self, order: &str) -> Value {
        self.try_order(order)
            .unwrap_or_else(|error| panic!("{order}: {error}:\n{}", self.running.log()))
    }

    fn try_order(&self, order: &str) -> std::io::Result<Value> {
        let mut stream = UnixStream::connect(&self.control)?;
        stream.set_read_timeout(Some(LIMIT))?;
        writeln!(stream, "{order}")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// The relay's process.
    pub fn relay(&self) -> Pid {
        self.process("relay")
    }

    /// The stand-in's own process, also where it went into the background.
    pub fn pid(&self) -> Pid {
        self.process("pid")
    }

    /// How many packets have come out of the instance.
    pub fn received(&self) -> u64 {
        self.order("counts")["received"].as_u64().unwrap()
    }

    /// The numbers of the datagrams that came to port 9, in order.
    pub fn sunk(&self) -> Vec<u32> {
        let counts = self.order("counts");
        let numbers = counts["sunk"].as_array().unwrap().iter();
        numbers
            .map(|text| text.as_str().unwrap().parse().unwrap())
            .collect()
    }

    /// Waits for the end of the helper, and of nothing else.
    pub fn helper_ends(&self, limit: Duration) -> bool {
        super::wait_until(limit, || {
            self.running.stdout().contains("the helper ended with")
        })
    }

    fn process(&self, which: &str) -> Pid {
        let number = self.order(which).as_i64().unwrap();
        Pid::from_raw(number.try_into().unwrap())
    }
}
