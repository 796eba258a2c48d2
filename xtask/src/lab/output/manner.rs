//! How the lab speaks with whoever has started it, as the command line says.

use std::sync::OnceLock;

static CHOSEN: OnceLock<Manner> = OnceLock::new();

/// How the lab speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How much it says.
    pub verbosity: Verbosity,
    /// Whether it asks.
    pub consent: Consent,
}

/// How much the lab says on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors, and what the user has to know.
    Quiet,
    /// What goes on, too.
    Normal,
    /// Which programs are started and what they say, too.
    Verbose,
}

/// Whether the user is asked before something is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Yes, if there is a terminal.
    Asked,
    /// The user has said yes beforehand.
    Given,
}

impl Manner {
    /// Takes it for this process; what was taken first counts.
    pub fn choose(self) {
        let _ = CHOSEN.set(self);
    }

    /// That of this process.
    pub fn chosen() -> Self {
        let normal = Manner { verbosity: Verbosity::Normal, consent: Consent::Asked };
        CHOSEN.get().copied().unwrap_or(normal)
    }
}
