//! The host around a boot in real time: a wait until it is quiet, and what it did meanwhile.

use std::time::Duration;

use lab_core::evidence::quiet::{HostLoad, HostState, QuietLimits, Readings};
use lab_core::plan::{Clock, MachineSettings};

use crate::lab::interrupt::Interrupt;
use crate::machine::boot::choose_cpus;
use crate::machine::quiet;

/// How long one look at the host takes.
const LOOK: Duration = Duration::from_secs(1);

/// What is known of the host before a boot.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// As it is recorded.
    pub(super) state: HostState,
}

/// What is known of the host during a boot.
#[derive(Debug)]
pub(super) struct Under {
    state: HostState,
    begun: Readings,
}

/// Waits for the host to be quiet, as long as the machine's settings allow, and chooses the CPUs of the boot. None with
/// the virtual clock, where neither matters.
pub(super) fn before(machine: &MachineSettings, interrupt: &Interrupt) -> Option<Around> {
    match machine.clock {
        Clock::Virtual => return None,
        Clock::Wall => {}
    }
    let mut look = || match interrupt.is_set() {
        true => None,
        false => look(),
    };
    let rest = wait(&mut look, &machine.quiet, machine.quiet_wait_s, &tell);
    let (pinned_cpus, not_pinned) = match machine.pin {
        false => (Vec::new(), Some("the plan's machine does not ask for it".to_owned())),
        true => match choose_cpus(machine.cpus) {
            Ok(cpus) => (cpus, None),
            Err(why) => (Vec::new(), Some(why)),
        },
    };
    Some(Around { state: HostState { pinned_cpus, not_pinned, ..rest } })
}

impl Around {
    /// To be called when QEMU starts.
    pub(super) fn begin(self) -> Under {
        Under { state: self.state, begun: quiet::look() }
    }
}

impl Under {
    /// To be called when QEMU has ended.
    pub(super) fn end(self, limits: &QuietLimits) -> HostState {
        let ended = quiet::look();
        let during = ended.load_since(&self.begun, ended.own_since(&self.begun));
        let disturbed = during.as_ref().map(|load| load.disturbances(limits)).unwrap_or_default();
        HostState { disturbed, during, ..self.state }
    }
}

fn look() -> Option<HostLoad> {
    let earlier = quiet::look();
    std::thread::sleep(LOOK);
    let now = quiet::look();
    now.load_since(&earlier, now.own_since(&earlier))
}

fn tell(busy: &[String], patience_s: u32) {
    eprintln!("waiting for a quiet host, at most {patience_s} s: {}", busy.join(", "));
}

/// Looks until the host is quiet or `patience_s` looks are spent in vain. A host that does not tell is not waited for.
fn wait(
    look: &mut dyn FnMut() -> Option<HostLoad>,
    limits: &QuietLimits,
    patience_s: u32,
    tell: &dyn Fn(&[String], u32),
) -> HostState {
    let mut waited_s = 0;
    loop {
        let before = look();
        let busy_before = before.as_ref().map(|load| load.disturbances(limits)).unwrap_or_default();
        if busy_before.is_empty() || waited_s >= patience_s {
            return HostState { waited_s: f64::from(waited_s), busy_before, before, ..HostState::default() };
        }
        if waited_s == 0 {
            tell(&busy_before, patience_s);
        }
        waited_s += LOOK.as_secs() as u32;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Looks at hosts whose other processes use so many percent, the last of them for ever: how long it waits, what it
    /// marks, and how often it says that it waits.
    fn waited(others: &[Option<f64>], patience_s: u32) -> (f64, usize, usize) {
        let limits = QuietLimits { others_percent: 10, steal_percent: 2, memory_percent: 5 };
        let mut looks = others.iter();
        let mut last = None;
        let mut look = || {
            last = looks.next().copied().or(last);
            let others_percent = last??;
            Some(HostLoad {
                load_average: 1.0,
                others_percent,
                steal_percent: 0.0,
                memory_percent: None,
                governor: None,
            })
        };
        let said = RefCell::new(0);
        let state = wait(&mut look, &limits, patience_s, &|_, _| *said.borrow_mut() += 1);
        (state.waited_s, state.busy_before.len(), said.into_inner())
    }

    #[test]
    fn waiting_for_a_quiet_host() {
        for (others, patience_s, expected) in [
            (&[Some(3.0)][..], 60, (0.0, 0, 0)),
            (&[Some(80.0), Some(50.0), Some(9.0)], 60, (2.0, 0, 1)),
            (&[Some(80.0)], 60, (60.0, 1, 1)),
            (&[Some(80.0)], 0, (0.0, 1, 0)),
            (&[None], 60, (0.0, 0, 0)),
            (&[Some(80.0), None], 60, (1.0, 0, 1)),
        ] {
            assert_eq!(waited(others, patience_s), expected, "{others:?} within {patience_s} s");
        }
    }
}
