//! One workload: the tool runs alone, and process 1 sleeps until it writes or ends.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lab_guest::capture::Capture;
use lab_guest::process::{Ended, Process, command};
use lab_guest::wait;
use lab_protocol::{
    Assignment, ContextSwitches, CpuTime, EndOfProgram, SEED_VARIABLE, Tool, WorkloadReport, WorkloadTask,
};

use crate::{cpu, switches, system};

/// The most that is kept of each output of a tool, bytes.
const OUTPUT_LIMIT: usize = 1 << 20;
/// How long a killed tool may take to be gone, guest time.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// Where the job file of fio lies.
const FIO_JOB: &str = "/tmp/job.fio";
/// Where the configuration of pjdfstest lies.
const PJDFSTEST_JOB: &str = "/tmp/pjdfstest.toml";

/// The users and groups that pjdfstest acts as, by the names that it looks for.
const ACCOUNTS: [(&str, &str); 2] = [
    ("/etc/passwd", "root:x:0:0::/:/\nnobody:x:65534:65534::/:/\ntests:x:65533:65533::/:/\n"),
    ("/etc/group", "root:x:0:\nnobody:x:65534:\ntests:x:65533:\n"),
];

/// Options of fio. Those after the first two are defaults of the job, which the host does not let it change.
const FIO_OPTIONS: [&str; 6] = [
    "--output-format=json",
    "--eta=never",
    // As threads, jobs end when fio is killed.
    "--thread",
    // By default fio measures the TSC first, and then reads it itself.
    "--clocksource=clock_gettime",
    "--disk_util=0",
    // The file is there in full size. A job that asks for more fails, instead of making another one.
    "--allow_file_create=0",
];

/// What came of a tool.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) end: EndOfProgram,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
    pub(crate) cpu: CpuTime,
    pub(crate) switches: Option<ContextSwitches>,
}

impl Outcome {
    /// The outcome of a tool that was not started.
    pub(crate) fn not_started(reason: String) -> Self {
        Outcome {
            end: EndOfProgram::NotStarted(reason),
            stdout: String::new(),
            stderr: String::new(),
            elapsed: Duration::ZERO,
            cpu: CpuTime::default(),
            switches: None,
        }
    }
}

/// The name of the file of a workload; workloads of one size share it.
pub(crate) fn file_name(task: &WorkloadTask) -> String {
    format!("data-{}-mib", task.file_mib)
}

fn file_path(task: &WorkloadTask, mount: &str) -> String {
    format!("{mount}/{}", file_name(task))
}

/// Program and arguments, with the path of the file put in, which is in the folder `mount`.
pub(crate) fn argv(task: &WorkloadTask, mount: &str) -> Vec<String> {
    let file = file_path(task, mount);
    let args: Vec<String> = match task.tool {
        Tool::Dd | Tool::AioStress | Tool::StressNg | Tool::Fsx | Tool::Socket => {
            task.args.iter().map(|arg| arg.replace("{file}", &file).replace("{dir}", mount)).collect()
        }
        Tool::Fio => FIO_OPTIONS.into_iter().chain([FIO_JOB]).map(str::to_owned).collect(),
        Tool::Pjdfstest => {
            // pjdfstest 0.2.2 makes a path of 4095 bytes out of names of 127, and panics if nothing is left for a last one:
            // so it is with the length of the mount's path itself.
            ["--configuration-file", PJDFSTEST_JOB, "--path", &format!("{mount}/.")]
                .map(str::to_owned)
                .to_vec()
        }
    };
    std::iter::once(task.tool.guest_path().to_owned()).chain(args).collect()
}

/// What the program finds in its environment beside what every program does.
pub(crate) fn environment(task: &WorkloadTask, mount: &str) -> Vec<(&'static str, String)> {
    match task.tool {
        Tool::Dd | Tool::AioStress | Tool::StressNg | Tool::Fsx | Tool::Pjdfstest | Tool::Socket => {
            Vec::new()
        }
        Tool::Fio => {
            let bytes = u64::from(task.file_mib) << 20;
            vec![("LAB_FILE", file_path(task, mount)), ("LAB_SIZE", bytes.to_string())]
        }
    }
}

/// What a tool finds in its environment that draws for itself.
pub(crate) fn seed(seed: u64) -> (&'static str, String) {
    (SEED_VARIABLE, seed.to_string())
}

/// Puts the job file where the program looks for it, if it needs one, and what else it needs.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_job(task: &WorkloadTask) -> anyhow::Result<()> {
    let write = |path: &str, text: &str| fs::write(path, text).with_context(|| format!("writing {path}"));
    let Some(job) = &task.job else { return Ok(()) };
    match task.tool {
        Tool::Dd | Tool::AioStress | Tool::StressNg | Tool::Fsx | Tool::Socket => {
            bail!("this tool takes no job")
        }
        Tool::Fio => write(FIO_JOB, &job.text),
        Tool::Pjdfstest => {
            write(PJDFSTEST_JOB, &job.text)?;
            fs::create_dir_all("/etc").context("making /etc")?;
            ACCOUNTS.iter().try_for_each(|(path, text)| write(path, text))
        }
    }
}

/// How long one workload may take.
pub(crate) fn limit(assignment: &Assignment) -> Duration {
    Duration::from_secs(assignment.workload_limit_s.into())
}

/// Runs a program to its end, or for `limit`; it is killed then.
pub(crate) fn run(argv: &[String], environment: &[(&str, String)], limit: Duration) -> Outcome {
    try_run(argv, environment, limit).unwrap_or_else(|error| Outcome::not_started(format!("{error:#}")))
}

fn try_run(argv: &[String], environment: &[(&str, String)], limit: Duration) -> anyhow::Result<Outcome> {
    let (program, args) = argv.split_first().context("no program")?;
    let mut command = command(program, args);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("starting {program}"))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else { bail!("no pipes") };
    let process = Process::new(child)?;
    let mut outputs = Outputs { stdout: Output::new(stdout), stderr: Output::new(stderr) };
    let (end, ended) = match outputs.copy_until_end(&process, start + limit)? {
        Ends::InTime => (None, process.collect(Instant::now())?),
        Ends::TooLate => {
            // Where it hangs is worth more than the fact that it does.
            system::log_blocked_tasks();
            process.kill();
            outputs.copy_until_end(&process, Instant::now() + KILL_LIMIT)?;
            (Some(EndOfProgram::TimedOut), process.collect(Instant::now())?)
        }
    };
    let elapsed = start.elapsed();
    outputs.copy_rest();
    Ok(outcome(end, ended, elapsed, outputs))
}

fn outcome(end: Option<EndOfProgram>, ended: Option<Ended>, elapsed: Duration, outputs: Outputs) -> Outcome {
    let Outputs { stdout, stderr } = outputs;
    let end = match (&ended, end) {
        (None, _) => EndOfProgram::Unkillable,
        (Some(_), Some(end)) => end,
        (Some(ended), None) => end_of(ended.status),
    };
    Outcome {
        end,
        stdout: stdout.capture.into_text(),
        stderr: stderr.capture.into_text(),
        elapsed,
        cpu: ended.map(|ended| cpu::of_rusage(&ended.rusage)).unwrap_or_default(),
        switches: ended.map(|ended| switches::of_rusage(&ended.rusage)),
    }
}

/// What is known of a workload by its program alone.
pub(crate) fn report(
    task: &WorkloadTask,
    sample: u32,
    argv: Vec<String>,
    outcome: Outcome,
) -> WorkloadReport {
    WorkloadReport {
        name: task.name.clone(),
        sample,
        argv,
        end: outcome.end,
        stdout: outcome.stdout,
        stderr: outcome.stderr,
        elapsed_ns: outcome.elapsed.as_nanos() as u64,
        tool_cpu: outcome.cpu,
        server_cpu: CpuTime::default(),
        tool_switches: outcome.switches,
        server_switches: None,
        memory: None,
        requests: None,
        data: None,
    }
}

fn end_of(status: ExitStatus) -> EndOfProgram {
    match (status.code(), status.signal()) {
        (Some(code), _) => EndOfProgram::Exit(code),
        (None, signal) => EndOfProgram::Signal(signal.unwrap_or(0)),
    }
}

enum Ends {
    InTime,
    TooLate,
}

struct Outputs {
    stdout: Output<std::process::ChildStdout>,
    stderr: Output<std::process::ChildStderr>,
}

impl Outputs {
    /// Takes what the program writes until it ends or the deadline passes.
    fn copy_until_end(&mut self, process: &Process, deadline: Instant) -> anyhow::Result<Ends> {
        loop {
            let fds = [Some(process.fd()), self.stdout.fd(), self.stderr.fd()];
            match wait::readable(fds, deadline).context("waiting for a workload")? {
                [true, ..] => return Ok(Ends::InTime),
                [false, false, false] => return Ok(Ends::TooLate),
                [false, stdout, stderr] => {
                    if stdout {
                        self.stdout.copy();
                    }
                    if stderr {
                        self.stderr.copy();
                    }
                }
            }
        }
    }

    /// Takes what is left in the pipes, without waiting: a process that the tool left behind may hold them open.
    fn copy_rest(&mut self) {
        let now = Instant::now();
        while let Ok([true]) = wait::readable([self.stdout.fd()], now) {
            self.stdout.copy();
        }
        while let Ok([true]) = wait::readable([self.stderr.fd()], now) {
            self.stderr.copy();
        }
    }
}

/// A pipe that a program writes to, until its end.
struct Output<R> {
    pipe: Option<R>,
    capture: Capture,
}

impl<R: Read + AsFd> Output<R> {
    fn new(pipe: R) -> Self {
        Output { pipe: Some(pipe), capture: Capture::new(OUTPUT_LIMIT) }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    fn copy(&mut self) {
        let mut buffer = [0; 64 << 10];
        match self.pipe.as_mut().map(|pipe| pipe.read(&mut buffer)) {
            Some(Ok(n)) if n > 0 => self.capture.push(&buffer[..n]),
            Some(Err(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Some(Ok(_) | Err(_)) | None => self.pipe = None,
        }
    }
}

#[cfg(test)]
mod tests;
