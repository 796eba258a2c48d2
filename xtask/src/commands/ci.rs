//! What CI runs, and what a change has to pass before it is committed.

mod tidy;

use std::fmt;
use std::process::ExitCode;

use anyhow::Context as _;
use lab_core::plan::Carried;
use lab_protocol::{FilesystemKind, Tool};
use xshell::{Shell, cmd};

use crate::lab::checkout::Checkout;
use crate::lab::interrupt::Interrupt;
use crate::lab::stopwatch::Stopwatch;
use crate::lab::{output, process};
use crate::machine::host;
use crate::machine::need::{Need, What, need};

/// What only the tests need.
const FOR_TESTS: &[Need] = &[
    need(What::Program("chromium"), "chromium", "opens the page that a comparison is written as"),
    need(What::Program("cmark-gfm"), "cmark-gfm", "reads the Markdown that a comparison is written as"),
    need(What::Program("b4"), "b4", "fetches the thread of a mail that is to be imported"),
    need(What::Program("gdb"), "gdb", "is attached to a boot that is run again"),
    // The lab would ask before it installs it, and the test has a terminal.
    need(What::Program("busybox"), "busybox-static", "is the shell of a boot with one"),
    need(
        What::Module("junitparser"),
        "python3-junitparser",
        "reads the cases that a comparison is written as",
    ),
];

/// Runs every check; stops at the first that fails. The tests come last, so that their summary ends the output.
///
/// # Errors
/// If a check fails; it has printed why.
pub fn ci(sh: &Shell) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    // What is started here starts programs of its own, which end with it.
    Interrupt::of_process().has_to_save();
    let mut watch = Stopwatch::start();
    watch.step("packages", || {
        host::require(sh, host::arch()?, &[Tool::Fio.into(), Carried::Maker(FilesystemKind::Ext4)])?;
        host::require_all(sh, FOR_TESTS)
    })?;
    let _folder = sh.push_dir(checkout.root());
    // This program runs under `cargo run`, whose package variables must not reach other builds.
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    watch.step("format", || step("cargo fmt", cmd!(sh, "{cargo} fmt --all --check")))?;
    watch.step("tidy", || tidy::check(sh, &checkout).context(CheckFailed("tidy".to_owned())))?;
    watch.step("lints", || {
        step("clippy", cmd!(sh, "{cargo} clippy --workspace --all-targets --locked -- --deny warnings"))
    })?;
    watch.step("docs", || {
        // What is documented here is read by those who work on it: private items, too.
        let _flags = sh.push_env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private-intra-doc-links");
        step("rustdoc", cmd!(sh, "{cargo} doc --workspace --no-deps --document-private-items --locked"))
    })?;
    output::print(&format!("{}\n", watch.line()))?;
    // Also those that take minutes; nothing is left out.
    step("the tests", cmd!(sh, "{cargo} test --workspace --locked -- --include-ignored"))?;
    Ok(ExitCode::SUCCESS)
}

fn step(name: &str, command: xshell::Cmd<'_>) -> anyhow::Result<()> {
    output::print(&format!("== {name}\n"))?;
    process::run(command).context(CheckFailed(name.to_owned()))
}

/// A check that did not pass.
#[derive(Debug)]
pub(super) struct CheckFailed(String);

impl fmt::Display for CheckFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.0)
    }
}
