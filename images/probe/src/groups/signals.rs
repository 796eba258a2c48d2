//! Signals to a caller whose server is slow.

use std::time::Duration;

use lab_protocol::Operation;
use lab_protocol::log::LogRecord;

use crate::clock;
use crate::memory::Memory;
use crate::observe::{self, Range};
use crate::outcome::{Outcome, count, size};
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::{Stage, TestFile};

const MIB: u64 = 1 << 20;
/// What is read or written.
const WHOLE: Range = Range { offset: 0, length: 2 * MIB };

/// Storage takes this long for each request, and the signal comes after half of that.
const LATENCY_MS: u64 = 40;

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let why = "one at a time, a signal is told to the server; at once, the wait cannot be interrupted";
    let handled = [
        ("read-signal", "read of 2 MiB with SIGUSR1 after half of a request", false, 0, true),
        ("read-signal-restart", "read of 2 MiB with SIGUSR1 and SA_RESTART", false, libc::SA_RESTART, false),
        (
            "write-signal",
            "write of 2 MiB inside the file with SIGUSR1 after half of a request",
            true,
            0,
            false,
        ),
    ];
    let mut probes: Vec<Probe> = handled
        .into_iter()
        .map(|(name, title, is_write, flags, quick)| {
            Probe::new(name, title, why, move |stage| signalled(stage, is_write, flags)).quick_if(quick)
        })
        .collect();
    probes.extend(killing());
    probes.into_iter().map(|probe| probe.latency_us(LATENCY_MS * 1000)).collect()
}

/// The call, what it is, and the name of the probe that counts what is left.
const KILLED: [(KilledCall, &str, &str); 3] = [
    (KilledCall::Read, "read of 2 MiB", "read-killed-requests"),
    (KilledCall::Write, "write of 2 MiB inside the file", "write-killed-requests"),
    (KilledCall::Extend, "write of 2 MiB at the end", "extend-killed"),
];

fn killing() -> Vec<Probe> {
    let title = |what: &str| format!("{what} whose caller is killed after half of a request");
    let mut probes = Vec::new();
    for (name, (call, what, _)) in ["read-killed", "write-killed"].into_iter().zip(KILLED) {
        let why = "whoever is killed must be gone when the requests that it sent are answered, and not while they have its memory";
        let probe = Probe::new(name, title(what), why, move |stage| killed(stage, call));
        probes.push(probe.quick_if(call == KilledCall::Read));
    }
    for (call, what, name) in KILLED {
        let why = "what is sent for nobody costs a server time, and what it stores nobody takes back";
        let what = format!("{what} of a caller that is killed after half of a request");
        probes.push(Probe::new(name, what, why, move |stage| killed_requests(stage, call)));
    }
    probes
}

extern "C" fn ignore(_: libc::c_int) {}

/// Has SIGUSR1 handled by a function that does nothing.
fn handle(flags: libc::c_int) {
    // SAFETY: all bytes zero is a valid sigaction, and the handler touches nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = ignore as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = flags;
        libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut());
    }
}

fn half() {
    clock::pause(Duration::from_millis(LATENCY_MS / 2));
}

fn signalled(stage: &mut Stage<'_>, is_write: bool, flags: libc::c_int) -> anyhow::Result<Observation> {
    let file = stage.file(4 * MIB)?;
    let memory = if is_write { observe::new_data(WHOLE)? } else { Memory::new(2 << 20)? };
    handle(flags);
    // SAFETY: no memory is involved.
    let (process, caller) = unsafe { (libc::getpid(), libc::gettid()) };
    let outcome = std::thread::scope(|scope| {
        scope.spawn(move || {
            half();
            // SAFETY: no memory is involved; the caller waits for this thread.
            unsafe { libc::syscall(libc::SYS_tgkill, process, caller, libc::SIGUSR1) };
        });
        if is_write { file.write(&memory, 0, 2 << 20, 0) } else { file.read(&memory, 0, 2 << 20, 0) }
    });
    if is_write {
        return observe::after_write(stage, &file, 4 * MIB, WHOLE, outcome);
    }
    let wrong = observe::wrong_byte(memory.content(), outcome, 0, 4 * MIB);
    observe::after_read(stage, outcome, wrong)
}

/// A call whose caller is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KilledCall {
    Read,
    Write,
    /// At the end of the file.
    Extend,
}

impl KilledCall {
    fn old_size(self) -> u64 {
        if self == KilledCall::Extend { MIB } else { 4 * MIB }
    }

    fn range(self) -> Range {
        if self == KilledCall::Extend { Range::new(MIB, 2 * MIB) } else { WHOLE }
    }
}

/// What a killed caller left.
struct Left {
    file: TestFile,
    /// Whether the signal ended it, and not its own exit.
    by_signal: bool,
    /// When it was killed, CLOCK_MONOTONIC.
    killed_ns: u64,
    /// When it was gone.
    gone_ns: u64,
    requests: Requests,
}

/// Has a copy of this process make a call, and kills it after half of a request.
fn kill_caller(stage: &mut Stage<'_>, call: KilledCall) -> anyhow::Result<Left> {
    let file = stage.file(call.old_size())?;
    let range = call.range();
    let memory = observe::new_data(range)?;
    // SAFETY: this process has one thread, so that the copy is whole.
    let caller = unsafe { libc::fork() };
    anyhow::ensure!(caller >= 0, "no process for the caller: {}", std::io::Error::last_os_error());
    if caller == 0 {
        let length = range.length as usize;
        let outcome = match call {
            KilledCall::Read => file.read(&memory, 0, length, range.offset),
            KilledCall::Write | KilledCall::Extend => file.write(&memory, 0, length, range.offset),
        };
        let code = i32::from(matches!(outcome, Outcome::Error(_)));
        // SAFETY: nothing is left to be done that another exit would do.
        unsafe { libc::_exit(code) };
    }
    half();
    let killed_ns = clock::now_ns();
    let mut status = 0;
    // SAFETY: the caller is a child that nobody else waits for, and the pointer is valid.
    unsafe {
        libc::kill(caller, libc::SIGKILL);
        libc::waitpid(caller, &raw mut status, 0);
    }
    let gone_ns = clock::now_ns();
    Ok(Left { file, by_signal: libc::WIFSIGNALED(status), killed_ns, gone_ns, requests: stage.requests()? })
}

fn killed(stage: &mut Stage<'_>, call: KilledCall) -> anyhow::Result<Observation> {
    let left = kill_caller(stage, call)?;
    let end = if left.by_signal { "is killed" } else { "returns all the same" };
    // How many requests follow is the subject of probes of their own.
    let at_once = if left.requests.most_in_flight() > 1 { "several at once" } else { "one at a time" };
    let told =
        if left.requests.count(Operation::Interrupt) > 0 { "INTERRUPT is sent" } else { "no INTERRUPT" };
    let early = if left.is_early() { ", gone long before the last answer" } else { "" };
    left.observation(stage, call, format!("{end}, {at_once}, {told}{early}"))
}

/// How many requests a killed caller leaves, and how many it sends all the same.
fn killed_requests(stage: &mut Stage<'_>, call: KilledCall) -> anyhow::Result<Observation> {
    let left = kill_caller(stage, call)?;
    let name = if call == KilledCall::Read { Operation::Read.name() } else { Operation::Write.name() };
    let arrived = |record: &&LogRecord| left.requests.base_ns + record.arrival_ns < left.killed_ns;
    let before = left.requests.data().filter(arrived).count();
    // Each is taken back if the server has not fetched it yet, so that their number is a race.
    let follow = if left.requests.data().count() > before { "more follow" } else { "none follows" };
    let observed = format!("leaves {} at the server, {follow}{}", count(before, name), left.size(call)?);
    left.observation(stage, call, observed)
}

impl Left {
    /// Whether it went while the server still had the memory of its requests to fill or to read.
    fn is_early(&self) -> bool {
        let answered = self.requests.data().filter(|record| record.is_answered());
        let answers = answered.map(|record| self.requests.base_ns + record.answer_ns);
        let quarter = clock::long(Duration::from_millis(LATENCY_MS / 4));
        answers.max().is_some_and(|last| self.gone_ns + quarter.as_nanos() as u64 <= last)
    }

    /// Where the file ends, if the call was to extend it.
    fn size(&self, call: KilledCall) -> anyhow::Result<String> {
        if call != KilledCall::Extend {
            return Ok(String::new());
        }
        let now = self.file.stored_size()?;
        let end = |record: &LogRecord| record.offset + u64::try_from(record.result).unwrap_or(0);
        let written = self.requests.of(Operation::Write).map(end).max().unwrap_or(0);
        Ok(match now {
            now if now == call.old_size() => ", the file has its old size".to_owned(),
            now if now == written => ", the file ends with the last of them".to_owned(),
            now => format!(", file of {}", size(now)),
        })
    }

    fn observation(
        self,
        stage: &Stage<'_>,
        call: KilledCall,
        observed: String,
    ) -> anyhow::Result<Observation> {
        let range = call.range();
        let fault = match call {
            KilledCall::Read => None,
            KilledCall::Write | KilledCall::Extend => self.file.stored(range.offset, range.length)?.fault(),
        };
        Ok(Observation::new(observed)
            .fault_if_any(fault)
            .fault_if_any(self.requests.fault(stage.max_background()))
            .details(self.requests.lines()))
    }
}
