//! Which source a series is for.

use std::path::Path;

use anyhow::Context as _;
use lab_core::plan::Source;
use lab_core::series::Series;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use super::kernel::{self, Refused};
use super::source;
use crate::lab::{Lab, output};
use crate::series::import::begin_of_range;

/// What a source says to a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It applies to this source.
    Applies(String),
    /// The source was never fetched, so that nobody knows.
    NotThere,
    /// It does not apply, or cannot be applied.
    Refused {
        /// The source.
        identity: String,
        /// Place and cause.
        why: String,
    },
}

/// Whether a series applies to a source of `lab.toml`, which is fetched for it if it may be.
///
/// # Errors
/// If the source cannot be had, or git cannot say.
pub(crate) fn fits(
    sh: &Shell,
    lab: &Lab,
    (written, may_be_fetched): (&Source, bool),
    series: &Series,
) -> anyhow::Result<Fit> {
    let tell = |line: &str| output::tell(&escape_for_terminal(line));
    let located = source::located(written, lab.checkout.root());
    let known = source::known(sh, &lab.cache, &located)?;
    let is_there = match &known {
        Some(identity) => source::prepared(&lab.cache, identity)?.is_some(),
        None => false,
    };
    if !is_there && !may_be_fetched {
        return Ok(Fit::NotThere);
    }
    let identity = source::identify(sh, &lab.cache, &located, &tell)?;
    let commit = kernel::applied(sh, &lab.cache, (&located, &identity), std::slice::from_ref(series), &tell);
    let refused = |error: anyhow::Error| match error.downcast_ref::<Refused>() {
        Some(_) => Ok(Fit::Refused { identity: identity.identity.clone(), why: format!("{error:#}") }),
        // The source cannot be had, the disk is full, and so on: nothing is said of the series.
        None => Err(error),
    };
    match commit {
        Ok(()) => Ok(Fit::Applies(identity.identity)),
        Err(error) => refused(error),
    }
}

/// The commit before a range of a repository, as a source.
///
/// # Errors
/// If the repository or the range cannot be read.
pub(crate) fn before_range(sh: &Shell, repository: &Path, range: &str) -> anyhow::Result<Source> {
    let commit = begin_of_range(sh, repository, range)?;
    let repository =
        std::fs::canonicalize(repository).with_context(|| format!("opening {}", repository.display()))?;
    Ok(Source::Git { repository: repository.display().to_string(), commit })
}
