//! What the kernel counts of its memory: `/proc/vmstat`.

use std::fs;

use anyhow::Context as _;

/// The counters as they were when they were read.
#[derive(Clone, Debug)]
pub(crate) struct Counters(String);

impl Counters {
    /// Reads them.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub(crate) fn read() -> anyhow::Result<Self> {
        // Each CPU keeps a part of the counters to itself until it is asked.
        let _ = fs::write("/proc/sys/vm/stat_refresh", "1");
        fs::read_to_string("/proc/vmstat").context("reading /proc/vmstat").map(Counters)
    }

    /// What a counter says; none if this kernel does not have it.
    pub(crate) fn get(&self, name: &str) -> Option<i64> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Pages that were pinned and not released; none if the kernel does not count them.
    pub(crate) fn pinned(&self) -> Option<i64> {
        Some(self.get("nr_foll_pin_acquired")? - self.get("nr_foll_pin_released")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_pages_are_a_difference() {
        let counters = Counters("nr_foll_pin_acquired 120\nnr_foll_pin_released 100\n".to_owned());
        assert_eq!(counters.pinned(), Some(20));
        // A name that begins like another one is another one.
        assert_eq!(counters.get("nr_foll_pin"), None);
        assert_eq!(Counters("nr_free_pages 1\n".to_owned()).pinned(), None);
        assert!(Counters::read().unwrap().pinned().is_some());
    }
}
