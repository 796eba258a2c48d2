//! What a kernel's own build files say: which options a file is built with, and what an option needs.

mod configuration;
mod expression;
mod kconfig;
mod makefile;
mod objects;

use std::collections::BTreeMap;

pub use configuration::Configuration;
pub use expression::{Expression, Setting};
pub use kconfig::Kconfig;

/// The architecture that is built, as the source names it.
pub const ARCHITECTURE: &str = "x86";

/// The build files of a source, by path: `Makefile`, `Kbuild`, `Kconfig` and the like.
#[derive(Clone, Debug, Default)]
pub struct BuildFiles {
    files: BTreeMap<String, String>,
}

impl BuildFiles {
    /// Of files with their paths.
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        BuildFiles { files: files.into_iter().collect() }
    }

    /// Whether a file with this path is one, in a kernel for [`ARCHITECTURE`].
    pub fn is_one(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let foreign = path.strip_prefix("arch/").and_then(|rest| rest.split_once('/'));
        let ours = foreign.is_none_or(|(architecture, _)| architecture == ARCHITECTURE);
        let in_tools = path.starts_with("tools/") || path.starts_with("Documentation/");
        ours && !in_tools && (is_makefile(name) || is_kconfig(name))
    }

    /// Takes a text for the file at `path`.
    pub(crate) fn set(&mut self, path: &str, text: String) {
        self.files.insert(path.to_owned(), text);
    }

    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
}

/// Whether a file of this name is a Makefile of the kernel's build.
pub fn is_makefile(name: &str) -> bool {
    matches!(name, "Makefile" | "Kbuild")
}

/// Whether a file of this name defines options.
pub fn is_kconfig(name: &str) -> bool {
    name.starts_with("Kconfig")
}
