//! A series patch by patch, on a tree that looks like a kernel: nothing is booted, and little is built.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sandbox::{LabRun, Running, TestCheckout, copy};

const COMMAND: [&str; 3] = ["build-kernel", "--each-patch", "one"];

/// A checkout with a series of one patch, and with a cache of its own.
struct OnePatch(TestCheckout);

impl OnePatch {
    fn new() -> Self {
        let sandbox = TestCheckout::new("[variants.one]\nseries = [\"one\"]\n");
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kernel");
        copy(&data, &sandbox.folder().join("linux"));
        let lab = sandbox.folder().join("lab.toml");
        let source = |line: &str| match line.starts_with("source = ") {
            true => "source = { tree = \"linux\" }\n".to_owned(),
            false => format!("{line}\n"),
        };
        let text: String = fs::read_to_string(&lab).expect("lab.toml").lines().map(source).collect();
        fs::write(lab, text).expect("lab.toml");
        OnePatch(sandbox)
    }

    /// Lets the patch put `line` into the source.
    fn patch(&self, line: &str) {
        let text = format!("--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+{line}\n three\n");
        self.0.add_patch("one", "0001-one.patch", &text);
    }

    fn cache(&self) -> String {
        self.0.folder().join("cache").display().to_string()
    }

    fn run(&self) -> LabRun {
        self.0.lab_with_cache(&self.cache(), &COMMAND)
    }

    /// The only source in the cache.
    fn source(&self) -> PathBuf {
        let mut sources = fs::read_dir(Path::new(&self.cache()).join("sources")).expect("the sources");
        sources.next().expect("a source").expect("its entry").path()
    }

    /// Runs something while builds go wrong in this way.
    fn with<T>(&self, mischief: &str, run: impl FnOnce() -> T) -> T {
        let path = self.source().join("tree/.git").join(mischief);
        fs::write(&path, "").expect("the mischief");
        let result = run();
        fs::remove_file(path).expect("the mischief");
        result
    }

    /// Starts it, and waits until it compiles.
    fn start(&self) -> Running {
        let logs = self.source().join("logs");
        fs::remove_dir_all(&logs).expect("the logs");
        let mut lab = self.0.start_with_cache(&self.cache(), &COMMAND);
        let compiles = || {
            let logs = fs::read_dir(&logs).into_iter().flatten().flatten();
            logs.filter_map(|log| fs::read_to_string(log.path()).ok()).any(|log| log.contains("CC "))
        };
        while !compiles() {
            assert!(!lab.has_ended(), "the lab ended before it compiled");
            std::thread::sleep(Duration::from_millis(10));
        }
        lab
    }
}

/// NO and exit code 1 are for a patch that was found not to build. Of one whose build was ended from outside nothing is said.
#[test]
fn a_build_that_was_cut_short_is_no_verdict_on_a_patch() {
    let lab = OnePatch::new();
    lab.patch("error: no");
    let run = lab.run();
    run.expect_code_in(&[1]);
    assert!(run.stdout.contains("| NO "), "{run}");

    lab.patch("TWO");
    for (mischief, said) in [
        ("kill", "make bzImage was cut short, which says nothing about the source: it ended with "),
        ("full", "'No space left on device' (full log: "),
    ] {
        let run = lab.with(mischief, || lab.run());
        run.expect_code_in(&[3]);
        assert!(run.stdout.is_empty() && run.stderr.contains(said), "{run}");
    }
    let code = lab.with("slow", || {
        let mut slow = lab.start();
        slow.interrupt();
        slow.wait()
    });
    assert_eq!(code, Some(130), "as a shell says of a program that SIGINT ended");

    let run = lab.run();
    run.expect_code_in(&[0]);
    assert!(!run.stdout.contains("NO"), "{run}");
}
