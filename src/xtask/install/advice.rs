//! What is left to do after an installation: where shells and man do not look by themselves.

use std::env;
use std::ffi::OsStr;
use std::path::Path;

/// Below these everything is found without being told.
const STANDARD: [&str; 2] = ["/usr", "/usr/local"];

/// Lines to show the user; none where nothing is left to do.
pub(super) fn advice(prefix: &Path, home: Option<&Path>, path: &OsStr) -> Vec<String> {
    let mut lines = Vec::new();
    let shown = prefix.display();
    let bin = prefix.join("bin");
    if !env::split_paths(path).any(|directory| directory == bin) {
        lines.extend([
            "So that programs and pages are found (in ~/.profile, or your shell's own file):"
                .into(),
            format!("    export PATH=\"{shown}/bin:$PATH\""),
            "man looks beside the directories of PATH; where it is another than man-db's:".into(),
            format!("    export MANPATH=\"{shown}/share/man:$MANPATH\""),
        ]);
    }
    if STANDARD
        .iter()
        .any(|standard| Path::new(standard) == prefix)
    {
        return lines;
    }
    lines.extend([
        "So that zsh completes (in ~/.zshrc, before compinit):".to_owned(),
        format!("    fpath=({shown}/share/zsh/site-functions $fpath)"),
    ]);
    // bash and fish look in the user's own data directory by themselves.
    if home.is_none_or(|home| home.join(".local") != prefix) {
        lines.extend([
            "So that bash completes (in ~/.bashrc):".to_owned(),
            format!("    source {shown}/share/bash-completion/completions/vpnns"),
            "So that fish completes (in ~/.config/fish/config.fish):".to_owned(),
            format!("    set -a fish_complete_path {shown}/share/fish/vendor_completions.d"),
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(prefix: &str, path: &str) -> String {
        let home = Some(Path::new("/home/ann"));
        advice(Path::new(prefix), home, OsStr::new(path)).join("\n")
    }

    #[test]
    fn nothing_is_left_to_do_below_a_standard_prefix() {
        assert_eq!(text("/usr/local", "/usr/bin:/usr/local/bin"), "");
    }

    #[test]
    fn what_is_not_looked_for_by_itself_is_told() {
        let local = text("/home/ann/.local", "/usr/bin");
        assert!(
            local.contains("export PATH=\"/home/ann/.local/bin:$PATH\""),
            "{local}"
        );
        assert!(local.contains("fpath=("), "{local}");
        assert!(!local.contains("bashrc"), "{local}");
        let other = text("/opt/vpnns", "/usr/bin:/opt/vpnns/bin");
        assert!(!other.contains("PATH="), "{other}");
        for word in [
            "fpath=(",
            "source /opt/vpnns",
            "fish_complete_path /opt/vpnns",
        ] {
            assert!(other.contains(word), "{other}");
        }
    }
}
