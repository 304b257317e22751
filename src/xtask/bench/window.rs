//! The app's window against an empty one: the time to the first frame, memory, wake-ups while nothing
//! happens, and how smoothly a list of 5,000 apps scrolls.
//!
//! Both are watched from outside, on a screen of their own (`screen.py`): a frame is what the X server
//! reports as drawn. The processor is shared with whatever else runs, so both take turns.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::contestant;
use super::held::end_after;
use super::series::{Better, Series};
use super::statistics::quantile;
use super::stopwatch::{Shuffle, seed_of_now};
use crate::command::{self, run};
use crate::failure::{Act, Failure, Result};
use crate::helper;
use crate::workspace::Workspace;

/// Against which the app is compared: the same window with nothing in it.
const YARDSTICK: &str = "empty";
/// Who takes part, and the programs.
const CONTESTANTS: [(&str, &str); 2] = [("ours", "vpnns-desktop"), (YARDSTICK, "empty_window")];
/// How many applications are installed.
const INSTALLED: usize = 500;
/// How many, for the list that is scrolled.
const MANY: usize = 5000;
/// Where they are, below the home directory.
const MANY_IN: &str = "many";
/// How many pictures they have between them.
const ICONS: usize = 200;
/// How often the list is scrolled from its beginning.
const SCROLLS: u32 = 3;
/// A frame that takes longer is seen as a jerk, in milliseconds.
const JERK: f64 = 50.0;
/// How long one order may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// How to measure.
#[derive(Clone, clap::Args)]
pub(crate) struct Options {
    /// How often each window is opened
    #[arg(long, default_value_t = Options::default().rounds)]
    rounds: u32,
    /// How long a process is watched that is to do nothing, in seconds
    #[arg(long, default_value_t = Options::default().seconds)]
    seconds: u32,
    /// How many clicks the mouse's wheel is turned
    #[arg(long, default_value_t = Options::default().turns)]
    turns: u32,
    /// What GTK draws with: cairo, or gl where a graphics card is to be measured
    #[arg(long, default_value = "cairo")]
    renderer: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 15,
            seconds: 10,
            turns: 400,
            renderer: "cairo".into(),
        }
    }
}

/// Builds both programs and puts them beside the helper.
pub(crate) fn prepare(workspace: &Workspace, stage: &Path) -> Result {
    run(command::cargo().current_dir(&workspace.root).args([
        "build",
        "--release",
        "--locked",
        "--package=vpnns-desktop",
        "--bin=vpnns-desktop",
        "--example=empty_window",
    ]))?;
    let built = workspace.target.join("release");
    helper::copy_program(&built.join("vpnns-desktop"), &stage.join("vpnns-desktop"))?;
    helper::copy_program(
        &built.join("examples/empty_window"),
        &stage.join("empty_window"),
    )
}

/// Measures, and returns every value of every run.
pub(crate) fn measure(options: &Options, helper: &Path) -> Result<Value> {
    for (program, package) in [
        ("Xvfb", "xvfb"),
        ("dbus-daemon", "dbus-daemon"),
        ("openbox", "openbox"),
        ("python3", "python3"),
    ] {
        contestant(program, package)?;
    }
    end_after(PATIENCE * (options.rounds + SCROLLS + 2) * 2);
    let many = furnish()?;
    let stage = helper.parent().unwrap_or(helper);
    let programs = CONTESTANTS.map(|(label, program)| (label, stage.join(program)));
    let mut screen = Screen::start(&options.renderer)?;
    let mut series = Series::new("window", YARDSTICK);
    let seed = seed_of_now();
    let mut shuffle = Shuffle(seed);
    // The first of each only fills the caches.
    for round in 0..=options.rounds {
        for index in shuffle.order(programs.len()) {
            let (label, program) = &programs[index];
            let opened = screen.order(&json!({"do": "first", "words": [program]}))?;
            if round > 0 {
                note_start(&mut series, label, &opened);
            }
        }
        if round > 0 {
            eprintln!("bench: round {round} of {}", options.rounds);
        }
    }
    for ((label, program), order) in programs.iter().zip(["background", "idle"]) {
        let order = json!({"do": order, "words": [program], "seconds": options.seconds});
        note_idle(&mut series, label, &screen.order(&order)?);
    }
    let (label, program) = &programs[0];
    for _ in 0..SCROLLS {
        // The same program in a process of the same number, with more applications.
        let data = format!("XDG_DATA_HOME={}", many.display());
        let words = json!(["/usr/bin/env", data, program]);
        let order = json!({"do": "scroll", "words": words, "turns": options.turns});
        note_scrolling(&mut series, label, &screen.order(&order)?);
    }
    Ok(series.to_json(seed))
}

/// How long the frames took of a list that was scrolled: from a click of the wheel, or from
/// a step by which its scroll bar was dragged, until it was seen.
fn note_scrolling(series: &mut Series, label: &str, seen: &Value) {
    let mut add = |metric: &str, value| {
        series.add("5,000 apps", metric, Better::Less, label, value);
    };
    add(
        "shown after, ms",
        seen["opened"].as_f64().unwrap_or(f64::NAN),
    );
    let kinds = [
        ("frames", "frame"),
        ("own", "own part"),
        ("dragged", "dragged frame"),
        ("own dragged", "own dragged part"),
    ];
    for (kind, name) in kinds {
        let values = seen[kind].as_array().into_iter().flatten();
        let mut values: Vec<f64> = values.filter_map(Value::as_f64).collect();
        values.sort_by(f64::total_cmp);
        let Some(longest) = values.last() else {
            continue;
        };
        add(&format!("{name}, ms"), quantile(&values, 0.5));
        add(&format!("{name}, p99"), quantile(&values, 0.99));
        add(&format!("{name}, longest"), *longest);
        let jerks = values.iter().filter(|it| **it > JERK).count();
        let jerks = f64::from(u32::try_from(jerks).unwrap_or(u32::MAX));
        add(&format!("{name}s > 50 ms"), jerks);
    }
}

/// How a window came up, and what it then had in memory.
fn note_start(series: &mut Series, label: &str, seen: &Value) {
    let mut add = |case: &str, metric: &str, value: &Value| {
        let value = value.as_f64().unwrap_or(f64::NAN);
        series.add(case, metric, Better::Less, label, value);
    };
    add("first frame", "ms", &seen["first"]);
    add("last frame of the start", "ms", &seen["last"]);
    add("processor until then", "ms", &seen["processor"]);
    for kind in ["Rss", "Pss", "Anonymous"] {
        add("memory", &format!("{kind}, MB"), &seen["memory"][kind]);
    }
    add("memory", "of helpers, MB", &seen["started"]);
}

/// How often a process is woken up in each state in which nothing happens.
fn note_idle(series: &mut Series, label: &str, seen: &Value) {
    for (state, watched) in seen.as_object().into_iter().flatten() {
        let case = format!("wake-ups, {state}");
        for who in ["itself", "started"] {
            let value = watched["wakeups"][who].as_f64().unwrap_or(f64::NAN);
            series.add(
                &case,
                &format!("a second, {who}"),
                Better::Less,
                label,
                value,
            );
        }
        for thread in watched["who"].as_array().into_iter().flatten() {
            eprintln!(
                "bench: {label}, {state}: {}",
                thread.as_str().unwrap_or("?")
            );
        }
    }
}

/// Fills the home directory: applications with icons, and two profiles. Returns where there are many more
/// applications.
fn furnish() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let home = home.ok_or_else(|| Failure::new("HOME is not set"))?;
    let write = |path: &str, text: &str| {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&home))
            .and_then(|()| fs::write(&path, text))
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o600)))
            .act(|| format!("failed to write {}", path.display()))
    };
    for (data, count) in [(".local/share", INSTALLED), (MANY_IN, MANY)] {
        for number in 0..count {
            write(
                &format!("{data}/applications/bench-{number}.desktop"),
                &format!(
                    "[Desktop Entry]\nType=Application\nName=Application {number}\n\
                     Comment=Number {number} of many\nKeywords=bench;number{number};\n\
                     Exec=/bin/true %U\nIcon=bench-{}\nCategories=Utility;\n",
                    number % ICONS
                ),
            )?;
        }
        for number in 0..ICONS {
            let colour = number * 0xff_ffff / ICONS;
            write(
                &format!("{data}/icons/hicolor/scalable/apps/bench-{number}.svg"),
                &format!(
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"64\" height=\"64\">\
                     <circle cx=\"32\" cy=\"32\" r=\"28\" fill=\"#{colour:06x}\"/></svg>\n"
                ),
            )?;
        }
    }
    for (name, kind) in [
        ("demo", "title = \"Demonstration\"\n[demo]\n"),
        (
            "work",
            "title = \"Work\"\n[openconnect]\nserver = \"https://vpn.example.com\"\n",
        ),
    ] {
        let text = format!("version = 1\n{kind}");
        write(&format!(".config/vpnns/profiles/{name}.toml"), &text)?;
    }
    Ok(home.join(MANY_IN))
}

/// The screen, which ends when its input does.
struct Screen {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    // After the rest: sockets and logs are in it.
    _directory: tempfile::TempDir,
}

impl Screen {
    fn start(renderer: &str) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("vpnns-screen-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .act(|| "failed to make a temporary directory".into())?;
        let script = directory.path().join("screen.py");
        for (name, text) in [
            ("screen.py", include_str!("window/screen.py")),
            ("tray.py", include_str!("window/tray.py")),
        ] {
            let path = directory.path().join(name);
            fs::write(&path, text).act(|| format!("failed to write {}", path.display()))?;
        }
        // Debian's own, which has Debian's modules.
        let mut process = Command::new("/usr/bin/python3")
            .args([script.as_path(), directory.path(), Path::new(renderer)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .act(|| "failed to start python3".into())?;
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it was piped"));
        let mut screen = Self {
            process,
            orders,
            answers,
            _directory: directory,
        };
        match screen.answer()?.as_str() {
            Some("ready") => Ok(screen),
            _ => Err(Failure::new("the screen did not come up")),
        }
    }

    fn order(&mut self, order: &Value) -> Result<Value> {
        let orders = self.orders.as_mut().expect("it is taken at the end only");
        writeln!(orders, "{order}").act(|| "failed to give the screen an order".into())?;
        let answer = self.answer()?;
        match answer["failure"].as_str() {
            Some(failure) => Err(Failure::new(format!("{order}: {failure}"))),
            None => Ok(answer),
        }
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .act(|| "failed to read what the screen says".into())?;
        serde_json::from_str(&line).act(|| {
            format!("the screen said {line:?}; it needs Debian's packages python3-xlib and xvfb")
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
