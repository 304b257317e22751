//! The command line, defined once: parser, help and completions all come from here.

mod complaint;
mod completion;
mod quick;

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Parser, ValueEnum};
use clap_complete::Shell;
use ipnet::IpNet;
use vpnns_protocol::exit;
use vpnns_protocol::name::{InstanceName, NameError};
use vpnns_protocol::network::RoutePolicy;

use crate::apps::Wish;
use crate::client::decision::Wishes;
use crate::client::openconnect::browser;
use crate::commands::Action;
use crate::commands::attach::Options as AttachOptions;
use crate::commands::connect::Options as ConnectOptions;
use crate::commands::graft::Options as GraftOptions;
use crate::commands::profiles::ImportOptions;
use crate::instance::enter::Target;
use crate::report;

pub use complaint::option_like;
pub use completion::completions;

/// The name under which openvpn 2.7's --dev-node starts us: it passes no arguments.
pub const ATTACH_PROGRAM: &str = "vpnns-attach";
/// The instance for calls without --name; set for every app.
pub const NAME_VARIABLE: &str = "VPNNS_NAME";
/// Which of an instance's grafted clients a script belongs to; set for the client.
pub const SESSION_VARIABLE: &str = "VPNNS_SESSION";

/// The actions that bring packets.
const CARRYING: &str = "carrying";
/// The actions that --replace goes with.
const REPLACING: &str = "replacing";

const AFTER_HELP: &str = "\
Examples:
  vpnns -- firefox -no-remote -P vpn      an isolated firefox: no network yet
  openconnect --script 'vpnns --attach' --script-tun vpn.example.com
                                          ... and now it has the VPN, and only the VPN
  vpnns --name work                       a shell in the instance \"work\"
  vpnns --open firefox --name work https://intranet.example.com
                                          an installed application, as from a menu
  vpnns --status                          what runs, where it is connected to
  vpnns --self-test                       try everything without a server

Exit status: the command's own; 128+n if signal n ended it; 125 vpnns failed; 126 the
command cannot be run; 127 it was not found; 2 wrong usage; 1 --doctor or --self-test
found a problem. The manual is vpnns(1).";

#[derive(Parser)]
#[command(
    name = "vpnns",
    version,
    about = "Runs programs in a network of their own, which a VPN client then connects",
    override_usage = "vpnns [--name ID] [-- COMMAND [ARG...]]\n       \
        vpnns --open ENTRY [--name ID] [URL|FILE...]\n       \
        vpnns --attach [--name ID] [OPTIONS]      (called by a VPN client)\n       \
        vpnns --import FILE|URL [--profile NAME] | --profiles | --remove PROFILE\n       \
        vpnns --connect PROFILE [--name ID] [--background]\n       \
        vpnns --disconnect | --answer NUMBER [--name ID]\n       \
        vpnns --apps | --list | --status | --monitor | --stop | --doctor | --self-test",
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    group = ArgGroup::new("action").multiple(false),
    group = ArgGroup::new(CARRYING).args(["attach", "graft", "configure"]).multiple(false),
    max_term_width = 100
)]
// One switch for each thing that can be asked for: that is the grammar of the manual.
#[allow(clippy::struct_excessive_bools)]
struct Arguments {
    /// The instance; several may exist at the same time [default: $VPNNS_NAME or "default"]
    #[arg(short, long, value_name = "ID", value_parser = parse_name)]
    name: Option<InstanceName>,

    /// Carry a VPN client's packets into the instance; the client calls this
    #[arg(long, groups = ["action", REPLACING])]
    attach: bool,

    /// Run a stock VPN client (after --) whose tunnel device is the instance's
    #[arg(long, groups = ["action", REPLACING])]
    graft: bool,

    /// As a grafted client's script: tell what the server has assigned
    #[arg(long, group = "action")]
    configure: bool,

    /// With --graft: the device's addresses, where the client cannot tell them
    #[arg(
        long,
        value_name = "ADDRESS/LENGTH,...",
        value_delimiter = ',',
        requires = "graft"
    )]
    address: Vec<IpNet>,

    /// With --attach: let this program configure the tunnel device ($TUNDEV, $reason)
    #[arg(short, long, value_name = "PATH", requires = "attach")]
    script: Option<PathBuf>,

    /// Take over from a tunnel that is there (--attach, --graft); overwrite a profile (--import)
    #[arg(long, requires = REPLACING)]
    replace: bool,

    /// With --attach or --graft: which routes lead into the tunnel [default: server]
    #[arg(long, value_name = "WHICH", requires = CARRYING)]
    routes: Option<Routes>,

    /// With --attach or --graft: use these resolvers instead of the server's, or "none"; may be repeated
    #[arg(
        long,
        value_name = "ADDRESS,...",
        value_delimiter = ',',
        requires = CARRYING,
        value_parser = parse_dns
    )]
    dns: Vec<Dns>,

    /// Give a new instance this host name (X11 programs may then be refused by the display)
    #[arg(long, value_name = "NAME", value_parser = parse_hostname)]
    hostname: Option<String>,

    /// Bring a profile up, ask what has to be asked, and keep it up until interrupted
    #[arg(long, value_name = "PROFILE", group = "action", value_parser = parse_name)]
    connect: Option<InstanceName>,

    /// With --connect: leave as soon as it is connected
    #[arg(long, requires = "connect")]
    background: bool,

    /// Take an instance's tunnel down in order; its programs stay
    #[arg(long, group = "action")]
    disconnect: bool,

    /// Answer the question with this number: as JSON on the standard input, or in the terminal
    #[arg(long, value_name = "NUMBER", group = "action")]
    answer: Option<u64>,
    /// Start an installed application, by its entry's id or file; COMMAND is what it shall open
    #[arg(long, value_name = "ENTRY", group = "action")]
    open: Option<OsString>,

    /// With --open: not the application as such, but this action of it
    #[arg(long = "action", value_name = "NAME")]
    entry_action: Option<String>,

    /// List the installed applications
    #[arg(long, group = "action")]
    apps: bool,

    /// With --apps: also name the entries that were left out, and say why
    #[arg(long)]
    verbose: bool,

    /// List the running instances, or only one (with --name)
    #[arg(long, group = "action")]
    list: bool,

    /// Show one instance (with --name) or all of them in full
    #[arg(long, group = "action")]
    status: bool,

    /// Show changes as they happen, until interrupted
    #[arg(long, group = "action")]
    monitor: bool,

    /// End an instance: its tunnel and every program in it
    #[arg(long, group = "action")]
    stop: bool,

    /// Make a profile of an OpenVPN, wg-quick or NetworkManager file, or of a server's URL
    #[arg(long, value_name = "FILE|URL", groups = ["action", REPLACING])]
    import: Option<PathBuf>,

    /// With --import: the profile's name [default: the file's, or the server's]
    #[arg(long, value_name = "NAME", requires = "import", value_parser = parse_name)]
    profile: Option<InstanceName>,

    /// List the profiles
    #[arg(long, group = "action")]
    profiles: bool,

    /// Delete a profile
    #[arg(long, value_name = "PROFILE", group = "action", value_parser = parse_name)]
    remove: Option<InstanceName>,

    /// Check whether this system can do it, and say what to change if not
    #[arg(long, group = "action")]
    doctor: bool,

    /// Try everything against an embedded gateway: no server, no account, no root
    #[arg(long, group = "action")]
    self_test: bool,

    /// Print the completions for a shell
    #[arg(long, value_name = "SHELL", group = "action")]
    completions: Option<Shell>,

    /// Print JSON (with --connect, --list, --status, --monitor and others)
    #[arg(long)]
    json: bool,

    /// The part of an app in --self-test.
    #[arg(long, hide = true, group = "action")]
    probe: bool,

    /// The program to run, and its arguments; a shell if there is none
    #[arg(
        value_name = "COMMAND",
        trailing_var_arg = true,
        conflicts_with_all = ["attach", "connect", "disconnect", "answer", "list", "status",
            "apps",             "monitor", "stop", "import", "profiles", "remove", "doctor", "self_test",
            "completions"]
    )]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Routes {
    /// The default route, whatever the server says
    All,
    /// The server's split routes if it names any, else the default route
    Server,
}

#[derive(Clone)]
enum Dns {
    None,
    Address(IpAddr),
}

/// What to print instead of doing anything.
pub struct Answer {
    text: String,
    hint: Option<String>,
    code: u8,
}

impl Answer {
    /// Prints it where it belongs; returns the exit code.
    pub fn print(self) -> u8 {
        if self.code == exit::SUCCESS {
            return crate::commands::answer(&self.text);
        }
        report::print_parts(&self.text, &[], self.hint.as_deref());
        self.code
    }

    fn usage(text: String, hint: Option<String>) -> Self {
        Self {
            text,
            hint,
            code: exit::USAGE,
        }
    }
}

/// Understands the arguments, the program's own name first.
pub fn parse(arguments: &[OsString]) -> Result<Action, Answer> {
    let program = arguments.first().map(Path::new).and_then(Path::file_name);
    let mut arguments = arguments.to_vec();
    if program == Some(OsStr::new(ATTACH_PROGRAM)) {
        arguments.insert(1, "--attach".into());
    }
    let arguments = &arguments;
    if program == Some(OsStr::new(browser::PROGRAM)) {
        let url = arguments
            .last()
            .map(|url| url.to_string_lossy().into_owned());
        return Ok(Action::Browse(url.unwrap_or_default()));
    }
    if let Some((name, command)) = quick::parse(arguments) {
        return Ok(Action::Run(target(name, None)?, command));
    }
    let given = Arguments::try_parse_from(arguments)
        .map_err(|error| complaint::explain(&error, arguments))?;
    complaint::refuse_ignored(&given)?;
    action(given)
}

#[allow(clippy::too_many_lines)] // A list: one paragraph for each thing to do.
fn action(arguments: Arguments) -> Result<Action, Answer> {
    let json = arguments.json;
    let named = arguments.name.clone();
    if json
        && !(arguments.connect.is_some()
            || arguments.apps
            || arguments.list
            || arguments.status
            || arguments.monitor
            || arguments.import.is_some()
            || arguments.profiles
            || arguments.doctor
            || arguments.self_test)
    {
        let hint = "it goes with --connect, --apps, --list, --status, --monitor, --import, --profiles, \
            --doctor and --self-test";
        return Err(Answer::usage(
            "--json has nothing to print here".into(),
            Some(hint.into()),
        ));
    }
    // The parser takes another action for the one that is required.
    let alone = [
        (arguments.profile.is_some(), "--profile", "--import"),
        (
            arguments.replace && !arguments.attach && !arguments.graft,
            "--replace",
            "--attach, --graft or --import",
        ),
        (
            arguments.background && arguments.connect.is_none(),
            "--background",
            "--connect",
        ),
    ];
    for (given, option, needed) in alone {
        if given && arguments.import.is_none() {
            let text = format!("{option} has no meaning here");
            return Err(Answer::usage(text, Some(format!("it goes with {needed}"))));
        }
    }
    if arguments.apps {
        let verbose = arguments.verbose;
        return Ok(Action::Apps { json, verbose });
    }
    if arguments.list {
        return Ok(Action::List { name: named, json });
    }
    if arguments.status {
        return Ok(Action::Status { name: named, json });
    }
    if arguments.monitor {
        return Ok(Action::Monitor { name: named, json });
    }
    if let Some(source) = arguments.import {
        return Ok(Action::Import(ImportOptions {
            source,
            name: arguments.profile,
            replace: arguments.replace,
            json,
        }));
    }
    if arguments.profiles {
        return Ok(Action::Profiles { json });
    }
    if let Some(name) = arguments.remove {
        return Ok(Action::Remove(name));
    }
    if arguments.doctor {
        return Ok(Action::Doctor { json });
    }
    if arguments.self_test {
        return Ok(Action::SelfTest { json });
    }
    if arguments.probe {
        return Ok(Action::Probe(arguments.command));
    }
    if let Some(shell) = arguments.completions {
        return Ok(Action::Completions(shell));
    }
    if let Some(profile) = arguments.connect {
        let name = arguments.name.unwrap_or_else(|| profile.clone());
        return Ok(Action::Connect(
            Target {
                name,
                hostname: arguments.hostname,
            },
            ConnectOptions {
                profile,
                background: arguments.background,
                json,
            },
        ));
    }
    let target = target(arguments.name, arguments.hostname)?;
    if arguments.disconnect {
        return Ok(Action::Disconnect(target.name));
    }
    if let Some(id) = arguments.answer {
        return Ok(Action::Answer(target.name, id));
    }
    if arguments.stop {
        return Ok(Action::Stop(target.name));
    }
    if let Some(entry) = arguments.open {
        let wish = Wish {
            entry,
            action: arguments.entry_action,
            words: arguments.command,
        };
        return Ok(Action::Open(target, wish));
    }
    let wishes = Wishes {
        routes: match arguments.routes {
            Some(Routes::All) => RoutePolicy::All,
            Some(Routes::Server) | None => RoutePolicy::Server,
        },
        resolvers: resolvers(&arguments.dns)?,
    };
    if arguments.attach {
        let options = AttachOptions {
            script: arguments.script,
            replace: arguments.replace,
            wishes,
        };
        return Ok(Action::Attach(target, options));
    }
    if arguments.graft && arguments.command.is_empty() {
        let hint = "as in: vpnns --graft -- openvpn --config work.ovpn".to_owned();
        let text = "--graft needs a VPN client to run".to_owned();
        return Err(Answer::usage(text, Some(hint)));
    }
    if arguments.graft {
        let options = GraftOptions {
            command: arguments.command,
            replace: arguments.replace,
            wish_words: words(&wishes),
            wishes,
            addresses: arguments.address,
        };
        return Ok(Action::Graft(target, options));
    }
    // What the client adds (openvpn: the device's name and more) is in its variables, too.
    if arguments.configure {
        return Ok(Action::Configure(target.name, wishes));
    }
    Ok(Action::Run(target, arguments.command))
}

/// The options that express the same wishes.
fn words(wishes: &Wishes) -> Vec<String> {
    let mut words = Vec::new();
    if wishes.routes == RoutePolicy::All {
        words.push("--routes=all".to_owned());
    }
    if let Some(resolvers) = &wishes.resolvers {
        let list: Vec<String> = resolvers.iter().map(ToString::to_string).collect();
        let list = if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(",")
        };
        words.push(format!("--dns={list}"));
    }
    words
}

fn resolvers(given: &[Dns]) -> Result<Option<Vec<IpAddr>>, Answer> {
    let addresses: Vec<IpAddr> = given
        .iter()
        .filter_map(|dns| match dns {
            Dns::None => None,
            Dns::Address(address) => Some(*address),
        })
        .collect();
    match given.len() {
        0 => Ok(None),
        n if n == addresses.len() => Ok(Some(addresses)),
        1 => Ok(Some(Vec::new())),
        _ => Err(Answer::usage(
            "--dns takes addresses or \"none\", not both".into(),
            None,
        )),
    }
}

fn target(name: Option<InstanceName>, hostname: Option<String>) -> Result<Target, Answer> {
    let from_environment = || match std::env::var(NAME_VARIABLE) {
        Ok(text) if !text.is_empty() => text.parse().map_err(|error: NameError| {
            Answer::usage(
                format!("{NAME_VARIABLE}: {error}"),
                Some(error.hint().to_owned()),
            )
        }),
        _ => Ok(InstanceName::default()),
    };
    Ok(Target {
        name: name.map_or_else(from_environment, Ok)?,
        hostname,
    })
}

fn parse_name(text: &str) -> Result<InstanceName, String> {
    text.parse()
        .map_err(|error: NameError| format!("{error}; {}", error.hint()))
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &[&str]) -> Result<Action, Answer> {
        super::parse(&words.iter().map(Into::into).collect::<Vec<OsString>>())
    }

    #[test]
    fn the_parser_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn everything_after_the_program_is_the_programs() {
        for words in [
            &["vpnns", "--", "firefox", "-P", "--name"][..],
            &["vpnns", "firefox", "-P", "--name"],
            &["vpnns", "--", "firefox", "-P", "--name"],
        ] {
            let Ok(Action::Run(_, command)) = parse(words) else {
                panic!("{words:?}")
            };
            assert_eq!(command, ["firefox", "-P", "--name"]);
        }
    }

    #[test]
    fn the_manuals_forms_are_understood() {
        for words in [
            &["vpnns", "--name=work", "--", "true"][..],
            &["vpnns", "-n", "work", "true"],
            &["vpnns", "-nwork", "--", "true"],
        ] {
            let Ok(Action::Run(target, _)) = parse(words) else {
                panic!("{words:?}")
            };
            assert_eq!(target.name.as_str(), "work");
        }
        let Ok(Action::Attach(_, options)) = parse(&["vpnns", "--attach", "-s", "/bin/x"]) else {
            panic!()
        };
        assert_eq!(options.script.as_deref(), Some(Path::new("/bin/x")));
    }

    #[test]
    fn the_quick_way_agrees_with_the_parser() {
        for line in [
            "vpnns -- true",
            "vpnns true -n x",
            "vpnns -n a -- true -- x",
            "vpnns --name a true",
            "vpnns --name=a -- --name b",
            "vpnns -n a -n b -- true",
            "vpnns --name=a/b -- true",
            "vpnns --name -- true",
            "vpnns -n a",
            "vpnns --",
            "vpnns - x",
            "vpnns --list -- true",
        ] {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            let quick = quick::parse(&words);
            let slow = Arguments::try_parse_from(&words);
            if let Some((name, command)) = quick {
                let slow = slow.unwrap();
                assert_eq!((name, command), (slow.name, slow.command), "{line}");
            }
        }
    }

    #[test]
    fn openvpn_calls_a_name_of_its_own_without_arguments() {
        assert!(matches!(
            parse(&["/usr/lib/vpnns-attach"]),
            Ok(Action::Attach(..))
        ));
        // A person who tries it may give some.
        let Err(help) = parse(&["/usr/lib/vpnns-attach", "--help"]) else {
            panic!()
        };
        assert_eq!(help.code, exit::SUCCESS);
    }

    #[test]
    fn two_actions_at_once_and_stray_options_are_refused() {
        for words in [
            &["vpnns", "--list", "--status"][..],
            &["vpnns", "--attach", "--", "firefox"],
            &["vpnns", "--replace"],
            &["vpnns", "--dns", "1.2.3.4"],
            &["vpnns", "--attach", "--dns", "none,1.2.3.4"],
            &["vpnns", "--attach", "--dns", "example.com"],
            &["vpnns", "--attach", "--routes", "some"],
            &["vpnns", "--json", "--", "true"],
            &["vpnns", "--no-such-option"],
            &["vpnns", "--name", "../x"],
            &["vpnns", "--name"],
        ] {
            match parse(words) {
                Err(answer) => {
                    assert_eq!(answer.code, exit::USAGE, "{words:?}");
                    assert!(!answer.text.contains('\n'), "{words:?}: {}", answer.text);
                }
                Ok(_) => panic!("{words:?} was taken"),
            }
        }
    }
}
