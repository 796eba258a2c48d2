//! Process 1 of the guest: mounts, starts the server, runs the workloads, reports, and powers off, whatever happens.

mod access;
mod again;
mod content;
mod cpu;
mod data;
mod filesystem;
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
mod stamp;
mod switches;
mod system;
mod workload;

use std::fs::{self, File, Metadata};
use std::time::Duration;

use anyhow::Context as _;
use lab_guest::server::{self, ServerProcess};
use lab_protocol::frame::Kind;
use lab_protocol::{
    ASSIGNMENT_PATH, Assignment, Behaviour, DataCheck, EndOfProgram, Hello, LOCAL_DIR, MOUNT_DIR, Milestone,
    PROBES_PATH, ProbeTask, Report, RequestStats, STORAGE_DIR, ServerSettings, Turn, WorkloadReport,
    WorkloadTask,
};

use crate::ledger::{Guard, Ledger};
use crate::port::Port;
use crate::stamp::Files;
use crate::workload::Outcome;

fn main() {
    if std::process::id() != 1 {
        if let [_, word, order] = &std::env::args().collect::<Vec<_>>()[..]
            && word == again::WORD
        {
            let result = again::run(order);
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
    let worked = work(ledger, &assignment, uptime_us).and_then(|()| probe(ledger, &guard));
    if let Err(error) = worked {
        ledger.problem(format!("{error:#}"));
    }
    report_skipped(ledger, &assignment);
    if leaks::can_be_searched_for() {
        ledger.step("searching for leaked memory");
        let leaks = leaks::search()?;
        ledger.edit(|report| report.leaks = Some(leaks));
    }
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
    match &assignment.server {
        Some(settings) => serve(ledger, assignment, settings),
        None => local::work(ledger, assignment),
    }
}

/// The workloads on a FUSE mount.
fn serve(ledger: &Ledger, assignment: &Assignment, settings: &ServerSettings) -> anyhow::Result<()> {
    mounts::mount_storage(assignment.storage_mib)?;
    ledger.step("writing the files");
    let mut files = Files::default();
    assignment.workloads.iter().try_for_each(|task| ensure_file(&mut files, task).map(drop))?;
    ledger.step("starting the server");
    let mut server = ServerProcess::start(settings, &server_place())?;
    let negotiated = server.wait_mounted().map_err(|error| with_end(error, &server))?;
    ledger.edit(|report| report.negotiated = Some(negotiated));
    ledger.step("mounted");
    ledger.progress(Milestone::Mounted, None);
    for turn in assignment.turns() {
        let task = &assignment.workloads[turn.workload];
        let (report, health) = measure(ledger, assignment, settings, turn, &mut server, &mut files);
        ledger.step(&format!("workload {} ended: {:?}", task.name, report.end));
        ledger.edit(|all| all.workloads.push(report));
        ledger.progress(Milestone::WorkloadEnded, Some(&task.name));
        health.with_context(|| format!("workload {}", task.name))?;
    }
    let peak_kib = server.peak_kib();
    ledger.edit(|report| report.server_peak_kib = peak_kib);
    check_data(ledger, assignment, settings, &mut files)?;
    ledger.step("stopping the server");
    server.quit()?;
    ledger.progress(Milestone::Unmounted, None);
    Ok(())
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
    // Each may be made once more for its data.
    let each = 3 * u64::from(assignment.workload_limit_s) + 400;
    Duration::from_secs(600 + each * assignment.turns().len() as u64)
}

fn server_place() -> server::Place {
    server::Place {
        program: server::PROGRAM.into(),
        storage: STORAGE_DIR.into(),
        mount: MOUNT_DIR.into(),
        stderr: "/tmp/server.stderr".into(),
    }
}

fn ensure_file(files: &mut Files, task: &WorkloadTask) -> anyhow::Result<stamp::Made> {
    files.ensure(&data::SERVED.storage_path(task), u64::from(task.file_mib) << 20)
}

/// Does once more what each workload did that ended well, and looks at each byte.
fn check_data(
    ledger: &Ledger,
    assignment: &Assignment,
    settings: &ServerSettings,
    files: &mut Files,
) -> anyhow::Result<()> {
    if data::spoils(&settings.faults) {
        return Ok(());
    }
    for place in data::order(&assignment.workloads) {
        let Some(task) = assignment.workloads.get(place) else { continue };
        // The last sample stands for all: each did the same with the same file.
        let last = |report: &Report| report.workloads.iter().rposition(|of| of.name == task.name);
        let Some(at) = ledger.read(last) else { continue };
        let is_checked = |report: &Report| report.workloads.get(at).is_some_and(|of| of.data.is_some());
        if !ledger.read(is_checked) {
            continue;
        }
        ledger.step(&format!("checking the data of workload {}", task.name));
        let purpose = || format!("checking the data of workload {}", task.name);
        let found = check_again(assignment, settings, task, files).with_context(purpose)?;
        ledger.edit(|report| {
            let data = report.workloads.get_mut(at).and_then(|workload| workload.data.as_mut());
            if let Some((data, found)) = data.zip(found) {
                data::merge(data, found);
            }
        });
    }
    Ok(())
}

fn check_again(
    assignment: &Assignment,
    settings: &ServerSettings,
    task: &WorkloadTask,
    files: &mut Files,
) -> anyhow::Result<Option<DataCheck>> {
    if ensure_file(files, task)? == stamp::Made::Written {
        std::thread::sleep(Duration::from_millis(settings.attribute_timeout_ms));
    }
    system::drop_caches()?;
    let found = data::again(task, data::SERVED, workload::limit(assignment))?;
    // Whatever was written, it was stamps.
    if found.as_ref().is_some_and(|found| found.wrong.is_empty()) {
        files.adopt(&data::SERVED.storage_path(task))?;
    }
    Ok(found)
}

/// Runs one workload, and says whether another can be run after it.
fn measure(
    ledger: &Ledger,
    assignment: &Assignment,
    settings: &ServerSettings,
    turn: Turn,
    server: &mut ServerProcess,
    files: &mut Files,
) -> (WorkloadReport, anyhow::Result<()>) {
    let (task, sample) = (&assignment.workloads[turn.workload], turn.sample);
    let (argv, environment) = (workload::argv(task, MOUNT_DIR), workload::environment(task, MOUNT_DIR));
    let prepared = prepare(ledger, assignment, settings, turn, server, files);
    let (file_before, usage_before, switches_before) = match prepared {
        Ok(before) => before,
        Err(error) => {
            let outcome = Outcome::not_started(format!("{error:#}"));
            return (workload::report(task, sample, argv, outcome), Err(with_end(error, server)));
        }
    };
    // From here to the end of the tool process 1 writes nothing and wakes up for the tool's output only.
    let limit = workload::limit(assignment);
    mark::begin();
    let outcome = workload::run(&argv, &environment, limit);
    mark::end();
    let usage_after = cpu::usage(server.pid());
    let switches_after = switches::by_thread(server.pid());
    let memory_after = memory::in_use(server.pid());
    let unkillable = outcome.end == EndOfProgram::Unkillable;
    let mut report = workload::report(task, sample, argv, outcome);
    let health = (|| {
        anyhow::ensure!(!unkillable, "the tool could not be killed");
        report.server_cpu = cpu::between(usage_before, usage_after?);
        report.server_switches = switches_after.ok().map(|after| switches::between(&switches_before, &after));
        report.memory = memory_after.ok();
        // One of each workload: what a log shows repeats from sample to sample.
        if settings.request_log > 0 && turn.turn == 1 {
            ledger.send_log(&server.request_log(turn.workload as u32)?);
        }
        report.requests = Some(server.take()?);
        if report.end == EndOfProgram::Exit(0) {
            report.data =
                Some(data::after(task, data::SERVED, &file_before, limit).context("checking the data")?);
        }
        Ok(())
    })();
    (report, health.map_err(|error| with_end(error, server)))
}

/// Gets file, caches and counters ready, and gives what the server has used so far: CPU time and context switches.
fn prepare(
    ledger: &Ledger,
    assignment: &Assignment,
    settings: &ServerSettings,
    turn: Turn,
    server: &mut ServerProcess,
    files: &mut Files,
) -> anyhow::Result<(Metadata, cpu::Usage, switches::ByThread)> {
    let task = &assignment.workloads[turn.workload];
    if ensure_file(files, task)? == stamp::Made::Written {
        // The kernel may hold on to the attributes that the file had.
        std::thread::sleep(Duration::from_millis(settings.attribute_timeout_ms));
    }
    let mut phase_us = assignment.phase_us;
    if let Some(perturbation) = assignment.perturbation(turn) {
        phase_us = (phase_us + perturbation.later_us) % system::PHASES_US;
        server.behave(&Behaviour { seed: perturbation.seed, ..settings.behaviour() })?;
    }
    workload::write_job(task)?;
    let file = data::before(task, data::SERVED)?;
    ledger.step(&format!("workload {}", task.name));
    ledger.progress(Milestone::WorkloadStarted, Some(&task.name));
    // Before the wait: a file for each thread is too much work to do between it and the tool's start.
    let switches = switches::by_thread(server.pid())?;
    system::settle(Duration::from_micros(phase_us.into()))?;
    let RequestStats { .. } = server.take()?;
    Ok((file, cpu::usage(server.pid())?, switches))
}

/// Gives every workload that was not reached an entry that says so.
fn report_skipped(ledger: &Ledger, assignment: &Assignment) {
    let mount = if assignment.server.is_some() { MOUNT_DIR } else { LOCAL_DIR };
    ledger.edit(|report| {
        let turns = assignment.turns();
        for turn in turns.into_iter().skip(report.workloads.len()) {
            let task = &assignment.workloads[turn.workload];
            let outcome = Outcome::not_started("the boot was in trouble before it".to_owned());
            report.workloads.push(workload::report(task, turn.sample, workload::argv(task, mount), outcome));
        }
    });
}

/// Adds to an error how the server ended, if it did.
fn with_end(error: anyhow::Error, server: &ServerProcess) -> anyhow::Error {
    match server.end_within(Duration::from_secs(1)) {
        Some(end) => anyhow::anyhow!("{error:#}: {end}"),
        None => error,
    }
}
