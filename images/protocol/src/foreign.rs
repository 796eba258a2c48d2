//! A FUSE server that is not the lab's own.

use serde::{Deserialize, Serialize};

/// How it is started. It speaks with the kernel and with nobody else: what it does is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ForeignServer {
    /// Which program it is.
    pub program: ServerProgram,
    /// Its arguments; `{storage}` stands for the folder whose files it serves, `{mount}` for the one that it mounts on.
    pub arguments: Vec<String>,
}

impl ForeignServer {
    /// Program and arguments in the guest, with the two folders put in.
    pub fn argv(&self, storage: &str, mount: &str) -> Vec<String> {
        let put_in = |argument: &String| argument.replace("{storage}", storage).replace("{mount}", mount);
        std::iter::once(self.program.guest_path()).chain(self.arguments.iter().map(put_in)).collect()
    }
}

/// The program of such a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerProgram {
    /// A program of the host, by its path there.
    Host(String),
    /// An example of libfuse, which the lab builds.
    Libfuse(LibfuseExample),
}

impl ServerProgram {
    /// Its path in the guest: another one for each program, whatever their names.
    pub fn guest_path(&self) -> String {
        match self {
            ServerProgram::Host(path) => format!("/servers/host{path}"),
            ServerProgram::Libfuse(example) => format!("/servers/libfuse/{}", example.name()),
        }
    }

    /// What it is called, in words.
    pub fn shown(&self) -> String {
        match self {
            ServerProgram::Host(path) => path.clone(),
            ServerProgram::Libfuse(example) => format!("libfuse's {}", example.name()),
        }
    }
}

/// One of libfuse's example servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LibfuseExample {
    /// `passthrough_hp`: the high-performance one.
    #[serde(rename = "passthrough_hp")]
    PassthroughHp,
    /// `passthrough_ll`: the one for the low-level interface.
    #[serde(rename = "passthrough_ll")]
    PassthroughLl,
}

impl LibfuseExample {
    /// All of them.
    pub const ALL: [LibfuseExample; 2] = [LibfuseExample::PassthroughHp, LibfuseExample::PassthroughLl];

    /// Its name in libfuse and in `lab.toml`.
    pub fn name(self) -> &'static str {
        match self {
            LibfuseExample::PassthroughHp => "passthrough_hp",
            LibfuseExample::PassthroughLl => "passthrough_ll",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_put_in() {
        let server = ForeignServer {
            program: ServerProgram::Libfuse(LibfuseExample::PassthroughLl),
            arguments: ["-f", "-o", "source={storage},timeout=1", "{mount}"].map(str::to_owned).to_vec(),
        };
        assert_eq!(
            server.argv("/s", "/m"),
            ["/servers/libfuse/passthrough_ll", "-f", "-o", "source=/s,timeout=1", "/m"]
        );
    }

    #[test]
    fn a_name_is_that_of_the_record() {
        for example in LibfuseExample::ALL {
            assert_eq!(serde_json::to_value(example).unwrap(), example.name());
        }
    }

    #[test]
    fn programs_of_one_name_have_places_of_their_own() {
        let programs = ["/usr/bin/passthrough_hp", "/opt/passthrough_hp"]
            .map(|path| ServerProgram::Host(path.to_owned()));
        let examples = LibfuseExample::ALL.map(ServerProgram::Libfuse);
        let places: std::collections::BTreeSet<String> =
            programs.iter().chain(&examples).map(ServerProgram::guest_path).collect();
        assert_eq!(places.len(), 4, "{places:?}");
    }
}
