//! The helper's words in the language of the window, and sentences put together.

use crate::i18n::{gettext, gettext_f, gettext_noop, translated};

/// What a VPN that connects is doing. Stages that clients of other people tell stay as they are.
pub fn stage(told: &str) -> String {
    match told {
        // Translators: connecting; the embedded gateway is the server of the demonstration
        "starting the embedded gateway" => gettext("Starting the embedded gateway"),
        "looking up the server" => gettext("Looking up the server"),
        "calling the server" => gettext("Calling the server"),
        "waiting for the server's settings" => gettext("Waiting for the server's settings"),
        "waiting for the handshake" => gettext("Waiting for the handshake"),
        "setting up the device" => gettext("Setting up the device"),
        "running the script" => gettext("Running the script"),
        _ => with_name(told),
    }
}

/// The stages that end in the name of a program or a server.
fn with_name(told: &str) -> String {
    let rest = |start: &str| told.strip_prefix(start).filter(|it| !it.contains(' '));
    if let Some(program) = rest("starting ") {
        gettext_f("Starting {program}", &[("program", program)])
    } else if let Some(program) = rest("running ") {
        gettext_f("Running {program}", &[("program", program)])
    } else if let Some(server) = rest("looking up ") {
        gettext_f("Looking up {server}", &[("server", server)])
    } else if let Some(server) = rest("connecting to ") {
        gettext_f("Connecting to {server}", &[("server", server)])
    } else {
        sentence(told)
    }
}

/// The title of a check for leaks. One that a newer helper makes stays as it is.
pub fn title(told: &str) -> String {
    if TITLES.contains(&told) {
        translated(told)
    } else {
        told.to_owned()
    }
}

/// What the helper calls its checks, when all is well and when it is not.
// Translators: the titles that follow say what the check for leaks found
const TITLES: &[&str] = &[
    gettext_noop("No Other Network Device"),
    gettext_noop("Another Network Device Is There"),
    gettext_noop("No Other Way Out"),
    gettext_noop("There Is Another Way Out"),
    gettext_noop("IPv4 Goes Through the VPN"),
    gettext_noop("IPv4 Goes Past the VPN"),
    gettext_noop("IPv6 Goes Through the VPN"),
    gettext_noop("IPv6 Goes Past the VPN"),
    gettext_noop("No Address but Its Own"),
    gettext_noop("Addresses of Your Network Can Be Used"),
    gettext_noop("No Connection Brought Along"),
    gettext_noop("An App Has a Connection Outside"),
    gettext_noop("The VPN Answers Name Lookups"),
    gettext_noop("Name Lookups Go Elsewhere"),
    gettext_noop("Names Are Looked Up by DNS Only"),
    gettext_noop("Names Are Looked Up Elsewhere"),
    gettext_noop("The Name Cache Is Shut"),
    gettext_noop("The Name Cache Can Be Asked"),
    gettext_noop("The System Resolver Is Shut"),
    gettext_noop("The System Resolver Can Be Asked"),
    gettext_noop("Local Discovery Is Shut"),
    gettext_noop("Local Discovery Can Be Asked"),
    gettext_noop("System Services Are Shut"),
    gettext_noop("System Services Can Be Asked"),
    gettext_noop("Flatpak Apps Ask the VPN"),
    gettext_noop("Flatpak Apps Ask Your Network"),
    gettext_noop("No Helper Outside Can Be Asked"),
    gettext_noop("A Helper Outside Can Be Asked"),
    gettext_noop("Local Sockets Are Apart"),
    gettext_noop("Local Sockets Are Shared"),
    gettext_noop("No Hidden Bridge"),
    gettext_noop("A Program Bridges the Networks"),
    gettext_noop("Every App Is Inside"),
    gettext_noop("An App Is Outside"),
    gettext_noop("Apps Have No Privileges"),
    gettext_noop("An App Has Privileges"),
    gettext_noop("No Ports Are Open"),
    gettext_noop("Ports Are Open"),
    gettext_noop("This Could Not Be Checked"),
    gettext_noop("A Helper Outside Is Shared"),
    gettext_noop("Names Are Not Looked Up"),
    gettext_noop("Only the VPN Is Asked for Names"),
    gettext_noop("System Services Are Shared"),
    gettext_noop("Connections Cannot Be Looked At"),
    gettext_noop("Something Is Reached Past the VPN"),
    gettext_noop("IPv4 Is Offline"),
    gettext_noop("IPv4 Is Limited to the VPN"),
    gettext_noop("IPv6 Is Offline"),
    gettext_noop("IPv6 Is Limited to the VPN"),
    gettext_noop("The Name Cache Is Shared"),
    gettext_noop("Local Discovery Is Shared"),
    gettext_noop("The System Resolver Is Shared"),
];

/// Several names in a row, as in “Firefox, Thunderbird”.
pub fn listed<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    items.join(&comma())
}

/// A line as it is read out, without the dot between its parts.
pub fn spoken(line: &str) -> String {
    line.replace(" · ", &comma())
}

fn comma() -> String {
    // Translators: between the items of a list, as in “Firefox, Thunderbird”
    gettext(", ")
}

/// The helper's sentences begin in lower case, as those of a command do; the window's do not.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// The same with a full stop, of the script that the sentence is written in.
pub fn full_sentence(text: &str) -> String {
    let mut text = sentence(text);
    let is_closed = |text: &str| text.ends_with(['.', '!', '?', '…', ':', '؟']) || is_wide(text);
    if !text.is_empty() && !is_closed(&text) {
        let is_cjk = text.ends_with(|last| ('\u{3040}'..'\u{a000}').contains(&last));
        text.push(if is_cjk { '。' } else { '.' });
    }
    text
}

/// Sentences after one another; after a full stop as wide as a character there is no space. Where some go from
/// right to left, so does the whole, and the others keep their full stops.
pub fn joined<T: AsRef<str>>(sentences: impl IntoIterator<Item = T>) -> String {
    let sentences: Vec<T> = sentences.into_iter().collect();
    let from_right = sentences.iter().any(|it| goes_from_right(it.as_ref()));
    let mut text = String::new();
    for sentence in &sentences {
        let sentence = sentence.as_ref();
        if !text.is_empty() && !sentence.is_empty() && !is_wide(&text) {
            text.push(' ');
        }
        if from_right && !goes_from_right(sentence) {
            text.extend(["\u{200f}\u{2066}", sentence, "\u{2069}"]);
        } else {
            text.push_str(sentence);
        }
    }
    text
}

/// Whether there is Hebrew or Arabic in it.
fn goes_from_right(text: &str) -> bool {
    text.contains(|it| ('\u{590}'..'\u{900}').contains(&it))
}

fn is_wide(text: &str) -> bool {
    text.ends_with(['。', '！', '？', '：', '）'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_read_as_they_did_and_unknown_ones_are_kept() {
        for (told, shown) in [
            ("starting openvpn", "Starting openvpn"),
            ("looking up vpn.example.org", "Looking up vpn.example.org"),
            ("connecting to [::1]:443", "Connecting to [::1]:443"),
            (
                "starting the embedded gateway",
                "Starting the embedded gateway",
            ),
            ("waiting for the moon", "Waiting for the moon"),
        ] {
            assert_eq!(stage(told), shown);
        }
    }

    #[test]
    fn sentences_end_and_follow_one_another_as_their_script_has_it() {
        assert_eq!(full_sentence("the server is gone"), "The server is gone.");
        assert_eq!(
            full_sentence("サーバーが応答しません"),
            "サーバーが応答しません。"
        );
        assert_eq!(full_sentence("服务器没有响应。"), "服务器没有响应。");
        assert_eq!(full_sentence(""), "");
        assert_eq!(joined(["One.", "", "Two."]), "One. Two.");
        assert_eq!(joined(["一。", "二。"]), "一。二。");
        assert_eq!(
            joined(["One.", "واحد."]),
            "\u{200f}\u{2066}One.\u{2069} واحد."
        );
        assert_eq!(listed(&["a", "b"]), "a, b");
        assert_eq!(spoken("Connected · 12 min"), "Connected, 12 min");
    }
}
