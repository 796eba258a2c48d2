//! Lines of the source for the stacks of findings, from what is stored of the kernels.

use std::collections::BTreeMap;

use lab_core::campaign::{Campaign, Record};
use lab_core::comparison::Comparison;
use lab_core::evidence::source_lines::Lines;

use crate::build::kernel::lines::{LineTable, is_asked_for};
use crate::build::kernel::{self, Kernel};
use crate::lab::cache::Cache;

/// Writes lines of the source into the stacks of a comparison's findings.
///
/// # Errors
/// If the environment names no cache, and there are findings.
pub(crate) fn add(campaign: &Campaign, comparison: &mut Comparison) -> anyhow::Result<()> {
    if comparison.findings.is_empty() {
        return Ok(());
    }
    let cache = Cache::to_look_at()?;
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    comparison.add_lines(campaign, |record, text| {
        let source =
            sources.entry(record.kernel.digest.clone()).or_insert_with(|| Source::of(&cache, record));
        source.lines().written_into(text).map_err(str::to_owned)
    });
    Ok(())
}

/// What a kernel that was booted knows of its source.
pub(crate) enum Source {
    /// Its lines.
    Known(Box<LineTable>),
    /// Why there are none.
    Missing(String),
}

impl Source {
    /// That of the kernel of a boot.
    pub(crate) fn of(cache: &Cache, record: &Record) -> Source {
        let variant = &record.boot.variant;
        let missing = |why: String| {
            Source::Missing(format!("No lines of the source on the stacks of {variant}: {why}."))
        };
        let Some(kernel) = kernel::recorded(cache, &record.kernel) else {
            return missing(
                "its kernel is not in the cache any more; `cargo xtask replay` of the boot builds it again"
                    .to_owned(),
            );
        };
        match LineTable::open(&kernel.folder, kernel.metadata.build_id.as_deref()) {
            Ok(Some(table)) => Source::Known(Box::new(table)),
            Ok(None) => missing(why_none(&kernel)),
            Err(error) => missing(format!("{error:#}")),
        }
    }

    /// As reports take it.
    pub(crate) fn lines(&self) -> Lines<'_> {
        match self {
            Source::Known(table) => Lines::Known(&**table),
            Source::Missing(why) => Lines::Missing(why.clone()),
        }
    }
}

fn why_none(kernel: &Kernel) -> String {
    let config = kernel.config().unwrap_or_default();
    match is_asked_for(&config) {
        true => format!(
            "they were not kept when it was built; remove {} and build it again",
            kernel.folder.display()
        ),
        false => "its kernel was built without them; name lines.config in kernel-config of the plan and run it again, since no \
                  instruction differs with it"
            .to_owned(),
    }
}
