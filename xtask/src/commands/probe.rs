//! `probe`: the behaviour probes on the kernel that runs here, without a virtual machine.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use lab_core::evidence::probes::{Observation, Standing};
use lab_core::plan::config::EXPECTED_DIR;
use lab_core::text::escape::escape_for_terminal;
use lab_core::text::layout::{WIDTH, wrap};
use lab_core::text::suggest;
use lab_protocol::{ProbeLine, ProbeResult, ProbeSet, ProbeTask};
use xshell::{Shell, cmd};

use super::{FOUND, cli};
use crate::build::cargo;
use crate::lab::cache::Cache;
use crate::lab::checkout::Checkout;
use crate::lab::output::progress::Step;
use crate::lab::output::{self, Unwritable};
use crate::lab::process;
use crate::lab::process::logged::begin_log;
use crate::lab::process::tied::{self, Tree};

/// The longest line of the program, bytes: a result with all its details.
const LONGEST_LINE: u64 = 1 << 20;

/// What random probes are drawn from, as in the plans.
const SEED: u64 = 1;

/// Lists the probes, or runs them on this kernel and says what they saw.
///
/// # Errors
/// If they cannot be run here. What they see is none.
pub fn probe(sh: &Shell, options: &cli::Probe) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    if options.list {
        let program = build(sh, &checkout)?.probe;
        output::print(&(process::read(cmd!(sh, "{program} --list"))? + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(table) = &options.expected {
        check_table(&checkout, table)?;
    }
    check_host()?;
    let programs = build(sh, &checkout)?;
    let cache = Cache::from_environment()?;
    let scratch = cache.temporary_folder("probe-")?;
    let folders = [scratch.path().join("storage"), scratch.path().join("mount")];
    for folder in &folders {
        std::fs::create_dir(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let counts = run(&programs, options, &folders)?;
    output::print(&format!("{}\n", counts.line()))?;
    Ok(if counts.failed > 0 { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// That probes can run here, before minutes go into a build.
fn check_host() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!(
            "probing this kernel mounts FUSE file systems, which only root may; run as root: sudo -E cargo xtask probe \
             --host, or in a virtual machine: cargo xtask run-lab --plan behaviour"
        );
    }
    File::open("/dev/fuse").map(drop).context(
        "opening /dev/fuse, through which servers talk to the kernel; load the module: modprobe fuse",
    )
}

fn check_table(checkout: &Checkout, table: &str) -> anyhow::Result<()> {
    let folder = checkout.join(EXPECTED_DIR);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let name = |path: PathBuf| Some(path.file_name()?.to_str()?.strip_suffix(".toml")?.to_owned());
    let mut names: Vec<String> = entries.filter_map(|entry| name(entry.ok()?.path())).collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    ensure!(
        names.contains(&table),
        "--expected: {} (in {EXPECTED_DIR}/)",
        suggest::unknown("table of behaviour", table, &names)
    );
    Ok(())
}

/// The programs that probe, for this machine.
struct Programs {
    probe: PathBuf,
    server: PathBuf,
}

/// Compiles the programs in the checkout, below `target/host`: those of the image are for the guest.
fn build(sh: &Shell, checkout: &Checkout) -> anyhow::Result<Programs> {
    let _folder = sh.push_dir(checkout.root());
    let target_folder = checkout.join("target/host");
    let packages = ["--package", "probe", "--package", "passthrough"];
    let log = Cache::from_environment()?.log("probe");
    begin_log(&log)?;
    let build = cmd!(sh, "cargo build --release --locked {packages...} --target-dir {target_folder}");
    cargo::run(build, &Step::begin("probes"), &log).context("building the probes for this machine")?;
    let program = |name: &str| target_folder.join("release").join(name);
    Ok(Programs { probe: program("probe"), server: program("passthrough") })
}

/// Runs the program and prints each result as it comes. It works in a mount namespace of its own, and ends with the lab.
fn run(programs: &Programs, options: &cli::Probe, [storage, mount]: &[PathBuf; 2]) -> anyhow::Result<Counts> {
    let task = ProbeTask { expected: options.expected.clone(), ..ProbeTask::new(ProbeSet::All, SEED) };
    let task = serde_json::to_string(&task).context("writing the task as JSON")?;
    let (lines, output) = std::io::pipe().context("making a pipe")?;
    let mut command = tied::command(&programs.probe);
    command.args(["--task", &task, "--server"]).arg(&programs.server).args([storage, mount]).stdout(output);
    if !options.only.is_empty() {
        command.arg("--only").args(&options.only);
    }
    let mut tree = Tree::start(command)?;
    let (counts, running) = read(BufReader::new(lines), |text| output::print(&format!("{text}\n")))?;
    let status = tree.wait().context("waiting for the probes")?;
    if !status.success() {
        let during =
            running.map(|name| format!(" during {}", escape_for_terminal(&name))).unwrap_or_default();
        bail!("the probes could not do their work{during}: {status}");
    }
    Ok(counts)
}

/// Tells each result that the program gives, until it ends; with the probe that began and did not end.
fn read(
    mut lines: impl std::io::BufRead,
    mut tell: impl FnMut(&str) -> Result<(), Unwritable>,
) -> anyhow::Result<(Counts, Option<String>)> {
    let (mut counts, mut running) = (Counts::default(), None);
    loop {
        let mut line = String::new();
        lines.by_ref().take(LONGEST_LINE).read_line(&mut line).context("reading what the probes say")?;
        if line.is_empty() {
            return Ok((counts, running));
        }
        match serde_json::from_str(&line).context("understanding what the probes say")? {
            ProbeLine::Begins(name) => running = Some(name),
            ProbeLine::Result(result) => {
                running = None;
                counts.add(&Observation::of(&result));
                tell(&shown(&result))?;
            }
        }
    }
}

/// How many probes saw what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    as_expected: usize,
    not_stated: usize,
    failed: usize,
}

impl Counts {
    fn add(&mut self, observation: &Observation) {
        match observation.standing {
            Standing::AsExpected => self.as_expected += 1,
            Standing::NotStated => self.not_stated += 1,
            Standing::Otherwise | Standing::Fault | Standing::Unfinished => self.failed += 1,
        }
    }

    fn line(self) -> String {
        let Counts { as_expected, not_stated, failed } = self;
        let all = as_expected + not_stated + failed;
        let stated = match not_stated {
            0 => format!("{as_expected} of {all} probes as expected"),
            count if count == all => {
                format!("{all} probes, of which nothing is expected: --expected TABLE says what")
            }
            count => {
                format!("{as_expected} of {all} probes as expected, {count} of which nothing is expected")
            }
        };
        if failed > 0 { format!("{stated}; {failed} FAILED") } else { stated }
    }
}

/// A sentence; with what was expected and all details if it speaks against the kernel.
fn shown(result: &ProbeResult) -> String {
    let observation = Observation::of(result);
    let word = match observation.standing {
        Standing::AsExpected => "ok",
        Standing::NotStated => "-",
        Standing::Otherwise => "UNEXPECTED",
        Standing::Fault => "FAULT",
        Standing::Unfinished => "UNFINISHED",
    };
    let sentence = format!("{}: {} {}", result.name, result.title, observation.observed);
    let mut lines = vec![wrap(&format!("{word:<11}"), &escape_for_terminal(&sentence), WIDTH, 13)];
    if observation.standing.is_failure() {
        let expected = observation.expected.iter().map(|text| format!("expected: {text}"));
        let more = expected.chain(result.details.iter().map(|detail| escape_for_terminal(detail)));
        lines.extend(more.map(|line| wrap(&" ".repeat(13), &line, WIDTH, 15)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// What the program said on a host with Linux 6.18, held against the table `synchronous`, which is not true of it.
    const SAID: &str = include_str!("../../tests/data/probe/host-6.18.jsonl");

    fn told(said: &str) -> String {
        let mut text = String::new();
        let ended = read(said.as_bytes(), |line| {
            text += &format!("{line}\n");
            Ok(())
        });
        match ended {
            Ok((counts, running)) => format!("{text}{}, {running:?}\n", counts.line()),
            Err(error) => format!("{text}{error:#}\n"),
        }
    }

    #[test]
    fn a_run_on_a_host() {
        expect![[r#"
            UNEXPECTED read-short: read of 2 MiB with 1 KiB in chunk 5 returns 641 KiB, 17 READs, several at
                         once
                         expected: returns 641 KiB, 7 READs, one at a time
                         875 us: READ 131072 at 0, 1 in flight: 131072
                         885 us: READ 131072 at 131072, 2 in flight: 131072
                         891 us: READ 131072 at 262144, 3 in flight: 131072
                         901 us: READ 131072 at 393216, 4 in flight: 131072
                         906 us: READ 131072 at 524288, 5 in flight: 131072
                         918 us: READ 131072 at 655360, 6 in flight: 1024
                         923 us: READ 131072 at 786432, 7 in flight: 131072
                         933 us: READ 131072 at 917504, 8 in flight: 131072
                         941 us: READ 131072 at 1048576, 9 in flight: 131072
                         946 us: READ 131072 at 1179648, 10 in flight: 131072
                         951 us: READ 131072 at 1310720, 11 in flight: 131072
                         959 us: READ 131072 at 1441792, 12 in flight: 131072
                         1642 us: READ 131072 at 1572864, 6 in flight: 131072
                         1732 us: READ 131072 at 1703936, 6 in flight: 131072
                         1736 us: READ 131072 at 1835008, 7 in flight: 131072
                         1740 us: READ 131072 at 1966080, 8 in flight: 131072
                         2462 us: READ 131072 at 655360, 1 in flight: 1024
            ok         read-at-end: read of 2 MiB at the end returns 0 bytes, no request
            UNEXPECTED extend-eio-first: write of 2 MiB at the end with EIO in chunk 0 returns EIO, nothing
                         stored, size as before, 16 WRITEs, several at once, 1 SETATTR
                         expected: returns EIO, nothing stored, size as before, 1 WRITE
                         1108 us: WRITE 131072 at 1048576, 1 in flight: EIO
                         1182 us: WRITE 131072 at 1179648, 2 in flight: 131072
                         1315 us: WRITE 131072 at 1310720, 3 in flight: 131072
                         1383 us: WRITE 131072 at 1441792, 4 in flight: 131072
                         1451 us: WRITE 131072 at 1572864, 5 in flight: 131072
                         1527 us: WRITE 131072 at 1703936, 6 in flight: 131072
                         1635 us: WRITE 131072 at 1835008, 7 in flight: 131072
                         1712 us: WRITE 131072 at 1966080, 8 in flight: 131072
                         1739 us: WRITE 131072 at 2097152, 8 in flight: 131072
                         1875 us: WRITE 131072 at 2228224, 8 in flight: 131072
                         1972 us: WRITE 131072 at 2359296, 9 in flight: 131072
                         2027 us: WRITE 131072 at 2490368, 9 in flight: 131072
                         2600 us: WRITE 131072 at 2621440, 4 in flight: 131072
                         2621 us: WRITE 131072 at 2752512, 4 in flight: 131072
                         2641 us: WRITE 131072 at 2883584, 4 in flight: 131072
                         2661 us: WRITE 131072 at 3014656, 4 in flight: 131072
                         3192 us: SETATTR: 0
            1 of 3 probes as expected; 2 FAILED, None
        "#]]
        .assert_eq(&told(SAID));
        let without_table: String = SAID
            .lines()
            .map(|line| {
                let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
                if let Some(result) = value.get_mut("result") {
                    result.as_object_mut().unwrap().remove("expected");
                }
                format!("{value}\n")
            })
            .collect();
        expect!["3 probes, of which nothing is expected: --expected TABLE says what, None"]
            .assert_eq(told(&without_table).lines().last().unwrap());
    }

    #[test]
    fn a_run_that_ends_early() {
        let begun: String = SAID.lines().take(3).map(|line| format!("{line}\n")).collect();
        expect![[r#"0 of 1 probes as expected; 1 FAILED, Some("read-at-end")"#]]
            .assert_eq(told(&begun).lines().last().unwrap());
        let torn = &SAID[..SAID.len() - 20];
        expect!["understanding what the probes say: EOF while parsing a string at line 1 column 1185"]
            .assert_eq(told(torn).lines().last().unwrap());
    }

    #[test]
    fn tables_are_those_of_the_checkout() {
        let checkout = Checkout::open().unwrap();
        assert!(check_table(&checkout, "synchronous").is_ok());
        let error = check_table(&checkout, "../expected/synchronous").unwrap_err().to_string();
        assert!(error.starts_with("--expected: there is no table of behaviour"), "{error}");
    }
}
