//! Boots with a shell in them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::sandbox::TestCheckout;

/// Commands on standard input run in the guest beside the scenario's server, and what they print comes out as it is.
#[test]
fn commands_run_in_the_guest() {
    let sandbox = TestCheckout::new("");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("note"), "from the host\n").expect("a file");
    let share = folder.path().display().to_string();
    let commands = "\
        cat /share/note\n\
        echo through the server > /mnt/fuse/x; cat /storage/x\n\
        touch /share/no 2>/dev/null || echo only read\n\
        printf 'as\\tit\\r\\nis\\n'\n\
        dd if=/dev/zero of=/mnt/fuse/y bs=4096 count=2 2>/dev/null; wc -c < /mnt/fuse/y\n\
        exit 3\n";
    let run = sandbox.lab_with_input(&["shell", "stock", "--plan", "ci", "--share", &share], commands);
    run.expect_code_in(&[1]);
    assert_eq!(run.stdout, "from the host\nthrough the server\nonly read\nas\tit\r\nis\n8192\n", "{run}");
    assert!(run.stderr.contains("results/shell/stock-1.log"), "{run}");
    let console =
        fs::read_to_string(sandbox.folder().join("results/shell/stock-1.log")).expect("the console");
    assert!(console.contains("Linux version ") && !console.contains("from the host"), "{console}");

    let without =
        sandbox.lab_with_input(&["shell", "stock", "--plan", "ci", "--no-server"], "ls -A /mnt/fuse");
    without.expect_code_in(&[0]);
    assert_eq!(without.stdout, "", "{without}");
}

/// Somebody types: Ctrl-C ends a program of the guest and not the lab, the terminal has its size there, `poweroff` ends the guest,
/// and the terminal is what it was.
#[test]
fn somebody_types_in_the_guest() {
    let sandbox = TestCheckout::new("");
    // The image may have to be built, and says so beforehand.
    let script = format!(
        "stty rows 33 cols 99; stty -g; {} shell stock --plan ci; echo code $?; stty -g",
        env!("CARGO_BIN_EXE_patchlab")
    );
    let mut typing = Typing::start(&sandbox, &script);
    typing.wait_for("guest:/# ");
    typing.type_in("echo begun-$((1+1)); sleep 100000\r");
    typing.wait_for("begun-2");
    typing.type_in("\x03");
    typing.wait_for("guest:/# ");
    typing.type_in("stty size\r");
    typing.wait_for("33 99");
    typing.wait_for("guest:/# ");
    typing.type_in("poweroff\r");
    typing.wait_for("code 0");
    let said = typing.rest();
    let settings: Vec<&str> = said.lines().map(str::trim).filter(|line| line.contains(":bf:")).collect();
    assert_eq!(settings.len(), 2, "{said}");
    assert_eq!(settings[0], settings[1], "the terminal is restored: {said}");
}

/// A command in a terminal of its own.
struct Typing {
    child: Child,
    shown: ChildStdout,
    said: String,
    looked_at: usize,
}

impl Typing {
    #[expect(clippy::disallowed_methods, reason = "a program that makes a terminal")]
    fn start(sandbox: &TestCheckout, command: &str) -> Self {
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", command, "/dev/null"])
            .env("CARGO_MANIFEST_DIR", sandbox.folder().join("xtask"))
            .env("SHELL", "/bin/sh")
            .env("TERM", "vt100")
            .current_dir(sandbox.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script is there: it is in bsdutils");
        let shown = child.stdout.take().expect("what is shown");
        Typing { child, shown, said: String::new(), looked_at: 0 }
    }

    fn type_in(&mut self, keys: &str) {
        let keyboard = self.child.stdin.as_mut().expect("its keyboard");
        keyboard.write_all(keys.as_bytes()).expect("a key");
    }

    /// Reads on until this was shown after what was waited for last.
    fn wait_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.said[self.looked_at..].find(text) {
                self.looked_at += at + text.len();
                return;
            }
            assert!(self.read() > 0, "it ended without {text:?}: {}", self.said);
        }
    }

    fn read(&mut self) -> usize {
        let mut buffer = [0; 4096];
        let length = self.shown.read(&mut buffer).expect("what is shown");
        self.said.push_str(&String::from_utf8_lossy(&buffer[..length]));
        length
    }

    /// All that was shown, when it has ended.
    fn rest(mut self) -> String {
        while self.read() > 0 {}
        self.child.wait().expect("it has ended");
        std::mem::take(&mut self.said)
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
