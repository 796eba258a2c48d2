//! What kernels are configured with: the fragments that are named, and with `auto` what the series of all of them need.

use std::collections::BTreeMap;

use anyhow::Context as _;
use lab_core::plan::config::why_debug;
use lab_core::plan::{Arch, KernelSettings, Source, Variant};
use lab_core::series::Series;
use lab_core::series::needed::{Needed, Origin, Stack, fragment};
use lab_core::series::turned_on::{LeftOff, TurnedOn};
use lab_core::series::unbuilt::NotBuilt;
use xshell::Shell;

use super::bases::{Base, Bases};
use super::kernel::{self, AUTO, Fragment};
use super::loaded::load_series;
use super::source::Tell;
use crate::lab::Lab;

/// The options of a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// What all kernels of its source are asked for.
    pub(super) shared: Vec<Fragment>,
    /// What it alone is asked for, since its series add it.
    pub(super) own: Vec<Fragment>,
    /// What of both the lab turned on by itself.
    pub(super) turned_on: Vec<TurnedOn>,
    /// What it did not turn on, although something needs it.
    pub(super) left_off: Vec<LeftOff>,
}

/// What of the series of a kernel is built.
#[derive(Clone, Debug, Default)]
pub(crate) struct BuiltParts {
    /// What is not.
    pub(crate) not_built: Vec<NotBuilt>,
    /// Options that the lab turned on by itself.
    pub(crate) turned_on: Vec<TurnedOn>,
}

/// A source that is not unpacked.
#[derive(Clone, Copy)]
pub(super) enum Absent<'a> {
    /// It is fetched and unpacked.
    Prepared(Tell<'a>),
    /// Nothing is known of what series need.
    LeftOut,
}

/// The options of the kernels of `variants`, each with its series; none where `auto` has to read a source that is not there.
///
/// # Errors
/// If a fragment or a series cannot be read, or a source not be prepared.
pub(super) fn of_kernels(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    bases: &Bases<'_>,
    (variants, series): (&[Variant], &[Vec<Series>]),
    absent: Absent<'_>,
) -> anyhow::Result<Vec<Option<Options>>> {
    let named = read_fragments(sh, lab, settings)?;
    let Some(all) = &settings.auto else {
        let options = Options { shared: named, ..Options::default() };
        return Ok(vec![Some(options); variants.len()]);
    };
    let load = |name: &String| load_series(lab, name);
    let of_plan = all.iter().map(|kernel| {
        Ok((&kernel.source, kernel.series.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?))
    });
    let of_plan = of_plan.collect::<anyhow::Result<Vec<_>>>()?;
    let mut known: BTreeMap<&str, Option<Needed>> = BTreeMap::new();
    let mut options = Vec::new();
    for (variant, series) in variants.iter().zip(series) {
        let Some(base) = bases.of(variant) else {
            options.push(None);
            continue;
        };
        let key = base.identity.key.as_str();
        if !known.contains_key(key) {
            known.insert(key, needed(sh, lab, base, (&named, &of_plan), absent)?);
        }
        options.push(known[key].as_ref().map(|needed| Options::new(&named, needed, series)));
    }
    Ok(options)
}

/// What the series of a plan need in the kernels of one source.
fn needed(
    sh: &Shell,
    lab: &Lab,
    base: &Base<'_>,
    (named, of_plan): (&[Fragment], &[(&Source, Vec<Series>)]),
    absent: Absent<'_>,
) -> anyhow::Result<Option<Needed>> {
    if of_plan.is_empty() {
        return Ok(Some(Needed::default()));
    }
    let source = (&base.source, &base.identity);
    let tell = match absent {
        Absent::Prepared(tell) => Some(tell),
        Absent::LeftOut => None,
    };
    let Some(files) = kernel::build_files_of_source(sh, &lab.cache, source, tell)? else { return Ok(None) };
    // Plans for others have no `auto`.
    let asked = kernel::asked(named, Arch::X86_64, &base.version)?;
    let stacks: Vec<Stack<'_>> = of_plan
        .iter()
        .map(|(of, series)| {
            let is_this = *of == base.written;
            Stack { series, of: if is_this { Origin::ThisSource } else { Origin::AnotherSource } }
        })
        .collect();
    let never = |name: &str| {
        let does = why_debug(name)?;
        Some(format!("with CONFIG_{name} {does}, which makes a debug kernel; a fragment may ask for it"))
    };
    Ok(Some(Needed::of(&files, &stacks, &asked, &never)))
}

impl Options {
    fn new(named: &[Fragment], needed: &Needed, series: &[Series]) -> Self {
        let own = needed.added_by(series);
        let fragments = |text: String| {
            let name = AUTO.to_owned();
            (!text.is_empty()).then_some(Fragment { name, text })
        };
        Options {
            shared: named.iter().cloned().chain(fragments(fragment(&needed.shared))).collect(),
            own: fragments(fragment(own.iter().copied())).into_iter().collect(),
            turned_on: needed.shared.iter().chain(own).cloned().collect(),
            left_off: needed.left_off.clone(),
        }
    }
}

/// A line for each option that is turned on in one of the kernels.
pub(super) fn lines<'a>(all: impl IntoIterator<Item = &'a Options>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in all.into_iter().flat_map(|options| &options.turned_on).map(TurnedOn::to_string) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The configuration fragments that are named.
pub(super) fn read_fragments(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
) -> anyhow::Result<Vec<Fragment>> {
    let folder = lab.checkout.join("images/kernel");
    let read = |name: &String| {
        let text = sh.read_file(folder.join(name)).context("reading a configuration fragment")?;
        Ok(Fragment { name: name.clone(), text })
    };
    settings.config.iter().map(read).collect()
}
