//! The packages that the project needs beside Rust, each with its reason.

use std::path::Path;

use clap::ValueEnum;

use crate::command;

/// What a machine is made ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Purpose {
    /// Building the helper and running it
    Run,
    /// Building the app too
    Desktop,
    /// Running every test
    Test,
    /// Measuring against the others
    Bench,
    /// Looking for inputs that break something
    Fuzz,
}

/// How to see that a package is there where no package manager of ours can be asked.
#[derive(Clone, Copy)]
pub(crate) enum Trace {
    /// A program on the path.
    Program(&'static str),
    /// One of these files.
    File(&'static [&'static str]),
}

impl Trace {
    /// Whether the trace is on this machine.
    pub(crate) fn is_there(self) -> bool {
        match self {
            Self::Program(program) => command::find(program).is_some(),
            Self::File(paths) => paths.iter().any(|path| Path::new(path).exists()),
        }
    }
}

/// One package under its name in each family of distributions.
pub(crate) struct Package {
    /// Debian's name, and Ubuntu's.
    pub(crate) deb: &'static str,
    /// Fedora's name.
    pub(crate) fedora: &'static str,
    /// Arch's name; empty where only its user repository has it.
    pub(crate) arch: &'static str,
    /// What shows that it is installed.
    pub(crate) trace: Trace,
    /// What it is needed for.
    pub(crate) purposes: &'static [Purpose],
    /// Why, in a few words.
    pub(crate) why: &'static str,
}

/// Whether the app can be built here.
pub(crate) fn can_build_app() -> bool {
    needed_for(Purpose::Desktop).all(|package| package.trace.is_there())
}

/// The packages that a purpose needs.
pub(crate) fn needed_for(purpose: Purpose) -> impl Iterator<Item = &'static Package> {
    PACKAGES
        .iter()
        .filter(move |package| package.purposes.contains(&purpose))
}

const ALL: &[Purpose] = &[
    Purpose::Run,
    Purpose::Desktop,
    Purpose::Test,
    Purpose::Bench,
    Purpose::Fuzz,
];
const APP: &[Purpose] = &[Purpose::Desktop, Purpose::Test, Purpose::Bench];
const BENCH: &[Purpose] = &[Purpose::Bench];
const FUZZ: &[Purpose] = &[Purpose::Fuzz];
const TEST: &[Purpose] = &[Purpose::Test];
const MEASURED: &[Purpose] = &[Purpose::Test, Purpose::Bench];

/// Where the distributions keep the static C library.
const LIBC: Trace = Trace::File(&[
    "/usr/lib/libc.a",
    "/usr/lib64/libc.a",
    "/usr/lib/x86_64-linux-gnu/libc.a",
    "/usr/lib/aarch64-linux-gnu/libc.a",
]);

/// Where the distributions keep the script that VPN clients are configured by.
const VPNC_SCRIPT: Trace = Trace::File(&[
    "/usr/share/vpnc-scripts/vpnc-script",
    "/etc/vpnc/vpnc-script",
]);

/// Where the distributions keep what pkg-config says of GTK.
const GTK: Trace = Trace::File(&[
    "/usr/lib/x86_64-linux-gnu/pkgconfig/gtk4.pc",
    "/usr/lib/aarch64-linux-gnu/pkgconfig/gtk4.pc",
    "/usr/lib64/pkgconfig/gtk4.pc",
    "/usr/lib/pkgconfig/gtk4.pc",
]);

/// The same of libadwaita.
const ADWAITA: Trace = Trace::File(&[
    "/usr/lib/x86_64-linux-gnu/pkgconfig/libadwaita-1.pc",
    "/usr/lib/aarch64-linux-gnu/pkgconfig/libadwaita-1.pc",
    "/usr/lib64/pkgconfig/libadwaita-1.pc",
    "/usr/lib/pkgconfig/libadwaita-1.pc",
]);

/// What starts the bus of screen readers.
const ATSPI: Trace = Trace::File(&[
    "/usr/libexec/at-spi-bus-launcher",
    "/usr/lib/at-spi-bus-launcher",
]);

/// How Python programs speak to it.
const ATSPI_PYTHON: Trace = Trace::File(&[
    "/usr/lib/x86_64-linux-gnu/girepository-1.0/Atspi-2.0.typelib",
    "/usr/lib/aarch64-linux-gnu/girepository-1.0/Atspi-2.0.typelib",
    "/usr/lib64/girepository-1.0/Atspi-2.0.typelib",
    "/usr/lib/girepository-1.0/Atspi-2.0.typelib",
]);

/// The icons of every GNOME application.
const ICONS: Trace = Trace::File(&["/usr/share/icons/Adwaita/index.theme"]);

/// What draws icons that are SVG files.
const SVG: Trace = Trace::File(&[
    "/usr/lib/x86_64-linux-gnu/gdk-pixbuf-2.0/2.10.0/loaders/libpixbufloader-svg.so",
    "/usr/lib/aarch64-linux-gnu/gdk-pixbuf-2.0/2.10.0/loaders/libpixbufloader-svg.so",
    "/usr/lib64/gdk-pixbuf-2.0/2.10.0/loaders/libpixbufloader-svg.so",
    "/usr/lib/gdk-pixbuf-2.0/2.10.0/loaders/libpixbufloader-svg.so",
]);

/// GNOME's font at the baseline.
const FONT: Trace = Trace::File(&[
    "/usr/share/fonts/opentype/cantarell",
    "/usr/share/fonts/abattis-cantarell-vf-fonts",
    "/usr/share/fonts/cantarell",
]);

/// The certificates of the authorities that programs trust.
const AUTHORITIES: Trace = Trace::File(&["/etc/ssl/certs/ca-certificates.crt"]);

/// Where the distributions keep letters for Arabic.
const ARABIC: Trace = Trace::File(&[
    "/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf",
    "/usr/share/fonts/google-noto-vf/NotoSansArabic[wght].ttf",
    "/usr/share/fonts/noto/NotoSansArabic-Regular.ttf",
]);

/// The same for Chinese and Japanese.
const CJK: Trace = Trace::File(&[
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
]);

/// Where the distributions keep what lets Python use GTK.
const GTK_PYTHON: Trace = Trace::File(&[
    "/usr/lib/x86_64-linux-gnu/girepository-1.0/Gtk-4.0.typelib",
    "/usr/lib/aarch64-linux-gnu/girepository-1.0/Gtk-4.0.typelib",
    "/usr/lib64/girepository-1.0/Gtk-4.0.typelib",
    "/usr/lib/girepository-1.0/Gtk-4.0.typelib",
]);

#[rustfmt::skip] // one row a package reads as the table it is
const PACKAGES: &[Package] = &[
    row("gcc", "gcc", "gcc", Trace::Program("gcc"), ALL, "the linker that Rust calls"),
    row("libc6-dev", "glibc-static", "glibc", LIBC, ALL, "the static C library of the helper"),

    row("g++", "gcc-c++", "gcc", Trace::Program("g++"), FUZZ, "builds libFuzzer, which is C++"),

    row("util-linux", "util-linux", "util-linux", Trace::Program("unshare"), MEASURED, "unshare, the yardstick of the start-up benchmark"),
    row("bubblewrap", "bubblewrap", "bubblewrap", Trace::Program("bwrap"), MEASURED, "a peer in the benchmark; a sandbox as browsers nest it"),
    row("ocproxy", "ocproxy", "", Trace::Program("ocproxy"), MEASURED, "ships the original vpnns, the peer to measure against"),
    row("iperf3", "iperf3", "iperf3", Trace::Program("iperf3"), BENCH, "the streams and datagrams of the relay's benchmark"),
    row("passwd", "shadow-utils", "shadow", Trace::Program("useradd"), MEASURED, "useradd, for the ordinary user when root runs this"),
    row("procps", "procps-ng", "procps-ng", Trace::Program("ps"), MEASURED, "ps, to see what was left behind"),

    row("openconnect", "openconnect", "openconnect", Trace::Program("openconnect"), MEASURED, "the client of the end-to-end tests"),
    row("ocserv", "ocserv", "", Trace::Program("ocserv"), MEASURED, "the server of the end-to-end tests"),
    row("openssl", "openssl", "openssl", Trace::Program("openssl"), MEASURED, "for the test server's certificate"),
    row("openvpn", "openvpn", "openvpn", Trace::Program("openvpn"), MEASURED, "client and server of the tests of --graft"),
    row("wireguard-go", "wireguard-go", "", Trace::Program("wireguard-go"), MEASURED, "the peer of the built-in WireGuard, its yardstick, and a client to graft"),
    row("wireguard-tools", "wireguard-tools", "wireguard-tools", Trace::Program("wg"), MEASURED, "wg, which makes keys and configures wireguard-go"),
    row("vpnc-scripts", "vpnc-script", "vpnc", VPNC_SCRIPT, TEST, "the real script that --script is for"),
    row("iproute2", "iproute", "iproute2", Trace::Program("ip"), MEASURED, "ip, to build and to look at test networks"),
    row("iputils-ping", "iputils", "iputils", Trace::Program("ping"), MEASURED, "ping works inside an instance"),
    row("uidmap", "shadow-utils", "shadow", Trace::Program("newuidmap"), MEASURED, "newuidmap, for a test server that needs several users"),
    row("curl", "curl", "curl", Trace::Program("curl"), TEST, "fetches pages through the tunnel"),
    row("python3", "python3", "python", Trace::Program("python3"), MEASURED, "the small page and name servers behind the test server"),
    row("tcpdump", "tcpdump", "tcpdump", Trace::Program("tcpdump"), TEST, "sees a packet that leaks"),
    row("nscd", "nscd", "", Trace::Program("nscd"), TEST, "answers names for the host's network, which an instance must not hear"),
    row("dbus-daemon", "dbus-daemon", "dbus", Trace::Program("dbus-daemon"), MEASURED, "system and session buses for the tests, and for the app"),
    row("xdg-dbus-proxy", "xdg-dbus-proxy", "xdg-dbus-proxy", Trace::Program("xdg-dbus-proxy"), TEST, "filters the system bus of an instance"),
    row("libglib2.0-bin", "glib2", "glib2", Trace::Program("gdbus"), TEST, "gdbus and gio: a program that uses a bus, and one that opens links"),
    row("gnupg", "gnupg2", "gnupg", Trace::Program("gpg-connect-agent"), TEST, "asks GnuPG's daemons who they are"),
    row("dirmngr", "gnupg2-dirmngr", "gnupg", Trace::Program("dirmngr"), TEST, "fetches keys, and must not outside"),
    row("strace", "strace", "strace", Trace::Program("strace"), TEST, "sees which calls a start makes, and makes them fail"),
    row("desktop-file-utils", "desktop-file-utils", "desktop-file-utils", Trace::Program("desktop-file-validate"), TEST, "says which launcher entries are as the specification wants them"),
    row("appstream", "appstream", "appstream", Trace::Program("appstreamcli"), TEST, "says whether software centres can read what the app is"),
    row("systemd", "systemd", "systemd", Trace::Program("systemd-analyze"), TEST, "says whether the unit for profiles without a desktop is one"),
    row("firefox-esr", "firefox", "firefox", Trace::File(&["/usr/share/applications/firefox-esr.desktop"]), TEST, "a browser that would hand a launch over to a copy outside"),
    row("chromium", "chromium", "chromium", Trace::File(&["/usr/share/applications/chromium.desktop"]), TEST, "another one, which does it in another way"),
    row("aria2", "aria2", "aria2", Trace::Program("aria2c"), TEST, "fetches the torrent of the README, and has it to give"),
    row("ca-certificates", "ca-certificates", "ca-certificates", AUTHORITIES, TEST, "whom a test server's certificate is added to"),
    row("tmux", "tmux", "tmux", Trace::Program("tmux"), TEST, "a server outside that would open a window for a program inside"),
    row("gnome-text-editor", "gnome-text-editor", "gnome-text-editor", Trace::Program("gnome-text-editor"), TEST, "an application that does it by the session bus"),
    row("gir1.2-gtk-4.0", "gtk4", "gtk4", GTK_PYTHON, TEST, "the same in a few lines of Python, which tell what they open"),
    row("libgtk-3-bin", "gtk3", "gtk3", Trace::Program("gtk-launch"), TEST, "gtk-launch, another way, and how some desktops start entries"),
    row("gvfs-backends", "gvfs", "gvfs", Trace::File(&["/usr/share/gvfs/mounts/http.mount"]), TEST, "a service of the session that fetches pages for programs"),
    row("xfce4-terminal", "xfce4-terminal", "xfce4-terminal", Trace::Program("xfce4-terminal"), TEST, "a terminal that is one process for all its windows"),
    row("xdg-utils", "xdg-utils", "xdg-utils", Trace::Program("xdg-open"), TEST, "xdg-open, the third"),
    row("mandoc", "mandoc", "mandoc", Trace::Program("mandoc"), TEST, "checks the man page"),
    row("flatpak", "flatpak", "flatpak", Trace::Program("flatpak"), TEST, "packs the Flatpak, installs it and runs it"),
    row("debian-archive-keyring", "debian-keyring", "debian-archive-keyring", Trace::File(&["/usr/share/keyrings/debian-archive-keyring.gpg"]), TEST, "the keys of those packages"),
    row("bash", "bash", "bash", Trace::Program("bash"), TEST, "loads its completions; job control"),
    row("pkg-config", "pkgconf-pkg-config", "pkgconf", Trace::Program("pkg-config"), APP, "finds GTK for the app's build"),
    row("libgtk-4-dev", "gtk4-devel", "gtk4", GTK, APP, "GTK, for the app"),
    row("libadwaita-1-dev", "libadwaita-devel", "libadwaita", ADWAITA, APP, "libadwaita, for the app"),
    row("libglib2.0-dev-bin", "glib2-devel", "glib2-devel", Trace::Program("glib-compile-resources"), APP, "embeds icons and style in the app"),
    row("gettext", "gettext", "gettext", Trace::Program("msgfmt"), APP, "compiles translations"),
    row("xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb", Trace::Program("Xvfb"), MEASURED, "a screen for the app's window, and for browsers"),
    row("python3-xlib", "python3-xlib", "python-xlib", Trace::File(&["/usr/lib/python3/dist-packages/Xlib/ext/damage.py"]), BENCH, "sees the first frame of a window from outside"),
    row("at-spi2-core", "at-spi2-core", "at-spi2-core", ATSPI, MEASURED, "lets the tests see what a screen reader sees"),
    row("gir1.2-atspi-2.0", "at-spi2-core-devel", "at-spi2-core", ATSPI_PYTHON, TEST, "the same, for Python"),
    row("python3-gi", "python3-gobject", "python-gobject", Trace::File(&["/usr/lib/python3/dist-packages/gi", "/usr/lib64/python3/site-packages/gi"]), TEST, "Python's way to GLib libraries: stand-ins for services, the icons of the tray"),
    row("openbox", "openbox", "openbox", Trace::Program("openbox"), MEASURED, "a window manager, for keys and focus"),
    row("picom", "picom", "picom", Trace::Program("picom"), TEST, "draws shadows and transparency, as desktops do"),
    row("xdotool", "xdotool", "xdotool", Trace::Program("xdotool"), TEST, "real key and mouse events"),
    row("imagemagick", "ImageMagick", "imagemagick", Trace::Program("import"), TEST, "takes pictures of the window"),
    row("adwaita-icon-theme", "adwaita-icon-theme", "adwaita-icon-theme", ICONS, MEASURED, "the icons in the window"),
    row("librsvg2-common", "librsvg2", "librsvg", SVG, MEASURED, "draws icons that are SVG files"),
    row("xfce4-panel", "xfce4-panel", "xfce4-panel", Trace::Program("xfce4-panel"), TEST, "a real panel, for the tray icon"),
    row("xfconf", "xfconf", "xfconf", Trace::Program("xfconf-query"), TEST, "the settings of that panel"),
    row("waybar", "waybar", "waybar", Trace::Program("waybar"), TEST, "another panel, on Wayland"),
    row("sway", "sway", "sway", Trace::Program("sway"), TEST, "a Wayland compositor without a screen"),
    row("grim", "grim", "grim", Trace::Program("grim"), TEST, "takes pictures of it"),
    row("fonts-cantarell", "abattis-cantarell-vf-fonts", "cantarell-fonts", FONT, TEST, "the window's font"),
    row("fonts-noto-core", "google-noto-sans-arabic-fonts", "noto-fonts", ARABIC, TEST, "the window in Arabic"),
    row("fonts-noto-cjk", "google-noto-sans-cjk-fonts", "noto-fonts-cjk", CJK, TEST, "the window in Chinese and Japanese"),
    row("locales", "glibc-locale-source", "glibc", Trace::File(&["/usr/share/i18n/locales/de_DE"]), TEST, "numbers as Germans write them"),
    row("mmdebstrap", "mmdebstrap", "", Trace::Program("mmdebstrap"), TEST, "a clean Debian 12, which what is published is installed on, and the runtime of the Flatpak"),
    row("dpkg-dev", "dpkg-dev", "dpkg", Trace::Program("dpkg-shlibdeps"), TEST, "says which packages the app's libraries are in"),
    row("lintian", "lintian", "", Trace::Program("lintian"), TEST, "says what is wrong with a package"),
    row("zsh", "zsh", "zsh", Trace::Program("zsh"), TEST, "loads its completions"),
    row("fish", "fish", "fish", Trace::Program("fish"), TEST, "loads its completions"),
];

const fn row(
    deb: &'static str,
    fedora: &'static str,
    arch: &'static str,
    trace: Trace,
    purposes: &'static [Purpose],
    why: &'static str,
) -> Package {
    Package {
        deb,
        fedora,
        arch,
        trace,
        purposes,
        why,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_package_is_listed_twice_or_without_a_reason() {
        let mut seen = HashSet::new();
        for package in PACKAGES {
            assert!(seen.insert(package.deb), "{} is listed twice", package.deb);
            assert!(
                !package.fedora.is_empty() && !package.why.is_empty(),
                "{}",
                package.deb
            );
        }
    }

    #[test]
    fn whatever_running_needs_the_others_need_too() {
        for package in needed_for(Purpose::Run) {
            assert_eq!(package.purposes, ALL, "{}", package.deb);
        }
    }
}
