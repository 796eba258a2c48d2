//! What our server, our load tool and our judge cost on this machine, measured beside libfuse's servers, fio and grep, without
//! a VM.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; xtask::lab::output does not"
)]

mod contender;
mod cpu;
mod fio;
mod ground;
mod judge;
mod load_tools;
mod proc;
mod report;
mod series;
mod server;
mod small_files;
#[cfg(test)]
mod tests;
mod throughput;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use lab_protocol::LibfuseExample;
use serde::Serialize;
use xshell::{Shell, cmd};
use xtask::build::libfuse::{self, Libfuse};
use xtask::commands::bench::PROGRAMS;
use xtask::commands::cli::{self, BenchPart};
use xtask::commands::{end, parse};
use xtask::lab::interrupt::{self, Interrupt};
use xtask::lab::stopwatch::Stopwatch;
use xtask::lab::{Lab, files, output, process};
use xtask::machine::host;

use contender::{Contender, Participation, Places};
use ground::Ground;
use report::{BenchReport, Versions};
use series::{AllSeries, order};

/// What every measurement works with.
struct BenchContext<'a> {
    ground: &'a Ground,
    places: Places,
    aio_stress: PathBuf,
    interrupt: &'a Interrupt,
    file_mib: u32,
}

impl BenchContext<'_> {
    /// # Errors
    /// If the user asked to stop.
    fn go_on(&self) -> anyhow::Result<()> {
        Ok(self.interrupt.check()?)
    }
}

fn main() -> ExitCode {
    let Arguments { manner, options } = match parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let ended = output::Manner::try_from(manner).and_then(|manner| {
        manner.choose();
        // Whoever started it says what a signal has ended.
        Interrupt::listen(|_| ())?;
        bench(&Shell::new()?, &options)
    });
    match (&ended, Interrupt::of_process().signal()) {
        (Err(_), Some(signal)) => ExitCode::from(interrupt::exit_code(signal)),
        (Ok(_) | Err(_), _) => end(ended),
    }
}

/// The command line: what `cargo xtask bench` passes on.
#[derive(Debug, Parser)]
#[command(name = "lab-bench")]
struct Arguments {
    #[command(flatten)]
    manner: cli::Manner,
    #[command(flatten)]
    options: cli::Bench,
}

/// Measures, prints and stores.
///
/// # Errors
/// If something is missing on this machine, a program fails, or programs that are compared do different things.
fn bench(sh: &Shell, options: &cli::Bench) -> anyhow::Result<ExitCode> {
    let lab = Lab::open()?;
    let mut watch = Stopwatch::start();
    let mut written = Vec::new();
    if options.wants_servers() {
        ground::check(options.file_mib)?;
        let report = servers(sh, &lab, options, &mut watch)?;
        let text = report::render(&report, &contenders(options));
        written.push(Written::new("bench", text, &report, &report.begun)?);
    }
    if options.wants(BenchPart::Judge) {
        let report = watch.step("judge", || judge::measure(sh, &lab, options.rounds))?;
        written.push(Written::new("judge", judge::render(&report), &report, &report.begun)?);
    }
    let folder = store(&lab.results(sh)?, &written)?;
    let texts: Vec<&str> = written.iter().map(|it| it.text.as_str()).collect();
    output::print(&texts.join("\n"))?;
    output::tell(&format!("\nstored in {}\n{}", folder.display(), watch.line()));
    Ok(ExitCode::SUCCESS)
}

/// The servers and the load tools.
fn servers(
    sh: &Shell,
    lab: &Lab,
    options: &cli::Bench,
    watch: &mut Stopwatch,
) -> anyhow::Result<BenchReport> {
    watch.step("packages", || host::require(sh, host::arch()?, &PROGRAMS))?;
    let own = watch.step("programs", || own_programs(sh, lab))?;
    let libfuse = watch.step("libfuse", || libfuse::ensure(sh, &lab.cache))?;
    watch.step("measurements", || measure(sh, lab, options, &own, &libfuse))
}

/// Who is measured.
fn contenders(options: &cli::Bench) -> Vec<Contender> {
    let beside = options.beside.iter().flat_map(|_| contender::beside());
    contender::all().into_iter().chain(beside).collect()
}

/// A report in the forms in which it is stored.
struct Written {
    name: &'static str,
    text: String,
    json: Vec<u8>,
    date: String,
}

impl Written {
    fn new(name: &'static str, text: String, report: &impl Serialize, begun: &str) -> anyhow::Result<Self> {
        let json = serde_json::to_vec_pretty(report).context("writing the report as JSON")?;
        let date = begun.get(..10).context("the date of the bench")?.to_owned();
        Ok(Self { name, text, json, date })
    }
}

/// Compiles our programs for this machine; the folder that they are in.
fn own_programs(sh: &Shell, lab: &Lab) -> anyhow::Result<PathBuf> {
    let _folder = sh.push_dir(lab.checkout.root());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = lab.checkout.join("target");
    let options = ["--release", "--locked", "--quiet", "--package", "passthrough", "--package", "aio-stress"];
    process::run(cmd!(sh, "{cargo} build {options...} --target-dir {target}"))?;
    Ok(target.join("release"))
}

fn measure(
    sh: &Shell,
    lab: &Lab,
    options: &cli::Bench,
    own: &Path,
    libfuse: &Libfuse,
) -> anyhow::Result<BenchReport> {
    let _alone =
        lab.cache.lock("bench", |who| output::tell(&format!("waiting for {who}, which measures")))?;
    lab.cache.sweep(ground::PREFIX)?;
    let begun = jiff::Timestamp::now().to_string();
    let ground = Ground::new(&lab.cache, options.file_mib)?;
    let bench = BenchContext {
        ground: &ground,
        places: Places {
            own: own.join("passthrough"),
            beside: options.beside.clone(),
            low_level: libfuse.program(LibfuseExample::PassthroughLl),
            high_performance: libfuse.program(LibfuseExample::PassthroughHp),
            storage: ground.storage(),
            mount: ground.mount(),
        },
        aio_stress: own.join("aio-stress"),
        interrupt: &lab.interrupt,
        file_mib: options.file_mib,
    };
    let measured = rounds(sh, &bench, options);
    // Ctrl-C ends the load tool as well, whose failure is not what is to be told.
    bench.go_on()?;
    let (series, load_tools) = measured?;
    Ok(BenchReport {
        begun,
        commit: lab.checkout.commit(sh),
        host: host::this_host(sh),
        versions: Versions {
            libfuse: libfuse.version.clone(),
            fio: cmd!(sh, "fio --version").quiet().read()?,
            rustc: cmd!(sh, "rustc --version").quiet().read()?,
        },
        rounds: options.rounds,
        file_mib: options.file_mib,
        series,
        load_tools,
    })
}

fn rounds(
    sh: &Shell,
    bench: &BenchContext<'_>,
    options: &cli::Bench,
) -> anyhow::Result<(AllSeries, Vec<load_tools::ToolSeries>)> {
    let contenders = contenders(options);
    let in_turn = |round| order(contenders.len(), round).map(|place| &contenders[place]);
    let (mut series, mut load_tools) = (AllSeries::default(), Vec::new());
    for contender in &contenders {
        let checking = || format!("looking at the requests of {}", contender.name);
        throughput::check_requests(sh, bench, contender).with_context(checking)?;
    }
    for round in 0..options.rounds {
        output::tell(&format!("round {} of {}", round + 1, options.rounds));
        let measuring = |contender: &Contender| format!("measuring {}", contender.name);
        if options.wants(BenchPart::Throughput) {
            for it in in_turn(round) {
                throughput::measure(sh, bench, it, &mut series).with_context(|| measuring(it))?;
            }
        }
        if options.wants(BenchPart::SmallFiles) {
            for it in in_turn(round).filter(|it| it.part == Participation::All) {
                small_files::measure(bench, it, &mut series).with_context(|| measuring(it))?;
            }
        }
        if options.wants(BenchPart::LoadTools) {
            load_tools::measure(sh, bench, round, &mut load_tools).context("measuring the load tools")?;
        }
    }
    Ok((series, load_tools))
}

/// Writes the reports to a new folder below `results`.
fn store(results: &Path, reports: &[Written]) -> anyhow::Result<PathBuf> {
    let date = &reports.first().context("nothing was measured")?.date;
    for n in 1.. {
        let folder = results.join(format!("bench-{date}-{n}"));
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error).with_context(|| format!("making {}", folder.display())),
        }
        for Written { name, text, json, .. } in reports {
            files::write_atomically(&folder.join(format!("{name}.txt")), text.as_bytes())?;
            files::write_atomically(&folder.join(format!("{name}.json")), json)?;
        }
        return Ok(folder);
    }
    bail!("no number is left for a bench of {date}")
}
