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
    /// CPU time of others, and steal, on the CPUs that the boot is bound to; none if it is bound to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_cpus: Option<OwnCpusLoad>,
}

/// The CPUs that a boot is bound to, which others may use all the same. On a large host little of all time is much of
/// theirs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OwnCpusLoad {
    /// Their time that went to other processes than the boot, percent. Before the boot: of the one that is used most.
    pub others_percent: f64,
    /// Their time that the host's own host took away (steal), percent, of the one that lost most.
    pub steal_percent: f64,
}

/// CPU time of the lab and of the boot that it watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnTime {
    /// Of the lab itself, which runs on any CPU.
    pub lab: Duration,
    /// Of its children that have ended, QEMU among them, which runs on the CPUs that it is bound to.
    pub children: Duration,
}

impl OwnTime {
    fn total(self) -> Duration {
        self.lab + self.children
    }
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
    /// CPU time of others, percent: of all CPUs, and of those that the boot is bound to.
    pub others_percent: u32,
    /// Steal, percent, likewise.
    pub steal_percent: u32,
    /// Memory pressure, percent.
    pub memory_percent: u32,
}

/// CPU time in ticks, of one CPU or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuTimes {
    busy: u64,
    steal: u64,
    all: u64,
}

impl HostLoad {
    /// What makes the host not quiet, one entry for each limit that is passed.
    pub fn disturbances(&self, limits: &QuietLimits) -> Vec<String> {
        let own = self.own_cpus;
        let (time, own_time) = ("of the time", "of the time of the CPUs that the boot is bound to");
        let found = [
            (Some(self.others_percent), limits.others_percent, "other processes use", time),
            (own.map(|own| own.others_percent), limits.others_percent, "other processes use", own_time),
            (Some(self.steal_percent), limits.steal_percent, "the host's host takes", time),
            (own.map(|own| own.steal_percent), limits.steal_percent, "the host's host takes", own_time),
            (self.memory_percent, limits.memory_percent, "tasks wait for memory for", time),
        ];
        let text = |(value, limit, what, of): (Option<f64>, u32, &str, &str)| {
            let value = value.filter(|value| *value > f64::from(limit))?;
            Some(format!("{what} {value:.1} % {of} (limit {limit} %)"))
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
        if let Some(own) = self.own_cpus {
            write!(f, ", on own CPUs {:.0} % and {:.0} %", own.others_percent, own.steal_percent)?;
        }
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
    /// CPU time of the lab and of its children that have ended between `earlier` and these.
    pub fn own_since(&self, earlier: &Readings) -> OwnTime {
        let Some((now, then)) = own_ticks(&self.lab).zip(own_ticks(&earlier.lab)) else {
            return OwnTime::default();
        };
        let spent = |now: u64, then: u64| Duration::from_millis(now.saturating_sub(then) * 10);
        OwnTime { lab: spent(now[0], then[0]), children: spent(now[1], then[1]) }
    }

    /// The load between `earlier` and these, without `own` CPU time of the boot in between; `bound` are the CPUs that it is
    /// bound to. None if the host does not tell, or no tick has passed.
    pub fn load_since(&self, earlier: &Readings, own: OwnTime, bound: &[u32]) -> Option<HostLoad> {
        let (now, then) = (cpu_times(&self.stat, "cpu")?, cpu_times(&earlier.stat, "cpu")?);
        let all = now.since(then).filter(|spent| spent.all > 0)?;
        Some(HostLoad {
            load_average: self.load_average.split(' ').next()?.parse().ok()?,
            others_percent: percent(all.others(own.total())),
            steal_percent: percent(all.stolen()),
            own_cpus: self.own_cpus_since(earlier, own.children, bound),
            memory_percent: pressure(&self.memory),
            governor: governors(&self.governors),
        })
    }

    /// Which of its CPUs a boot has used is not known, only its time on all of them; so the others' is that on all of them,
    /// too. Without a boot each CPU is looked at by itself.
    fn own_cpus_since(&self, earlier: &Readings, boot: Duration, bound: &[u32]) -> Option<OwnCpusLoad> {
        let of_one = |cpu: &u32| {
            let name = format!("cpu{cpu}");
            cpu_times(&self.stat, &name)?.since(cpu_times(&earlier.stat, &name)?)
        };
        let each: Vec<CpuTimes> = bound.iter().map(of_one).collect::<Option<_>>()?;
        let sum = each.iter().fold(CpuTimes::default(), |sum, one| CpuTimes {
            busy: sum.busy + one.busy,
            steal: sum.steal + one.steal,
            all: sum.all + one.all,
        });
        if each.is_empty() || each.iter().any(|one| one.all == 0) {
            return None;
        }
        let most = |share: &dyn Fn(&CpuTimes) -> f64| each.iter().map(share).fold(0.0, f64::max);
        let others = if boot.is_zero() { most(&|one| one.others(Duration::ZERO)) } else { sum.others(boot) };
        Some(OwnCpusLoad {
            others_percent: percent(others),
            steal_percent: percent(most(&|one| one.stolen())),
        })
    }
}

impl CpuTimes {
    fn since(self, then: CpuTimes) -> Option<CpuTimes> {
        Some(CpuTimes {
            busy: self.busy.saturating_sub(then.busy),
            steal: self.steal.saturating_sub(then.steal),
            all: self.all.checked_sub(then.all)?,
        })
    }

    /// The share of busy time that is not `own`.
    fn others(self, own: Duration) -> f64 {
        // USER_HZ is 100 on every architecture that Linux has kept.
        (self.busy as f64 - own.as_secs_f64() * 100.0).max(0.0) / self.all as f64
    }

    fn stolen(self) -> f64 {
        self.steal as f64 / self.all as f64
    }
}

/// `utime` with `stime`, and `cutime` with `cstime`, fields 14 to 17 of `/proc/PID/stat`, in ticks. The second field is a
/// name in brackets, which may hold anything.
fn own_ticks(stat: &str) -> Option<[u64; 2]> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: Vec<u64> =
        fields.split(' ').skip(11).take(4).map(str::parse).collect::<Result<_, _>>().ok()?;
    let [user, system, children_user, children_system] = *ticks.first_chunk()?;
    Some([user + system, children_user + children_system])
}

/// In percent with one digit, as it is recorded.
fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

/// A line of `/proc/stat`, `cpu` for all CPUs or `cpu7`: `cpu user nice system idle iowait irq softirq steal guest
/// guest_nice`, in ticks; guest time is in user as well.
fn cpu_times(stat: &str, name: &str) -> Option<CpuTimes> {
    let line = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
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
mod tests;
