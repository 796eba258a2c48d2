//! The judge of kernel logs beside grep: how long a gigabyte takes, and how much memory.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use lab_core::campaign::Host;
use lab_core::text::layout::{align_right, new_table};
use serde::Serialize;
use xshell::{Shell, cmd};
use xtask::lab::process::{self, tied};
use xtask::lab::{Lab, output};
use xtask::machine::host;

use super::cpu;
use super::ground::PREFIX;
use super::proc::kib;
use super::series::Quartiles;

/// Size of each log, MiB.
const LOG_MIB: u64 = 1024;

/// What a person would type.
const PATTERN: &str = "BUG|WARNING|Oops|panic";

/// Captures of boots, which each log repeats.
const CAPTURES: &str = "xtask/core/tests/data/console";

/// A log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum LogKind {
    /// Boots in which nothing happens.
    Clean,
    /// The same without stamps.
    CleanWithoutStamps,
    /// All captures, of which nearly each has a report.
    Crashing,
}

impl LogKind {
    fn about(self) -> &'static str {
        match self {
            Self::Clean => "clean boots",
            Self::CleanWithoutStamps => "clean boots, no stamps",
            Self::Crashing => "a report in each boot",
        }
    }

    /// What `judge` returns of it.
    fn code(self) -> i32 {
        match self {
            Self::Clean | Self::CleanWithoutStamps => 0,
            Self::Crashing => 1,
        }
    }
}

const KINDS: [LogKind; 3] = [LogKind::Clean, LogKind::CleanWithoutStamps, LogKind::Crashing];

/// All runs with one log.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct LogSeries {
    log: LogKind,
    bytes: u64,
    /// Wall and CPU time of `judge`, seconds, by round.
    judge_s: Vec<[f64; 2]>,
    /// The same of grep.
    grep_s: Vec<[f64; 2]>,
    /// The most memory that `judge` had resident (VmHWM), KiB.
    peak_kib: u64,
}

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct JudgeReport {
    pub(super) begun: String,
    commit: String,
    host: Host,
    rustc: String,
    grep: String,
    rounds: u32,
    logs: Vec<LogSeries>,
}

/// Builds the program, makes the logs, and reads each in each round with both.
///
/// # Errors
/// If a program fails, or finds what it should not, or the user asked to stop.
pub(super) fn measure(sh: &Shell, lab: &Lab, rounds: u32) -> anyhow::Result<JudgeReport> {
    let program = build(sh, lab)?;
    let _alone =
        lab.cache.lock("bench", |who| output::tell(&format!("waiting for {who}, which measures")))?;
    lab.cache.sweep(PREFIX)?;
    let begun = jiff::Timestamp::now().to_string();
    let folder = lab.cache.temporary_folder(PREFIX)?;
    let mut logs = Vec::new();
    // One log at a time: a machine need not hold all of them in memory.
    for log in KINDS {
        let path = folder.path().join("log");
        let bytes = write(lab, log, &path).with_context(|| format!("writing {}", path.display()))?;
        output::tell(&format!("{}: {} MiB", log.about(), bytes >> 20));
        let (mut judge_s, mut grep_s) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            lab.interrupt.check()?;
            let judge = timed(&program, &["judge", "--quiet", &path.display().to_string()], log.code())?;
            let grep = timed(Path::new("grep"), &["-cE", PATTERN, &path.display().to_string()], 0)?;
            judge_s.push(judge);
            grep_s.push(grep);
        }
        let peak_kib = peak(&program, &path)?;
        logs.push(LogSeries { log, bytes, judge_s, grep_s, peak_kib });
    }
    let grep = process::read(cmd!(sh, "grep --version"))?;
    Ok(JudgeReport {
        begun,
        commit: lab.checkout.commit(sh),
        host: host::this_host(sh),
        rustc: process::read(cmd!(sh, "rustc --version"))?.trim().to_owned(),
        grep: grep.lines().next().unwrap_or_default().to_owned(),
        rounds,
        logs,
    })
}

fn build(sh: &Shell, lab: &Lab) -> anyhow::Result<PathBuf> {
    let _folder = sh.push_dir(lab.checkout.root());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = lab.checkout.join("target");
    let options = ["--release", "--locked", "--quiet", "--package", "xtask"];
    process::run(cmd!(sh, "{cargo} build {options...} --target-dir {target}"))?;
    Ok(target.join("release/patchlab"))
}

/// Repeats captures until the log is large enough; its size.
fn write(lab: &Lab, log: LogKind, path: &Path) -> anyhow::Result<u64> {
    let mut captures: Vec<PathBuf> = fs::read_dir(lab.checkout.join(CAPTURES))?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    captures.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    captures.sort();
    let is_clean = |path: &PathBuf| path.to_string_lossy().ends_with("-clean.log");
    captures.retain(|path| log == LogKind::Crashing || is_clean(path));
    let texts = captures.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
    let unit: Vec<u8> = match log {
        LogKind::Clean | LogKind::Crashing => texts.concat(),
        LogKind::CleanWithoutStamps => texts.iter().flat_map(|text| without_stamps(text)).collect(),
    };
    ensure!(!unit.is_empty(), "{CAPTURES} has no captures: use a whole checkout");
    let mut file = BufWriter::new(File::create(path)?);
    let times = (LOG_MIB << 20).div_ceil(unit.len() as u64);
    for _ in 0..times {
        file.write_all(&unit)?;
    }
    file.flush()?;
    Ok(times * unit.len() as u64)
}

/// A console of the lab with nothing before its messages.
fn without_stamps(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let stamp = line.windows(2).position(|two| two == b"] ");
        match (line.first(), stamp) {
            (Some(b'['), Some(end)) => &line[end + 2..],
            _ => line,
        }
    });
    lines.collect::<Vec<_>>().concat()
}

/// Wall and CPU time of a program, seconds.
fn timed(program: &Path, arguments: &[&str], code: i32) -> anyhow::Result<[f64; 2]> {
    let (before, begin) = (cpu::of_children_us()?, Instant::now());
    let mut command = tied::command(program);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped());
    let output = command.spawn().and_then(|child| child.wait_with_output());
    let output = output.with_context(|| format!("running {}", program.display()))?;
    let wall_s = begin.elapsed().as_secs_f64();
    let ended = output.status.code();
    ensure!(
        ended == Some(code),
        "{} {} ended with {}",
        program.display(),
        arguments.join(" "),
        output.status
    );
    Ok([wall_s, (cpu::of_children_us()? - before) / 1e6])
}

/// The most memory that `judge` has when it has read everything and not yet seen the end.
fn peak(program: &Path, log: &Path) -> anyhow::Result<u64> {
    let mut command = tied::command(program);
    command.args(["judge", "--quiet", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
    let mut input = child.stdin.take().context("taking its input")?;
    io::copy(&mut File::open(log)?, &mut input).context("giving it the log")?;
    let path = format!("/proc/{}/status", child.id());
    let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    drop(input);
    child.wait_with_output().context("waiting for it")?;
    kib(&status, "VmHWM:").with_context(|| format!("no VmHWM in {path}"))
}

/// The report for a terminal.
pub(super) fn render(report: &JudgeReport) -> String {
    let JudgeReport { host, .. } = report;
    let mut text = format!("bench of the judge begun {}, commit {}\n", report.begun, report.commit);
    let _ =
        writeln!(text, "host: {}, {} CPUs, {} MiB, {}", host.cpu, host.cpus, host.memory_mib, host.system);
    let _ = writeln!(text, "kernel: {}; {}; {}, LC_ALL=C", host.kernel, report.rustc, report.grep);
    let _ = writeln!(
        text,
        "{} rounds, in turn in each; medians; each log repeats captures of boots up to {LOG_MIB} MiB, from the page cache",
        report.rounds
    );
    let columns = ["log", "program", "wall s", "CPU s", "MB/s of CPU", "to grep", "peak MiB"];
    let mut table = new_table(&columns);
    for series in &report.logs {
        let grep_cpu_s = median(&series.grep_s, 1);
        for (name, all, peak) in [
            ("judge", &series.judge_s, format!("{:.1}", series.peak_kib as f64 / 1024.0)),
            ("grep -cE", &series.grep_s, String::new()),
        ] {
            let cpu_s = median(all, 1);
            table.add_row([
                if name == "judge" { series.log.about() } else { "" }.to_owned(),
                name.to_owned(),
                format!("{:.2}", median(all, 0)),
                format!("{cpu_s:.2}"),
                format!("{:.0}", series.bytes as f64 / 1e6 / cpu_s),
                format!("{:.2}", cpu_s / grep_cpu_s),
                peak,
            ]);
        }
    }
    align_right(&mut table, 2..columns.len());
    format!("{text}\nReading logs, beside grep -cE '{PATTERN}'\n{table}\n")
}

fn median(all: &[[f64; 2]], place: usize) -> f64 {
    let samples: Vec<f64> = all.iter().map(|both| both[place]).collect();
    Quartiles::of(&samples).map_or(f64::NAN, |it| it.median)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_whole_report() {
        let series = |log, factor: f64| LogSeries {
            log,
            bytes: 1_000_000_000,
            judge_s: vec![[2.0 * factor, factor]; 3],
            grep_s: vec![[1.0, 0.5]; 3],
            peak_kib: 10240,
        };
        let report = JudgeReport {
            begun: "2026-01-02T03:04:05Z".to_owned(),
            commit: "0123456789abcdef".to_owned(),
            host: crate::tests::host(),
            rustc: "rustc 1.89".to_owned(),
            grep: "grep (GNU grep) 3.8".to_owned(),
            rounds: 3,
            logs: vec![series(LogKind::Clean, 1.0), series(LogKind::Crashing, 4.0)],
        };
        expect![[r#"
            bench of the judge begun 2026-01-02T03:04:05Z, commit 0123456789abcdef
            host: a CPU, 2 CPUs, 4096 MiB, Debian
            kernel: Linux 6.12; rustc 1.89; grep (GNU grep) 3.8, LC_ALL=C
            3 rounds, in turn in each; medians; each log repeats captures of boots up to 1024 MiB, from the page cache

            Reading logs, beside grep -cE 'BUG|WARNING|Oops|panic'
            | log                   | program  | wall s | CPU s | MB/s of CPU | to grep | peak MiB |
            |-----------------------|----------|--------|-------|-------------|---------|----------|
            | clean boots           | judge    |   2.00 |  1.00 |        1000 |    2.00 |     10.0 |
            |                       | grep -cE |   1.00 |  0.50 |        2000 |    1.00 |          |
            | a report in each boot | judge    |   8.00 |  4.00 |         250 |    8.00 |     10.0 |
            |                       | grep -cE |   1.00 |  0.50 |        2000 |    1.00 |          |
        "#]].assert_eq(&render(&report));
    }

    #[test]
    fn a_stamp_with_its_caller_is_taken_off() {
        let text = b"[    1.000000][    T1] usb 1-1: a\r\n[    1.000000]  b\r\nfirmware ] c\n";
        assert_eq!(without_stamps(text), b"usb 1-1: a\r\n b\r\nfirmware ] c\n");
    }
}
