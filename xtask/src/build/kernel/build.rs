//! Running the kernel's own build: configuration, image, and what must hold before and after.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lab_core::evidence::build::BuildFailed;
use lab_core::evidence::time_left::Progress;
use lab_core::text::escape::escape_for_terminal;
use xshell::{Shell, cmd};

use super::folder::BuildFolder;
use super::fragments::{self, Defined, Lost, Wanted};
use super::kind::BuildKind;
use super::log::{self, Cut};
use super::sandbox::{BuildSandbox, Confined};
use super::{KernelRequest, interrupted};
use crate::build::source::{self, SourceTree, Tell};
use crate::build::target::Target;
use crate::lab::cache::Cache;
use crate::lab::interrupt::{Interrupt, Interrupted};
use crate::lab::output::progress::{At, Step};
use crate::lab::output::{self, Manner, Verbosity};
use crate::lab::process::logged::Follow;
use crate::lab::process::tied::Tree;
use crate::lab::process::{self, git};
use crate::lab::{beneath, cache};

/// Objects of a kernel with some 550 options: 163 MiB measured; debug information takes several times that.
const OBJECTS_NEEDED_BYTES: u64 = 1 << 30;

/// A larger configuration is refused; one has some 100 KiB.
pub(super) const CONFIG_LIMIT_BYTES: u64 = 16 << 20;

/// How often a long build says that it goes on, where it is not seen.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// A build that went well.
pub(super) struct Finished {
    /// From configuring to the finished image.
    pub(crate) seconds: f64,
    /// Whether objects of another variant were there.
    pub(crate) incremental: bool,
    /// How the build was confined.
    pub(crate) sandbox: String,
    /// What make printed.
    pub(crate) log: PathBuf,
    /// What was run.
    pub(crate) command: String,
    /// What it made ([`BuildFolder::objects`]).
    pub(crate) objects: PathBuf,
}

/// Configures and builds the tree as it is checked out. `expected_files` says of a configuration how many files a whole build
/// compiles, if that is known.
///
/// # Errors
/// If an option is lost: names each with its place. If the build fails: its first errors and the path of
/// the log.
pub(super) fn run(
    sh: &Shell,
    cache: &Cache,
    tree: &SourceTree,
    request: &KernelRequest,
    expected_files: &dyn Fn(&str) -> Option<usize>,
    (step, tell): (&Step, Tell),
) -> anyhow::Result<Finished> {
    let begun = Instant::now();
    let wanted = fragments::parse(request.all_fragments(), request.arch, request.version)?;
    let of_all = fragments::parse(request.fragments, request.arch, request.version)?;
    let [of_all, all] = [&of_all, &wanted].map(|wanted| fragments::all_config(wanted));
    let folder = BuildFolder::open(cache, tree, (request.arch, &of_all), &all)?;
    let objects = folder.objects();
    interrupted::clean_up(&folder)?;
    let is_linked = fs::symlink_metadata(objects.join("vmlinux")).is_ok();
    if !is_linked {
        source::ensure_space(&objects, OBJECTS_NEEDED_BYTES)?;
    }
    let all_config = folder.all_config();
    let readable = [tree.repository.as_path(), all_config.as_path()];
    let sandbox = BuildSandbox::find(sh, &readable, &objects);
    let confined = Confined::new(sh, cache, &sandbox, &readable, &objects)?;
    let log = log_file(tree, request.variant)?;
    let target = Target::of(request.arch);
    let mut make = Make {
        sh,
        target,
        prefix: target.prefix()?,
        folder: &folder,
        tree: &tree.repository,
        objects: &objects,
        all_config: &all_config,
        confined: &confined,
        jobs: request.jobs,
        log: &log,
        interrupt: request.interrupt,
        expected_files: None,
        step,
        variant: request.variant,
        tell,
    };
    step.show(At::doing("configuring"));
    interrupted::begin(&folder)?;
    let (before, now, without) = configure(&make, &wanted, request.added_options)?;
    let kind = BuildKind::of(before.as_deref(), &now, is_linked);
    let (by_lab, without): (Vec<Lost>, Vec<Lost>) =
        without.into_iter().partition(|lost| lost.wanted.is_by_lab());
    let is_own = |lost: &Lost| request.own.iter().any(|fragment| lost.is_of(fragment));
    // Once for a source and configuration, not for each variant.
    let is_first = kind == BuildKind::Full;
    for lost in by_lab.iter().filter(|lost| is_first || is_own(lost)) {
        tell(&fragments::not_taken(lost));
    }
    if is_first && !without.is_empty() {
        tell(&fragments::without(&without));
    }
    tell(&format!(
        "building kernel {} ({kind}; sandbox: {}; log: {})",
        request.variant,
        sandbox.name(),
        log.display()
    ));
    if let BuildSandbox::None { .. } = sandbox
        && Manner::chosen().verbosity == Verbosity::Quiet
    {
        // Code of the patches then runs on this machine.
        output::warn(&escape_for_terminal(&format!(
            "kernel {}: sandbox: {}",
            request.variant,
            sandbox.name()
        )));
    }
    if kind.is_whole() {
        make.expected_files = expected_files(&now);
    }
    make.run(target.kernel_name(), tell)?;
    interrupted::end(&folder)?;
    Ok(Finished {
        seconds: begun.elapsed().as_secs_f64(),
        incremental: kind.is_incremental(),
        sandbox: sandbox.name(),
        command: make.shown(target.kernel_name()),
        objects,
        log,
    })
}

/// Environment of the build. Nothing else gets in: KCFLAGS, CROSS_COMPILE or MAKEFLAGS of the user's shell
/// would make another kernel. User, host, time and count are fixed, so that equal input gives an equal image.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("KBUILD_BUILD_TIMESTAMP", "Sat Jan  1 00:00:00 UTC 2000"),
    ("KBUILD_BUILD_USER", "patchlab"),
    ("KBUILD_BUILD_HOST", "patchlab"),
    ("KBUILD_BUILD_VERSION", "1"),
    // Set, though empty: else the state of the git tree goes into the version.
    ("LOCALVERSION", ""),
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
];

struct Make<'a> {
    sh: &'a Shell,
    target: &'static Target,
    /// In front of the names of compiler and linker.
    prefix: String,
    folder: &'a BuildFolder,
    tree: &'a Path,
    objects: &'a Path,
    all_config: &'a Path,
    confined: &'a Confined<'a>,
    jobs: usize,
    log: &'a Path,
    interrupt: &'a Interrupt,
    /// How many files are compiled in all, if that is known.
    expected_files: Option<usize>,
    step: &'a Step,
    variant: &'a str,
    tell: Tell<'a>,
}

impl Make<'_> {
    fn words(&self, target: &str) -> Vec<String> {
        let tree = self.tree.display();
        let objects = self.objects.display();
        let command = ["make", "--no-print-directory", "-C", &tree.to_string(), &format!("O={objects}")];
        let mut words = command.map(str::to_owned).to_vec();
        words.extend([format!("-j{}", self.jobs), target.to_owned()]);
        words
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&str, String)> = ENVIRONMENT.map(|(name, value)| (name, value.to_owned())).to_vec();
        all.push(("ARCH", self.target.kernel_arch.to_owned()));
        if !self.prefix.is_empty() {
            all.push(("CROSS_COMPILE", self.prefix.clone()));
        }
        all.push(("KCONFIG_ALLCONFIG", self.all_config.display().to_string()));
        all
    }

    /// The command without the sandbox, for a shell.
    fn shown(&self, target: &str) -> String {
        let variables = self.environment().into_iter().map(|(name, value)| format!("{name}='{value}'"));
        let words = self.words(target).into_iter();
        ["env".to_owned()].into_iter().chain(variables).chain(words).collect::<Vec<_>>().join(" ")
    }

    /// Makes `target`, its output going to the end of the log.
    fn run(&self, target: &str, tell: Tell) -> anyhow::Result<()> {
        let words = self.confined.wrap(self.words(target));
        let (program, arguments) = words.split_first().context("no command")?;
        let mut command = cmd!(self.sh, "{program} {arguments...}").env_clear().envs(self.environment());
        if let Some(path) = self.sh.var_os("PATH") {
            command = command.env("PATH", path);
        }
        let open = || File::options().create(true).append(true).open(self.log);
        let output = open().with_context(|| format!("opening {}", self.log.display()))?;
        let messages = output.try_clone().context("opening the log a second time")?;
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(output).stderr(messages);
        let said = Follow::from_now(self.log)?;
        let mut news = Follow::from_now(self.log)?;
        let status = self.wait(Tree::start(command)?, said, tell)?;
        self.tell_attempts(&news.lines())?;
        if status.success() {
            return Ok(());
        }
        let text = self.log_text();
        if let Some(cut) = cut(status, &text) {
            return self.was_cut(target, cut);
        }
        // make has cleaned up after itself, so this is no interrupted build.
        interrupted::end(self.folder)?;
        bail!(BuildFailed { target: target.to_owned(), errors: log::errors(&text), log: self.log.to_owned() })
    }

    /// Says what the build tried that it must not, whether it went well or not.
    fn tell_attempts(&self, log: &str) -> anyhow::Result<()> {
        let attempts = self.confined.attempts(log, self.tree).context("looking at what the build left")?;
        if attempts.is_empty() {
            return Ok(());
        }
        let text = format!(
            "kernel {}: its build {attempts}; look at the Makefiles and scripts of its series",
            self.variant
        );
        let text = escape_for_terminal(&text);
        match Manner::chosen().verbosity {
            Verbosity::Quiet => output::warn(&text),
            Verbosity::Normal | Verbosity::Verbose => (self.tell)(&text),
        }
        Ok(())
    }

    fn wait(&self, mut make: Tree, mut said: Follow, tell: Tell) -> anyhow::Result<ExitStatus> {
        let begun = Instant::now();
        let mut reported = begun;
        let (mut files, mut file) = (0, None);
        loop {
            let ended = make.try_wait().context("waiting for make")?;
            let new = said.lines();
            new.lines().for_each(|line| output::detail(|| format!("  {line}")));
            // Ctrl-C comes first: what else the build then says is of no use.
            if self.interrupt.is_set() {
                drop(make);
                bail!(Interrupted);
            }
            if let Some(status) = ended {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(50));
            files += log::compiled(&new).count();
            let progress = Progress { files, expected: self.expected_files, time: begun.elapsed() };
            if let Some(newest) = log::compiled(&new).last() {
                file = Some(newest.to_owned());
            }
            if !new.is_empty() {
                self.step.show(at(&progress, file.as_deref()));
            }
            if reported.elapsed() >= REPORT_INTERVAL && !self.step.is_shown() {
                reported = Instant::now();
                tell(&format!("  still building: {progress}"));
            }
        }
    }

    /// The error for a build that says nothing about its source. It stays marked, so that what it left is cleaned.
    fn was_cut(&self, target: &str, cut: Cut) -> anyhow::Result<()> {
        let (line, remedy) = match cut {
            Cut::NoRoom(line) => {
                // A program that does not look whether it could write leaves a cut file that make takes for whole.
                interrupted::remove_all(self.folder)?;
                let (objects, variable) = (self.objects.display(), cache::VARIABLE);
                let larger = format!("set {variable} to a folder on a larger disk");
                (line, format!("make room for {objects} and in /tmp, or {larger}, and run again"))
            }
            Cut::Ended(line) => {
                (line, "if memory was short, end other programs or add some, and run again".to_owned())
            }
        };
        let log = self.log.display();
        bail!(
            "make {target} was cut short, which says nothing about the source: {line} (full log: {log}); {remedy}"
        )
    }

    fn log_text(&self) -> String {
        log::read(self.log, self.tree).unwrap_or_default()
    }
}

/// How far a build is that has come to `file`, for the terminal.
fn at(progress: &Progress, file: Option<&str>) -> At {
    let &Progress { files, expected, .. } = progress;
    let share =
        expected.filter(|expected| *expected >= files).map(|expected| (files as u64, expected as u64));
    let count =
        share.map_or_else(|| format!("{files}"), |(_, expected)| format!("{files} of about {expected}"));
    let plural = if count == "1" { "" } else { "s" };
    let file = file.map(|file| format!(": {file}")).unwrap_or_default();
    At { share, left: progress.left(), text: format!("{count} file{plural} compiled{file}") }
}

/// Why a failed build says nothing about its source, if so. Programs that run others give a signal as 128 and its number.
fn cut(status: ExitStatus, text: &str) -> Option<Cut> {
    let by_signal = status.code().is_none_or(|code| code > 128);
    log::cut(text).or_else(|| by_signal.then(|| Cut::Ended(format!("it ended with {status}"))))
}

/// An empty log of its own for each variant, outside of the object directory, which the build can write to.
fn log_file(tree: &SourceTree, variant: &str) -> anyhow::Result<PathBuf> {
    let folder = tree.folder.join("logs");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let path = folder.join(format!("{}.log", variant.replace('/', "-")));
    fs::write(&path, "").with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// The resolved configuration, in the object directory.
pub(super) const CONFIG: &str = ".config";

/// Resolves the fragments on top of allnoconfig and checks that nothing of them was lost, but for options of series that this
/// kernel does not have. Gives the configuration that was there before, the one that is there now, and the options that the
/// source does not have and may do without, or that the lab asks for by itself and does not get.
fn configure(
    make: &Make,
    wanted: &[Wanted],
    added_options: &[String],
) -> anyhow::Result<(Option<String>, String, Vec<Lost>)> {
    const NAME: &str = CONFIG;
    let read = || beneath::read(make.objects, NAME, CONFIG_LIMIT_BYTES);
    let time = || beneath::open(make.objects, NAME).and_then(|file| file.metadata()?.modified());
    let (before, time_before) = (read().ok(), time().ok());
    make.run("allnoconfig", &|_| {})?;
    let after = read().with_context(|| format!("reading {}", make.objects.join(NAME).display()))?;
    if let (Some(text), Some(time)) = (&before, time_before)
        && *text == after
    {
        // A newer .config makes the build look at every option again.
        beneath::open(make.objects, NAME)
            .and_then(|file| file.set_modified(time))
            .context("keeping the time of .config")?;
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (before, after) = (before.map(text), text(after));
    let lost = fragments::lost(wanted, &after).into_iter();
    let lost = lost.map(|lost| (is_defined(make.sh, make.tree, &lost.wanted.option), lost));
    let is_of_others = |(defined, lost): &(Defined, Lost)| {
        *defined == Defined::No && added_options.iter().any(|name| lost.wanted.is(name))
    };
    let (without, lost): (Vec<_>, Vec<_>) =
        lost.filter(|lost| !is_of_others(lost)).partition(|(defined, lost)| {
            lost.wanted.is_by_lab() || *defined == Defined::No && lost.wanted.if_known
        });
    if lost.is_empty() {
        return Ok((before, after, without.into_iter().map(|(_, lost)| lost).collect()));
    }
    interrupted::end(make.folder)?;
    let lines: Vec<String> = lost.iter().map(|(defined, lost)| fragments::explain(lost, *defined)).collect();
    bail!("the configuration lost {} of {} options: {}", lost.len(), wanted.len(), lines.join("; "))
}

/// Whether a Kconfig file of the tree defines an option.
fn is_defined(sh: &Shell, tree: &Path, option: &str) -> Defined {
    let name = option.trim_start_matches("CONFIG_");
    let pattern = format!("^[[:space:]]*(menu)?config[[:space:]]+{name}[[:space:]]*$");
    let search = git::git(sh, tree).args(["grep", "--quiet", "-E", &pattern, "--", "*Kconfig*"]);
    match process::output(search) {
        Ok(output) if output.status.code() == Some(1) => Defined::No,
        Ok(_) | Err(_) => Defined::Yes,
    }
}
