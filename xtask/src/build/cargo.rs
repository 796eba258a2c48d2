//! Programs that cargo compiles: how far it is on the terminal, and all that it prints in a log.

use std::path::Path;
use std::time::Instant;

use lab_core::evidence::time_left::left;
use xshell::Cmd;

use crate::lab::output::progress::{At, Step};
use crate::lab::process::logged::{Line, run_logged};

/// Runs cargo; `log` is there.
///
/// # Errors
/// If it fails: with its last lines, and where all of them are.
pub(crate) fn run(command: Cmd<'_>, step: &Step, log: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    // Its own progress is for a terminal, and says how much there is to do.
    let command = command
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "80")
        .env("CARGO_TERM_COLOR", "never");
    run_logged(command, log, &mut |line| match progress(line) {
        Some((done, all, text)) => {
            let left = left(done, all, begun.elapsed());
            let text = format!("{done} of {all} compiled: {text}");
            step.show(At { share: Some((done, all)), left, text });
            Line::OfProgress
        }
        None => Line::Kept,
    })
}

/// How many of how many units are compiled, and which ones are now.
fn progress(line: &str) -> Option<(u64, u64, &str)> {
    let (bar, rest) = line.trim_start().strip_prefix("Building [")?.split_once("] ")?;
    if !bar.chars().all(|c| matches!(c, '=' | '>' | ' ')) {
        return None;
    }
    let (count, units) = rest.split_once(':').unwrap_or((rest, ""));
    let (done, all) = count.trim().split_once('/')?;
    Some((done.parse().ok()?, all.parse().ok()?, units.trim()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use xshell::{Shell, cmd};

    use super::*;
    use crate::lab::process::logged::begin_log;

    #[test]
    fn what_does_not_compile_shows_its_last_lines_and_its_log() {
        let (sh, folder) = (Shell::new().unwrap(), tempfile::tempdir().unwrap());
        let _folder = sh.push_dir(folder.path());
        let manifest = "[package]\nname = \"wrong\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
        sh.write_file("Cargo.toml", manifest).unwrap();
        sh.write_file("src/main.rs", "fn main() {\n    let _: u32 = \"no number\";\n}\n").unwrap();
        let log = folder.path().join("logs/wrong.log");
        begin_log(&log).unwrap();
        let build = cmd!(sh, "cargo build --offline --target-dir target");
        let error = run(build, &Step::begin("wrong"), &log).unwrap_err().to_string();
        assert!(error.contains("\n  error[E0308]: mismatched types\n"), "{error}");
        assert!(error.ends_with(&format!("\nfull log: {}", log.display())), "{error}");
        let kept = fs::read_to_string(&log).unwrap();
        assert!(kept.contains("Compiling wrong v0.1.0") && !kept.contains("Building ["), "{kept}");
    }

    /// As cargo 1.89 says it.
    #[test]
    fn lines_of_cargo() {
        for (line, expected) in [
            (
                "    Building [                             ] 0/1: cg(bin)                     ",
                Some((0, 1, "cg(bin)")),
            ),
            (
                "    Building [=====>                       ] 12/57: libc, serde",
                Some((12, 57, "libc, serde")),
            ),
            ("   Compiling cg v0.1.0 (/tmp/cg)", None),
            ("    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.28s", None),
        ] {
            assert_eq!(progress(line), expected, "{line}");
        }
    }
}
