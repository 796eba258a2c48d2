//! A machine whose apt-get and dpkg are the test's own, and on which some programs are missing.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Removed on drop.
pub(crate) struct TestMachine {
    folder: tempfile::TempDir,
}

impl TestMachine {
    /// All programs of this machine but for `missing` and those that install. `apt_get` is what apt-get does, as a shell script; each
    /// call of it, and of dpkg, is noted. In it `$folder` is where programs are.
    pub(crate) fn new(missing: &[&str], apt_get: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let machine = TestMachine { folder };
        let programs = machine.programs();
        fs::create_dir(&programs).expect("a folder");
        let own = ["apt-get", "dpkg"];
        let path = std::env::var_os("PATH").expect("PATH");
        for place in std::env::split_paths(&path) {
            for entry in fs::read_dir(place).into_iter().flatten().flatten() {
                let name = entry.file_name();
                if name.to_str().is_some_and(|name| !missing.contains(&name) && !own.contains(&name)) {
                    // The first of a name counts.
                    let _ = symlink(entry.path(), programs.join(name));
                }
            }
        }
        for (name, does) in [("apt-get", apt_get), ("dpkg", "")] {
            let calls = machine.calls_file();
            let script = format!(
                "#!/bin/sh\nfolder={}\necho {name} \"$@\" >>{}\n{does}\n",
                programs.display(),
                calls.display()
            );
            let path = programs.join(name);
            fs::write(&path, script).expect("a program");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
        }
        machine
    }

    fn programs(&self) -> PathBuf {
        self.folder.path().join("programs")
    }

    fn calls_file(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// The calls so far, each with its arguments.
    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(self.calls_file()).unwrap_or_default()
    }

    /// The cache of the lab.
    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// A file of the test.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The lab, as root, which it may be in its own eyes only. Its standard output goes to the file `stdout`.
    #[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
    pub(crate) fn lab(&self, arguments: &[&str]) -> Command {
        let mut words = vec!["env", "--default-signal=INT"];
        if !rustix::process::geteuid().is_root() {
            words.splice(0..0, ["unshare", "--map-root-user", "--"]);
        }
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(env!("CARGO_BIN_EXE_patchlab")).args(arguments);
        command.env("PATH", self.programs()).env("PATCHLAB_CACHE", self.cache());
        command.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"));
        command.env("TERM", "xterm").env_remove("CI").env_remove("NO_COLOR");
        let stdout = fs::File::create(self.stdout_file()).expect("a file");
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
        command
    }

    fn stdout_file(&self) -> PathBuf {
        self.folder.path().join("stdout")
    }

    /// What the lab has printed to standard output.
    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.stdout_file()).expect("its output")
    }

    /// Whether a program is there.
    pub(crate) fn has(&self, program: &str) -> bool {
        Path::new(&self.programs()).join(program).exists()
    }
}
