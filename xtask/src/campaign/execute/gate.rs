//! The host around a boot in real time: a wait until it is quiet, and what it did meanwhile.

use std::time::Duration;

use lab_core::evidence::quiet::{HostLoad, HostState, QuietLimits, Readings};
use lab_core::plan::{Binding, Clock, MachineSettings};

use crate::lab::cache::Cache;
use crate::lab::interrupt::Interrupt;
use crate::lab::output;
use crate::machine::boot::{Pinning, take};
use crate::machine::quiet;

/// How long one look at the host takes.
const LOOK: Duration = Duration::from_secs(1);

/// What is known of the host before a boot.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// As it is recorded.
    pub(super) state: HostState,
    /// The CPUs of the boot.
    pub(super) binding: Binding,
}

/// What is known of the host during a boot.
#[derive(Debug)]
pub(super) struct Under {
    state: HostState,
    own_cpus: Vec<u32>,
    begun: Readings,
}

/// Takes CPUs of the host for all boots of a campaign, if its machine asks for it and they are there. If other runs have
/// them it waits until they are free, and says so once.
///
/// # Errors
/// If a lock cannot be opened.
pub(crate) fn take_cpus(
    cache: &Cache,
    machine: &MachineSettings,
    interrupt: &Interrupt,
) -> anyhow::Result<Pinning> {
    match (machine.clock, machine.pin) {
        (Clock::Virtual, _) => return Ok(Pinning::default()),
        (Clock::Wall, false) => return Ok(Pinning::none("the plan's machine does not ask for it")),
        (Clock::Wall, true) => {}
    }
    let mut is_told = false;
    let pinning = take(cache, machine.cpus, &mut |why| {
        if !is_told {
            output::tell(&format!("waiting for CPUs: {why}"));
            is_told = true;
        }
        std::thread::sleep(LOOK);
        !interrupt.is_set()
    })?;
    match (&pinning.why_not, &pinning.binding) {
        (Some(why), _) => output::tell(&format!("QEMU is not bound to CPUs: {why}")),
        (None, Binding { vcpus, others, .. }) => {
            let list = |cpus: &[u32]| cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            output::tell(&format!(
                "the guest's CPUs are bound to CPU {}, QEMU's other threads to {}",
                list(vcpus),
                list(others)
            ));
        }
    }
    Ok(pinning)
}

/// Waits for the host to be quiet, as long as the machine's settings allow. None with the virtual clock, where it does not
/// matter.
pub(super) fn before(machine: &MachineSettings, pinning: &Pinning, interrupt: &Interrupt) -> Option<Around> {
    match machine.clock {
        Clock::Virtual => return None,
        Clock::Wall => {}
    }
    let mut look = || match interrupt.is_set() {
        true => None,
        false => look(&pinning.binding.own),
    };
    let rest = wait(&mut look, &machine.quiet, machine.quiet_wait_s, &tell);
    let binding = pinning.binding.clone();
    let state = HostState {
        pinned_cpus: binding.vcpus.clone(),
        other_threads_cpus: binding.others.clone(),
        not_pinned: pinning.why_not.clone(),
        ..rest
    };
    Some(Around { state, binding })
}

impl Around {
    /// To be called when QEMU starts.
    pub(super) fn begin(self) -> Under {
        Under { state: self.state, own_cpus: self.binding.own, begun: quiet::look() }
    }
}

impl Under {
    /// To be called when QEMU has ended; whether its threads were bound one by one is in `threads`.
    pub(super) fn end(self, limits: &QuietLimits, threads: Threads) -> HostState {
        let ended = quiet::look();
        let during = ended.load_since(&self.begun, ended.own_since(&self.begun), &self.own_cpus);
        let disturbed = during.as_ref().map(|load| load.disturbances(limits)).unwrap_or_default();
        let state = HostState { disturbed, during, ..self.state };
        match threads {
            Threads::Unknown if !state.pinned_cpus.is_empty() => HostState {
                not_pinned: Some("QEMU did not say which of its threads run the guest's CPUs".to_owned()),
                ..state
            },
            Threads::Known | Threads::Unknown => state,
        }
    }
}

/// Whether QEMU said which of its threads run the guest's CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    Known,
    Unknown,
}

fn look(own_cpus: &[u32]) -> Option<HostLoad> {
    let earlier = quiet::look();
    std::thread::sleep(LOOK);
    let now = quiet::look();
    now.load_since(&earlier, now.own_since(&earlier), own_cpus)
}

fn tell(busy: &[String], patience_s: u32) {
    output::tell(&format!("waiting for a quiet host, at most {patience_s} s: {}", busy.join(", ")));
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
                own_cpus: None,
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
