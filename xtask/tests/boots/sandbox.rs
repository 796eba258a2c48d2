//! A copy of the checkout with an own `lab.toml` and own results; the cache is the user's.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The copy; removed on drop.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

/// A command of the lab that has ended.
pub(crate) struct Run {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command of the lab that runs; killed on drop.
pub(crate) struct Running(Child);

impl Sandbox {
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
        Sandbox { folder }
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
    pub(crate) fn lab(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().expect("the lab starts");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Starts a command.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the lab starts"))
    }

    #[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        // What `cargo run` in the copy would set: it tells the lab which checkout it belongs to.
        command.env("CARGO_MANIFEST_DIR", self.folder.path().join("xtask"));
        command.current_dir(self.folder.path()).args(arguments);
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
        fs::read_dir(self.folder.path().join("results")).expect("results").count()
    }

    /// Removes the record of the boot whose folder starts with `prefix`.
    pub(crate) fn remove_record(&self, prefix: &str) {
        let boots = fs::read_dir(self.campaign().join("boots")).expect("boots");
        let is_wanted =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        let boot = boots.flatten().map(|entry| entry.path()).find(is_wanted).expect("the boot's folder");
        fs::remove_file(boot.join("record.toml")).expect("the record");
    }

    fn campaign(&self) -> PathBuf {
        let results = fs::read_dir(self.folder.path().join("results")).expect("results");
        results.flatten().next().expect("a campaign").path()
    }
}

impl Run {
    /// Fails with everything that was printed if the exit code is none of `codes`.
    #[track_caller]
    pub(crate) fn expect_code_in(&self, codes: &[i32]) {
        assert!(self.code.is_some_and(|code| codes.contains(&code)), "{self}");
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Running {
    /// Ids of the virtual machines that the lab runs, once there is one.
    pub(crate) fn wait_for_qemu(&mut self, limit: Duration) -> Vec<u32> {
        let since = Instant::now();
        loop {
            let found = children_named(self.0.id(), "qemu-system");
            if !found.is_empty() {
                return found;
            }
            assert!(since.elapsed() < limit, "no virtual machine within {limit:?}");
            assert!(self.0.try_wait().expect("the lab").is_none(), "the lab ended without one");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the lab in a way that it cannot notice.
    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("the lab can be killed");
        self.0.wait().expect("the lab");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Fails if one of the processes is still there after `limit`.
pub(crate) fn wait_until_gone(ids: &[u32], limit: Duration) {
    let since = Instant::now();
    while ids.iter().any(|id| command_name(*id).is_some_and(|name| name.contains("qemu-system"))) {
        assert!(since.elapsed() < limit, "virtual machines {ids:?} outlive the lab");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn children_named(parent: u32, name: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|&id| {
        parent_of(id) == Some(parent) && command_name(id).is_some_and(|found| found.contains(name))
    })
    .collect()
}

/// A zombie has no command line: it has ended.
fn command_name(id: u32) -> Option<String> {
    let mut line = String::new();
    fs::File::open(format!("/proc/{id}/cmdline")).ok()?.read_to_string(&mut line).ok()?;
    line.split('\0').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

fn parent_of(id: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("copying {}: {error}", from.display()));
        return;
    }
    fs::create_dir(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}
