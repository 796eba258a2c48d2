//! Where the time of a run went.

use std::time::{Duration, Instant};

/// Real time by step.
#[derive(Debug)]
pub struct Stopwatch {
    started: Instant,
    steps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        Stopwatch { started: Instant::now(), steps: Vec::new() }
    }

    /// Does something and notes how long it took.
    pub fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        self.steps.push((name, begun.elapsed()));
        result
    }

    /// One line: the whole time and each step of it.
    pub fn line(&self) -> String {
        times_line(self.started.elapsed(), &self.steps)
    }
}

fn times_line(whole: Duration, steps: &[(&'static str, Duration)]) -> String {
    let steps: Vec<String> = steps.iter().map(|(name, time)| format!("{name} {}", seconds(*time))).collect();
    format!("time: {} ({})", seconds(whole), steps.join(", "))
}

/// A duration for people: `0.4 s`, `83 s`, `6 min 02 s`.
pub fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s => {
            let whole = s.round() as u64;
            format!("{} min {:02} s", whole / 60, whole % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_for_people() {
        for (ms, expected) in [
            (0, "0.0 s"),
            (440, "0.4 s"),
            (9_949, "9.9 s"),
            (9_950, "10 s"),
            (99_499, "99 s"),
            (99_500, "1 min 40 s"),
            (362_000, "6 min 02 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(ms)), expected);
        }
    }

    #[test]
    fn one_line() {
        let steps = [("kernels", Duration::from_secs(361)), ("boots", Duration::from_secs(12))];
        assert_eq!(
            times_line(Duration::from_secs(380), &steps),
            "time: 6 min 20 s (kernels 6 min 01 s, boots 12 s)"
        );
    }
}
