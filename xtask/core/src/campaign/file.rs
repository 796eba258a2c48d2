//! A folder under `results/`: one execution of a plan.

use serde::{Deserialize, Serialize};

use crate::campaign::{BootData, KernelIdentity, KernelOptions, Setup};
use crate::plan::{Clock, Plan};
use crate::series::turned_on::TurnedOn;
use crate::series::unbuilt::NotBuilt;

/// The campaign file, written before the first boot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CampaignFile {
    /// [`crate::campaign::VERSION`].
    pub version: u32,
    /// When it was begun, RFC 3339 in UTC.
    pub begun: String,
    /// The commit of the lab's checkout, with `-dirty` if files differed from it.
    pub lab_commit: String,
    /// The command that repeats it.
    pub command: String,
    /// Repetitions that were added later, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additions: Vec<Addition>,
    /// The machine that it ran on.
    pub host: Host,
    /// Why this accelerator was chosen.
    pub accelerator_reason: String,
    /// What is equal in all boots.
    pub setup: Setup,
    /// The kernels, in the order of the plan's variants.
    pub kernels: Vec<CampaignKernel>,
    /// What was to be done.
    pub plan: Plan,
}

/// Repetitions that a campaign got after it was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Addition {
    /// When, RFC 3339 in UTC.
    pub added: String,
    /// How many, per variant and scenario.
    pub repetitions: u32,
    /// The command.
    pub command: String,
}

/// A variant with the kernel that was built for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CampaignKernel {
    /// The variant's name.
    pub variant: String,
    /// Its kernel.
    pub kernel: KernelIdentity,
    /// How large its functions and data are, all of them; none in a campaign of a time before this was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol_bytes: Option<u64>,
    /// What of its series is not built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_built: Vec<NotBuilt>,
    /// Options that the lab turned on by itself in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turned_on: Vec<TurnedOn>,
    /// If the kernels have several sources: the options in which they are not alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<KernelOptions>,
}

impl CampaignKernel {
    /// Whether it is the same kernel. What is said of it may depend on what was known when it was written down.
    fn is(&self, other: &CampaignKernel) -> bool {
        (&self.variant, &self.kernel, self.symbol_bytes)
            == (&other.variant, &other.kernel, other.symbol_bytes)
    }
}

impl CampaignFile {
    /// Whether a campaign with this file would do the very same as one with `other`: then the boots of one
    /// count for the other.
    pub fn continues(&self, other: &CampaignFile) -> bool {
        self.version == other.version
            && self.plan.clone().without_added() == other.plan
            && self.setup == other.setup
            && self.kernels.len() == other.kernels.len()
            && self.kernels.iter().zip(&other.kernels).all(|(kernel, other)| kernel.is(other))
    }

    /// Whether boots of today, as `now` describes them, may join those of this campaign. Real time of different hosts or days
    /// is never mixed; with the virtual clock neither matters.
    ///
    /// # Errors
    /// Why not, as the end of a sentence about the campaign.
    pub fn may_go_on(&self, now: &CampaignFile) -> Result<(), String> {
        match self.plan.machine.clock {
            Clock::Virtual => return Ok(()),
            Clock::Wall => {}
        }
        if let Some((what, [then, now])) = self.host.difference(&now.host) {
            return Err(format!("ran on another host ({what} was {then} and is {now} here)"));
        }
        let time = |text: &str| {
            text.parse::<jiff::Timestamp>()
                .map_err(|_| format!("has no time that it was begun at, but {text}"))
        };
        let hours = time(&now.begun)?.duration_since(time(&self.begun)?).as_hours();
        if hours.abs() < MOST_HOURS {
            return Ok(());
        }
        Err(match hours > 0 {
            true => format!("was begun {hours} hours ago, at {}", self.begun),
            false => format!("is of the future (begun {}), or the clock of this host is wrong", self.begun),
        })
    }
}

/// How long after its begin a campaign in real time still gets boots: what a host does changes from day to day.
const MOST_HOURS: i64 = 24;

/// The machine that a campaign ran on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Host {
    /// What tells it from other hosts, a digest of `/etc/machine-id`; none if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// CPU model as `/proc/cpuinfo` names it.
    pub cpu: String,
    /// CPUs that the lab may use.
    pub cpus: u32,
    /// Memory, MiB.
    pub memory_mib: u64,
    /// `uname -sr`.
    pub kernel: String,
    /// `PRETTY_NAME` of `/etc/os-release`.
    pub system: String,
}

impl Host {
    /// In what another one is not the same: what, and both values. Memory is left out, since a host does not always count it
    /// alike.
    fn difference(&self, other: &Host) -> Option<(&'static str, [String; 2])> {
        let parts = |host: &Host| {
            [
                ("its CPU", host.cpu.clone()),
                ("its number of CPUs", host.cpus.to_string()),
                ("its kernel", host.kernel.clone()),
                ("its system", host.system.clone()),
            ]
        };
        // A campaign of a lab that did not look at it is taken at its other words.
        if let (Some(own), Some(other)) = (&self.machine, &other.machine)
            && own != other
        {
            return Some(("its machine-id", [own.clone(), other.clone()]));
        }
        let mut pairs = parts(self).into_iter().zip(parts(other));
        let ((what, own), (_, other)) = pairs.find(|(own, other)| own != other)?;
        Some((what, [own, other]))
    }
}

/// A campaign as read back.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The folder's name below `results/`.
    pub name: String,
    /// The campaign file.
    pub file: CampaignFile,
    /// The try that counts of each boot that has a valid record, by number.
    pub boots: Vec<BootData>,
    /// Records that could not be read, each with the reason; the others still count.
    pub damaged: Vec<String>,
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::fixtures::{campaign, two_arms};

    #[test]
    fn real_time_of_other_hosts_and_days_is_not_mixed() {
        let answer = |clock, change: &dyn Fn(&mut CampaignFile)| {
            let old = campaign(clock, &two_arms()).file;
            let mut now = old.clone();
            change(&mut now);
            assert!(old.continues(&now), "where and when is not part of what is done");
            old.may_go_on(&now).err().unwrap_or_else(|| "goes on".to_owned())
        };
        let wall = |change: &dyn Fn(&mut CampaignFile)| answer(Clock::Wall, change) + "\n";
        let changes: [&dyn Fn(&mut CampaignFile); 9] = [
            &|now| now.begun = "2026-01-03T03:04:04Z".into(),
            &|now| now.begun = "2026-01-03T03:04:05Z".into(),
            &|now| now.begun = "2026-01-01T01:00:00Z".into(),
            &|now| now.begun = "yesterday".into(),
            &|now| now.host.memory_mib += 1,
            &|now| now.host.machine = Some("0123".into()),
            &|now| now.host.cpu = "another CPU".into(),
            &|now| now.host.cpus = 1,
            &|now| now.host.kernel = "Linux 6.2".into(),
        ];
        expect![[r#"
            goes on
            was begun 24 hours ago, at 2026-01-02T03:04:05Z
            is of the future (begun 2026-01-02T03:04:05Z), or the clock of this host is wrong
            has no time that it was begun at, but yesterday
            goes on
            goes on
            ran on another host (its CPU was some CPU and is another CPU here)
            ran on another host (its number of CPUs was 2 and is 1 here)
            ran on another host (its kernel was Linux 6.1 and is Linux 6.2 here)
        "#]]
        .assert_eq(&changes.map(wall).concat());
        let virtual_clock = changes.map(|change| answer(Clock::Virtual, change));
        assert!(virtual_clock.iter().all(|answer| answer == "goes on"), "{virtual_clock:?}");

        let mut old = campaign(Clock::Wall, &two_arms()).file;
        old.host.machine = Some("4567".into());
        let mut now = old.clone();
        now.host.machine = Some("0123".into());
        expect!["ran on another host (its machine-id was 4567 and is 0123 here)"]
            .assert_eq(&old.may_go_on(&now).unwrap_err());
    }
}
