//! Whose turn it is: the guest's or the main thread's.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libc::pid_t;

/// What is known of the thread that runs the guest's CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guest {
    /// It has not waited yet; until then nothing is executed.
    Unknown,
    /// It runs, or is about to.
    Runs,
    /// It waits on the condition at this address, which nobody has signalled since.
    Sleeps(usize),
}

#[derive(Debug)]
struct State {
    guest: Guest,
    /// The thread that runs the guest's CPUs.
    runner: Option<pid_t>,
    /// The mutex with which the main thread waited last.
    main_waited_with: usize,
    /// Nobody waits for anybody any more.
    is_over: bool,
}

/// Who knows who may run. Conditions and mutexes are QEMU's, and known by their addresses.
#[derive(Debug)]
pub(crate) struct Turns {
    state: Mutex<State>,
    asleep: Condvar,
}

impl Turns {
    pub(crate) const fn new() -> Self {
        let state = State { guest: Guest::Unknown, runner: None, main_waited_with: 0, is_over: false };
        Turns { state: Mutex::new(state), asleep: Condvar::new() }
    }

    /// The main thread waits with a mutex, for whatever it may be.
    pub(crate) fn main_waits(&self, mutex: usize) {
        self.state().main_waited_with = mutex;
    }

    /// Another thread waits on a condition. Whether it is the one that runs the guest's CPUs: the first to wait with QEMU's
    /// big lock. With that one the main thread waited until it was there.
    pub(crate) fn waits(&self, thread: pid_t, condition: usize, mutex: usize) -> bool {
        let mut state = self.state();
        if state.runner.is_none() && state.main_waited_with == mutex {
            state.runner = Some(thread);
        }
        let is_runner = state.runner == Some(thread);
        if is_runner {
            state.guest = Guest::Sleeps(condition);
            self.asleep.notify_all();
        }
        is_runner
    }

    /// The thread that runs the guest's CPUs waits no more.
    pub(crate) fn runs(&self) {
        self.state().guest = Guest::Runs;
    }

    /// A condition is signalled: whoever waits on it is about to run.
    pub(crate) fn signalled(&self, condition: usize) {
        let mut state = self.state();
        if state.guest == Guest::Sleeps(condition) {
            state.guest = Guest::Runs;
        }
    }

    /// From now on the main thread goes on when it likes.
    pub(crate) fn end(&self) {
        self.state().is_over = true;
    }

    /// Waits until the guest sleeps, but no longer than `limit`; whether the main thread may go on. The guest stays asleep
    /// until the main thread wakes it.
    pub(crate) fn await_sleep(&self, limit: Duration) -> bool {
        let is_held = |state: &mut State| state.guest == Guest::Runs && !state.is_over;
        let waited = self.asleep.wait_timeout_while(self.state(), limit, is_held);
        let (_state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIG_LOCK: usize = 0x10;
    const HALTED: usize = 0x20;
    const OTHER: usize = 0x30;
    const RUNNER: pid_t = 3;

    const SHORT: Duration = Duration::from_millis(1);
    /// Longer than any test takes.
    const LONG: Duration = Duration::from_secs(600);

    /// With the guest's thread waiting for the first time.
    fn begun() -> Turns {
        let turns = Turns::new();
        assert!(turns.await_sleep(LONG), "there is no guest yet");
        turns.main_waits(OTHER);
        assert!(!turns.waits(2, HALTED, BIG_LOCK), "a thread of another kind");
        turns.main_waits(BIG_LOCK);
        assert!(turns.waits(RUNNER, HALTED, BIG_LOCK));
        turns
    }

    #[test]
    fn the_main_thread_goes_on_while_the_guest_sleeps() {
        let turns = begun();
        assert!(turns.await_sleep(LONG));
        turns.signalled(OTHER);
        assert!(turns.await_sleep(LONG), "it waits for something else");
        turns.signalled(HALTED);
        assert!(!turns.await_sleep(SHORT), "it is about to run");
        turns.runs();
        assert!(!turns.await_sleep(SHORT));
        assert!(!turns.waits(4, HALTED, BIG_LOCK), "there is only one");
        assert!(!turns.await_sleep(SHORT));
        turns.main_waits(OTHER);
        assert!(turns.waits(RUNNER, HALTED, BIG_LOCK));
        assert!(turns.await_sleep(LONG));
        turns.runs();
        turns.end();
        assert!(turns.await_sleep(LONG), "nobody waits any more");
    }

    #[test]
    fn a_main_thread_that_is_held_up_goes_on_when_the_guest_falls_asleep() {
        let turns = begun();
        turns.runs();
        std::thread::scope(|scope| {
            let main = scope.spawn(|| turns.await_sleep(LONG));
            assert!(turns.waits(RUNNER, HALTED, BIG_LOCK));
            assert!(main.join().unwrap());
        });
    }
}
