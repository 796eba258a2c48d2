//! Kernels of a tree that looks like one, `tests/data/kernel`: a Makefile with the targets that the lab calls, real git, real
//! make.

use std::cell::RefCell;
use std::collections::HashMap;

use expect_test::expect;
use lab_core::evidence::build::BuildFailed;
use lab_core::evidence::symbols::{Resized, SymbolDifference};
use lab_core::series::Patch;
use xshell::cmd;

use super::*;
use crate::lab::process::{self, git};

mod attacks;
mod misfits;
mod revisions;

struct KernelLab {
    sh: Shell,
    cache: Cache,
    folder: tempfile::TempDir,
    source: Source,
    interrupt: Interrupt,
    said: RefCell<Vec<String>>,
}

impl KernelLab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("linux");
        fs::create_dir(&tree).unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kernel");
        for name in ["Makefile", "Kconfig", "a.c", "b.c"] {
            fs::copy(data.join(name), tree.join(name)).unwrap();
        }
        fs::create_dir(tree.join("sub")).unwrap();
        std::os::unix::fs::symlink("../a.c", tree.join("sub/link")).unwrap();
        let source = Source::Tree(tree.display().to_string());
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        KernelLab {
            sh: Shell::new().unwrap(),
            cache,
            folder,
            source,
            interrupt: Interrupt::default(),
            said: RefCell::default(),
        }
    }

    fn build_with(&self, series: &[Series], config: &str) -> anyhow::Result<Kernel> {
        self.build_for(SymbolList::AnyForm, series, config)
    }

    fn build_for(&self, symbols: SymbolList, series: &[Series], config: &str) -> anyhow::Result<Kernel> {
        self.build_of(None, symbols, series, config)
    }

    fn build_of(
        &self,
        revision: Option<&Revision>,
        symbols: SymbolList,
        series: &[Series],
        config: &str,
    ) -> anyhow::Result<Kernel> {
        let tell = |line: &str| self.said.borrow_mut().push(line.to_owned());
        let identity = source::identify(&self.sh, &self.cache, &self.source, &tell)?;
        let version = source::version(&self.sh, &self.cache, &self.source, &identity, &tell)?;
        let fragments = [Fragment { name: "base.config".into(), text: config.into() }];
        let request = KernelRequest {
            source: &self.source,
            identity: &identity,
            revision,
            version: &version,
            arch: Arch::X86_64,
            variant: "v",
            series,
            fragments: &fragments,
            own: &[],
            added_options: &["LOST_FAST".to_owned()],
            jobs: 1,
            interrupt: &self.interrupt,
            symbols,
        };
        ensure(&self.sh, &self.cache, request, &tell)
    }

    fn build(&self, series: &[Series]) -> anyhow::Result<Kernel> {
        self.build_with(series, "CONFIG_X=y\n")
    }

    /// An error that leaves no branch, no kernel and nothing temporary.
    fn error(&self, series: &[Series], config: &str) -> String {
        let error = format!("{:#}", self.build_with(series, config).unwrap_err());
        for folder in ["tmp", "kernels"] {
            assert_eq!(fs::read_dir(self.cache.join(folder)).unwrap().count(), 0, "{folder} after {error}");
        }
        let cache = self.cache.root().display().to_string();
        let source = source::identify(&self.sh, &self.cache, &self.source, &|_| {}).unwrap();
        let error =
            error.replace(&cache, "CACHE").replace(&source.key, "KEY").replace(&source.identity, "SOURCE");
        // None if it came to no build.
        let builds = fs::read_dir(self.cache.join("sources").join(source.key).join("builds"));
        let names =
            builds.into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.fold(error, |error, name| error.replace(&name, "CONFIGURATION"))
    }

    fn builds(&self) -> Vec<PathBuf> {
        let builds = fs::read_dir(self.repository().with_file_name("builds")).unwrap();
        builds.map(|entry| entry.unwrap().path()).collect()
    }

    /// The object directory of a lab that has built one configuration.
    fn objects(&self) -> PathBuf {
        let [build] = &self.builds()[..] else { panic!("{:?}", self.builds()) };
        build.join("objects")
    }

    /// The error of a build while `mischief` is in the tree's `.git`, which is no word about the series.
    fn error_with(&self, mischief: &str, series: &[Series]) -> String {
        let path = self.repository().join(".git").join(mischief);
        fs::write(&path, "").unwrap();
        let error = self.build(series).unwrap_err();
        fs::remove_file(path).unwrap();
        let text = format!("{error:#}");
        assert!(error.downcast::<BuildFailed>().is_err(), "{text}");
        text
    }

    fn repository(&self) -> PathBuf {
        fs::read_dir(self.cache.join("sources")).unwrap().next().unwrap().unwrap().path().join("tree")
    }
}

fn series(name: &str, patches: &[&str]) -> Series {
    let patch = |(at, text): (usize, &&str)| Patch {
        file: format!("{:04}-x.patch", at + 1),
        subject: format!("x {}", at + 1),
        text: text.as_bytes().to_vec(),
    };
    Series::new(name, patches.iter().enumerate().map(patch).collect())
}

const TWO: &str = "--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n";
const THREE: &str = "--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n one\n TWO\n-three\n+THREE\n";

#[test]
fn variants_switch_one_object_directory() {
    let lab = KernelLab::new();
    let base = lab.build(&[]).unwrap();
    let patched = lab.build(&[series("s", &[TWO]), series("t", &[THREE])]).unwrap();
    let log = |kernel: &Kernel| fs::read_to_string(kernel.folder.join("build.log")).unwrap();
    assert_eq!(log(&base), "  CC      a.o\n  CC      b.o\n");
    // Only what the series changed.
    assert_eq!(log(&patched), "  CC      a.o\n");
    assert!(!base.metadata.incremental && patched.metadata.incremental);
    assert!(!same(&base, &patched));
    let image = fs::read_to_string(&patched.kernel_image).unwrap();
    assert_eq!(image, "one\nTWO\nTHREE\nb\nCONFIG_X=y\npatchlab Sat Jan  1 00:00:00 UTC 2000 [] \n");
    assert_eq!(patched.metadata.identity().series[1].patches, 1);
    ensure_comparable(&base, &patched, "v", &[]).unwrap();
}

/// Neither throws away what the other has built; and a comment makes no other configuration.
#[test]
fn configurations_do_not_disturb_each_other() {
    let lab = KernelLab::new();
    let log = |series: &[Series], config: &str| {
        let kernel = lab.build_with(series, config).unwrap();
        (kernel.metadata.incremental, fs::read_to_string(kernel.folder.join("build.log")).unwrap())
    };
    let both = "  CC      a.o\n  CC      b.o\n".to_owned();
    let changed = "  CC      a.o\n".to_owned();
    let (measured, debug) = ("CONFIG_X=y\n", "CONFIG_X=y\nCONFIG_DEBUG=y\n");
    assert_eq!(log(&[], measured), (false, both.clone()));
    assert_eq!(log(&[], debug), (false, both));
    let patched = [series("s", &[TWO])];
    assert_eq!(log(&patched, debug), (true, changed.clone()));
    assert_eq!(log(&patched, "# words\nCONFIG_X=y\n"), (true, changed));
    let lab_again = lab.build_with(&[series("s", &[TWO, THREE])], debug).unwrap();
    let image = fs::read_to_string(lab_again.kernel_image).unwrap();
    assert!(image.starts_with("one\nTWO\nTHREE\nb\nCONFIG_X=y\nCONFIG_DEBUG=y\n"), "{image}");
    assert_eq!(lab.builds().len(), 2);
}

/// A build that was cut short is cleaned up after in its own configuration, however many others are built between.
#[test]
fn a_build_that_was_cut_short_is_remembered_by_its_configuration() {
    let lab = KernelLab::new();
    lab.build(&[]).unwrap();
    let patched = [series("s", &[TWO])];
    lab.error_with("kill", &patched);
    lab.build_with(&patched, "CONFIG_DEBUG=y\n").unwrap();
    let image = fs::read_to_string(lab.build(&patched).unwrap().kernel_image).unwrap();
    assert!(image.starts_with("one\nTWO\nthree\n"), "{image}");
}

#[test]
fn the_objects_that_were_not_used_for_longest_go() {
    let lab = KernelLab::new();
    let configured = |number: usize| format!("CONFIG_N={number}\n");
    // As an earlier lab left them: beside `builds`, and older than all others.
    lab.build_with(&[], &configured(0)).unwrap();
    let source = lab.repository().parent().unwrap().to_owned();
    for name in ["fragments.config", "building"] {
        fs::write(source.join(name), "").unwrap();
    }
    fs::create_dir(source.join("objects")).unwrap();
    let back = |path: &Path, hours: u64| {
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
        fs::File::open(path).unwrap().set_modified(then).unwrap();
    };
    let numbers = |lab: &KernelLab| {
        let read = |path: PathBuf| fs::read_to_string(path.join("fragments.config")).unwrap();
        let mut all: Vec<String> = lab.builds().into_iter().map(read).collect();
        all.sort();
        all.concat().replace("CONFIG_N=", "").replace('\n', " ")
    };
    back(&source.join("fragments.config"), 100);
    for number in 1..4 {
        lab.build_with(&[], &configured(number)).unwrap();
        for path in lab.builds() {
            let text = fs::read_to_string(path.join("fragments.config")).unwrap();
            let number: u64 = text.trim().replace("CONFIG_N=", "").parse().unwrap();
            back(&path.join("fragments.config"), 50 - number);
        }
        assert_eq!(source.join("objects").exists(), number < 3, "{number}");
    }
    assert!(!source.join("fragments.config").exists() && !source.join("building").exists());
    assert_eq!(numbers(&lab), "0 1 2 3 ");
    // Used again, the oldest one is the youngest.
    lab.build_with(&[series("s", &[TWO])], &configured(0)).unwrap();
    lab.build_with(&[], &configured(4)).unwrap();
    assert_eq!(numbers(&lab), "0 2 3 4 ");
    assert_eq!(fs::read_dir(lab.cache.join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_series_patch_by_patch() {
    let lab = KernelLab::new();
    let whole = series("s", &[TWO, THREE]);
    let kernels = [lab.build(&[]), lab.build(&[whole.prefix(1)]), lab.build(&[whole.prefix(2)])];
    let kernels = kernels.map(Result::unwrap);
    let names: Vec<&str> =
        kernels.iter().flat_map(|kernel| &kernel.metadata.series).map(|of| of.digest.as_str()).collect();
    assert_eq!(names, [&series("s", &[TWO]).digest, &whole.digest]);
    assert_eq!(lab.build(&[whole]).unwrap().built, KernelOrigin::Stored);
    let symbols = kernels.each_ref().map(|kernel| kernel.symbols().unwrap());
    let difference = SymbolDifference::between(&symbols[0], &symbols[1]);
    assert_eq!(difference.changed, [Resized { name: "a".into(), sizes: (14, 14) }]);
    assert_eq!(kernels[1].compiled().unwrap(), ["a.o"]);
    assert_eq!(kernels[1].image_bytes().unwrap(), kernels[2].image_bytes().unwrap());
}

#[test]
fn a_stored_kernel_needs_no_source() {
    let lab = KernelLab::new();
    let first = lab.build(&[series("s", &[TWO])]).unwrap();
    fs::remove_dir_all(lab.cache.join("sources")).unwrap();
    lab.said.take();
    let second = lab.build(&[series("s", &[TWO])]).unwrap();
    assert_eq!(second.built, KernelOrigin::Stored);
    assert_eq!(second.metadata, first.metadata);
    assert_eq!(lab.said.take(), Vec::<String>::new());
    assert!(!lab.cache.join("sources").exists());
    let line = second.line("patched");
    assert!(line.starts_with("patched  6.12.1  ") && line.contains("  cached  "), "{line}");
}

#[test]
fn equal_input_gives_an_equal_image_in_another_cache() {
    let (one, other) = (KernelLab::new(), KernelLab::new());
    // In another order, too: the second kernel of one cache is the first of the other.
    one.build(&[]).unwrap();
    let a = one.build(&[series("s", &[TWO])]).unwrap();
    let b = other.build(&[series("s", &[TWO])]).unwrap();
    assert_eq!(a.digest, b.digest);
    assert!(same(&a, &b));
}

#[test]
fn settings_of_the_user_have_no_effect() {
    let (clean, lab) = (KernelLab::new(), KernelLab::new());
    let settings = lab.folder.path().join("gitconfig");
    let hooks = lab.folder.path().join("hooks");
    fs::create_dir(&hooks).unwrap();
    fs::write(hooks.join("applypatch-msg"), "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(hooks.join("applypatch-msg"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let text = "[commit]\ngpgSign = true\n[core]\nautocrlf = true\nhooksPath = ";
    fs::write(&settings, format!("{text}{}\n", hooks.display())).unwrap();
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", settings.to_str().unwrap()),
        ("GIT_DIR", "/proc/nonexistent"),
        ("GIT_INDEX_FILE", "/proc/nonexistent"),
        ("GIT_COMMITTER_DATE", "nonsense"),
        ("KCFLAGS", "-O0"),
        ("MAKEFLAGS", "n"),
        ("LOCALVERSION", "-mine"),
        ("KBUILD_OUTPUT", "/proc/nonexistent"),
    ] {
        lab.sh.set_var(name, value);
    }
    let patched = [series("s", &[TWO])];
    assert!(same(&clean.build(&patched).unwrap(), &lab.build(&patched).unwrap()));
}

#[test]
fn a_series_that_changes_nothing_is_seen() {
    let lab = KernelLab::new();
    let nothing = "--- /dev/null\n+++ b/README\n@@ -0,0 +1 @@\n+text\n";
    let (base, other) = (lab.build(&[]).unwrap(), lab.build(&[series("s", &[nothing])]).unwrap());
    assert!(same(&base, &other));
    assert_ne!(base.digest, other.digest);
}

#[test]
fn a_damaged_kernel_is_built_again() {
    let lab = KernelLab::new();
    let first = lab.build(&[]).unwrap();
    fs::write(&first.kernel_image, "damaged").unwrap();
    lab.said.take();
    let second = lab.build(&[]).unwrap();
    assert!(same(&first, &second));
    assert!(lab.said.take()[0].contains("is damaged and is built again"));
}

#[test]
fn a_changed_list_of_symbols_is_not_believed() {
    let lab = KernelLab::new();
    let first = lab.build(&[]).unwrap();
    fs::write(first.folder.join("symbols"), "").unwrap();
    lab.said.take();
    assert_eq!(lab.build(&[]).unwrap().symbols().unwrap().len(), 2);
    assert!(lab.said.take()[0].contains("the list of symbols was changed"));
}

/// A list of the form before does for booting, and is made anew for who compares lists.
#[test]
fn an_older_list_of_symbols_is_made_anew_where_lists_are_compared() {
    let lab = KernelLab::new();
    let first = lab.build(&[]).unwrap();
    let path = first.folder.join("kernel.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("symbols-form = 2\n"), "{text}");
    fs::write(&path, text.replace("symbols-form = 2\n", "")).unwrap();
    assert_eq!(lab.build(&[]).unwrap().built, KernelOrigin::Stored);
    lab.said.take();
    let newest = || lab.build_for(SymbolList::NewestForm, &[], "CONFIG_X=y\n").unwrap();
    let again = newest();
    assert!(matches!(again.built, KernelOrigin::Now { .. }) && same(&first, &again));
    assert!(lab.said.take()[0].ends_with("is built again: its list of symbols has an older form"));
    assert_eq!(again.metadata.symbols_form, 2);
    assert_eq!(newest().built, KernelOrigin::Stored);
    assert_eq!(fs::read_dir(lab.cache.join("tmp")).unwrap().count(), 0);
}

/// A branch that outlives a power cut has its commits: git tells how often it had something brought to the disk.
#[test]
fn the_branch_of_a_series_is_on_the_disk() {
    let lab = KernelLab::new();
    lab.build(&[]).unwrap();
    let trace = lab.folder.path().join("trace");
    git::with_variable(&lab.sh, lab.folder.path(), "GIT_TRACE2_EVENT", &trace.display().to_string());
    lab.build(&[series("s", &[TWO])]).unwrap();
    let (mut names, mut flushes) = (HashMap::new(), HashMap::new());
    for line in fs::read_to_string(&trace).unwrap().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let process = event["sid"].as_str().unwrap().to_owned();
        if event["event"] == "cmd_name" {
            names.insert(process, event["name"].as_str().unwrap().to_owned());
        } else if event["category"] == "fsync" && line.contains("hardware-flush") {
            // A number since git 2.41, text before.
            let count = [&event["count"], &event["value"]].map(|count| count.to_string().replace('"', ""));
            *flushes.entry(names[&process].clone()).or_insert(0) +=
                count.iter().find_map(|count| count.parse::<u32>().ok()).unwrap();
        }
    }
    // The file, its folder and the commit are an object each; the branch is written by itself.
    assert!(flushes.get("am").is_some_and(|count| *count >= 3), "{flushes:?}");
    assert!(flushes.contains_key("update-ref"), "{flushes:?}");
}

#[test]
fn a_series_that_does_not_apply() {
    let lab = KernelLab::new();
    expect!["applying series s: patch 0002-x.patch does not apply to a.c (hunk 1 at line 1): the patches before it make this change already; take it out, or the one that it repeats"]
        .assert_eq(&lab.error(&[series("s", &[TWO, TWO])], "CONFIG_X=y\n"));
    expect!["applying series s: patch 0001-x.patch changes c.c, which the source does not have; rebase the series onto SOURCE"]
        .assert_eq(&lab.error(&[series("s", &[&TWO.replace("a.c", "c.c")])], "CONFIG_X=y\n"));
    let repository = lab.repository();
    let branches =
        process::read(git::git(&lab.sh, &repository).args(["branch", "--list", "variant/*"])).unwrap();
    let work_trees = process::read(git::git(&lab.sh, &repository).args(["worktree", "list"])).unwrap();
    let status = process::read(git::git(&lab.sh, &repository).args(["status", "--porcelain"])).unwrap();
    assert_eq!((branches.as_str(), work_trees.lines().count(), status.as_str()), ("", 1, ""));
    // The failed attempt is in nobody's way.
    lab.build(&[series("s", &[TWO, THREE])]).unwrap();
}

/// So that nobody takes a full disk for a series that does not fit.
#[test]
fn only_a_patch_is_refused() {
    let lab = KernelLab::new();
    let is_refused = || lab.build(&[series("s", &[TWO, TWO])]).unwrap_err().is::<Refused>();
    assert!(is_refused());
    let folder = tempfile::tempdir().unwrap();
    let git = folder.path().join("git");
    let script = "#!/bin/sh\nfor word; do\n  test \"$word\" = am && echo 'fatal: write error: No space left on device' >&2 && exit \
                  128\ndone\nexec /usr/bin/git \"$@\"\n";
    lab.sh.write_file(&git, script).unwrap();
    cmd!(lab.sh, "chmod +x {git}").run().unwrap();
    let path = lab.sh.var("PATH").unwrap();
    let _path = lab.sh.push_env("PATH", format!("{}:{path}", folder.path().display()));
    assert!(!is_refused());
}

#[test]
fn a_hostile_series_is_not_applied() {
    let lab = KernelLab::new();
    let hook = "--- /dev/null\n+++ b/.git/hooks/post-checkout\n@@ -0,0 +1 @@\n+#!/bin/sh\n";
    let error = lab.error(&[series("s", &[TWO, hook])], "CONFIG_X=y\n");
    assert!(
        error.starts_with("series s: patch 0002-x.patch: the path \".git/hooks/post-checkout\""),
        "{error}"
    );
    assert_eq!(fs::read_dir(lab.cache.join("sources")).unwrap().count(), 0);
}

/// Nothing in the patch's text says that the moved file is a link.
#[test]
fn a_link_that_is_moved_out_of_the_tree_is_not_applied() {
    let lab = KernelLab::new();
    let moves = "diff --git a/sub/link b/link\nsimilarity index 100%\nrename from sub/link\nrename to link\n";
    expect![[
        r#"series s is not applied: the link "link" leaves the tree or may do so: its target is "../a.c""#
    ]]
    .assert_eq(&lab.error(&[series("s", &[moves])], "CONFIG_X=y\n"));
}

#[test]
fn a_lost_option() {
    let lab = KernelLab::new();
    expect!["building kernel v: the configuration lost 1 of 2 options: CONFIG_LOST=y (base.config:3): its dependencies are not met"]
        .assert_eq(&lab.error(&[], "CONFIG_X=y\n\nCONFIG_LOST=y\n"));
    expect!["building kernel v: the configuration lost 1 of 1 options: CONFIG_LOST_TOO=y (base.config:1): this source has no such option; write `# if known` behind it if such a kernel does without it, or `# until` and the last version that has it"]
        .assert_eq(&lab.error(&[], "CONFIG_LOST_TOO=y\n"));
    // Known, but not to be had.
    let error = lab.error(&[], "CONFIG_LOST=y  # if known\n");
    assert!(error.ends_with("CONFIG_LOST=y (base.config:1): its dependencies are not met"), "{error}");
}

/// It is said once, and not of each variant.
#[test]
fn an_option_that_the_source_does_not_have_and_may_do_without() {
    let lab = KernelLab::new();
    let config = "CONFIG_X=y\nCONFIG_LOST_TOO=y  # if known\n# CONFIG_LOST_THREE is not set\n";
    lab.build_with(&[], config).unwrap();
    let kernel = lab.build_with(&[series("s", &[TWO])], config).unwrap();
    assert!(kernel.metadata.incremental);
    let said = lab.said.take();
    let told: Vec<&String> = said.iter().filter(|line| line.contains("CONFIG_")).collect();
    assert_eq!(told, ["this source has no CONFIG_LOST_TOO (base.config:2); its kernels do without"]);
}

/// The tree is 6.12.1.
#[test]
fn lines_for_other_kernels_make_no_other_kernel() {
    let lab = KernelLab::new();
    let first = lab.build_with(&[], "CONFIG_X=y\n").unwrap();
    let lines = "CONFIG_X=y  # until 6.19\nCONFIG_NEW=y  # from 7.0\nCONFIG_OLD=y  # until 6.11\n";
    assert_eq!(lab.build_with(&[], lines).unwrap().built, KernelOrigin::Stored);
    let other = lab.build_with(&[], "CONFIG_X=y\nCONFIG_NEW=y  # from 6.12\n").unwrap();
    assert_ne!(other.digest, first.digest);
    assert!(other.config().unwrap().contains("CONFIG_NEW=y"));
}

/// Its version is noted when it is unpacked, since lines of fragments depend on it.
#[test]
fn a_stored_kernel_of_a_tarball_needs_no_source_either() {
    let mut lab = KernelLab::new();
    let (folder, path) = (lab.folder.path(), lab.folder.path().join("linux.tar"));
    process::read(cmd!(lab.sh, "tar -C {folder} -cf {path} linux")).unwrap();
    lab.source = Source::Tarball { location: path.display().to_string(), sha256: None };
    let first = lab.build(&[]).unwrap();
    fs::remove_dir_all(lab.cache.join("sources")).unwrap();
    lab.said.take();
    let second = lab.build(&[]).unwrap();
    assert_eq!((second.built, second.digest), (KernelOrigin::Stored, first.digest));
    assert_eq!(lab.said.take(), Vec::<String>::new());
}

/// One that another series adds is none that is lost; one that is there, and is not as it was asked for, is lost all the same.
#[test]
fn an_option_of_a_series_that_a_kernel_does_not_have() {
    let lab = KernelLab::new();
    lab.build_with(&[], "CONFIG_X=y\nCONFIG_LOST_TOO_FAST=y\n").unwrap_err();
    let kernel = lab.build_with(&[], "CONFIG_X=y\nCONFIG_LOST_FAST=y\n").unwrap();
    assert_eq!(kernel.config().unwrap().lines().count(), 1, "{}", kernel.config().unwrap());
}

#[test]
fn a_build_that_fails_and_one_that_warns() {
    let lab = KernelLab::new();
    let broken = TWO.replace("+TWO", "+error: no");
    let error = lab.error(&[series("s", &[&broken])], "CONFIG_X=y\n");
    expect!["building kernel v: make bzImage: a.c:2:error: no (full log: CACHE/sources/KEY/logs/v.log)"]
        .assert_eq(&error);
    let failed = lab.build(&[series("s", &[&broken])]).unwrap_err().context("patch 1");
    assert_eq!(failed.downcast::<BuildFailed>().unwrap().errors, ["a.c:2:error: no"]);
    let warns = TWO.replace("+TWO", "+warning: hm");
    let kernel = lab.build(&[series("s", &[&warns])]).unwrap();
    assert_eq!(kernel.metadata.warning_lines, ["a.c:2:warning: hm"]);
}

#[test]
fn a_build_whose_make_is_killed_says_nothing_about_the_series() {
    let lab = KernelLab::new();
    lab.build(&[]).unwrap();
    let patched = [series("s", &[TWO])];
    let error = lab.error_with("kill", &patched);
    assert!(
        error.contains("make bzImage was cut short, which says nothing about the source: it ended with "),
        "{error}"
    );
    assert!(error.ends_with("and run again"), "{error}");
    assert_eq!(fs::read_to_string(lab.objects().join("a.o")).unwrap(), "torn\n");
    let image = fs::read_to_string(lab.build(&patched).unwrap().kernel_image).unwrap();
    assert!(image.starts_with("one\nTWO\nthree\n"), "{image}");
}

#[test]
fn a_build_without_room_says_nothing_about_the_series() {
    let lab = KernelLab::new();
    lab.build(&[]).unwrap();
    let patched = [series("s", &[TWO])];
    let error = lab.error_with("full", &patched);
    assert!(
        error.contains("'No space left on device' (full log: ") && error.contains("; make room for "),
        "{error}"
    );
    assert_eq!(fs::read_dir(lab.objects()).unwrap().count(), 0);
    assert!(!lab.build(&patched).unwrap().metadata.incremental);
}

#[test]
fn an_interrupt_ends_a_build_at_once() {
    let lab = KernelLab::new();
    lab.build(&[]).unwrap();
    let begun = std::time::Instant::now();
    let interrupt = lab.interrupt.clone();
    let user = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(5));
        interrupt.set();
    });
    let error = lab.error_with("slow", &[series("s", &[TWO])]);
    user.join().unwrap();
    assert_eq!(error, "building kernel v: interrupted");
    // The build would sleep for ten minutes.
    assert!(begun.elapsed().as_secs() < 120);
}

/// Processes whose working folder lies in `folder`, by name: what a build there has started.
fn working_in(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let is_inside = |path: &PathBuf| fs::read_link(path.join("cwd")).is_ok_and(|at| at.starts_with(folder));
    processes.filter(is_inside).filter_map(|path| fs::read_to_string(path.join("comm")).ok()).collect()
}

/// The lab that the next test starts and kills. By itself it tests nothing.
#[test]
fn a_lab_that_builds_until_it_is_killed() {
    let Some(programs) = std::env::var_os("PATCHLAB_TEST_PROGRAMS") else { return };
    let lab = KernelLab::new();
    // Among them is a bubblewrap that does not work.
    let path = lab.sh.var("PATH").unwrap();
    lab.sh.set_var("PATH", format!("{}:{path}", programs.display()));
    lab.build(&[]).unwrap();
    assert!(lab.said.borrow().join("\n").contains("sandbox: none: "), "{:?}", lab.said);
    lab.error_with("slow", &[series("s", &[TWO])]);
}

#[test]
fn a_build_without_a_sandbox_ends_with_the_lab() {
    let folder = tempfile::tempdir().unwrap();
    let bwrap = folder.path().join("bwrap");
    fs::write(&bwrap, "#!/bin/sh\necho no >&2\nexit 1\n").unwrap();
    fs::set_permissions(bwrap, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let name = "build::kernel::tests::a_lab_that_builds_until_it_is_killed";
    let mut lab = process::tied::command(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("PATCHLAB_TEST_PROGRAMS", folder.path())
        .env("TMPDIR", folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !working_in(folder.path()).iter().any(|name| name == "sleep\n") {
        assert!(lab.try_wait().unwrap().is_none(), "the lab has ended");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    lab.kill().unwrap();
    lab.wait().unwrap();
    let killed = std::time::Instant::now();
    while !working_in(folder.path()).is_empty() {
        assert!(killed.elapsed().as_secs() < 60, "these go on: {:?}", working_in(folder.path()));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// The build has code of the series run, and the object directory is its own. The names are those that the lab writes to
/// beside it.
#[test]
fn links_among_the_objects_are_not_written_through() {
    let lab = KernelLab::new();
    lab.build(&[]).unwrap();
    let victim = lab.folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    for (name, series) in
        [("fragments.config", series("s", &[TWO])), ("building", series("s", &[TWO, THREE]))]
    {
        let path = lab.objects().join(name);
        let _ = fs::remove_file(&path);
        std::os::unix::fs::symlink(&victim, path).unwrap();
        let built = lab.build(&[series]);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{name}");
        built.unwrap();
    }
}

#[test]
fn links_among_the_objects_are_not_read_through() {
    let plants = |target: &str| {
        let lab = KernelLab::new();
        let patch = format!("--- /dev/null\n+++ b/plant.c\n@@ -0,0 +1 @@\n+{target}\n");
        lab.error(&[series("s", &[&patch])], "CONFIG_X=y\n")
    };
    expect!["building kernel v: copying CACHE/sources/KEY/builds/CONFIGURATION/objects/System.map to System.map: System.map is a link, which is not followed"]
        .assert_eq(&plants("a.o"));
    // One that leads out is not even there any more.
    expect!["building kernel v: copying CACHE/sources/KEY/builds/CONFIGURATION/objects/System.map to System.map: No such file or directory (os error 2)"]
        .assert_eq(&plants("/etc/hostname"));
}

/// What a build has made may be made to harm who reads it. The lab reads it itself, and starts nothing that does.
#[test]
fn no_program_of_the_host_reads_what_was_built() {
    let lab = KernelLab::new();
    let (folder, started) = (lab.folder.path().join("bin"), lab.folder.path().join("started"));
    fs::create_dir(&folder).unwrap();
    for name in ["file", "nm", "objcopy", "objdump", "readelf", "size", "strings"] {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\necho {name} >>{}\n", started.display())).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let path = lab.sh.var("PATH").unwrap();
    lab.sh.set_var("PATH", format!("{}:{path}", folder.display()));
    lab.build(&[]).unwrap();
    assert_eq!(fs::read_to_string(&started).unwrap_or_default(), "");
}

#[test]
fn the_build_cannot_write_to_the_source_when_confined() {
    let lab = KernelLab::new();
    let hook = "--- /dev/null\n+++ b/hook.c\n@@ -0,0 +1 @@\n+x\n";
    let result = lab.build(&[series("s", &[hook])]);
    let said = lab.said.borrow().join("\n");
    if said.contains("sandbox: bwrap") {
        assert!(format!("{:#}", result.unwrap_err()).contains("Read-only file system"));
        assert!(!lab.repository().join("written").exists());
    } else {
        assert!(said.contains("sandbox: none: "), "{said}");
        result.unwrap();
    }
}

#[test]
fn configurations_that_differ() {
    let lab = KernelLab::new();
    let (base, other) = (lab.build(&[]).unwrap(), lab.build_with(&[], "CONFIG_X=y\nCONFIG_NEW=y\n").unwrap());
    expect!["variant v is configured otherwise than the base, so that a difference may not come from its series: CONFIG_NEW: n, then y; set these options in a fragment"]
        .assert_eq(&ensure_comparable(&base, &other, "v", &[]).unwrap_err().to_string());
    for line in ["config NEW", "\tselect NEW if X"] {
        let adds = format!("--- a/Kconfig\n+++ b/Kconfig\n@@ -1 +1,2 @@\n config LOST\n+{line}\n");
        ensure_comparable(&base, &other, "v", &[series("s", &[&adds])]).unwrap();
    }
    drop(lab.folder);
}
