//! Making, looking at and removing many empty files through each server.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;

use super::BenchContext;
use super::contender::{Contender, Talk};
use super::series::{AllSeries, Measure};

/// How many files, in one folder.
pub(super) const FILES: u32 = 10_000;

/// Threads of the servers.
pub(super) const THREADS: u32 = 4;

/// Measures one contender.
///
/// The server is started anew between making and looking, so that the kernel knows none of the names and each look
/// is one LOOKUP.
///
/// # Errors
/// If a server fails or a file cannot be made, seen or removed.
pub(super) fn measure(
    bench: &BenchContext<'_>,
    contender: &Contender,
    series: &mut AllSeries,
) -> anyhow::Result<()> {
    let stored = bench.places.storage.join("small");
    std::fs::create_dir(&stored).with_context(|| format!("making {}", stored.display()))?;
    let folder = bench.folder(&contender.service).join("small");
    let mut peak_kib = 0;
    for steps in [&[Measure::Create][..], &[Measure::Stat, Measure::Unlink]] {
        bench.go_on()?;
        let server = bench.start(&contender.service, THREADS, Talk::Quiet)?;
        for &step in steps {
            let rate = per_second(&folder, step)?;
            series.add(step, contender.name, THREADS, rate);
        }
        if let Some(server) = server {
            peak_kib = peak_kib.max(server.peak_kib()?);
            server.stop()?;
        }
    }
    if peak_kib > 0 {
        let measure = Measure::PeakMemorySmallFiles;
        series.add(measure, contender.name, THREADS, peak_kib as f64 / 1024.0);
    }
    std::fs::remove_dir(&stored).with_context(|| format!("removing {}", stored.display()))
}

/// Does one thing to each file, in the order of their making.
fn per_second(folder: &Path, step: Measure) -> anyhow::Result<f64> {
    let paths: Vec<_> = (0..FILES).map(|number| folder.join(format!("file-{number:05}"))).collect();
    let begin = Instant::now();
    for path in &paths {
        match step {
            Measure::Create => File::create_new(path).map(drop),
            Measure::Stat => path.symlink_metadata().map(drop),
            Measure::Unlink => std::fs::remove_file(path),
            Measure::Read
            | Measure::Write
            | Measure::ReadCpu
            | Measure::WriteCpu
            | Measure::PeakMemory
            | Measure::PeakMemorySmallFiles => Ok(()),
        }
        .with_context(|| format!("{step:?} of {}", path.display()))?;
    }
    Ok(f64::from(FILES) / begin.elapsed().as_secs_f64())
}
