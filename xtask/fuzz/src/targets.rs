//! What is tried: the readers of what comes from users, series, guests and builds.

mod campaign;
mod frames;
mod judge;
mod kbuild;
mod lab_toml;
mod mailbox;
mod mutants;
mod record;
mod requests;
mod series;
mod tools;

use clap::ValueEnum as _;
use xtask::commands::cli::FuzzTarget;

use crate::inputs::Checkout;

/// A reader, with what is known of the form that it reads.
pub trait Target: Sync {
    /// Real inputs.
    ///
    /// # Errors
    /// If they cannot be read.
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>>;

    /// Reads a case, and does with it what the lab does. An error of the reader is right; a panic is a fault.
    ///
    /// # Panics
    /// If the reader panics, or what it read has not the properties that it must have.
    fn check(&self, case: &[u8]);

    /// The case with lengths and digests that fit the rest.
    fn mended(&self, case: Vec<u8>) -> Vec<u8> {
        case
    }

    /// Whether some lines of an input are an input, too.
    fn takes_excerpts(&self) -> bool {
        false
    }
}

/// The reader of this name.
pub fn of(target: FuzzTarget) -> &'static dyn Target {
    match target {
        FuzzTarget::LabToml => &lab_toml::LabToml,
        FuzzTarget::Series => &series::OfFiles,
        FuzzTarget::Mailbox => &mailbox::Mailbox,
        FuzzTarget::Frames => &frames::Frames,
        FuzzTarget::Judge => &judge::Judge,
        FuzzTarget::Record => &record::Records,
        FuzzTarget::Requests => &requests::Requests,
        FuzzTarget::Tools => &tools::Tools,
        FuzzTarget::Kbuild => &kbuild::Kbuild,
        FuzzTarget::Campaign => &campaign::WholeCampaign,
        FuzzTarget::Mutants => &mutants::Mutants,
    }
}

/// The reader with this name, if there is one.
pub fn named(name: &str) -> Option<&'static dyn Target> {
    FuzzTarget::from_str(name, false).ok().map(of)
}

/// All of them.
pub fn all() -> &'static [FuzzTarget] {
    FuzzTarget::value_variants()
}

/// Errors are made to be read: an error that cannot be shown is a fault.
fn show(error: &impl std::fmt::Display) {
    assert!(!format!("{error:#}").is_empty(), "an error without words");
}
