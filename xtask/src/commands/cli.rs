//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use lab_core::evidence::metric::Metric;
use lab_core::report::Format;
use lab_core::series::import::numbers::Numbers;

/// Builds a Linux kernel with and without a patch set, boots both, and says what the patch set does.
///
/// Exit codes: 0 no finding; 1 the patched kernel is worse; 2 the lab could not tell; 3 standard output did not take the
/// result; 130 and 143 Ctrl-C and SIGTERM ended it; 141 whoever read the result has gone, as head does.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The main job: host packages, kernel source, kernels, image, boots, results; prints the comparison last.
    /// Each step is skipped when its result is already there; an interrupted campaign goes on.
    RunLab(RunLab),
    /// Only the kernels.
    BuildKernel(BuildKernel),
    /// Recomputes a comparison from the records of a campaign, without a virtual machine.
    Compare(Compare),
    /// Makes a series of patches that came by mail or lie on a branch.
    ImportSeries(ImportSeries),
    /// From a mail to an answer: imports a series, finds the kernel source that it applies to and the plan that fits it, builds,
    /// boots, compares. No file is edited; the series stays below kernel-patches/, and a later version of it is compared with
    /// this one, too.
    Try(Try),
    /// Behaviour probes on the kernel that runs here, without a virtual machine: what callers see of it beside its speed.
    /// The exit code is 1 if a probe fails.
    Probe(Probe),
    /// Puts small faults into a series, boots each faulty kernel, and says which of them the lab would have noticed. The exit
    /// code is 0 if all were noticed, 1 if some were not.
    Mutants(Mutants),
    /// Measures on this machine, without a virtual one, what the FUSE server and the load tool cost, beside libfuse's
    /// servers and fio. The exit code is 0 if it could measure, whatever the figures.
    Bench(Bench),
    /// What CI runs: formatting, lints, tests (with virtual machines), documentation, tidiness.
    Ci,
    /// Shows what the lab finds on this machine, and what it remembers of it.
    Doctor(Doctor),
}

/// Arguments of `run-lab`.
#[derive(Debug, Default, Args)]
pub struct RunLab {
    /// The plan of lab.toml to run.
    #[arg(long, default_value = "default")]
    pub plan: String,
    /// Tests the lab instead of a kernel: boots the plan's baseline again and again, in some arms with a server that works
    /// longer at each request by a known time, and says whether the comparison found that and nothing else. The exit code is
    /// 0 if so, 1 if it is wrong, 2 if it cannot tell. `--variants NAME` takes another kernel than the baseline.
    #[arg(long, conflicts_with = "each_patch")]
    pub self_test: bool,
    /// Counts the guest's instructions while the workloads run, and says in which functions of the kernel each variant differs
    /// from the baseline. One boot of each variant in each scenario, in a campaign of its own. Needs the virtual clock.
    #[arg(long, conflicts_with_all = ["self_test", "boots", "add_boots"])]
    pub profile: bool,
    /// Boots per variant and scenario, instead of the plan's number.
    #[arg(long, value_name = "N")]
    pub boots: Option<u32>,
    /// Instead of a new campaign: so many more boots per variant and scenario for the newest campaign of the plan, which
    /// must have been made with the same kernels, image and settings.
    #[arg(long, value_name = "N", conflicts_with_all = ["boots", "dry_run"])]
    pub add_boots: Option<u32>,
    /// Takes more samples until half of each 95 % interval is no wider than this, e.g. 0.5%, instead of what the plan says; or
    /// says which row will not get there. For the virtual clock.
    #[arg(long, value_name = "PERCENT", value_parser = permille, conflicts_with_all = ["add_boots", "dry_run"])]
    pub precision: Option<u32>,
    /// Only say what would be done: every boot in order, what would be built, how long the boots take by the records of
    /// earlier ones. Nothing is started, installed, built or written.
    #[arg(long)]
    pub dry_run: bool,
    /// Only these variants of the plan; the baseline has to be among them. With --self-test the one that is booted.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub variants: Vec<String>,
    /// Instead of the plan's variants: the series patch by patch, each step compared with the one before it. A
    /// variant of lab.toml has to list the series; what stands before it there is applied first.
    #[arg(long, value_name = "SERIES", conflicts_with = "variants")]
    pub each_patch: Option<String>,
    /// Only these scenarios of the plan.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// Only these workloads of the plan.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub workloads: Vec<String>,
    /// How the comparison is printed.
    #[arg(long, value_name = "FORM", value_parser = formats(), default_value = "table")]
    pub format: Format,
}

/// Arguments of `try`.
#[derive(Clone, Debug, Args)]
pub struct Try {
    /// The series.
    #[command(flatten)]
    pub import: ImportSeries,
    /// The plan of lab.toml to try it with, instead of the one that fits the files it changes.
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// Only these scenarios of the plan.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// Only these workloads of the plan.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub workloads: Vec<String>,
    /// How the comparison is printed.
    #[arg(long, value_name = "FORM", value_parser = formats(), default_value = "table")]
    pub format: Format,
}

/// Arguments of `build-kernel`.
#[derive(Debug, Args)]
pub struct BuildKernel {
    /// Variants of lab.toml; all of them if none is named.
    pub variants: Vec<String>,
    /// Configure them as this plan of lab.toml does, and build all of its variants if none is named.
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// Build a series patch by patch and say what each patch changes in the kernel that is built: warnings, size,
    /// functions and data. A variant of lab.toml has to list the series; what stands before it there is applied
    /// first. The exit code is 1 if a step does not build or adds a warning.
    #[arg(long, value_name = "SERIES", conflicts_with = "variants")]
    pub each_patch: Option<String>,
    /// Name every symbol that a patch changes, however many.
    #[arg(long, requires = "each_patch")]
    pub verbose: bool,
    /// Fetch the newest version of a Debian source package, even if the cache has one.
    #[arg(long)]
    pub refresh_source: bool,
}

/// Arguments of `compare`.
#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// A campaign below results/, by name or path; the newest if none is named.
    pub campaign: Option<String>,
    /// A second campaign, to be put beside the first one: of another machine, another kernel version, a busy host. Both
    /// have to be of the virtual clock. The exit code is 0 if both say the same of every variant, 1 if they do not.
    pub other: Option<String>,
    /// What is compared, instead of throughput: latency-p99, server-cpu and so on, as in the table `metrics` of lab.toml.
    /// With several of them all decide about the exit code.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = Metric::parse)]
    pub metric: Vec<Metric>,
    /// The variant that the others are compared with, instead of the plan's baseline.
    #[arg(long, value_name = "VARIANT")]
    pub against: Option<String>,
    /// How it is printed.
    #[arg(long, value_name = "FORM", value_parser = formats(), default_value = "table")]
    pub format: Format,
    /// Not only the answer, but all that it rests on: kernels, machine, scenarios, samples, requests, behaviour, costs.
    #[arg(long, conflicts_with_all = ["format", "other"])]
    pub evidence: bool,
    /// Instead: when the requests of one read or write went out and came back, kernel by kernel. Needs a scenario
    /// with a request log, such as that of the plan `timeline`.
    #[arg(long, conflicts_with_all = ["format", "evidence", "other", "metric", "against"])]
    pub timeline: bool,
    /// Instead: in which functions of the kernel the variants differ. Needs a campaign of `run-lab --profile`.
    #[arg(long, conflicts_with_all = ["format", "evidence", "other", "metric", "against", "timeline"])]
    pub profile: bool,
    /// The scenario of the timeline; the first one with a request log if none is named.
    #[arg(long, value_name = "NAME", requires = "timeline")]
    pub scenario: Option<String>,
    /// The workload of the timeline; the first one if none is named.
    #[arg(long, value_name = "NAME", requires = "timeline")]
    pub workload: Option<String>,
    /// Only this boot; otherwise the first one of each variant.
    #[arg(long, value_name = "N", requires = "timeline")]
    pub boot: Option<u32>,
}

/// Arguments of `import-series`.
#[derive(Clone, Debug, Args)]
pub struct ImportSeries {
    /// A mailbox (mbox), a maildir, a patch, a folder of patches, the output of git log -p, or - for standard input; or a
    /// range of commits, A..B, of the repository that you stand in or --git names.
    pub from: PathBuf,
    /// The repository of the range.
    #[arg(long, value_name = "REPO")]
    pub git: Option<PathBuf>,
    /// The series' name below kernel-patches/, instead of one made of the cover letter's subject.
    #[arg(long)]
    pub name: Option<String>,
    /// Which version of the series, if there are several.
    #[arg(long, value_name = "N")]
    pub version: Option<u32>,
    /// Which series, if there are several: the one with a subject that holds this text.
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
    /// Only these patches of the series, by their numbers, e.g. 3,5-7.
    #[arg(long, value_name = "NUMBERS")]
    pub patches: Option<Numbers>,
    /// Only the mail with this Message-ID; of a cover letter its patches.
    #[arg(long, value_name = "ID")]
    pub message_id: Option<String>,
    /// The folder of the kernel's source in which the paths of the diffs begin, where they do not say so.
    #[arg(long, value_name = "DIR", conflicts_with = "git")]
    pub directory: Option<String>,
}

/// Arguments of `probe`.
#[derive(Clone, Debug, Args)]
pub struct Probe {
    /// Run the probes on this machine's kernel, as root, each on a FUSE server of its own in a private mount namespace.
    #[arg(long, required_unless_present = "list", conflicts_with = "list")]
    pub host: bool,
    /// Only list the probes: name, what is done, and why.
    #[arg(long)]
    pub list: bool,
    /// Only these probes.
    #[arg(long, value_name = "NAME", value_delimiter = ',', conflicts_with = "list")]
    pub only: Vec<String>,
    /// Hold them against this table of expected results, a file of images/probe/expected/ without .toml.
    #[arg(long, value_name = "TABLE", conflicts_with = "list")]
    pub expected: Option<String>,
}

/// Arguments of `mutants`.
#[derive(Clone, Debug, Args)]
pub struct Mutants {
    /// The series, a folder below kernel-patches/. A variant of lab.toml has to list it; what stands before it there is
    /// applied first, and what the variant is said to behave like is what its probes are held against.
    pub series: String,
    /// The plan of lab.toml that says what each kernel runs: its machine, its first scenario, its workloads, its probes.
    #[arg(long, default_value = "behaviour")]
    pub plan: String,
    /// Only these mutants: an id, its number (m017), its name (what follows the number), or all of a function.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// At most so many, of each rule as many as there are of the others.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only list the mutants, each with its change. Nothing is built or booted.
    #[arg(long, conflicts_with = "rules")]
    pub list: bool,
    /// Only say how many mutants there are of each rule. Nothing is built or booted.
    #[arg(long)]
    pub rules: bool,
    /// How many kernels are booted at a time, instead of one for each CPU.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: Option<u32>,
    /// Say of each mutant what noticed it, and not only its name.
    #[arg(long)]
    pub verbose: bool,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// How often everything is measured, each time in another order.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Size of the file that is read and written, MiB; it is held in memory.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=65536))]
    pub file_mib: u32,
    /// Only these parts.
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    pub only: Vec<BenchPart>,
}

impl Bench {
    /// The options as words of a command line.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let named = |part: &BenchPart| part.to_possible_value().map(|value| value.get_name().to_owned());
        let only: Vec<String> = self.only.iter().filter_map(named).collect();
        let always = [format!("--rounds={}", self.rounds), format!("--file-mib={}", self.file_mib)];
        let only = (!only.is_empty()).then(|| format!("--only={}", only.join(",")));
        always.into_iter().chain(only).collect()
    }
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// dd with direct I/O through each server, and the servers' memory.
    Throughput,
    /// Many empty files made, looked at and removed through each server.
    SmallFiles,
    /// aio-stress beside fio.
    LoadTools,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Forget what tests of KVM showed, so that the next plan which asks for it tests it again. A failure is forgotten
    /// after a day in any case.
    #[arg(long)]
    pub forget: bool,
}

/// The forms in which a comparison is printed, as clap knows values.
fn formats() -> impl TypedValueParser<Value = Format> {
    let values = Format::ALL.map(|(_, name, help)| PossibleValue::new(name).help(help));
    PossibleValuesParser::new(values).map(|name| {
        Format::ALL
            .into_iter()
            .find(|(_, known, _)| *known == name)
            .map_or(Format::Table, |(format, ..)| format)
    })
}

/// A percentage as thousandths.
fn permille(text: &str) -> Result<u32, String> {
    let number = text.trim_end_matches('%').trim_end();
    let percent: f64 = number.parse().map_err(|_| "no percentage; use one such as 0.5%".to_owned())?;
    let permille = (percent * 10.0).round();
    if !(1.0..=100.0).contains(&permille) || (percent * 10.0 - permille).abs() > 1e-9 {
        return Err("out of range; use 0.1% to 10%, in steps of 0.1%".to_owned());
    }
    Ok(permille as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_the_benchmark_are_passed_on() {
        let parse = |words: &[String]| {
            let words = ["cargo xtask", "bench"].map(str::to_owned).into_iter().chain(words.iter().cloned());
            let Command::Bench(options) = Cli::try_parse_from(words).unwrap().command else {
                panic!("another command");
            };
            options
        };
        for words in [&[][..], &["--rounds", "3", "--only", "load-tools,throughput"], &["--file-mib=16"]] {
            let options = parse(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
            assert_eq!(format!("{options:?}"), format!("{:?}", parse(&options.arguments())));
        }
    }

    #[test]
    fn precision_is_a_percentage() {
        for (text, expected) in [("0.5%", Ok(5)), ("0.5 %", Ok(5)), ("1", Ok(10)), ("10%", Ok(100))] {
            assert_eq!(permille(text), expected, "{text}");
        }
        for text in ["0", "0.05%", "0.55", "11%", "-1", "nan", "half", ""] {
            assert!(permille(text).is_err(), "{text}");
        }
    }
}
