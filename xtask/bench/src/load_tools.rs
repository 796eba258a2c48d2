//! aio-stress beside fio: the same reads, on the storage itself and through our server.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use lab_core::evidence::output;
use lab_protocol::{RequestStats, ServerSettings, Tool};
use serde::Serialize;
use xshell::{Shell, cmd};

use super::contender::{OwnBuild, Service, Talk, plain_settings};
use super::fio::{self, ToolRun};
use super::ground::FILE;
use super::series::order;
use super::{BenchContext, cpu};

/// Most requests pending.
pub(super) const DEPTH: u32 = 64;

/// Record sizes, KiB.
const RECORDS_KIB: [u32; 2] = [4, 64];

/// Requests in one io_submit(2), and completions waited for when all are pending.
const BATCHES: [u32; 2] = [1, 16];

/// Which tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LoadTool {
    /// Ours.
    AioStress,
    /// fio with its libaio engine.
    Fio,
}

/// Where the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FileLocation {
    /// On the storage itself.
    Tmpfs,
    /// Behind our server.
    Mount,
}

/// All runs of one tool with one pattern in one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ToolSeries {
    pub(super) place: FileLocation,
    pub(super) record_kib: u32,
    pub(super) batch: u32,
    pub(super) tool: LoadTool,
    /// Requests that the tool made in each run.
    pub(super) requests: u64,
    /// First request to last completion, microseconds a request, by run.
    pub(super) wall_us: Vec<f64>,
    /// CPU time of the tool, microseconds a request, by run.
    pub(super) cpu_us: Vec<f64>,
    /// READ requests that the server saw in each run, by size in bytes; on the mount only.
    pub(super) seen: BTreeMap<u32, u64>,
    /// The most READ requests that the server had in hand, by run; on the mount only.
    pub(super) most_in_flight: Vec<u32>,
}

/// Runs both tools once with each pattern in each place.
///
/// # Errors
/// If a tool fails, or the server sees other requests of one tool than of the other.
pub(super) fn measure(
    sh: &Shell,
    bench: &BenchContext<'_>,
    round: u32,
    all: &mut Vec<ToolSeries>,
) -> anyhow::Result<()> {
    for place in [FileLocation::Tmpfs, FileLocation::Mount] {
        for (record_kib, batch) in RECORDS_KIB.into_iter().flat_map(|size| BATCHES.map(|batch| (size, batch)))
        {
            let pattern = Pattern { place, record_kib, batch };
            for turn in order(2, round) {
                bench.go_on()?;
                pattern.measure(sh, bench, [LoadTool::AioStress, LoadTool::Fio][turn], all)?;
            }
            pattern.check_equal(all)?;
        }
    }
    Ok(())
}

/// The kernel sends as many requests at a time as the tools have pending.
fn settings() -> ServerSettings {
    ServerSettings { max_background: DEPTH as u16, ..plain_settings() }
}

#[derive(Clone, Copy)]
struct Pattern {
    place: FileLocation,
    record_kib: u32,
    batch: u32,
}

impl Pattern {
    fn measure(
        self,
        sh: &Shell,
        bench: &BenchContext<'_>,
        tool: LoadTool,
        all: &mut Vec<ToolSeries>,
    ) -> anyhow::Result<()> {
        let service = match self.place {
            FileLocation::Tmpfs => Service::Storage,
            FileLocation::Mount => Service::Own { build: OwnBuild::This, settings: Box::new(settings()) },
        };
        let mut server = bench.start(&service, DEPTH, Talk::Quiet)?;
        let file = bench.folder(&service).join(FILE);
        // The first look at the file is not part of the run.
        std::fs::metadata(&file).with_context(|| format!("looking at {}", file.display()))?;
        let run = match tool {
            LoadTool::AioStress => self.aio_stress(sh, bench, &file)?,
            LoadTool::Fio => self.fio(sh, bench, &file)?,
        };
        let seen = server.as_mut().map(|server| server.take()).transpose()?;
        server.map(|server| server.stop()).transpose()?;
        self.series(tool, run.requests, all).add(run, seen);
        Ok(())
    }

    fn bytes(self, bench: &BenchContext<'_>) -> u64 {
        u64::from(bench.file_mib) << 20
    }

    fn aio_stress(self, sh: &Shell, bench: &BenchContext<'_>, file: &Path) -> anyhow::Result<ToolRun> {
        let Pattern { record_kib, batch, .. } = self;
        let (program, depth, mib) = (&bench.aio_stress, DEPTH.to_string(), bench.file_mib.to_string());
        let (record, batch) = (record_kib.to_string(), batch.to_string());
        let command =
            cmd!(sh, "{program} -s {mib} -r {record} -d {depth} -b {batch} -i {batch} -O -o 1 -n {file}");
        let before = cpu::of_children_us()?;
        let output = command.quiet().ignore_status().output()?;
        let cpu_us = cpu::of_children_us()? - before;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}", output::complaint("aio-stress", &stderr));
        let found = output::throughput(Tool::AioStress, &stderr)?;
        let bytes = self.bytes(bench);
        ensure!(found.bytes == bytes, "aio-stress read {} bytes instead of {bytes}", found.bytes);
        let wall_us = f64::from(bench.file_mib) / found.value * 1e6;
        Ok(ToolRun { wall_us, cpu_us, requests: bytes / (u64::from(record_kib) << 10) })
    }

    fn fio(self, sh: &Shell, bench: &BenchContext<'_>, file: &Path) -> anyhow::Result<ToolRun> {
        let batch = self.batch;
        let arguments = [
            "--name=bench".to_owned(),
            "--ioengine=libaio".to_owned(),
            "--rw=read".to_owned(),
            "--direct=1".to_owned(),
            format!("--filename={}", file.display()),
            format!("--size={}m", bench.file_mib),
            format!("--bs={}k", self.record_kib),
            format!("--iodepth={DEPTH}"),
            format!("--iodepth_batch={batch}"),
            format!("--iodepth_batch_complete_min={batch}"),
            format!("--iodepth_batch_complete_max={batch}"),
            // It measures latencies otherwise, which costs it time.
            "--gtod_reduce=1".to_owned(),
            "--invalidate=0".to_owned(),
            "--allow_file_create=0".to_owned(),
            "--output-format=json".to_owned(),
        ];
        let output = cmd!(sh, "fio {arguments...}").quiet().ignore_status().output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "fio failed: {}", output::last_line(&stderr));
        fio::parse(&String::from_utf8_lossy(&output.stdout), self.bytes(bench))
    }

    fn series(self, tool: LoadTool, requests: u64, all: &mut Vec<ToolSeries>) -> &mut ToolSeries {
        let Pattern { place, record_kib, batch } = self;
        let found = all.iter().position(|it| it.is(self, tool)).unwrap_or_else(|| {
            all.push(ToolSeries {
                place,
                record_kib,
                batch,
                tool,
                requests,
                wall_us: Vec::new(),
                cpu_us: Vec::new(),
                seen: BTreeMap::new(),
                most_in_flight: Vec::new(),
            });
            all.len() - 1
        });
        &mut all[found]
    }

    /// Both tools must have done the same.
    fn check_equal(self, all: &[ToolSeries]) -> anyhow::Result<()> {
        let of = |tool| all.iter().find(|it| it.is(self, tool));
        let (Some(ours), Some(fio)) = (of(LoadTool::AioStress), of(LoadTool::Fio)) else { return Ok(()) };
        let Pattern { record_kib, batch, .. } = self;
        if (ours.requests, &ours.seen) != (fio.requests, &fio.seen) {
            bail!(
                "reads of {record_kib} KiB in batches of {batch}: aio-stress made {} requests and the server saw {:?}, fio {} and {:?}: their costs cannot be compared",
                ours.requests,
                ours.seen,
                fio.requests,
                fio.seen
            );
        }
        Ok(())
    }
}

impl ToolSeries {
    fn is(&self, pattern: Pattern, tool: LoadTool) -> bool {
        let Pattern { place, record_kib, batch } = pattern;
        (self.place, self.record_kib, self.batch, self.tool) == (place, record_kib, batch, tool)
    }

    fn add(&mut self, run: ToolRun, seen: Option<RequestStats>) {
        let requests = run.requests as f64;
        self.requests = run.requests;
        self.wall_us.push(run.wall_us / requests);
        self.cpu_us.push(run.cpu_us / requests);
        if let Some(seen) = seen {
            self.most_in_flight.push(seen.most_in_flight);
            self.seen = seen.read_sizes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERN: Pattern = Pattern { place: FileLocation::Mount, record_kib: 4, batch: 16 };

    /// What is said if the server saw `ours` of aio-stress and `fio` of fio.
    fn check(ours: &[(u32, u64)], fio: &[(u32, u64)], expected: expect_test::Expect) {
        let mut all = Vec::new();
        for (tool, sizes) in [(LoadTool::AioStress, ours), (LoadTool::Fio, fio)] {
            let run = ToolRun { wall_us: 30.0, cpu_us: 15.0, requests: 3 };
            let seen =
                RequestStats { read_sizes: sizes.iter().copied().collect(), ..RequestStats::default() };
            PATTERN.series(tool, 3, &mut all).add(run, Some(seen));
        }
        assert_eq!((all.len(), all[0].wall_us[0], all[1].cpu_us[0]), (2, 10.0, 5.0));
        let text = match PATTERN.check_equal(&all) {
            Ok(()) => "equal".to_owned(),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn tools_that_did_different_things_are_not_compared() {
        use expect_test::expect;
        check(&[(4096, 3)], &[(4096, 3)], expect!["equal"]);
        check(
            &[(4096, 3)],
            &[(4096, 4)],
            expect![
                "reads of 4 KiB in batches of 16: aio-stress made 3 requests and the server saw {4096: 3}, fio 3 and {4096: 4}: their costs cannot be compared"
            ],
        );
        check(
            &[(4096, 3)],
            &[(8192, 3)],
            expect![
                "reads of 4 KiB in batches of 16: aio-stress made 3 requests and the server saw {4096: 3}, fio 3 and {8192: 3}: their costs cannot be compared"
            ],
        );
    }
}
