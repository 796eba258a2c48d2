//! SIGINT and SIGTERM, waited for by a thread instead of interrupting one.

use std::io;
use std::mem::MaybeUninit;

/// The signals that end the server, blocked in every thread.
pub(crate) struct Signals(libc::sigset_t);

impl Signals {
    /// Blocks them in the calling thread and in those that it starts from then on.
    ///
    /// # Errors
    /// None that Linux documents for valid signals.
    pub(crate) fn block() -> io::Result<Self> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset initialises the set that it is given, and the others get a set that is
        // initialised by then; no old mask is asked for.
        let (set, code) = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            let mut set: libc::sigset_t = set.assume_init();
            libc::sigaddset(&mut set, libc::SIGINT);
            libc::sigaddset(&mut set, libc::SIGTERM);
            (set, libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()))
        };
        if code == 0 { Ok(Signals(set)) } else { Err(io::Error::from_raw_os_error(code)) }
    }

    /// Waits until one of them comes.
    pub(crate) fn wait(&self) {
        let mut number = 0;
        // SAFETY: both pointers are valid for the call. Its only error is a set without valid signals.
        unsafe { libc::sigwait(&self.0, &mut number) };
    }
}
