//! A QEMU that the host has stopped: its silence says nothing about the guest.

use lab_core::evidence::capture::End;
use rustix::process::Signal;

/// How such a boot ended.
pub(super) const END: End = End::Exited { code: None, signal: Some(Signal::STOP.as_raw()) };

/// Whether a process is stopped, by a signal or by whoever traces it.
pub(super) fn is_stopped(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    state(&stat).is_some_and(|state| matches!(state, 'T' | 't'))
}

/// The letter behind the program's name, which stands in parentheses and may hold some itself (proc_pid_stat(5)).
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_stands_behind_the_name() {
        for (stat, expected) in [
            ("12 (qemu-system-x86) T 1 12 12 0", Some('T')),
            ("12 (a) R (b) S 1 12 12 0", Some('S')),
            ("", None),
        ] {
            assert_eq!(state(stat), expected, "{stat}");
        }
        assert!(!is_stopped(std::process::id()));
        assert!(!is_stopped(u32::MAX));
    }
}
