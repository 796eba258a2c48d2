//! What will happen: a plan with every option resolved and every boot numbered.

use std::collections::BTreeSet;

use lab_protocol::{
    FilesystemKind, ForeignServer, LocalFilesystem, ProbeSet, ServerProgram, ServerSettings, Tool,
    WorkloadTask,
};
use serde::{Deserialize, Serialize};

use super::machine::{MachineSettings, is_zero};
use super::{Source, Sweep};
use crate::evidence::known::Known;
use crate::evidence::metric::Thresholds;
use crate::text::arch::Arch;

/// A plan of `lab.toml`, resolved. Written to the campaign before the first boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// The plan's name in `lab.toml`.
    pub name: String,
    /// The variant that the others are compared with; one of `variants`.
    pub baseline: String,
    /// If scenarios are compared, on the one kernel that there is then: the one that the others are compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_scenario: Option<String>,
    /// How often each variant is booted in each scenario.
    pub repetitions: u32,
    /// How narrow the 95 % intervals are to become, thousandths: as long as half of one is wider, samples are added. 0 for as
    /// many as `repetitions` say.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub precision_permille: u32,
    /// Repetitions that were added for that, each with its scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Vec<String>>,
    /// What perturbations, and with the wall clock the order of the variants, are drawn from.
    pub seed: u64,
    /// From which change on a difference counts.
    pub thresholds: Thresholds,
    /// The virtual machine.
    pub machine: MachineSettings,
    /// Where the kernel comes from and how it is configured.
    pub kernel: KernelSettings,
    /// The kernels, in the order of the plan.
    pub variants: Vec<Variant>,
    /// The scenarios, in the order of the plan.
    pub scenarios: Vec<Scenario>,
    /// What runs in each boot, in this order. Empty only if all probes run instead.
    pub workloads: Vec<WorkloadTask>,
    /// The setting that scenarios or workloads differ in, if it varies one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// Which behaviour probes run, and with that in which boots; none for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<ProbeSet>,
    /// Findings in the kernels' logs that count for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Known>,
    /// Every boot, in the order in which they start.
    pub boots: Vec<BootStep>,
}

impl Plan {
    /// The programs that its boots use, each once: load tools, what makes file systems, and what makes servers.
    pub fn programs(&self) -> Vec<Carried> {
        let is_libfuse = |server: &ServerProgram| matches!(server, ServerProgram::Libfuse(_));
        let libfuse = self.servers().iter().any(is_libfuse).then_some(Carried::Libfuse);
        let tools = self.workloads.iter().map(|workload| Carried::Tool(workload.tool));
        let filesystems = self.scenarios.iter().filter_map(|scenario| scenario.filesystem.as_ref());
        let makers = filesystems.map(|filesystem| filesystem.kind).filter(|kind| kind.maker().is_some());
        BTreeSet::from_iter(tools.chain(makers.map(Carried::Maker)).chain(libfuse)).into_iter().collect()
    }

    /// The programs of FUSE servers that are not the lab's own, each once.
    pub fn servers(&self) -> Vec<ServerProgram> {
        let servers = self.scenarios.iter().filter_map(|scenario| scenario.foreign.as_ref());
        BTreeSet::from_iter(servers.map(|server| server.program.clone())).into_iter().collect()
    }

    /// Whether a FUSE server has a part in any of it.
    pub(crate) fn has_server(&self) -> bool {
        self.scenarios.iter().any(Scenario::is_served)
    }

    /// Whether something is planted in one of its arms, so that it tests the lab.
    pub(crate) fn is_self_test(&self) -> bool {
        self.variants.iter().any(|variant| variant.planted().is_some())
    }
}

/// A kernel to build: a source plus series, in order. No series: the source itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Variant {
    /// The variant's name in `lab.toml`.
    pub name: String,
    /// Folders below `kernel-patches/`, applied in this order.
    pub series: Vec<String>,
    /// If not all patches of the last series are applied, or it is built patch by patch: up to which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Prefix>,
    /// A planted slowdown: what the server burns in each READ and WRITE in boots of this variant, nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted_ns: Option<u64>,
    /// A planted slowdown of the storage: by how much its latency is longer in boots of this variant, thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted_latency_permille: Option<u32>,
    /// A change of the kernel's source that means nothing, on top of the series: one of [`crate::series::placebos`], by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placebo: Option<String>,
    /// How it is said to behave: a table of `images/probe/expected/`, without `.toml`; none if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<String>,
    /// Where its kernel comes from, if it has a source of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// If it is another commit of the source's repository than the source itself: which. It has no series then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// A commit of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Revision {
    /// In full.
    pub commit: String,
    /// The git tree of its files: commits that have the same are one kernel.
    pub tree: String,
}

impl Variant {
    /// All patches of these series, and nothing is said or planted.
    pub fn new(name: impl Into<String>, series: Vec<String>) -> Self {
        Variant {
            name: name.into(),
            series,
            prefix: None,
            planted_ns: None,
            planted_latency_permille: None,
            placebo: None,
            behaviour: None,
            source: None,
            revision: None,
        }
    }

    /// Whether its kernel is the source as it is.
    pub fn is_unpatched(&self) -> bool {
        self.series.is_empty() && self.placebo.is_none() && self.revision.is_none()
    }

    /// What is planted in its server and its storage; none for nothing.
    pub fn planted(&self) -> Option<Planted> {
        match (self.planted_ns, self.planted_latency_permille) {
            (Some(ns), _) => Some(Planted::WorkNs(ns)),
            (None, Some(permille)) => Some(Planted::LatencyPermille(permille)),
            (None, None) => None,
        }
    }

    /// Whether `other` is the same under another name.
    pub(crate) fn is_again(&self, other: &Variant) -> bool {
        other == &Variant { name: other.name.clone(), ..self.clone() }
    }
}

/// A slowdown that is put into an arm of a self-test, to see whether it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planted {
    /// Work of the server in each READ and WRITE, nanoseconds.
    WorkNs(u64),
    /// Latency of the storage, thousandths of it.
    LatencyPermille(u32),
}

impl Planted {
    /// How much it is.
    pub(crate) fn size(self) -> String {
        match self {
            Planted::WorkNs(ns) => format!("{ns} ns"),
            Planted::LatencyPermille(permille) => format!("{} %", f64::from(permille) / 10.0),
        }
    }

    /// Where it is.
    pub(crate) fn place(self) -> &'static str {
        match self {
            Planted::WorkNs(_) => "in each request",
            Planted::LatencyPermille(_) => "in the storage's latency",
        }
    }
}

/// The first patches of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Prefix {
    /// How many, at least one.
    pub patches: u32,
    /// The subject of the last one of them.
    pub subject: String,
}

/// A program that the image has for plans that use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carried {
    /// A load tool.
    Tool(Tool),
    /// What makes a file system.
    Maker(FilesystemKind),
    /// What libfuse's servers are built with.
    Libfuse,
}

impl From<Tool> for Carried {
    fn from(tool: Tool) -> Self {
        Carried::Tool(tool)
    }
}

/// What workloads have their files on, by name: a FUSE server or a file system of the guest's kernel, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// The scenario's name in `lab.toml`.
    pub name: String,
    /// The settings of the lab's FUSE server, none left open; none without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerSettings>,
    /// Another FUSE server instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<ForeignServer>,
    /// Without a server: the file system; none if workloads have no files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<LocalFilesystem>,
}

impl Scenario {
    /// Whether workloads can have a file.
    pub(crate) fn has_files(&self) -> bool {
        self.is_served() || self.filesystem.is_some()
    }

    /// Whether workloads have their files behind a FUSE server, whosever it is.
    pub(crate) fn is_served(&self) -> bool {
        self.server.is_some() || self.foreign.is_some()
    }

    /// Whether `other` is the same under another name.
    pub(crate) fn is_again(&self, other: &Scenario) -> bool {
        other == &Scenario { name: other.name.clone(), ..self.clone() }
    }
}

/// The kernel source and the configuration fragments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KernelSettings {
    /// Where the source of all variants comes from that have none of their own; in a plan that is resolved the baseline's.
    pub source: Source,
    /// File names below `images/kernel/`, in the order in which they are put together.
    pub config: Vec<String>,
    /// With `auto` beside them: the series whose needs are turned on, those of all kernels of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto: Option<Vec<KernelSeries>>,
    /// What they are built for: that of the plan's machine.
    #[serde(default, skip_serializing_if = "Arch::is_default")]
    pub arch: Arch,
}

/// The series of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KernelSeries {
    /// Where the kernel comes from.
    pub source: Source,
    /// Folders below `kernel-patches/`, applied in this order.
    pub series: Vec<String>,
}

impl KernelSettings {
    /// Where the kernel of a variant comes from.
    pub fn source_of<'a>(&'a self, variant: &'a Variant) -> &'a Source {
        variant.source.as_ref().unwrap_or(&self.source)
    }

    /// The sources of these variants, each once, in their order.
    pub fn sources<'a>(&'a self, variants: &'a [Variant]) -> Vec<&'a Source> {
        let mut sources = Vec::new();
        for source in variants.iter().map(|variant| self.source_of(variant)) {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        sources
    }

    /// With `auto`: what the series of these variants need is turned on as well.
    #[must_use]
    pub fn with_series_of(mut self, variants: &[Variant]) -> Self {
        if let Some(mut all) = self.auto.take() {
            for variant in variants.iter().filter(|variant| !variant.series.is_empty()) {
                let (source, series) = (self.source_of(variant).clone(), variant.series.clone());
                let own = KernelSeries { source, series };
                if !all.contains(&own) {
                    all.push(own);
                }
            }
            self.auto = Some(all);
        }
        self
    }

    /// The same kernels, told in one way: the source of the baseline is that of all, and a variant has one of its own only if
    /// that is another one. So what has the same series and no other source is the same kernel.
    pub fn around(self, baseline: &str, mut variants: Vec<Variant>) -> (Self, Vec<Variant>) {
        let of_baseline = variants.iter().find(|variant| variant.name == baseline);
        let source = of_baseline.map_or(&self.source, |variant| self.source_of(variant)).clone();
        for variant in &mut variants {
            let own = self.source_of(variant);
            variant.source = (*own != source).then(|| own.clone());
        }
        (KernelSettings { source, ..self }, variants)
    }
}

/// One boot of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BootStep {
    /// Its place in the plan, from 1.
    pub number: u32,
    /// The variant that is booted.
    pub variant: String,
    /// The scenario that runs in it.
    pub scenario: String,
    /// Which repetition of this variant and scenario it is, from 1.
    pub repetition: u32,
    /// How long after a whole tenth of a second of guest time its workloads start at the earliest, microseconds, below
    /// 100,000.
    pub phase_us: u32,
    /// Which samples of each workload it takes, from 1: see [`Sampling`](lab_protocol::Sampling). A boot of the same round,
    /// variant and scenario as another one repeats it, to show that it gives the same figures. None in campaigns of a time
    /// before samples, in which equal phases mean equal boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// Whether it only warms the host up: it is kept, and no comparison counts it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub warm_up: bool,
    /// Which behaviour probes run after its workloads; none for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<ProbeSet>,
}

impl BootStep {
    /// Whether it only warms the host up: it is kept, and no comparison counts it.
    pub fn is_warm_up(&self) -> bool {
        self.warm_up
    }

    /// The name of its folder in a campaign, `007-stock-local-2`.
    pub fn folder(&self) -> String {
        let BootStep { number, variant, scenario, repetition, .. } = self;
        let kind = if self.is_warm_up() { "warm-up-" } else { "" };
        format!("{number:03}-{variant}-{scenario}-{kind}{repetition}")
    }
}

/// For serde, which hands over a reference.
fn is_no(value: &bool) -> bool {
    !*value
}
