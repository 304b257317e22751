//! What can be seen from an instance and from outside: pages and names.

use super::lab::Lab;
use super::process::Output;

impl Lab {
    /// Whether the instance gets the page at `address`.
    pub fn reaches(&self, name: &str, address: &str) -> bool {
        self.page(name, address).stdout.starts_with("hello from ")
    }

    /// Whether the user's own network gets the page at `address`.
    pub fn reaches_outside(&self, address: &str) -> bool {
        self.page_outside(address).stdout.starts_with("hello from ")
    }

    /// What curl says of the page at `address`, seen from the instance.
    pub fn page(&self, name: &str, address: &str) -> Output {
        self.inside(name, &curl(address)).run()
    }

    /// What curl says of the page at `address`, seen from the user's own network.
    pub fn page_outside(&self, address: &str) -> Output {
        self.run_by_user(&curl(address)).run()
    }

    /// The addresses a program in the instance gets for `host`, one a line, each once.
    pub fn lookup(&self, name: &str, host: &str) -> Output {
        // getaddrinfo as everyone uses it; `ahosts` prints each address once for each socket type.
        let script = "set -o pipefail; getent ahosts \"$1\" | cut -d' ' -f1 | sort -u";
        self.inside(name, &["bash", "-c", script, "lookup", host])
            .run()
    }
}

/// curl as the tests use it: quiet, never by a proxy, and not for long where packets just vanish.
fn curl(address: &str) -> Vec<String> {
    let host = if address.contains(':') {
        format!("[{address}]")
    } else {
        address.to_owned()
    };
    let options = "--silent --show-error --noproxy * --connect-timeout 2 --max-time 5";
    let words = ["curl"]
        .into_iter()
        .chain(options.split(' '))
        .map(str::to_owned);
    words.chain([format!("http://{host}/")]).collect()
}
