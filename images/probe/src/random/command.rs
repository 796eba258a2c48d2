//! `probe random`: as many seeds as one likes, or one sequence.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use lab_guest::server::Place;
use lexopt::{Arg, ValueExt as _};

use super::check::{Failure, check};
use super::draw;
use super::perform::{Ground, has_uring};
use super::profile::Profile;
use super::sequence::Sequence;
use super::shrink::Budget;
use crate::fixture::Fixture;
use crate::mounted::Mounted;
use crate::sandbox;

/// Whoever asks for one seed has time.
const BUDGET: Budget = Budget { runs: 1000, time: Duration::from_secs(120) };

/// What is checked where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RandomOrder {
    what: What,
    server: PathBuf,
    storage: PathBuf,
    mount: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Drawn {
        profiles: Vec<Profile>,
        seed: u64,
        operations: u32,
        runs: u32,
    },
    /// Of this file.
    Sequence(PathBuf),
}

/// Understands what follows `random`; none if it asks for help.
///
/// # Errors
/// If it asks for something else than there is.
pub fn parse(mut parser: lexopt::Parser) -> anyhow::Result<Option<RandomOrder>> {
    let (mut profiles, mut seed, mut operations, mut runs) = (Profile::ALL.to_vec(), 1, 400, 1);
    let (mut sequence, mut server, mut folders) = (None, None, Vec::new());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("profile") => {
                let name = parser.value()?.string()?;
                profiles = vec![Profile::of(&name).with_context(|| {
                    let names = Profile::ALL.map(Profile::name).join(", ");
                    format!("there is no profile {name}; there are {names}")
                })?];
            }
            Arg::Long("seed") => seed = parser.value()?.parse().context("--seed")?,
            Arg::Long("operations") => operations = parser.value()?.parse().context("--operations")?,
            Arg::Long("runs") => runs = parser.value()?.parse().context("--runs")?,
            Arg::Long("sequence") => sequence = Some(parser.value()?.into()),
            Arg::Long("server") => server = Some(parser.value()?.into()),
            Arg::Value(folder) => folders.push(PathBuf::from(folder)),
            Arg::Short(_) | Arg::Long(_) => bail!("{}; `probe --help` says what there is", arg.unexpected()),
        }
    }
    let Ok([storage, mount]) = <[PathBuf; 2]>::try_from(folders) else {
        bail!("two folders are needed, STORAGE and MOUNT; `probe --help` says more");
    };
    let what = sequence.map_or(What::Drawn { profiles, seed, operations, runs }, What::Sequence);
    let server = server.unwrap_or_else(|| lab_guest::server::PROGRAM.into());
    Ok(Some(RandomOrder { what, server, storage, mount }))
}

/// Runs it, and prints a line for each run and the shrunk sequence of each that fails.
///
/// # Errors
/// If it cannot be run, or a sequence failed.
pub fn run(order: &RandomOrder) -> anyhow::Result<()> {
    sandbox::enter()?;
    let stderr = PathBuf::from(format!("/tmp/random-server-{}.stderr", std::process::id()));
    let place = Place {
        program: order.server.clone(),
        storage: order.storage.clone(),
        mount: order.mount.clone(),
        stderr: stderr.clone(),
    };
    let mut mounted = Mounted::start(Fixture::Usual, &place)?;
    let failed = check_all(order, &mut mounted);
    let ended = mounted.quit();
    let _ = std::fs::remove_file(stderr);
    let failed = failed?;
    ended?;
    ensure!(failed == 0, "{failed} runs failed");
    Ok(())
}

/// Says how many failed.
fn check_all(order: &RandomOrder, mounted: &mut Mounted) -> anyhow::Result<u32> {
    let mut ground = Ground::new(&order.mount, &order.storage, mounted);
    let mut failed = 0;
    let mut one = |name: String, sequence: &Sequence| -> anyhow::Result<()> {
        let failure = check(&mut ground, sequence, BUDGET)?;
        failed += u32::from(failure.is_some());
        print(&name, failure.as_ref());
        Ok(())
    };
    match &order.what {
        What::Sequence(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            let sequence: Sequence = text
                .parse()
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("reading {}", file.display()))?;
            one(file.display().to_string(), &sequence)?;
        }
        What::Drawn { profiles, seed, operations, runs } => {
            let missing = profiles.iter().any(|profile| profile.uses_uring())
                && !has_uring().context("making a ring")?;
            if missing {
                println!("this kernel has no io_uring: libaio takes its place");
            }
            for profile in profiles {
                for seed in (*seed..).take(*runs as usize) {
                    let name = format!("{} --seed {seed} --operations {operations}", profile.name());
                    let drawn = draw::sequence(*profile, seed, *operations);
                    one(name, &if missing { drawn.without_uring() } else { drawn })?;
                }
            }
        }
    }
    Ok(failed)
}

fn print(name: &str, failure: Option<&Failure>) {
    let Some(failure) = failure else {
        println!("{name}: keeps every byte");
        return;
    };
    println!("{name}: {}: {failure}", failure.kind().observed());
    failure.lines().iter().for_each(|line| println!("    {line}"));
}
