//! `completions`: what a shell needs to complete the commands, their options, and the names of this checkout.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, CommandFactory as _};
use clap_complete::{Shell, generate};
use lab_core::text::escape::escape_for_terminal;

use crate::campaign;
use crate::commands::cli::{self, Cli};
use crate::lab::{Lab, output};

/// Whom a shell completes for: of `cargo xtask` it asks cargo.
const PROGRAM: &str = "patchlab";

/// `cargo xtask completions`. The names are those of now: a script that is read at each start of a shell has those of that day.
///
/// # Errors
/// If nobody reads it.
pub fn completions(sh: &xshell::Shell, options: &cli::Completions) -> anyhow::Result<ExitCode> {
    let names = Lab::to_look_at().and_then(|lab| Names::of(sh, &lab)).unwrap_or_else(|error| {
        output::tell(&escape_for_terminal(&format!("names are not completed: {error:#}")));
        Names::default()
    });
    let shell = match options.shell {
        cli::Shell::Bash => Shell::Bash,
        cli::Shell::Zsh => Shell::Zsh,
        cli::Shell::Fish => Shell::Fish,
    };
    output::print(&script(shell, &names))?;
    Ok(ExitCode::SUCCESS)
}

/// The names that options and arguments take.
#[derive(Debug, Default)]
struct Names {
    plans: Vec<String>,
    variants: Vec<String>,
    scenarios: Vec<String>,
    workloads: Vec<String>,
    series: Vec<String>,
    campaigns: Vec<String>,
}

impl Names {
    fn of(sh: &xshell::Shell, lab: &Lab) -> anyhow::Result<Self> {
        let config = lab.config(sh)?;
        let mut series: Vec<String> = config.variants.values().flat_map(|it| it.series.clone()).collect();
        series.sort();
        series.dedup();
        let folders = campaign::folders(&lab.checkout.join("results"))?;
        let name = |folder: std::path::PathBuf| Some(folder.file_name()?.to_str()?.to_owned());
        Ok(Names {
            plans: config.plans.keys().cloned().collect(),
            variants: config.variants.keys().cloned().collect(),
            scenarios: config.scenarios.keys().cloned().collect(),
            workloads: config.workloads.keys().cloned().collect(),
            series,
            campaigns: folders.into_iter().filter_map(name).filter(|name| is_plain(name)).collect(),
        })
    }

    /// What an argument can be, by the name that it has in all commands; nothing if it is no name.
    fn known(&self, argument: &str) -> &[String] {
        match argument {
            "plan" => &self.plans,
            "variant" | "variants" | "baseline" => &self.variants,
            "scenarios" => &self.scenarios,
            "workloads" => &self.workloads,
            "series" | "each_patch" => &self.series,
            "campaign" | "other" => &self.campaigns,
            _ => &[],
        }
    }
}

/// Whether a shell takes a name as it is: somebody may have made a folder by hand, and the script is run.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn script(shell: Shell, names: &Names) -> String {
    let mut command = Cli::command().name(PROGRAM).bin_name(PROGRAM);
    let commands: Vec<String> = command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
    for name in commands {
        command = command.mut_subcommand(name, |it| with_names(it, names));
    }
    let mut script = Vec::new();
    generate(shell, &mut command, PROGRAM, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

fn with_names(mut command: Command, names: &Names) -> Command {
    let arguments: Vec<String> = command.get_arguments().map(|it| it.get_id().to_string()).collect();
    for argument in arguments {
        let known = names.known(&argument).to_vec();
        if !known.is_empty() {
            let takes = |it: Arg| it.value_parser(PossibleValuesParser::new(known));
            command = command.mut_arg(argument, takes);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_gets_commands_options_and_names() {
        let names = Names {
            plans: vec!["my-plan".into()],
            campaigns: vec!["my-campaign".into()],
            ..Names::default()
        };
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell, &names);
            for word in ["patchlab", "run-lab", "add-boots", "my-plan"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
            // fish takes no values of arguments without an option.
            assert_eq!(script.contains("my-campaign"), shell != Shell::Fish, "{shell}");
            assert!(!script.contains("cargo xtask completions"), "{shell}");
        }
    }

    #[test]
    fn a_folder_made_by_hand_is_no_code() {
        assert!(is_plain("2026-01-02-default-1"));
        for name in ["", "$(reboot)", "a b", "a;b", "é", "a'b"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
