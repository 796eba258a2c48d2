//! How far a run is: a line for each mutant, and how long the others will take.

use std::time::{Duration, Instant};

use lab_core::comparison::mutants::Tried;
use lab_core::evidence::time_left;
use lab_core::report::mutants as report;

use crate::lab::output::progress::At;
use crate::lab::stopwatch::seconds;

/// Counts mutants that are through.
pub(super) struct Progress {
    begun: Instant,
    total: usize,
    through: usize,
    /// Those that an earlier run had brought through.
    found: usize,
}

impl Progress {
    /// Of so many, of which `found` are through.
    pub(super) fn new(total: usize, found: usize) -> Self {
        Progress { begun: Instant::now(), total, through: found, found }
    }

    /// The line of one more.
    pub(super) fn line(&mut self, tried: &Tried, boot_s: Option<f64>) -> String {
        self.through += 1;
        let boot = boot_s.map(|seconds| format!(" (booted in {seconds:.0} s)")).unwrap_or_default();
        let left = left(self.begun.elapsed(), self.through - self.found, self.total - self.through);
        let (through, total) = (self.through, self.total);
        let left = left.map(|left| format!("  [about {} left]", seconds(left))).unwrap_or_default();
        format!("{through:>3}/{total}  {}{boot}  {}{left}", tried.mutant.id, report::line(tried))
    }

    /// How far the run is, for the terminal.
    pub(super) fn at(&self) -> At {
        At {
            share: Some((self.through as u64, self.total as u64)),
            left: left(self.begun.elapsed(), self.through - self.found, self.total - self.through),
            text: format!("{} of {}", self.through, self.total),
        }
    }
}

/// How long the others take if they are like those before.
fn left(elapsed: Duration, through: usize, others: usize) -> Option<Duration> {
    time_left::left(through as u64, (through + others) as u64, elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left() {
        assert_eq!(left(Duration::from_secs(60), 3, 6), Some(Duration::from_secs(120)));
        assert_eq!(left(Duration::from_secs(60), 3, 0), None);
        assert_eq!(left(Duration::from_secs(60), 0, 3), None);
    }
}
