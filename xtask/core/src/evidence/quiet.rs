//! How busy the host is with other things than a boot: what disturbs figures in real time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The host over a short time, or over a boot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HostLoad {
    /// `/proc/loadavg`: tasks that ran or waited, mean of the last minute. Includes the boot before this one.
    pub load_average: f64,
    /// Time of all CPUs that went to other processes than the boot, percent of what they have.
    pub others_percent: f64,
    /// Time of all CPUs that the host's own host took away (steal), percent.
    pub steal_percent: f64,
    /// `/proc/pressure/memory`: time in which some task waited for memory, mean of ten seconds, percent; none if the host
    /// does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_percent: Option<f64>,
    /// The frequency governors of the CPUs, each once; none if they have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
}

/// The host around a boot in real time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HostState {
    /// How long the boot waited for the host to be quiet, seconds.
    pub waited_s: f64,
    /// The CPU that each CPU of the guest was bound to, in their order; none if they were not bound.
    pub pinned_cpus: Vec<u32>,
    /// The CPUs that all other threads of QEMU were bound to; none if they were not bound, or not apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_threads_cpus: Vec<u32>,
    /// Why it was not bound; none if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_pinned: Option<String>,
    /// What kept the host from being quiet when the boot began all the same.
    pub busy_before: Vec<String>,
    /// What disturbed the boot while it ran; its figures count only if a second try was disturbed as well.
    pub disturbed: Vec<String>,
    /// In the last second before the boot; none if the host does not tell.
    pub before: Option<HostLoad>,
    /// During the boot, without the boot; none if the host does not tell.
    pub during: Option<HostLoad>,
}

/// From which values on a host is not quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct QuietLimits {
    /// CPU time of others, percent of all CPUs.
    pub others_percent: u32,
    /// Steal, percent of all CPUs.
    pub steal_percent: u32,
    /// Memory pressure, percent.
    pub memory_percent: u32,
}

/// CPU time since the start of the host, in ticks of all CPUs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTimes {
    busy: u64,
    steal: u64,
    all: u64,
}

impl HostLoad {
    /// What makes the host not quiet, one entry for each limit that is passed.
    pub fn disturbances(&self, limits: &QuietLimits) -> Vec<String> {
        let found = [
            (Some(self.others_percent), limits.others_percent, "other processes use"),
            (Some(self.steal_percent), limits.steal_percent, "the host's host takes"),
            (self.memory_percent, limits.memory_percent, "tasks wait for memory for"),
        ];
        let text = |(value, limit, what): (Option<f64>, u32, &str)| {
            let value = value.filter(|value| *value > f64::from(limit))?;
            Some(format!("{what} {value:.1} % of the time (limit {limit} %)"))
        };
        found.into_iter().filter_map(text).collect()
    }
}

impl fmt::Display for HostLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "load average {:.2}, others {:.0} %, steal {:.0} %",
            self.load_average, self.others_percent, self.steal_percent
        )?;
        if let Some(percent) = self.memory_percent {
            write!(f, ", memory pressure {percent:.0} %")?;
        }
        match &self.governor {
            Some(governor) => write!(f, ", governor {governor}"),
            None => Ok(()),
        }
    }
}

/// The texts of the host's files; missing ones are empty.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// `/proc/stat`
    pub stat: String,
    /// `/proc/loadavg`
    pub load_average: String,
    /// `/proc/pressure/memory`
    pub memory: String,
    /// `scaling_governor` of each CPU, one a line.
    pub governors: String,
    /// `/proc/self/stat`
    pub lab: String,
}

impl Readings {
    /// CPU time of the lab and of its children that have ended, QEMU among them, between `earlier` and these.
    pub fn own_since(&self, earlier: &Readings) -> Duration {
        let ticks = own_ticks(&self.lab).zip(own_ticks(&earlier.lab));
        let spent = ticks.map_or(0, |(now, then)| now.saturating_sub(then));
        Duration::from_millis(spent * 10)
    }

    /// The load between `earlier` and these, without `own` CPU time of the boot in between. None if the host does not
    /// tell, or no tick has passed.
    pub fn load_since(&self, earlier: &Readings, own: Duration) -> Option<HostLoad> {
        let (now, then) = (cpu_times(&self.stat)?, cpu_times(&earlier.stat)?);
        let all = now.all.checked_sub(then.all).filter(|all| *all > 0)? as f64;
        // USER_HZ is 100 on every architecture that Linux has kept.
        let own_ticks = own.as_secs_f64() * 100.0;
        let others = (now.busy.saturating_sub(then.busy) as f64 - own_ticks).max(0.0);
        Some(HostLoad {
            load_average: self.load_average.split(' ').next()?.parse().ok()?,
            others_percent: percent(others / all),
            steal_percent: percent(now.steal.saturating_sub(then.steal) as f64 / all),
            memory_percent: pressure(&self.memory),
            governor: governors(&self.governors),
        })
    }
}

/// `utime`, `stime`, `cutime` and `cstime`, fields 14 to 17 of `/proc/PID/stat`, in ticks. The second field is a name in
/// brackets, which may hold anything.
fn own_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: Vec<u64> =
        fields.split(' ').skip(11).take(4).map(str::parse).collect::<Result<_, _>>().ok()?;
    (ticks.len() == 4).then(|| ticks.iter().sum())
}

/// In percent with one digit, as it is recorded.
fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

/// The first line of `/proc/stat`: `cpu user nice system idle iowait irq softirq steal guest guest_nice`, in ticks;
/// guest time is in user as well.
fn cpu_times(stat: &str) -> Option<CpuTimes> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let [user, nice, system, idle, waiting, irq, soft_irq, steal] = *ticks.first_chunk()?;
    let busy = user + nice + system + irq + soft_irq;
    Some(CpuTimes { busy, steal, all: busy + idle + waiting + steal })
}

/// `avg10` of the line `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
fn pressure(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    line.split(' ').find_map(|word| word.strip_prefix("avg10="))?.parse().ok()
}

fn governors(text: &str) -> Option<String> {
    let mut names: Vec<&str> = text.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join("+"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn readings(stat: &str) -> Readings {
        Readings {
            stat: stat.to_owned(),
            load_average: "1.25 0.50 0.25 1/180 4321\n".to_owned(),
            memory: "some avg10=7.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=0\n"
                .to_owned(),
            governors: "powersave\nperformance\npowersave\n".to_owned(),
            lab: String::new(),
        }
    }

    #[test]
    fn what_others_used_is_without_the_boot() {
        let then = readings("cpu  1000 0 500 8000 100 0 0 10 0 0\ncpu0 1 2 3\n");
        // 2000 ticks of two CPUs in ten seconds: 400 busy, 40 stolen; the boot itself had 3 s.
        let now = readings("cpu  1200 20 660 9500 160 10 10 50 0 0\n");
        let load = now.load_since(&then, Duration::from_secs(3)).unwrap();
        expect![
            "load average 1.25, others 5 %, steal 2 %, memory pressure 8 %, governor performance+powersave"
        ]
        .assert_eq(&load.to_string());
        let limits = QuietLimits { others_percent: 5, steal_percent: 1, memory_percent: 7 };
        expect![[r#"
            [
                "the host's host takes 2.0 % of the time (limit 1 %)",
                "tasks wait for memory for 7.5 % of the time (limit 7 %)",
            ]
        "#]]
        .assert_debug_eq(&load.disturbances(&limits));
        let limits = QuietLimits { others_percent: 4, steal_percent: 2, memory_percent: 8 };
        expect![[r#"
            [
                "other processes use 5.0 % of the time (limit 4 %)",
            ]
        "#]]
        .assert_debug_eq(&load.disturbances(&limits));
    }

    #[test]
    fn a_host_that_does_not_tell() {
        let good = readings("cpu  1 0 0 0 0 0 0 0 0 0\n");
        assert_eq!(good.load_since(&good, Duration::ZERO), None);
        for stat in ["", "cpu", "cpu  1 2 3", "cpu  a b c d e f g h", "intr 1"] {
            assert_eq!(good.load_since(&readings(stat), Duration::ZERO), None, "{stat}");
        }
        let before = Readings {
            memory: String::new(),
            governors: String::new(),
            ..readings("cpu  0 0 0 0 0 0 0 0\n")
        };
        let now = Readings { stat: "cpu  0 0 0 10 0 0 0 0\n".to_owned(), ..before.clone() };
        let load = now.load_since(&before, Duration::from_secs(9)).unwrap();
        assert_eq!((load.others_percent, load.memory_percent, load.governor), (0.0, None, None));
    }

    #[test]
    fn own_time_is_that_of_the_lab_and_its_children() {
        let lab = |text: &str| Readings { lab: text.to_owned(), ..readings("") };
        let then = lab("7 (x) y) S 1 7 7 0 -1 4194304 95 0 0 0 10 20 300 4000 20 0 1 0 99\n");
        for (now, expected_ms) in [
            ("7 (x) y) S 1 7 7 0 -1 4194304 95 0 0 0 11 22 303 4004 20 0 1 0 99\n", 100),
            ("7 (x) y) S 1 7 7 0 -1 4194304 95 0 0 0 10 20 300 4000 20 0 1 0 99\n", 0),
            ("7 (x) y) S 1 7 7", 0),
            ("", 0),
        ] {
            assert_eq!(lab(now).own_since(&then), Duration::from_millis(expected_ms), "{now}");
        }
    }
}
