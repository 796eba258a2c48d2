//! The functions that QEMU finds in place of the C library's. They do the same, and keep [`Turns`].

use std::ffi::c_int;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::time::Duration;

use libc::{nfds_t, pid_t, pollfd, pthread_cond_t, pthread_mutex_t, sigset_t, timespec};

use crate::libc_functions::FUNCTIONS;
use crate::turns::Turns;

/// How often is looked whether the lab says something to a guest that does not sleep.
const LOOK: Duration = Duration::from_millis(10);

/// After so many the main thread goes on: QEMU answers the monitor then, and ends at a signal. For an answer it goes on three
/// times, and the lab waits for one for seconds.
const LOOKS: u32 = 20;

static TURNS: Turns = Turns::new();

/// What QEMU's main loop waits in.
///
/// # Safety
/// As for that of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ppoll(
    files: *mut pollfd,
    count: nfds_t,
    timeout: *const timespec,
    signals: *const sigset_t,
) -> c_int {
    // SAFETY: what the caller gave.
    let ready = unsafe { (FUNCTIONS.ppoll)(files, count, timeout, signals) };
    if this_thread_unless_main().is_none() {
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        let files = match files.is_null() {
            true => &[],
            // SAFETY: the caller has so many of them.
            false => unsafe { std::slice::from_raw_parts(files, count as usize) },
        };
        for _ in 0..LOOKS {
            if TURNS.await_sleep(LOOK) || the_lab_speaks(files) {
                break;
            }
        }
        // SAFETY: it is this thread's own.
        unsafe { *libc::__errno_location() = errno };
    }
    ready
}

/// What a thread waits in that has nothing to do, as that of the guest's CPUs does.
///
/// # Safety
/// As for that of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_wait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
) -> c_int {
    let is_runner = match this_thread_unless_main() {
        Some(thread) => TURNS.waits(thread, condition.addr(), mutex.addr()),
        None => {
            TURNS.main_waits(mutex.addr());
            false
        }
    };
    // SAFETY: what the caller gave.
    let result = unsafe { (FUNCTIONS.wait)(condition, mutex) };
    if is_runner {
        TURNS.runs();
    }
    result
}

/// What wakes one thread.
///
/// # Safety
/// As for that of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_signal(condition: *mut pthread_cond_t) -> c_int {
    TURNS.signalled(condition.addr());
    // SAFETY: what the caller gave.
    unsafe { (FUNCTIONS.signal)(condition) }
}

/// What wakes all threads.
///
/// # Safety
/// As for that of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_broadcast(condition: *mut pthread_cond_t) -> c_int {
    TURNS.signalled(condition.addr());
    // SAFETY: what the caller gave.
    unsafe { (FUNCTIONS.broadcast)(condition) }
}

/// None for the main thread, whose id is that of the process.
fn this_thread_unless_main() -> Option<pid_t> {
    // SAFETY: both always succeed, and touch no memory.
    let (thread, process) = unsafe { (libc::gettid(), libc::getpid()) };
    (thread != process).then_some(thread)
}

/// Whether the lab says something on the console or the report port, which are the pipes among the files. The one is how it asks
/// a guest that hangs, the other its answer to the report, which the guest awaits without sleeping: no figure comes after either,
/// so that nobody need wait from then on.
fn the_lab_speaks(files: &[pollfd]) -> bool {
    let pipes = files.iter().filter(|file| file.fd >= 0 && is_pipe(file.fd));
    let mut pipes: Vec<pollfd> =
        pipes.map(|pipe| pollfd { fd: pipe.fd, events: libc::POLLIN, revents: 0 }).collect();
    let now = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: there are so many, and the signals may be left out.
    let ready = unsafe {
        (FUNCTIONS.ppoll)(pipes.as_mut_ptr(), pipes.len() as nfds_t, &raw const now, std::ptr::null())
    };
    let speaks = ready > 0 && pipes.iter().any(|pipe| pipe.revents & libc::POLLIN != 0);
    if speaks {
        TURNS.end();
    }
    speaks
}

fn is_pipe(file: c_int) -> bool {
    // SAFETY: the main loop has it open, and closes it itself.
    let file = ManuallyDrop::new(unsafe { File::from_raw_fd(file) });
    file.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
}
