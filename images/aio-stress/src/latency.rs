//! Latencies: extremes, mean and counts below limits.

use std::time::Duration;

/// Upper limits of the counts, milliseconds.
pub const LIMITS_MS: [u64; 6] = [100, 250, 500, 1000, 5000, 10_000];

/// Latencies that were added one by one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies {
    shortest: Option<Duration>,
    longest: Duration,
    sum: Duration,
    count: u32,
    /// Those below each of [`LIMITS_MS`] but not below the one before; those above all come last.
    below: [u64; LIMITS_MS.len() + 1],
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        self.shortest = Some(self.shortest.map_or(latency, |shortest| shortest.min(latency)));
        self.longest = self.longest.max(latency);
        self.sum += latency;
        self.count += 1;
        let limit = LIMITS_MS.iter().position(|limit| latency < Duration::from_millis(*limit));
        self.below[limit.unwrap_or(LIMITS_MS.len())] += 1;
    }

    /// Two lines, in milliseconds; `title` is `latency` or `completion latency`.
    pub fn lines(&self, title: &str) -> String {
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
        let mean = if self.count == 0 { Duration::ZERO } else { self.sum / self.count };
        let mut text = format!(
            "{title} min {:.2} avg {:.2} max {:.2}\n\t",
            milliseconds(self.shortest.unwrap_or_default()),
            milliseconds(mean),
            milliseconds(self.longest),
        );
        for (limit, count) in LIMITS_MS.iter().zip(self.below) {
            text += &format!(" {count} < {limit}");
        }
        text + &format!(" {} more", self.below[LIMITS_MS.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(latencies_us: &[u64], expected: expect_test::Expect) {
        let mut latencies = Latencies::default();
        latencies_us.iter().for_each(|us| latencies.add(Duration::from_micros(*us)));
        expected.assert_eq(&latencies.lines("latency"));
    }

    #[test]
    fn lines() {
        use expect_test::expect;
        check(
            &[],
            expect![[r#"
            latency min 0.00 avg 0.00 max 0.00
            	 0 < 100 0 < 250 0 < 500 0 < 1000 0 < 5000 0 < 10000 0 more"#]],
        );
        check(
            &[1500],
            expect![[r#"
            latency min 1.50 avg 1.50 max 1.50
            	 1 < 100 0 < 250 0 < 500 0 < 1000 0 < 5000 0 < 10000 0 more"#]],
        );
        check(
            &[10, 30, 99_999, 100_000, 249_999, 4_999_999, 5_000_000, 10_000_000],
            expect![[r#"
            latency min 0.01 avg 2556.25 max 10000.00
            	 3 < 100 2 < 250 0 < 500 0 < 1000 1 < 5000 1 < 10000 1 more"#]],
        );
    }
}
