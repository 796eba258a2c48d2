//! Reading and writing a large file through each server with dd.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use lab_core::evidence::output;
use lab_protocol::Tool;
use xshell::{Shell, cmd};
use xtask::build::libfuse::REQUEST_KIB;

use super::BenchContext;
use super::contender::{self, Contender, Service, Side, Talk};
use super::ground::FILE;
use super::series::{AllSeries, Measure};
use super::server::Server;

/// Threads of the servers.
pub(super) const THREADS: [u32; 3] = [1, 2, 4];

/// Runs of dd in each direction while a server is mounted.
const RUNS: usize = 2;

/// The block of dd, MiB.
const BLOCK_MIB: u32 = 2;

/// Measures one contender with each number of threads.
///
/// # Errors
/// If a server or dd fails.
pub(super) fn measure(
    sh: &Shell,
    bench: &BenchContext<'_>,
    contender: &Contender,
    series: &mut AllSeries,
) -> anyhow::Result<()> {
    let blocks = bench.file_mib / BLOCK_MIB;
    for threads in THREADS {
        let server = bench.start(&contender.service, threads, Talk::Quiet)?;
        let file = bench.folder(&contender.service).join(FILE);
        let cpu_us = || server.as_ref().map(Server::cpu_us).transpose();
        for direction in [TransferDirection::Read, TransferDirection::Write].repeat(RUNS) {
            bench.go_on()?;
            let (rate, cpu) = direction.measures();
            let before = cpu_us()?;
            series.add(rate, contender.name, threads, dd(sh, &file, direction, blocks)?);
            if let (Some(before), Some(after)) = (before, cpu_us()?) {
                let requests = blocks * BLOCK_MIB * 1024 / REQUEST_KIB;
                series.add(cpu, contender.name, threads, (after - before) / f64::from(requests));
            }
        }
        if let Some(server) = server {
            series.add(Measure::PeakMemory, contender.name, threads, server.peak_kib()? as f64 / 1024.0);
            server.stop()?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum TransferDirection {
    Read,
    Write,
}

impl TransferDirection {
    /// The rate, and the CPU time of the server.
    fn measures(self) -> (Measure, Measure) {
        match self {
            TransferDirection::Read => (Measure::Read, Measure::ReadCpu),
            TransferDirection::Write => (Measure::Write, Measure::WriteCpu),
        }
    }
}

/// Transfers the first blocks of the file; MiB/s.
fn dd(sh: &Shell, file: &Path, direction: TransferDirection, blocks: u32) -> anyhow::Result<f64> {
    let count = format!("count={blocks}");
    let size = format!("bs={BLOCK_MIB}M");
    let command = match direction {
        TransferDirection::Read => cmd!(sh, "dd if={file} of=/dev/null {size} {count} iflag=direct"),
        TransferDirection::Write => {
            cmd!(sh, "dd if=/dev/zero of={file} {size} {count} oflag=direct conv=notrunc")
        }
    };
    let output = command.env("LC_ALL", "C").quiet().ignore_status().output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", output::complaint("dd", &stderr));
    let found = output::throughput(Tool::Dd, &stderr)?;
    let expected = (u64::from(blocks) * u64::from(BLOCK_MIB)) << 20;
    ensure!(found.bytes == expected, "dd transferred {} bytes instead of {expected}", found.bytes);
    Ok(found.value * 1e6 / f64::from(1 << 20))
}

/// Makes sure that one block reaches the server as requests of the size that all are compared at.
///
/// # Errors
/// If it does not.
pub(super) fn check_requests(
    sh: &Shell,
    bench: &BenchContext<'_>,
    contender: &Contender,
) -> anyhow::Result<()> {
    let Some(mut server) = bench.start(&contender.service, 2, Talk::EachRequest)? else { return Ok(()) };
    let file = bench.folder(&contender.service).join(FILE);
    for direction in [TransferDirection::Read, TransferDirection::Write] {
        dd(sh, &file, direction, 1)?;
    }
    let found = match contender.service.side() {
        Side::Own => {
            let stats = server.take()?;
            let of = |name: &str| stats.by_operation.get(name).copied().unwrap_or_default();
            (of("READ"), of("WRITE"))
        }
        Side::Libfuse => data_requests(&server.stop()?),
        Side::Storage => return Ok(()),
    };
    let expected = u64::from(BLOCK_MIB * 1024 / REQUEST_KIB);
    if found != (expected, expected) {
        bail!(
            "{} gets {BLOCK_MIB} MiB in {} READ and {} WRITE requests instead of {expected} of {REQUEST_KIB} KiB: its figures would compare other things",
            contender.name,
            found.0,
            found.1
        );
    }
    Ok(())
}

/// READ and WRITE requests in what a libfuse server says of each, e.g.
/// `unique: 6, opcode: READ (15), nodeid: 2, insize: 80, pid: 3`.
fn data_requests(said: &str) -> (u64, u64) {
    let count = |opcode: &str| said.lines().filter(|line| line.contains(opcode)).count() as u64;
    (count("opcode: READ (15)"), count("opcode: WRITE (16)"))
}

impl BenchContext<'_> {
    /// Where the files of a contender are.
    pub(super) fn folder(&self, service: &Service) -> PathBuf {
        match service.side() {
            Side::Storage => self.places.storage.clone(),
            Side::Own | Side::Libfuse => self.places.mount.clone(),
        }
    }

    /// Starts a contender's server, if it has one.
    pub(super) fn start(
        &self,
        service: &Service,
        threads: u32,
        talk: Talk,
    ) -> anyhow::Result<Option<Server>> {
        let line =
            contender::command(service, threads, talk, &self.places).context("writing settings as JSON")?;
        line.map(|line| Server::start(&line, self.ground)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_in_the_talk_of_libfuse() {
        // As libfuse 3.14.0 writes it.
        let said = "\
unique: 2, opcode: INIT (26), nodeid: 0, insize: 104, pid: 0
unique: 8, opcode: READ (15), nodeid: 140, insize: 80, pid: 33
   unique: 8, success, outsize: 131088
unique: 10, opcode: WRITE (16), nodeid: 140, insize: 131152, pid: 34
unique: 12, opcode: WRITE (16), nodeid: 140, insize: 131152, pid: 34
unique: 14, opcode: READDIR (28), nodeid: 1, insize: 80, pid: 35
";
        assert_eq!(data_requests(said), (1, 2));
    }
}
