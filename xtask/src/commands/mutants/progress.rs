//! How far a run is: a line for each mutant, and how long the others will take.

use std::time::{Duration, Instant};

use lab_core::comparison::mutants::Tried;
use lab_core::report::mutants as report;

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
        format!("{through:>3}/{total}  {}{boot}  {}{left}", tried.mutant.id, report::line(tried))
    }
}

/// How long the others take if they are like those before.
fn left(elapsed: Duration, through: usize, others: usize) -> String {
    if through == 0 || others == 0 {
        return String::new();
    }
    let each = elapsed.as_secs_f64() / through as f64;
    format!("  [about {} left]", seconds(Duration::from_secs_f64(each * others as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left() {
        assert_eq!(left(Duration::from_secs(60), 3, 6), "  [about 2 min 00 s left]");
        assert_eq!(left(Duration::from_secs(60), 3, 0), "");
        assert_eq!(left(Duration::from_secs(60), 0, 3), "");
    }
}
