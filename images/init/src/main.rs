//! Process 1 of the guest: mounts, starts the server, runs the workloads, reports, and powers off, whatever happens.

mod access;
mod again;
mod content;
mod cpu;
mod data;
mod failure;
mod filesystem;
mod foreign;
mod kmsg;
mod leaks;
mod ledger;
mod local;
mod loopback;
mod mark;
mod memory;
mod mounts;
mod notes;
mod null_block;
mod port;
mod probes;
mod served;
mod shell;
mod stamp;
mod switches;
mod system;
mod turns;
mod warnings;
mod workload;

use std::fs::{self, File};
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::frame::Kind;
use lab_protocol::{ASSIGNMENT_PATH, Assignment, Hello, PROBES_PATH, ProbeTask};

use crate::ledger::{Guard, Ledger};
use crate::port::Port;
use crate::workload::Outcome;

fn main() {
    if std::process::id() != 1 {
        if let [_, word, order] = &std::env::args().collect::<Vec<_>>()[..]
            && (word == again::WORD || word == failure::WORD)
        {
            let result = if word == again::WORD { again::run(order) } else { failure::trigger(order) };
            result.unwrap_or_else(|error| {
                eprintln!("{error:#}");
                std::process::exit(1)
            });
            return;
        }
        eprintln!("this program is process 1 of the lab's guest: it would switch this machine off");
        std::process::exit(2);
    }
    let ledger = Ledger::new();
    ledger.report_panics();
    if let Err(error) = run(&ledger) {
        ledger.problem(format!("{error:#}"));
    }
    ledger.end()
}

fn run(ledger: &Ledger) -> anyhow::Result<()> {
    let uptime_us = system::uptime_us();
    mounts::mount_system()?;
    mounts::mount_debug()?;
    leave_the_console()?;
    kmsg::lift_rate_limit()?;
    system::seed_random()?;
    ledger.step("process 1 runs");
    let assignment = read_assignment()?;
    ledger.set_nonce(assignment.nonce);
    let guard = ledger.guard(whole_limit(&assignment));
    ledger.set_port(Port::open(assignment.nonce)?);
    let worked = match (&assignment.failure, &assignment.shell) {
        (Some(failure), _) => failure::fail(ledger, failure),
        (None, None) => work(ledger, &assignment, uptime_us).and_then(|()| probe(ledger, &guard)),
        (None, Some(task)) => shell::work(ledger, &assignment, task),
    };
    if let Err(error) = worked {
        ledger.problem(format!("{error:#}"));
    }
    report_skipped(ledger, &assignment);
    if leaks::can_be_searched_for() {
        ledger.step("searching for leaked memory");
        let leaks = leaks::search()?;
        ledger.edit(|report| report.leaks = Some(leaks));
    }
    let warnings = warnings::read()?;
    ledger.edit(|report| report.warnings = Some(warnings));
    Ok(())
}

/// All that the assignment asks for, up to the first thing that goes wrong outside the tools.
fn work(ledger: &Ledger, assignment: &Assignment, uptime_us: u64) -> anyhow::Result<()> {
    let identity = system::identity()?;
    ledger.send(Kind::Hello, &Hello { kernel_release: identity.release.clone(), uptime_us });
    let tainted = system::tainted()?;
    ledger.edit(|report| {
        report.kernel_release = identity.release;
        report.kernel_version = identity.version;
        report.kernel_command_line = identity.command_line;
        report.build_id = identity.build_id;
        report.tainted_before = tainted;
    });
    system::calm()?;
    match (&assignment.server, &assignment.foreign) {
        (Some(settings), _) => served::work(ledger, assignment, settings),
        (None, Some(server)) => foreign::work(ledger, assignment, server),
        (None, None) => local::work(ledger, assignment),
    }
}

/// Runs the behaviour probes, if there are any. Only now is it read which, so that they cannot have moved a figure.
fn probe(ledger: &Ledger, guard: &Guard) -> anyhow::Result<()> {
    let text = fs::read(PROBES_PATH).with_context(|| format!("reading {PROBES_PATH}"))?;
    let task: Option<ProbeTask> =
        serde_json::from_slice(&text).with_context(|| format!("understanding {PROBES_PATH}"))?;
    let Some(task) = task else { return Ok(()) };
    ledger.step("probing");
    guard.extend(probes::limit(&task));
    let (report, problems) = probes::run(&task)?;
    ledger.step(&format!("probes ended: {:?}", report.end));
    ledger.edit(|all| all.probes = Some(report));
    problems.into_iter().for_each(|problem| ledger.problem(problem));
    Ok(())
}

/// The console is the kernel's: whatever process 1 or a program of it writes there goes nowhere.
fn leave_the_console() -> anyhow::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null").context("opening /dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

fn read_assignment() -> anyhow::Result<Assignment> {
    let text = fs::read(ASSIGNMENT_PATH).with_context(|| format!("reading {ASSIGNMENT_PATH}"))?;
    serde_json::from_slice(&text).with_context(|| format!("understanding {ASSIGNMENT_PATH}"))
}

/// The guest time after which something must be wrong: every workload and its checks at their limits, and ten minutes for
/// the rest. Probes have time of their own.
fn whole_limit(assignment: &Assignment) -> Duration {
    if assignment.shell.is_some() {
        return shell::LIMIT;
    }
    // Each may be made once more for its data.
    let each = 3 * u64::from(assignment.workload_limit_s) + 400;
    Duration::from_secs(600 + each * assignment.turns().len() as u64)
}

/// Gives every workload that was not reached an entry that says so.
fn report_skipped(ledger: &Ledger, assignment: &Assignment) {
    let folders = if assignment.is_served() { data::SERVED } else { data::LOCAL };
    ledger.edit(|report| {
        let turns = assignment.turns();
        for turn in turns.into_iter().skip(report.workloads.len()) {
            let task = &assignment.workloads[turn.workload];
            let outcome = Outcome::not_started("the boot was in trouble before it".to_owned());
            report.workloads.push(workload::report(
                task,
                turn.sample,
                workload::argv(task, folders.mount),
                outcome,
            ));
        }
    });
}
