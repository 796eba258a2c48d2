//! Runs probes one after the other, each on a server that is well, and says what they saw.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use lab_guest::server::Place;
use lab_protocol::{Behaviour, ProbeLine, ProbeResult, ProbeSet};

use crate::args::ProbeOrder;
use crate::child::{self, Ended};
use crate::clock;
use crate::expected::Table;
use crate::health::Health;
use crate::mounted::Mounted;
use crate::probe::{Observation, Probe};
use crate::stage::Stage;
use crate::{groups, sandbox};

/// How long requests may go on after the end of a probe, once nothing delays them any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs what is ordered, and writes a line before and after each probe.
///
/// # Errors
/// If the program cannot do its work; what a probe sees is none.
pub fn run(order: &ProbeOrder) -> anyhow::Result<()> {
    clock::set_delay_factor(order.task.delay_factor);
    let table = Table::of_task(&order.task)?;
    let probes = chosen(order)?;
    sandbox::enter()?;
    let mut runner = Runner::new(order)?;
    let done = until_enough(&probes, order.task.enough_failures, |probe| {
        say(&ProbeLine::Begins(probe.name.clone()))?;
        let result = runner.run(probe, table.as_ref())?;
        let is_failure = result.is_failure();
        say(&ProbeLine::Result(result))?;
        Ok(is_failure)
    });
    let ended = runner.end();
    done.and(ended)
}

/// Does `run` with one after the other until it has said often enough that it failed.
fn until_enough<T>(
    all: &[T],
    enough: Option<u32>,
    mut run: impl FnMut(&T) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let mut failures = 0;
    for one in all {
        if enough.is_some_and(|enough| failures >= enough) {
            break;
        }
        failures += u32::from(run(one)?);
    }
    Ok(())
}

/// The probes that are ordered. Those that share a server follow each other.
fn chosen(order: &ProbeOrder) -> anyhow::Result<Vec<Probe>> {
    let all = groups::all();
    for name in &order.only {
        let known = all.iter().any(|probe| probe.name == *name);
        ensure!(known, "there is no probe {name}; `probe --list` says which there are");
    }
    let is_chosen = |probe: &Probe| match (order.only.is_empty(), order.task.set) {
        (false, _) => order.only.contains(&probe.name),
        (true, ProbeSet::All) => true,
        (true, ProbeSet::Quick) => probe.quick,
    };
    let mut probes: Vec<Probe> = all.into_iter().filter(is_chosen).collect();
    probes.sort_by_key(|probe| probe.fixture);
    Ok(probes)
}

fn say(line: &ProbeLine) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(line).context("writing JSON")?;
    text.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing to standard output")
}

struct Runner {
    place: Place,
    seed: u64,
    /// None before the first probe, and after one that broke it.
    mounted: Option<Mounted>,
}

impl Runner {
    fn new(order: &ProbeOrder) -> anyhow::Result<Self> {
        let storage = order.storage.join(format!("probes-{}", std::process::id()));
        fs::create_dir(&storage).with_context(|| format!("making {}", storage.display()))?;
        let stderr = PathBuf::from(format!("/tmp/probe-server-{}.stderr", std::process::id()));
        let (program, mount) = (order.server.clone(), order.mount.clone());
        Ok(Runner { place: Place { program, storage, mount, stderr }, seed: order.task.seed, mounted: None })
    }

    fn run(&mut self, probe: &Probe, table: Option<&Table>) -> anyhow::Result<ProbeResult> {
        let begin = Instant::now();
        let seen = match self.ready(probe) {
            Ok(mounted) => self.observe(probe, mounted)?,
            Err(error) => Observation::new("cannot be tried")
                .fault_if_any(Some(one_line(&format!("no server: {error:#}")))),
        };
        let Observation { observed, fault, details } = seen;
        Ok(ProbeResult {
            name: probe.name.clone(),
            title: probe.title.clone(),
            observed,
            expected: table.map(|table| table.of(&probe.name).to_vec()).unwrap_or_default(),
            fault,
            details,
            elapsed_us: begin.elapsed().as_micros() as u64,
        })
    }

    /// The server for a probe, behaving as the probe wants.
    fn ready(&mut self, probe: &Probe) -> anyhow::Result<Mounted> {
        let mut mounted = match self.mounted.take() {
            Some(mounted) if mounted.fixture == probe.fixture => mounted,
            Some(other) => {
                other.quit()?;
                Mounted::start(probe.fixture, &self.place)?
            }
            None => Mounted::start(probe.fixture, &self.place)?,
        };
        match mounted.behave(&probe.behaviour) {
            Ok(()) => Ok(mounted),
            Err(error) => {
                mounted.discard();
                Err(error)
            }
        }
    }

    fn observe(&mut self, probe: &Probe, mut mounted: Mounted) -> anyhow::Result<Observation> {
        let before = Health::read()?;
        let connection = mounted.connection();
        let (place, seed) = (&self.place, self.seed);
        let act = || (probe.run)(&mut Stage::new(&mut mounted, &place.storage, &place.mount, seed));
        let ended = child::run(act, Duration::from_secs(probe.limit_s), || connection.abort())?;
        let seen = match ended {
            Ended::Observed(seen) => {
                self.mounted = Some(mounted);
                seen
            }
            Ended::Failed { fault, details } => {
                mounted.discard();
                Observation::new("is not known").fault_if_any(Some(one_line(&fault))).details(details)
            }
        };
        let seen = seen.fault_if_any(self.clear_up()?);
        Ok(seen.fault_if_any(before.fault_since()?))
    }

    /// Brings the server to rest, or takes it away; says what is wrong with it that no probe may do to it.
    fn clear_up(&mut self) -> anyhow::Result<Option<String>> {
        let mut fault = None;
        if let Some(mut mounted) = self.mounted.take() {
            // A server that has ended is noticed below.
            let _ = mounted.behave(&Behaviour::plain());
            let left = mounted.await_idle(PATIENCE);
            if left > 0 {
                fault = Some(format!(
                    "{left} requests are left {} s after the end",
                    clock::long(PATIENCE).as_secs()
                ));
            }
            self.mounted = keep_if_well(mounted);
        }
        for entry in fs::read_dir(&self.place.storage).context("reading the storage")? {
            let path = entry?.path();
            // The server holds what it knows until the kernel forgets it, and the room with it.
            let _ = File::options().write(true).truncate(true).open(&path);
            let _ = fs::remove_file(path);
        }
        Ok(fault)
    }

    fn end(mut self) -> anyhow::Result<()> {
        let quit = self.mounted.take().map_or(Ok(()), Mounted::quit);
        let _ = fs::remove_dir_all(&self.place.storage);
        let _ = fs::remove_file(&self.place.stderr);
        quit
    }
}

fn keep_if_well(mut mounted: Mounted) -> Option<Mounted> {
    if mounted.is_well() {
        return Some(mounted);
    }
    mounted.discard();
    None
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_failures_end_it() {
        let ran = |enough| {
            let mut ran = String::new();
            until_enough(&['a', 'F', 'b', 'F', 'c', 'F'], enough, |one| {
                ran.push(*one);
                Ok(*one == 'F')
            })
            .unwrap();
            ran
        };
        assert_eq!([None, Some(4), Some(2), Some(1)].map(ran), ["aFbFcF", "aFbFcF", "aFbF", "aF"]);
    }
}
