//! `cargo xtask po`: from the strings in the source to the template, and from there to each translation.
//!
//! # Theory of operation
//!
//! `po/POTFILES` names what has strings, `po/LINGUAS` the languages. xgettext reads templates of the
//! window, the menu entry and the metainfo by itself. Of Rust it knows nothing before 0.24 (lifetimes
//! begin characters to it, and what a backslash at the end of a line means is another thing in C): for it
//! a *mirror* of each Rust file is written, with nothing but the calls and the translators' comments, on
//! their own lines, as C. Lines are not kept in the template, or every change of code would change it.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{self, output, run};
use crate::failure::{Act, Failure, Result};
use crate::workspace::Workspace;

mod mirror;

/// The gettext domain, which names the template and what is installed.
const DOMAIN: &str = "vpnns-desktop";

/// What GNU gettext calls its header's line that changes by the clock alone.
const CLOCK: &str = "\"POT-Creation-Date:";

/// Writes the template and merges it into the translations; or only says whether that is needed.
pub(crate) fn po(check: bool) -> Result {
    for program in ["xgettext", "msgmerge", "msgfmt"] {
        needed(program)?;
    }
    let root = Workspace::find()?.root;
    let directory = root.join("po");
    let template = directory.join(format!("{DOMAIN}.pot"));
    let fresh = fresh_template(&root)?;
    let is_same =
        fs::read_to_string(&template).is_ok_and(|old| without_clock(&old) == without_clock(&fresh));
    if check && !is_same {
        return Err(
            Failure::new("po/vpnns-desktop.pot is not what the source says")
                .hint("run `cargo xtask po`"),
        );
    }
    if !is_same {
        write(&template, &fresh)?;
    }
    let mut lacking = Vec::new();
    for language in languages(&directory)? {
        let file = directory.join(format!("{language}.po"));
        if !check {
            run(command::command("msgmerge")
                .args([
                    "--quiet",
                    "--update",
                    "--backup=none",
                    "--previous",
                    "--width=100",
                ])
                .arg(&file)
                .arg(&template))?;
        }
        let count = |selection: &str| -> Result<usize> {
            let mut attrib = command::command("msgattrib");
            let printed = output(
                attrib
                    .args([selection, "--no-obsolete", "--no-wrap"])
                    .arg(&file),
            )?;
            let printed = String::from_utf8_lossy(&printed);
            // The header is one, too, unless nothing is selected.
            Ok(printed
                .matches("\nmsgid ")
                .count()
                .saturating_sub(usize::from(printed.contains("\nmsgid \"\"\nmsgstr"))))
        };
        let (missing, fuzzy) = (count("--untranslated")?, count("--only-fuzzy")?);
        eprintln!("po: {language}: {missing} missing, {fuzzy} fuzzy");
        if missing + fuzzy > 0 {
            lacking.push(language);
        }
    }
    if check && !lacking.is_empty() {
        let text = format!("the translations are not complete: {}", lacking.join(", "));
        return Err(Failure::new(text)
            .hint("translate what `msgattrib --untranslated` and `--only-fuzzy` show"));
    }
    Ok(())
}

/// What is to be installed of the translations: for each language the compiled ones.
pub(crate) fn compiled(directory: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    needed("msgfmt")?;
    let compile = |language: String| {
        let file = directory.join(format!("{language}.po"));
        // Byte for byte the same on every machine, of either byte order.
        let mut msgfmt = command::command("msgfmt");
        let content = output(
            msgfmt
                .args(["--endianness=little", "--output-file=-"])
                .arg(file),
        )?;
        Ok((language, content))
    };
    languages(directory)?.into_iter().map(compile).collect()
}

/// A menu entry or metainfo with its translations in it.
pub(crate) fn merged(directory: &Path, template: &Path) -> Result<Vec<u8>> {
    needed("msgfmt")?;
    let is_xml = template.extension().is_some_and(|it| it == "xml");
    let mut msgfmt = command::command("msgfmt");
    msgfmt.arg(if is_xml { "--xml" } else { "--desktop" });
    msgfmt
        .arg("--template")
        .arg(template)
        .arg("-d")
        .arg(directory);
    output(msgfmt.args(["--output-file", "-"]))
}

/// The name of the files that are installed.
pub(crate) fn installed_name(language: &str) -> String {
    format!("locale/{}", name_in_locale(language))
}

fn name_in_locale(language: &str) -> String {
    format!("{language}/LC_MESSAGES/{DOMAIN}.mo")
}

/// Compiles the translations into a directory as it is under `share/locale`, for an app in the tree.
pub(crate) fn place(directory: &Path, locales: &Path) -> Result {
    for (language, content) in compiled(directory)? {
        let path = locales.join(name_in_locale(&language));
        fs::create_dir_all(path.parent().unwrap_or(&path))
            .and_then(|()| fs::write(&path, content))
            .act(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

fn needed(program: &str) -> Result {
    match command::find(program) {
        Some(_) => Ok(()),
        None => Err(
            Failure::new(format!("translations need {program}, which is not there")).hint(
                "install GNU gettext: cargo xtask setup --for desktop, or the package gettext",
            ),
        ),
    }
}

/// The words of a list, one a line.
fn listed(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).act(|| format!("failed to read {}", path.display()))?;
    let lines = text.lines().map(str::trim);
    Ok(lines
        .filter(|it| !it.is_empty() && !it.starts_with('#'))
        .map(str::to_owned)
        .collect())
}

fn languages(directory: &Path) -> Result<Vec<String>> {
    listed(&directory.join("LINGUAS"))
}

/// The template as the source has it now.
fn fresh_template(root: &Path) -> Result<String> {
    let files = listed(&root.join("po/POTFILES"))?;
    let mirrors = tempfile::tempdir().act(|| "failed to make a directory".into())?;
    for file in &files {
        let text = fs::read_to_string(root.join(file))
            .act(|| format!("failed to read {file}, which po/POTFILES names"))?;
        let text = if is_rust(file) {
            mirror::of(&text).act(|| format!("failed to find the strings of {file}"))?
        } else {
            text
        };
        let to = mirrors.path().join(file);
        fs::create_dir_all(to.parent().unwrap_or(&to))
            .act(|| format!("failed to make the directory of {}", to.display()))?;
        write(&to, &text)?;
    }
    let (rust, others): (Vec<&String>, Vec<&String>) = files.iter().partition(|it| is_rust(it));
    output(
        xgettext(mirrors.path())
            .arg("--output=so-far.pot")
            .args(others),
    )?;
    output(
        xgettext(mirrors.path())
            .args(["--language=C", "--keyword", "--keyword=gettext"])
            .args(["--keyword=ngettext:1,2", "--keyword=npgettext:1c,2,3"])
            .arg("--join-existing")
            .arg("--output=so-far.pot")
            .args(rust),
    )?;
    let text = fs::read_to_string(mirrors.path().join("so-far.pot"))
        .act(|| "failed to read what xgettext wrote".into())?;
    let text = text.split_once("\nmsgid \"\"\n").map_or("", |it| it.1);
    let text = format!("{HEADER}msgid \"\"\n{text}");
    let text = text.replace("\"Report-Msgid-Bugs-To: nowhere\\n\"\n", "");
    Ok(text.replace("charset=CHARSET", "charset=UTF-8"))
}

/// In place of xgettext's, which is a form to fill in.
const HEADER: &str = "\
# The strings of Per-App VPN. Written by `cargo xtask po`; the translations are beside it.
#, fuzzy
";

fn is_rust(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|it| it == "rs")
}

fn xgettext(directory: &Path) -> Command {
    let mut xgettext = command::command("xgettext");
    xgettext.current_dir(directory).args([
        "--from-code=UTF-8",
        "--add-comments=Translators:",
        "--add-location=file",
        "--width=100",
        "--package-name=vpnns",
        // Without one it complains, and the project has none.
        "--msgid-bugs-address=nowhere",
    ]);
    xgettext
}

fn without_clock(template: &str) -> String {
    template
        .lines()
        .filter(|it| !it.starts_with(CLOCK))
        .collect::<Vec<_>>()
        .join("\n")
}

fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text).act(|| format!("failed to write {}", path.display()))
}
