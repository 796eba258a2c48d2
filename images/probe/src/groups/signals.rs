//! Signals to a caller whose server is slow.

use std::time::Duration;

use lab_protocol::Operation;

use crate::memory::Memory;
use crate::observe::{self, Range};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::stage::Stage;

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
    let why = "whoever is killed must be gone when the requests that it sent are answered";
    for (name, title, is_write) in [
        ("read-killed", "read of 2 MiB whose caller is killed after half of a request", false),
        (
            "write-killed",
            "write of 2 MiB inside the file whose caller is killed after half of a request",
            true,
        ),
    ] {
        probes.push(Probe::new(name, title, why, move |stage| killed(stage, is_write)).quick_if(!is_write));
    }
    probes.into_iter().map(|probe| probe.latency_us(LATENCY_MS * 1000)).collect()
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
    std::thread::sleep(Duration::from_millis(LATENCY_MS / 2));
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

fn killed(stage: &mut Stage<'_>, is_write: bool) -> anyhow::Result<Observation> {
    let file = stage.file(4 * MIB)?;
    let memory = observe::new_data(WHOLE)?;
    // SAFETY: this process has one thread, so that the copy is whole.
    let caller = unsafe { libc::fork() };
    anyhow::ensure!(caller >= 0, "no process for the caller: {}", std::io::Error::last_os_error());
    if caller == 0 {
        let outcome =
            if is_write { file.write(&memory, 0, 2 << 20, 0) } else { file.read(&memory, 0, 2 << 20, 0) };
        let code = i32::from(matches!(outcome, Outcome::Error(_)));
        // SAFETY: nothing is left to be done that another exit would do.
        unsafe { libc::_exit(code) };
    }
    half();
    let mut status = 0;
    // SAFETY: the caller is a child that nobody else waits for, and the pointer is valid.
    unsafe {
        libc::kill(caller, libc::SIGKILL);
        libc::waitpid(caller, &raw mut status, 0);
    }
    let end = if libc::WIFSIGNALED(status) { "is killed" } else { "returns all the same" };
    let requests = stage.requests()?;
    // How many requests follow is a race: the next one is taken back if the server has not fetched it yet.
    let at_once = if requests.most_in_flight() > 1 { "several at once" } else { "one at a time" };
    let told = if requests.count(Operation::Interrupt) > 0 { "INTERRUPT is sent" } else { "no INTERRUPT" };
    let fault = if is_write { file.stored(0, WHOLE.length)?.fault() } else { None };
    Ok(Observation::new(format!("{end}, {at_once}, {told}"))
        .fault_if_any(fault)
        .fault_if_any(requests.fault(stage.max_background()))
        .details(requests.lines()))
}
