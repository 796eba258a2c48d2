//! The groups of probes. A new one is a file below `groups/`, a `mod` line, and a line in [`GROUPS`].

mod aio;
mod allocation;
mod buffers;
mod call;
mod callers;
mod coherence;
mod death;
mod ends;
mod errors;
mod extending;
mod integrity;
mod leaks;
mod lifecycle;
mod queued;
mod random;
mod servers;
mod signals;
mod sync;

use crate::probe::Probe;

/// Each group, in the order in which they run.
const GROUPS: &[fn() -> Vec<Probe>] = &[
    call::probes,
    ends::probes,
    errors::probes,
    buffers::probes,
    servers::probes,
    callers::probes,
    signals::probes,
    aio::probes,
    queued::probes,
    lifecycle::probes,
    sync::probes,
    coherence::probes,
    extending::probes,
    integrity::probes,
    random::probes,
    leaks::probes,
    death::probes,
    allocation::probes,
];

/// All probes.
pub fn all() -> Vec<Probe> {
    GROUPS.iter().flat_map(|group| group()).collect()
}

/// Name, set, title and reason of each, as text.
pub fn list() -> String {
    let line = |probe: &Probe| {
        let set = if probe.quick { "quick" } else { "all" };
        format!("{} ({set})\n    {}\n    {}\n", probe.name, probe.title, probe.why)
    };
    all().iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_fit_into_tables() {
        let mut names = BTreeSet::new();
        for probe in all() {
            let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
            assert!(!probe.name.is_empty() && probe.name.chars().all(fits), "{}", probe.name);
            assert!(names.insert(probe.name.clone()), "two probes have the name {}", probe.name);
        }
    }

    #[test]
    fn each_says_what_and_why() {
        for probe in all() {
            assert!(!probe.title.is_empty() && !probe.title.ends_with('.'), "{}", probe.name);
            assert!(!probe.why.is_empty() && !probe.why.contains('\n'), "{}", probe.name);
        }
    }

    #[test]
    fn behaviours_are_those_that_servers_take() {
        for probe in all() {
            assert_eq!(probe.behaviour.check(), Ok(()), "{}", probe.name);
        }
    }
}
