//! The command line: the commands here, the arguments of each in a file of its own.

mod bench;
mod build_kernel;
mod clean;
mod compare;
mod completions;
mod doctor;
mod fuzz;
mod import_series;
mod judge;
mod list;
mod manner;
mod mutants;
mod probe;
mod replay;
mod run_lab;
mod self_test;
mod shell;
mod show;
mod timeline;
mod try_series;
mod values;
mod watch;

use clap::{Parser, Subcommand};

pub use bench::{Bench, BenchPart};
pub use build_kernel::BuildKernel;
pub use clean::Clean;
pub use compare::Compare;
pub use completions::{Completions, Shell};
pub use doctor::Doctor;
pub use fuzz::{Fuzz, FuzzTarget};
pub use import_series::ImportSeries;
pub use judge::{Judge, JudgeFormat};
pub use list::{List, ListFormat, Listed};
pub use manner::Manner;
pub use mutants::Mutants;
pub use probe::Probe;
pub use replay::Replay;
pub use run_lab::{RunLab, Subject};
pub use self_test::SelfTest;
pub use shell::ShellBoot;
pub use show::Show;
pub use timeline::Timeline;
pub use try_series::Try;
pub use values::Choice;
pub use watch::{Watch, WatchFormat};

/// Builds a Linux kernel with and without a patch set, boots both, and says what the patch set does.
///
/// Exit codes: 0 nothing speaks against the series; 1 it is worse, or something was found; 2 what was measured is too little to
/// tell; 3 the lab failed or was misused; 130 and 143 Ctrl-C and SIGTERM ended it; 141 whoever read the result has gone, as head
/// does.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
pub struct Cli {
    /// How the lab speaks meanwhile.
    #[command(flatten)]
    pub manner: Manner,
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
    /// Lists what has a name: plans and whether their kernels are built, variants, scenarios, workloads, campaigns and what they
    /// say.
    List(List),
    /// Shows the boots of a campaign, a line for each; of one what happened in it: outcome, findings, workloads, probes.
    Show(Show),
    /// Findings of any kernel log: a console, dmesg, syslog or a journal, with stamps or without, packed or not. The exit code is 1
    /// if there are any.
    Judge(Judge),
    /// Draws when each request of one read or write went out and came back, kernel by kernel. Needs a scenario with a request
    /// log, such as that of the plan `timeline`.
    Timeline(Timeline),
    /// Tests the lab instead of a kernel: boots the plan's baseline again and again, in some arms with a server that works
    /// longer at each request by a known time, and says whether the comparison found that and nothing else. The exit code is
    /// 0 if so, 1 if it is wrong, 2 if it cannot tell.
    SelfTest(SelfTest),
    /// Makes a series of patches that came by mail or lie on a branch.
    #[command(after_help = "Examples:
  cargo xtask import-series thread.mbox --name my-fix
  cargo xtask import-series BASE..BRANCH --git ~/linux
  cargo xtask import-series patches/ --patches 3,5-7")]
    ImportSeries(ImportSeries),
    /// From a mail to an answer: imports a series, finds the kernel source that it applies to and the plan that fits it, builds,
    /// boots, compares. No file is edited; the series stays below kernel-patches/, and a later version of it is compared with
    /// this one, too.
    Try(Try),
    /// Behaviour probes on the kernel that runs here, without a virtual machine: what callers see of it beside its speed.
    /// The exit code is 1 if a probe fails.
    Probe(Probe),
    /// Boots one boot of a campaign once more, with the same kernel, image and machine, and says whether it did the same: with the
    /// virtual clock to the last digit. Or under a debugger. The exit code is 1 if it did something else.
    Replay(Replay),
    /// Boots a kernel with a shell in it, beside what a scenario has; or runs the commands on standard input there.
    Shell(ShellBoot),
    /// Puts small faults into a series, boots each faulty kernel, and says which of them the lab would have noticed. The exit
    /// code is 0 if all were noticed, 1 if some were not.
    Mutants(Mutants),
    /// Measures on this machine, without a virtual one, what the FUSE server, the load tool and the judge of logs cost, beside
    /// libfuse's servers, fio and grep. The exit code is 0 if it could measure, whatever the figures.
    Bench(Bench),
    /// Tries the readers of foreign text - lab.toml, mails, kernel logs, what a guest sends - with damaged inputs. The exit code is 1
    /// if one fails; the input is kept below xtask/fuzz/found/, and a test from then on.
    Fuzz(Fuzz),
    /// Looks after a branch of a kernel tree: runs a plan for each new commit, draws the figures, finds steps, and bisects each to
    /// the commit that brought it. The exit code is that of the newest commit against the oldest one.
    Watch(Watch),
    /// Says what the lab has in its cache that no plan needs, and removes it after asking. Nothing of a lab that runs is touched.
    Clean(Clean),
    /// What CI runs: formatting, lints, tests (with virtual machines), documentation, tidiness.
    #[command(after_help = "Examples:
  cargo xtask ci")]
    Ci,
    /// Prints a script for a shell that completes `patchlab`: commands, options, and the names of plans, variants and campaigns.
    Completions(Completions),
    /// Shows what the lab finds on this machine, and what it remembers of it.
    Doctor(Doctor),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn each_command_has_examples_that_it_takes() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = help.lines().collect();
            assert!(lines.len() > 1 && lines[0] == "Examples:", "{name}: {help}");
            for line in &lines[1..] {
                // What is piped into it is another program's.
                let (_, command) = line.split_once("cargo xtask ").unwrap_or_default();
                let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
                let all = std::iter::once("cargo xtask").chain(words.iter().copied());
                assert!(Cli::try_parse_from(all).is_ok(), "{name}: {line}");
            }
            assert!(
                lines.iter().any(|line| line.starts_with(&format!("  cargo xtask {name}"))),
                "{name}: {help}"
            );
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
