//! What `cargo xtask fuzz` builds and runs.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; xtask::lab::output does not"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use clap::Parser;
use lab_core::text::digest;
use lab_core::text::escape::escape_for_terminal;
use lab_fuzz::cases::Cases;
use lab_fuzz::inputs::{self, Checkout};
use lab_fuzz::shrink::smallest;
use lab_fuzz::watch::{AS_WORKER, Fault, Watched, Workers};
use lab_fuzz::{targets, worker};
use xtask::commands::cli::{self, FuzzTarget};
use xtask::commands::{FOUND, end, parse};
use xtask::lab::interrupt::{self, Interrupt};
use xtask::lab::{files, output};

/// How long an input is made smaller.
const SHRINKING: Duration = Duration::from_secs(60);

/// The command line: what `cargo xtask fuzz` passes on.
#[derive(Debug, Parser)]
#[command(name = "lab-fuzz")]
struct Arguments {
    #[command(flatten)]
    manner: cli::Manner,
    #[command(flatten)]
    options: cli::Fuzz,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [option, task] = words.as_slice()
        && option == AS_WORKER
    {
        return end(as_worker(task));
    }
    let Arguments { manner, options } = match parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let ended = output::Manner::try_from(manner).and_then(|manner| {
        manner.choose();
        Interrupt::of_process().has_to_save();
        // Whoever started it says what a signal has ended.
        Interrupt::listen(|_| ())?;
        fuzz(&options)
    });
    match (&ended, Interrupt::of_process().signal()) {
        (Err(_), Some(signal)) => ExitCode::from(interrupt::exit_code(signal)),
        (Ok(_) | Err(_), _) => end(ended),
    }
}

fn as_worker(task: &str) -> anyhow::Result<ExitCode> {
    worker::run(serde_json::from_str(task).context("reading the task")?)?;
    Ok(ExitCode::SUCCESS)
}

/// Tries each target for its time. The exit code says whether one failed.
///
/// # Errors
/// If an input cannot be read or a process not be started.
fn fuzz(options: &cli::Fuzz) -> anyhow::Result<ExitCode> {
    let seed = options.seed.unwrap_or_else(drawn);
    let limit = Duration::from_secs(options.seconds.into());
    let all = if options.target.is_empty() { targets::all() } else { options.target.as_slice() };
    output::tell(&format!("seed {seed}: the same cases come again with --seed {seed}"));
    let mut code = ExitCode::SUCCESS;
    for target in all {
        let run = Run::new(*target, seed, &options.inputs)?;
        let watched = run.workers.cases(seed, &options.inputs, limit)?;
        output::print(&line(*target, &watched))?;
        if let Some(fault) = &watched.fault {
            code = ExitCode::from(FOUND);
            output::print(&escape_for_terminal(&run.keep(watched.note.number, fault)?))?;
            output::print("\n")?;
        }
    }
    Ok(code)
}

/// A seed for who has none.
fn drawn() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs()
}

fn line(target: FuzzTarget, watched: &Watched) -> String {
    let Watched { note, fault, time } = watched;
    let mib = note.most_bytes as f64 / f64::from(1 << 20);
    let longest_s = Duration::from_nanos(note.longest_ns).as_secs_f64();
    let ended = if fault.is_some() { "FAILED" } else { "no fault" };
    format!(
        "{:<9} {ended} in {} cases, {:.0} s; at most {mib:.1} MiB and {longest_s:.3} s for a case\n",
        target.name(),
        note.number,
        time.as_secs_f64()
    )
}

/// One target's run.
struct Run {
    target: FuzzTarget,
    checkout: Checkout,
    cases: Cases,
    seed: u64,
    workers: Workers,
}

impl Run {
    fn new(target: FuzzTarget, seed: u64, more: &[PathBuf]) -> anyhow::Result<Self> {
        let checkout = Checkout::of_package();
        let read = more.iter().map(|path| inputs::at(path)).collect::<anyhow::Result<Vec<_>>>()?;
        let cases = Cases::new(targets::of(target), seed, &checkout, read.concat())?;
        let program = std::env::current_exe().context("looking for this program")?;
        Ok(Run { target, checkout, cases, seed, workers: Workers::new(&program, &target.name())? })
    }

    /// Makes the case smaller as long as it fails in the same way, and keeps it. Gives what to tell.
    fn keep(&self, number: u64, fault: &Fault) -> anyhow::Result<String> {
        let name = self.target.name();
        let case = self.cases.case(number);
        output::tell(&format!("{name}: case {number} {fault}\nmaking it smaller"));
        let begun = Instant::now();
        let fails = |case: &[u8]| {
            let is_like = |found: Option<Fault>| found.is_some_and(|found| found.is_like(fault));
            begun.elapsed() < SHRINKING && self.workers.one(case).is_ok_and(is_like)
        };
        let target = targets::of(self.target);
        let holds = |case: &[u8]| {
            let as_it_is = || fails(case).then(|| case.to_vec());
            as_it_is().or_else(|| {
                Some(target.mended(case.to_vec())).filter(|mended| mended != case && fails(mended))
            })
        };
        let smaller = smallest(case, holds);
        Interrupt::of_process().check()?;
        let folder = self.checkout.found(&name);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join(digest::short(&digest::of_bytes(&smaller)));
        files::write_atomically(&path, &smaller)?;
        Ok(told(&name, number, self.seed, fault, &path, smaller.len()))
    }
}

fn told(name: &str, number: u64, seed: u64, fault: &Fault, path: &Path, bytes: usize) -> String {
    let path = path.display();
    format!(
        "{name}: case {number} of seed {seed} {fault}\nkept as {path} ({bytes} bytes), which `cargo test -p lab-fuzz` tries from now \
         on; alone: cargo xtask fuzz --target {name} --inputs {path} --seconds 1"
    )
}
