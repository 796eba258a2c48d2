//! The lab's command line: one line per command.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; lab/output.rs does not"
)]

use std::process::ExitCode;

use xshell::Shell;
use xtask::commands::cli::{Cli, Command};
use xtask::commands::{
    bench, build_kernel, ci, clean, compare, completions, doctor, end, fuzz, import_series, judge, list,
    mutants, parse, probe, replay, run_lab, shell, show, tell_interrupted, timeline, try_series, watch,
};
use xtask::lab::installed;
use xtask::lab::interrupt::Interrupt;
use xtask::lab::output;

fn main() -> ExitCode {
    let Cli { manner, command } = match parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    output::close_on_panic();
    end(output::Manner::try_from(manner).and_then(|manner| {
        manner.choose();
        installed::tell_if_out_of_place();
        Interrupt::listen(tell_interrupted)?;
        run(&command)
    }))
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let sh = Shell::new()?;
    match command {
        Command::RunLab(options) => run_lab::run_lab(&sh, options),
        Command::BuildKernel(options) => build_kernel::build_kernel(&sh, options),
        Command::Compare(options) => compare::compare(options),
        Command::List(options) => list::list(&sh, options),
        Command::Show(options) => show::show(options),
        Command::Judge(options) => judge::judge(options),
        Command::Timeline(options) => timeline::timeline(options),
        Command::SelfTest(options) => run_lab::self_test(&sh, options),
        Command::ImportSeries(options) => import_series::import_series(&sh, options),
        Command::Try(options) => try_series::try_series(&sh, options),
        Command::Probe(options) => probe::probe(&sh, options),
        Command::Replay(options) => replay::replay(&sh, options),
        Command::Shell(options) => shell::shell(&sh, options),
        Command::Mutants(options) => mutants::mutants(&sh, options),
        Command::Bench(options) => bench::bench(&sh, options),
        Command::Fuzz(options) => fuzz::fuzz(&sh, options),
        Command::Watch(options) => watch::watch(&sh, options),
        Command::Clean(options) => clean::clean(&sh, options),
        Command::Ci => ci::ci(&sh),
        Command::Completions(options) => completions::completions(&sh, options),
        Command::Doctor(options) => doctor::doctor(&sh, options),
    }
}
