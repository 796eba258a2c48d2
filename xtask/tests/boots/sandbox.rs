//! A copy of the checkout with an own `lab.toml` and own results; the cache is the user's.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, fs};

use lab_core::campaign::Campaign;
use lab_core::evidence::outcome::Outcome;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use xtask::campaign::{self, boot_files};

/// The copy; removed on drop.
pub(crate) struct TestCheckout {
    folder: tempfile::TempDir,
}

/// A command of the lab that has ended.
pub(crate) struct LabRun {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command of the lab that runs; killed on drop.
pub(crate) struct Running(Child);

/// One that is listened to.
pub(crate) struct Heard {
    running: Running,
    said: BufReader<ChildStderr>,
}

impl TestCheckout {
    /// A copy with `addition` at the end of `lab.toml`.
    pub(crate) fn new(addition: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
        for name in [".cargo", "Cargo.toml", "Cargo.lock", "lab.toml", "xtask", "images", "kernel-patches"] {
            copy(&checkout.join(name), &folder.path().join(name));
        }
        fs::create_dir(folder.path().join("results")).expect("results");
        let lab = folder.path().join("lab.toml");
        let text = fs::read_to_string(&lab).expect("lab.toml");
        fs::write(lab, format!("{text}\n{addition}")).expect("lab.toml");
        TestCheckout { folder }
    }

    /// Where the copy is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a series of the test data to the copy.
    pub(crate) fn add_series(&self, name: &str) {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/series").join(name);
        copy(&data, &self.folder.path().join("kernel-patches").join(name));
    }

    /// Adds a file to a series of the copy, which is made if it is not there.
    pub(crate) fn add_patch(&self, series: &str, file: &str, text: &str) {
        let folder = self.folder.path().join("kernel-patches").join(series);
        fs::create_dir_all(&folder).expect("the series' folder");
        fs::write(folder.join(file), text).expect("the patch");
    }

    /// Runs a command to its end.
    pub(crate) fn lab(&self, arguments: &[&str]) -> LabRun {
        LabRun::of(self.command(arguments).output().expect("the lab starts"))
    }

    /// The same with this on its standard input.
    pub(crate) fn lab_with_input(&self, arguments: &[&str], input: &str) -> LabRun {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut lab = command.spawn().expect("the lab starts");
        lab.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
        LabRun::of(lab.wait_with_output().expect("it ends"))
    }

    /// The same with another cache.
    pub(crate) fn lab_with_cache(&self, cache: &str, arguments: &[&str]) -> LabRun {
        let output = self.command(arguments).env("PATCHLAB_CACHE", cache).output().expect("the lab starts");
        LabRun::of(output)
    }

    /// The same as a user without any rights but those to the files of whoever runs the tests.
    #[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
    pub(crate) fn lab_without_root(&self, arguments: &[&str]) -> LabRun {
        let mut command = self.command(arguments);
        if rustix::process::geteuid().is_root() {
            let lab = command;
            command = Command::new("unshare");
            command.args(["--user", "--map-user=1000", "--map-group=1000", "--"]).arg(lab.get_program());
            command.args(lab.get_args()).current_dir(self.folder.path());
            command.envs(lab.get_envs().filter_map(|(name, value)| Some((name, value?))));
        }
        LabRun::of(command.output().expect("the lab starts"))
    }

    /// Starts a command and listens to what it says.
    pub(crate) fn start_heard(&self, arguments: &[&str]) -> Heard {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the lab starts");
        let said = BufReader::new(child.stderr.take().expect("what it says"));
        Heard { running: Running(child), said }
    }

    /// Starts a command.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::of(&mut self.command(arguments))
    }

    /// The same with another cache.
    pub(crate) fn start_with_cache(&self, cache: &str, arguments: &[&str]) -> Running {
        Running::of(self.command(arguments).env("PATCHLAB_CACHE", cache))
    }

    #[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchlab"));
        // What `cargo run` in the copy would set: it tells the lab which checkout it belongs to.
        command.env("CARGO_MANIFEST_DIR", self.folder().join("xtask"));
        command.current_dir(self.folder()).args(arguments);
        command
    }

    /// The newest campaign's comparison.
    pub(crate) fn comparison(&self) -> Value {
        let run = self.lab(&["compare", "--format", "json"]);
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
    }

    /// The table that was kept beside the only campaign.
    pub(crate) fn stored_comparison(&self) -> String {
        fs::read_to_string(self.campaign().join("comparison.txt")).expect("comparison.txt")
    }

    /// The description of the only campaign.
    pub(crate) fn campaign_text(&self) -> String {
        fs::read_to_string(self.campaign().join("campaign.toml")).expect("campaign.toml")
    }

    /// How many campaigns there are.
    pub(crate) fn campaigns(&self) -> usize {
        self.campaign_folders().len()
    }

    /// The folders of results that are campaigns; boots that were run again have folders of their own.
    fn campaign_folders(&self) -> Vec<PathBuf> {
        let results = fs::read_dir(self.folder.path().join("results")).expect("results");
        let folders = results.flatten().map(|entry| entry.path());
        folders.filter(|path| !path.ends_with("replay") && !path.ends_with("shell")).collect()
    }

    /// Removes all campaigns.
    pub(crate) fn remove_campaigns(&self) {
        let results = self.folder.path().join("results");
        fs::remove_dir_all(&results).expect("results");
        fs::create_dir(results).expect("results");
    }

    /// The only campaign, read back.
    pub(crate) fn read_campaign(&self) -> Campaign {
        campaign::load(&self.campaign()).expect("the campaign")
    }

    /// Where the instructions of a variant's first boot in the only campaign went.
    pub(crate) fn profile_of(&self, variant: &str) -> String {
        let folder = self.campaign();
        let campaign = campaign::load(&folder).expect("the campaign");
        let boot = campaign.boots.iter().find(|boot| boot.record.boot.variant == variant).expect("a boot");
        let profile = campaign::profile_of(&folder, boot).expect("readable").expect("a profile");
        String::from_utf8(profile).expect("UTF-8")
    }

    /// Of the boots of the only campaign, by number: how many tries have a result.
    pub(crate) fn results_by_number(&self) -> BTreeMap<u32, usize> {
        let Some(campaign) = self.newest_campaign() else { return BTreeMap::new() };
        let folders = fs::read_dir(campaign.join("boots")).into_iter().flatten().flatten();
        let records = folders.filter_map(|folder| boot_files::read_record(&folder.path()).ok());
        let results = records.filter(|record| !matches!(record.outcome, Outcome::Lost { .. }));
        results.fold(BTreeMap::new(), |mut counts, record| {
            *counts.entry(record.boot.number).or_default() += 1;
            counts
        })
    }

    /// Why tries of the only campaign were lost.
    pub(crate) fn losses(&self) -> Vec<String> {
        let folders = fs::read_dir(self.campaign().join("boots")).expect("boots").flatten();
        let records = folders.filter_map(|folder| boot_files::read_record(&folder.path()).ok());
        let lost = records.filter(|record| matches!(record.outcome, Outcome::Lost { .. }));
        lost.map(|record| record.outcome.reason().to_owned()).collect()
    }

    /// Waits until the kernels of all virtual machines have spoken, and ends them with `signal`.
    pub(crate) fn end_machines_that_speak(&self, lab: &mut Running, signal: Signal) {
        let machines = loop {
            let machines = self.machines();
            if !machines.is_empty() && machines.len() == self.speaking_boots() {
                break machines;
            }
            assert!(!lab.has_ended(), "the lab ended before a virtual machine spoke");
            std::thread::sleep(Duration::from_millis(10));
        };
        for machine in &machines {
            let pid = i32::try_from(*machine).ok().and_then(Pid::from_raw).expect("an id");
            rustix::process::kill_process(pid, signal).expect("the virtual machine can be ended");
        }
        // So that they are not found a second time.
        while self.machines().iter().any(|machine| machines.contains(machine)) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many boots run that have written to their console.
    pub(crate) fn speaking_boots(&self) -> usize {
        let Some(campaign) = self.newest_campaign() else { return 0 };
        let boots = fs::read_dir(campaign.join("boots")).into_iter().flatten().flatten();
        let speaks = |boot: &fs::DirEntry| {
            fs::metadata(boot.path().join("console.live")).is_ok_and(|live| live.len() > 0)
        };
        boots.filter(speaks).count()
    }

    /// Removes the record of the boot whose folder starts with `prefix`.
    pub(crate) fn remove_record(&self, prefix: &str) {
        let boots = fs::read_dir(self.campaign().join("boots")).expect("boots");
        let is_wanted =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        let boot = boots.flatten().map(|entry| entry.path()).find(is_wanted).expect("the boot's folder");
        fs::remove_file(boot.join("record.toml")).expect("the record");
    }

    /// Fails if a virtual machine of this copy is still there after `limit`.
    pub(crate) fn wait_until_no_machine_runs(&self, limit: Duration) {
        let since = Instant::now();
        loop {
            let machines = self.machines();
            if machines.is_empty() {
                return;
            }
            assert!(since.elapsed() < limit, "virtual machines {machines:?} outlive the lab");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Virtual machines that a lab of this copy has started: they have inherited the path of the copy.
    pub(crate) fn machines(&self) -> Vec<u32> {
        let path = self.folder.path().to_string_lossy();
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let is_machine = |id: &u32| command_name(*id).is_some_and(|name| name.contains("qemu-system"));
        ids.filter(|id| is_machine(id) && has_in_environment(*id, &path)).collect()
    }

    /// The folder of the only campaign.
    pub(crate) fn campaign(&self) -> PathBuf {
        self.newest_campaign().expect("a campaign")
    }

    fn newest_campaign(&self) -> Option<PathBuf> {
        self.campaign_folders().into_iter().next()
    }
}

impl LabRun {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        LabRun { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Fails with everything that was printed if the exit code is none of `codes`.
    #[track_caller]
    pub(crate) fn expect_code_in(&self, codes: &[i32]) {
        assert!(self.code.is_some_and(|code| codes.contains(&code)), "{self}");
    }
}

impl fmt::Display for LabRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Running {
    fn of(command: &mut Command) -> Self {
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the lab starts"))
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        rustix::process::kill_process(Pid::from_child(&self.0), Signal::INT).expect("the lab runs");
    }

    /// Whether the lab has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("the lab").is_some()
    }

    /// Waits until the lab has ended; its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.0.wait().expect("the lab").code()
    }

    /// Ends the lab in a way that it cannot notice.
    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("the lab can be killed");
        self.0.wait().expect("the lab");
    }
}

impl Heard {
    /// The next line on standard error that holds this text.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let length = self.said.read_line(&mut line).expect("what it says");
            assert!(length > 0, "it ended without a line with {text:?}: {all}");
            if line.contains(text) {
                return line;
            }
            all += &line;
        }
    }

    /// Whether the lab has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.running.has_ended()
    }

    /// Waits until the lab has ended; its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.running.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A zombie has no command line: it has ended.
fn command_name(id: u32) -> Option<String> {
    let mut line = String::new();
    fs::File::open(format!("/proc/{id}/cmdline")).ok()?.read_to_string(&mut line).ok()?;
    line.split('\0').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Whether the environment of a process holds this text. That of a process which has ended is empty.
fn has_in_environment(id: u32, text: &str) -> bool {
    let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
    String::from_utf8_lossy(&environment).contains(text)
}

/// Copies a file or a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("copying {}: {error}", from.display()));
        return;
    }
    fs::create_dir(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}
