//! What may stand on the command line: each option, once.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Parser, ValueEnum};
use clap_complete::Shell;
use ipnet::IpNet;
use vpnns_protocol::name::{InstanceName, NameError};
use vpnns_protocol::port::Port;

use crate::isolation::services::{SessionBus, SystemBus};

/// The actions that bring packets.
pub(super) const CARRYING: &str = "carrying";
/// The actions that --replace goes with.
pub(super) const REPLACING: &str = "replacing";

/// The actions that start no program, and so open no port.
const OTHER_ACTIONS: [&str; 18] = [
    "attach",
    "graft",
    "configure",
    "connect",
    "disconnect",
    "answer",
    "apps",
    "list",
    "status",
    "monitor",
    "stop",
    "import",
    "profiles",
    "remove",
    "doctor",
    "check",
    "self_test",
    "completions",
];

const AFTER_HELP: &str = "\
Examples:
  vpnns -- firefox                        an isolated firefox: no network yet
  openconnect --script 'vpnns --attach' --script-tun vpn.example.com
                                          ... and now it has the VPN, and only the VPN
  vpnns --name work                       a shell in the instance \"work\"
  vpnns --open firefox --name work https://intranet.example.com
                                          an installed application, as from a menu
  vpnns --status                          what runs, where it is connected to
  vpnns --self-test                       try everything without a server

Exit status: the command's own; 128+n if signal n ended it; 125 vpnns failed; 126 the
command cannot be run; 127 it was not found; 2 wrong usage; 1 --doctor, --self-test
or --check found a problem. The manual is vpnns(1).";

#[derive(Parser)]
#[command(
    name = "vpnns",
    version,
    about = "Runs programs in a network of their own, which a VPN client then connects",
    override_usage = "vpnns [--name ID] [-- COMMAND [ARG...]]\n       \
        vpnns --open ENTRY [--name ID] [URL|FILE...]\n       \
        vpnns --attach [--name ID] [OPTIONS]      (called by a VPN client)\n       \
        vpnns --import FILE|URL|- [--profile NAME] | --profiles\n       \
        vpnns --export PROFILE | --remove PROFILE\n       \
        vpnns --connect PROFILE [--name ID] [--background]\n       \
        vpnns --disconnect | --reconnect | --answer NUMBER [--name ID]\n       \
        vpnns --apps | --list | --status | --monitor | --log\n       \
        vpnns --check [--name ID] | --doctor | --self-test\n       \
        vpnns --close PID [--force] | --stop [--name ID]",
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    group = ArgGroup::new("action").multiple(false),
    group = ArgGroup::new(CARRYING).args(["attach", "graft", "configure"]).multiple(false),
    max_term_width = 100
)]
// One switch for each thing that can be asked for: that is the grammar of the manual.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Arguments {
    /// The instance; several may exist at the same time [default: $VPNNS_NAME or "default"]
    #[arg(short, long, value_name = "ID", value_parser = parse_name)]
    pub(super) name: Option<InstanceName>,

    /// Carry a VPN client's packets into the instance; the client calls this
    #[arg(long, groups = ["action", REPLACING])]
    pub(super) attach: bool,

    /// Run a stock VPN client (after --) whose tunnel device is the instance's
    #[arg(long, groups = ["action", REPLACING])]
    pub(super) graft: bool,

    /// As a grafted client's script: tell what the server has assigned
    #[arg(long, group = "action")]
    pub(super) configure: bool,

    /// With --graft: the device's addresses, where the client cannot tell them
    #[arg(
        long,
        value_name = "ADDRESS/LENGTH,...",
        value_delimiter = ',',
        requires = "graft"
    )]
    pub(super) address: Vec<IpNet>,

    /// With --attach: let this program configure the tunnel device ($TUNDEV, $reason)
    #[arg(short, long, value_name = "PATH", requires = "attach")]
    pub(super) script: Option<PathBuf>,

    /// Take over from a tunnel that is there (--attach, --graft); overwrite a profile (--import)
    #[arg(long, requires = REPLACING)]
    pub(super) replace: bool,

    /// With --attach or --graft: which routes lead into the tunnel [default: server]
    #[arg(long, value_name = "WHICH", requires = CARRYING)]
    pub(super) routes: Option<Routes>,

    /// With --attach or --graft: use these resolvers instead of the server's, or "none"; may be repeated
    #[arg(
        long,
        value_name = "ADDRESS,...",
        value_delimiter = ',',
        requires = CARRYING,
        value_parser = parse_dns
    )]
    pub(super) dns: Vec<Dns>,

    /// Give a new instance this host name (X11 programs may then be refused by the display)
    #[arg(long, value_name = "NAME", value_parser = parse_hostname)]
    pub(super) hostname: Option<String>,

    /// Let programs of the host reach a port inside, at 127.0.0.1 or this address; may be repeated
    #[arg(long, value_name = "[ADDRESS:]PORT:INSIDE[/udp]", value_parser = parse_publish,
        conflicts_with_all = OTHER_ACTIONS)]
    pub(super) publish: Vec<Port>,

    /// Let the inside reach one service of the host's network, at its own port; may be repeated
    #[arg(long, value_name = "ADDRESS:PORT[/udp]", value_parser = parse_reach,
        conflicts_with_all = OTHER_ACTIONS)]
    pub(super) reach: Vec<Port>,

    /// Show a new instance this socket, file or directory as it is, although it would be hidden
    #[arg(long, value_name = "PATH")]
    pub(super) share: Vec<PathBuf>,

    /// Hide this socket, file or directory from a new instance
    #[arg(long, value_name = "PATH")]
    pub(super) mask: Vec<PathBuf>,

    /// What a new instance sees of the system bus [default: filtered]
    #[arg(long, value_name = "WHAT")]
    pub(super) system_bus: Option<SystemBus>,

    /// Which session bus the program gets: the user's or one of the instance's own [default: shared]
    #[arg(long, value_name = "WHICH")]
    pub(super) session_bus: Option<SessionBus>,

    /// Bring a profile up, ask what has to be asked, and keep it up until interrupted
    #[arg(long, value_name = "PROFILE", group = "action", value_parser = parse_name)]
    pub(super) connect: Option<InstanceName>,

    /// With --connect: leave as soon as it is connected
    #[arg(long, requires = "connect")]
    pub(super) background: bool,

    /// Take an instance's tunnel down in order; its programs stay
    #[arg(long, group = "action")]
    pub(super) disconnect: bool,

    /// Connect again at once: now instead of at the next try, or anew
    #[arg(long, group = "action")]
    pub(super) reconnect: bool,

    /// Answer the question with this number: as JSON on the standard input, or in the terminal
    #[arg(long, value_name = "NUMBER", group = "action")]
    pub(super) answer: Option<u64>,

    /// Start an installed application, by its entry's id or file; COMMAND is what it shall open
    #[arg(long, value_name = "ENTRY", group = "action")]
    pub(super) open: Option<OsString>,

    /// With --open: not the application as such, but this action of it
    #[arg(long = "action", value_name = "NAME")]
    pub(super) entry_action: Option<String>,

    /// With --open or a command: return as soon as it has started, and leave it without any tie
    #[arg(long)]
    pub(super) detach: bool,

    /// Whether the application gets a profile of its own, apart from a copy outside [default: yes]
    #[arg(long, value_name = "WHETHER")]
    pub(super) own_profile: Option<YesNo>,

    /// Treat the application as one of this recipe's, or "none": do nothing against a copy outside
    #[arg(long, value_name = "NAME")]
    pub(super) recipe: Option<String>,

    /// List the installed applications
    #[arg(long, group = "action")]
    pub(super) apps: bool,

    /// With --apps: also name the entries that were left out, and say why
    #[arg(long)]
    pub(super) verbose: bool,

    /// List the running instances, or only one (with --name)
    #[arg(long, group = "action")]
    pub(super) list: bool,

    /// Show one instance (with --name) or all of them in full
    #[arg(long, group = "action")]
    pub(super) status: bool,

    /// Show changes as they happen, until interrupted
    #[arg(long, group = "action")]
    pub(super) monitor: bool,

    /// With --monitor: also what has passed, once a second while connected
    #[arg(long, requires = "monitor")]
    pub(super) traffic: bool,

    /// Show the last things that have happened to an instance
    #[arg(long, group = "action")]
    pub(super) log: bool,

    /// End one program of an instance, and what it has started
    #[arg(long, value_name = "PID", group = "action",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) close: Option<u32>,

    /// With --close: kill them, with no chance to save anything
    #[arg(long, requires = "close")]
    pub(super) force: bool,

    /// End an instance: its tunnel and every program in it
    #[arg(long, group = "action")]
    pub(super) stop: bool,

    /// Make a profile of an OpenVPN, wg-quick or NetworkManager file, of a server's URL, or of what
    /// the standard input holds (-)
    #[arg(long, value_name = "FILE|URL|-", groups = ["action", REPLACING])]
    pub(super) import: Option<PathBuf>,

    /// With --import: the profile's name [default: the file's, or the server's]
    #[arg(long, value_name = "NAME", requires = "import", value_parser = parse_name)]
    pub(super) profile: Option<InstanceName>,

    /// With --import: write nothing, only say whether it could be done
    #[arg(long, requires = "import")]
    pub(super) dry_run: bool,

    /// Print a profile as it stands in its file
    #[arg(long, value_name = "PROFILE", group = "action", value_parser = parse_name)]
    pub(super) export: Option<InstanceName>,

    /// List the profiles
    #[arg(long, group = "action")]
    pub(super) profiles: bool,

    /// Delete a profile
    #[arg(long, value_name = "PROFILE", group = "action", value_parser = parse_name)]
    pub(super) remove: Option<InstanceName>,

    /// Check whether this system can do it, and say what to change if not
    #[arg(long, group = "action")]
    pub(super) doctor: bool,

    /// Find out whether anything of an instance leaks, and show what was tried
    #[arg(long, group = "action")]
    pub(super) check: bool,

    /// With --check --json: print each finding as soon as it is made, a line each
    #[arg(long, requires = "check")]
    pub(super) follow: bool,

    /// Try everything against an embedded gateway: no server, no account, no root
    #[arg(long, group = "action")]
    pub(super) self_test: bool,

    /// Print the completions for a shell
    #[arg(long, value_name = "SHELL", group = "action")]
    pub(super) completions: Option<Shell>,

    /// Print JSON (with --connect, --list, --status, --monitor and others)
    #[arg(long)]
    pub(super) json: bool,

    /// The part of an app in --self-test.
    #[arg(long, hide = true, group = "action")]
    pub(super) probe: bool,

    /// The program to run, and its arguments; a shell if there is none
    #[arg(
        value_name = "COMMAND",
        trailing_var_arg = true,
        conflicts_with_all = ["attach", "connect", "disconnect", "reconnect", "answer", "list",
            "status", "apps", "monitor", "log", "close", "stop", "import", "export", "profiles", "remove", "doctor",
            "check", "self_test", "completions"]
    )]
    pub(super) command: Vec<OsString>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Routes {
    /// The default route, whatever the server says
    All,
    /// The server's split routes if it names any, else the default route
    Server,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum YesNo {
    /// One that is kept for this instance
    Yes,
    /// The application's usual one
    No,
}

#[derive(Clone)]
pub(super) enum Dns {
    None,
    Address(IpAddr),
}

fn parse_name(text: &str) -> Result<InstanceName, String> {
    text.parse()
        .map_err(|error: NameError| format!("{error}; {}", error.hint()))
}

fn parse_publish(text: &str) -> Result<Port, String> {
    Port::publish(text).map_err(|error| format!("{error}; {}", error.hint()))
}

fn parse_reach(text: &str) -> Result<Port, String> {
    Port::reach(text).map_err(|error| format!("{error}; {}", error.hint()))
}

fn parse_dns(text: &str) -> Result<Dns, String> {
    if text == "none" {
        return Ok(Dns::None);
    }
    text.parse()
        .map(Dns::Address)
        .map_err(|_| "not an IP address".to_owned())
}

/// RFC 1123, section 2.1, and the kernel's limit of 64 bytes.
fn parse_hostname(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if text.is_empty() || text.len() > 64 || !text.chars().all(fits) || text.starts_with('-') {
        return Err("a host name has letters, digits, '-' and '.', 64 at most".to_owned());
    }
    Ok(text.to_owned())
}
