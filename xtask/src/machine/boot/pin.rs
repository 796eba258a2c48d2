//! Which CPUs of the host a QEMU is bound to.

use anyhow::Context as _;
use rustix::thread::CpuSet;

/// As many CPUs of the host as the guest has, out of those that the lab may use.
///
/// # Errors
/// Why QEMU is not to be bound.
pub(crate) fn choose_cpus(guest_cpus: u32) -> Result<Vec<u32>, String> {
    let set = rustix::thread::sched_getaffinity(None)
        .context("asking which CPUs the lab may use")
        .map_err(|error| format!("{error:#}"))?;
    let allowed: Vec<u32> =
        (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).map(|cpu| cpu as u32).collect();
    choose_among(guest_cpus, &allowed)
}

/// CPU 0, which serves most interrupts, is left to the host; so one more than the guest has must be there.
fn choose_among(guest_cpus: u32, allowed: &[u32]) -> Result<Vec<u32>, String> {
    if allowed.len() <= guest_cpus as usize {
        return Err(format!(
            "the guest has {guest_cpus} CPUs and the lab may use {} of the host's; one more than the guest has is needed",
            allowed.len()
        ));
    }
    Ok(allowed.iter().copied().filter(|cpu| *cpu != 0).take(guest_cpus as usize).collect())
}

/// The set for the system call; none if no CPU is named.
pub(super) fn cpu_set(cpus: &[u32]) -> Option<CpuSet> {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|cpu| set.set(*cpu as usize));
    (!cpus.is_empty()).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_gets_cpus_of_its_own_or_none() {
        for (guest, allowed, expected) in [
            (1, &[0, 1][..], Some(&[1][..])),
            (2, &[0, 1, 2, 3], Some(&[1, 2])),
            (2, &[5, 6, 7], Some(&[5, 6])),
            (2, &[0, 1], None),
            (1, &[0], None),
            (1, &[], None),
        ] {
            assert_eq!(choose_among(guest, allowed).ok().as_deref(), expected, "{guest} of {allowed:?}");
        }
        assert_eq!(
            choose_among(2, &[0, 1]).unwrap_err(),
            "the guest has 2 CPUs and the lab may use 2 of the host's; one more than the guest has is needed"
        );
    }

    #[test]
    fn sets() {
        assert!(cpu_set(&[]).is_none());
        let set = cpu_set(&[1, 3]).unwrap();
        assert_eq!([0, 1, 2, 3].map(|cpu| set.is_set(cpu)), [false, true, false, true]);
    }
}
