//! Something that the lab needs from the machine it runs on, and where to look for it.

use std::path::{Path, PathBuf};

use crate::lab::process::path::find_program;

/// Something that the lab needs from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// What is looked for.
    pub what: What,
    /// The Debian package that has it.
    pub package: &'static str,
    /// Who needs it.
    pub why: &'static str,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A program in `PATH`.
    Program(&'static str),
    /// A C header below `/usr/include`.
    Header(&'static str),
    /// A module of the system's own Python.
    Module(&'static str),
    /// A file at this place.
    File(&'static str),
}

/// Something that is needed.
pub const fn need(what: What, package: &'static str, why: &'static str) -> Need {
    Need { what, package, why }
}

impl What {
    /// Where it is, if it is there.
    pub fn find(self) -> Option<PathBuf> {
        match self {
            What::Program(name) => find_program(name),
            What::File(path) => Some(PathBuf::from(path)).filter(|path| path.is_file()),
            What::Header(name) => {
                [Path::new("/usr/include").join(name), Path::new("/usr/include/libelf").join(name)]
                    .into_iter()
                    .find(|path| path.is_file())
            }
            What::Module(name) => {
                let path = Path::new("/usr/lib/python3/dist-packages").join(name);
                path.is_dir().then_some(path)
            }
        }
    }

    /// What is looked for, in words.
    pub fn name(self) -> &'static str {
        match self {
            What::Program(name) | What::Header(name) | What::Module(name) | What::File(name) => name,
        }
    }
}
