//! What our server and our load tool cost on this machine, measured beside libfuse's servers and fio, without a VM.

mod contender;
mod cpu;
mod fio;
mod ground;
mod libfuse;
mod load_tools;
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
use xshell::{Shell, cmd};
use xtask::commands::cli::{self, BenchPart};
use xtask::commands::end;
use xtask::lab::interrupt::Interrupt;
use xtask::lab::stopwatch::Stopwatch;
use xtask::lab::{Lab, files};
use xtask::machine::host;

use contender::{Contender, Participation, Places};
use ground::Ground;
use libfuse::Libfuse;
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
        if self.interrupt.is_set() {
            bail!("interrupted; nothing is kept of an unfinished bench");
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let Arguments { options } = Arguments::parse();
    end(Shell::new().map_err(anyhow::Error::from).and_then(|sh| bench(&sh, &options)))
}

/// The command line: what `cargo xtask bench` passes on.
#[derive(Debug, Parser)]
#[command(name = "lab-bench")]
struct Arguments {
    #[command(flatten)]
    options: cli::Bench,
}

/// Measures, prints and stores.
///
/// # Errors
/// If something is missing on this machine, a program fails, or programs that are compared do different things.
fn bench(sh: &Shell, options: &cli::Bench) -> anyhow::Result<ExitCode> {
    ground::check(options.file_mib)?;
    let lab = Lab::open()?;
    let mut watch = Stopwatch::start();
    watch.step("packages", || host::require(sh, &[]).and_then(|()| host::require_all(sh, ground::NEEDS)))?;
    let own = watch.step("programs", || own_programs(sh, &lab))?;
    let libfuse = watch.step("libfuse", || libfuse::ensure(sh, &lab.cache))?;
    let report = watch.step("measurements", || measure(sh, &lab, options, &own, &libfuse))?;
    let folder = store(&lab.results(sh)?, &report)?;
    print!("{}", report::render(&report, &contender::all()));
    eprintln!("\nstored in {}\n{}", folder.display(), watch.line());
    Ok(ExitCode::SUCCESS)
}

/// Compiles our programs for this machine; the folder that they are in.
fn own_programs(sh: &Shell, lab: &Lab) -> anyhow::Result<PathBuf> {
    let _folder = sh.push_dir(lab.checkout.root());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = lab.checkout.join("target");
    let options = ["--release", "--locked", "--quiet", "--package", "passthrough", "--package", "aio-stress"];
    cmd!(sh, "{cargo} build {options...} --target-dir {target}").quiet().run()?;
    Ok(target.join("release"))
}

fn measure(
    sh: &Shell,
    lab: &Lab,
    options: &cli::Bench,
    own: &Path,
    libfuse: &Libfuse,
) -> anyhow::Result<BenchReport> {
    let _alone = lab.cache.lock("bench", || eprintln!("waiting for another bench to end"))?;
    lab.cache.remove_leftovers(ground::PREFIX)?;
    let begun = jiff::Timestamp::now().to_string();
    let ground = Ground::new(&lab.cache, options.file_mib)?;
    let bench = BenchContext {
        ground: &ground,
        places: Places {
            own: own.join("passthrough"),
            low_level: libfuse.low_level.clone(),
            high_performance: libfuse.high_performance.clone(),
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
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let contenders = contender::all();
    let in_turn = |round| order(contenders.len(), round).map(|place| &contenders[place]);
    let (mut series, mut load_tools) = (AllSeries::default(), Vec::new());
    for contender in &contenders {
        let checking = || format!("looking at the requests of {}", contender.name);
        throughput::check_requests(sh, bench, contender).with_context(checking)?;
    }
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        let measuring = |contender: &Contender| format!("measuring {}", contender.name);
        if wanted(BenchPart::Throughput) {
            for it in in_turn(round) {
                throughput::measure(sh, bench, it, &mut series).with_context(|| measuring(it))?;
            }
        }
        if wanted(BenchPart::SmallFiles) {
            for it in in_turn(round).filter(|it| it.part == Participation::All) {
                small_files::measure(bench, it, &mut series).with_context(|| measuring(it))?;
            }
        }
        if wanted(BenchPart::LoadTools) {
            load_tools::measure(sh, bench, round, &mut load_tools).context("measuring the load tools")?;
        }
    }
    Ok((series, load_tools))
}

/// Writes the report to a new folder below `results`.
fn store(results: &Path, report: &BenchReport) -> anyhow::Result<PathBuf> {
    let date = report.begun.get(..10).context("the date of the bench")?;
    let json = serde_json::to_vec_pretty(report).context("writing the report as JSON")?;
    for n in 1.. {
        let folder = results.join(format!("bench-{date}-{n}"));
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error).with_context(|| format!("making {}", folder.display())),
        }
        let text = report::render(report, &contender::all());
        files::write_atomically(&folder.join("bench.txt"), text.as_bytes())?;
        files::write_atomically(&folder.join("bench.json"), &json)?;
        return Ok(folder);
    }
    bail!("no number is left for a bench of {date}")
}
