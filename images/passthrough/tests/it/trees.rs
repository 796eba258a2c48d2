//! Many files at once: what programs do with whole trees.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use lab_protocol::ServerSettings;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use xshell::{Cmd, Shell, cmd};

use crate::harness::{Served, bytes, eventually, settings};
use crate::tree::listing;

/// git without the user's settings, and without those of a git that runs this test.
fn git<'a>(sh: &'a Shell, settings: &Path) -> Cmd<'a> {
    let mut git = cmd!(sh, "git").quiet();
    for (variable, _) in std::env::vars_os() {
        if variable.as_encoded_bytes().starts_with(b"GIT_") {
            git = git.env_remove(variable);
        }
    }
    git.env("GIT_CONFIG_GLOBAL", settings).env("GIT_CONFIG_NOSYSTEM", "1")
}

#[test]
fn a_repository_is_cloned_and_whole() {
    let sh = Shell::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    // The checkout may belong to somebody else.
    std::fs::write(&config, "[safe]\n\tdirectory = *\n").unwrap();
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let url = format!("file://{}", checkout.display());
    for settings in [
        settings(),
        ServerSettings { writeback_cache: true, ..settings() },
        ServerSettings { direct_io: true, ..settings() },
    ] {
        let served = Served::on(tempfile::tempdir().unwrap(), &settings);
        let clone = served.path("clone");
        git(&sh, &config).args(["clone", "--quiet", &url]).arg(&clone).run().unwrap();
        let here = |arguments: &[&str]| git(&sh, &config).arg("-C").arg(&clone).args(arguments);
        here(&["fsck", "--strict", "--no-progress"]).ignore_stderr().run().unwrap();
        assert_eq!(here(&["status", "--porcelain"]).read().unwrap(), "");
        // And after work on it: the index is mapped, and files are replaced by renaming.
        here(&["gc", "--quiet"]).run().unwrap();
        here(&["rm", "--quiet", "-r", "images"]).run().unwrap();
        here(&["reset", "--quiet", "--hard"]).run().unwrap();
        assert_eq!(here(&["status", "--porcelain"]).read().unwrap(), "");
        here(&["fsck", "--strict", "--no-progress"]).ignore_stderr().run().unwrap();
        let stored = served.stored("clone");
        cmd!(sh, "diff -r --no-dereference {stored} {clone}").quiet().run().unwrap();
    }
}

/// 10,000 files of up to 5,000 bytes in 100 folders, with links and modes of all sorts.
fn plant(folder: &Path) {
    for outer in 0..100 {
        let folder = folder.join(format!("{}/{outer}", outer % 7));
        std::fs::create_dir_all(&folder).unwrap();
        for inner in 0..100 {
            let (path, number) = (folder.join(format!("file {inner}")), outer * 100 + inner);
            std::fs::write(&path, bytes(number % 5000 * usize::from(number % 3 > 0), number as u64)).unwrap();
            let mode = [0o644, 0o600, 0o4755, 0o444][number % 4];
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            if inner % 50 == 0 {
                std::fs::hard_link(&path, folder.join(format!("same {inner}"))).unwrap();
                std::os::unix::fs::symlink(format!("file {inner}"), folder.join(format!("link {inner}")))
                    .unwrap();
            }
        }
    }
}

/// As [`listing`], with whole seconds: tar keeps no more.
fn coarse_listing(sh: &Shell, folder: &Path) -> Vec<String> {
    let cut = |word: &str| word.split_once('.').map_or(word, |(whole, _)| whole).to_owned();
    let words = |line: &str| line.split(' ').map(cut).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = listing(sh, folder).lines().map(words).collect();
    lines.sort();
    lines
}

/// Handles on everything below a folder, which keep the kernel from forgetting it.
fn keep_known(folder: &Path) -> Vec<OwnedFd> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let mut known = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        known.push(
            open(entry.path(), OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()).unwrap(),
        );
        if entry.file_type().unwrap().is_dir() {
            known.extend(keep_known(&entry.path()));
        }
    }
    known
}

#[test]
fn ten_thousand_files_come_and_go() {
    let sh = Shell::new().unwrap();
    let served = Served::new(&settings());
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let [plain, out, archive, again] =
        ["plain", "out", "in.tar", "out.tar"].map(|name| folder.path().join(name));
    let (mounted, stored) = (served.path("tree"), served.stored("tree"));
    [&plain, &out, &mounted].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    plant(&plain);
    let expected = coarse_listing(&sh, &plain);
    assert_eq!(expected.len(), 10_000 + 2 * 200 + 100 + 7);

    cmd!(sh, "tar -cf {archive} -C {plain} .").quiet().run().unwrap();
    cmd!(sh, "tar -xpf {archive} -C {mounted}").quiet().run().unwrap();
    cmd!(sh, "tar -cf {again} -C {mounted} .").quiet().run().unwrap();
    cmd!(sh, "tar -xpf {again} -C {out}").quiet().run().unwrap();
    for folder in [&mounted, &stored, &out] {
        cmd!(sh, "diff -r --no-dereference {plain} {folder}").quiet().run().unwrap();
        assert!(coarse_listing(&sh, folder) == expected, "{}", folder.display());
    }
    // The kernel may forget them at any time - other tests tell it to -, but not those that somebody has.
    let known = keep_known(&mounted);
    assert!(known.len() > 10_000 && served.held() > 10_000, "{} and {}", known.len(), served.held());
    drop(known);
    eventually("all but the root are forgotten", || {
        std::fs::write("/proc/sys/vm/drop_caches", "2").unwrap();
        served.held() == 1
    });
    assert!(coarse_listing(&sh, &mounted) == expected);
    cmd!(sh, "rm -rf {mounted}").quiet().run().unwrap();
    eventually("what is removed is let go", || served.held() == 1);

    cmd!(sh, "cp -a {plain} {mounted}").quiet().run().unwrap();
    let (part, copy) = (served.path("tree/3"), served.path("copy"));
    cmd!(sh, "cp -a {part} {copy}").quiet().run().unwrap();
    cmd!(sh, "diff -r --no-dereference {part} {copy}").quiet().run().unwrap();
    assert!(listing(&sh, &mounted) == listing(&sh, &plain));
    assert!(listing(&sh, &copy) == listing(&sh, &part));
    cmd!(sh, "rm -rf {mounted} {copy}").quiet().run().unwrap();
    assert_eq!(std::fs::read_dir(served.stored("")).unwrap().count(), 0);
    eventually("what is removed is let go", || served.held() == 1);
}

#[test]
fn a_folder_of_many_files_is_emptied_while_it_is_read() {
    const FILES: usize = 12_000;
    for storage in [tempfile::tempdir_in("/dev/shm").unwrap(), tempfile::tempdir().unwrap()] {
        let served = Served::on(storage, &settings());
        std::fs::create_dir(served.stored("folder")).unwrap();
        let stored = |number: usize| served.stored("folder").join(number.to_string());
        (0..FILES).for_each(|number| drop(File::create(stored(number)).unwrap()));
        let mut numbers = BTreeSet::new();
        for entry in std::fs::read_dir(served.path("folder")).unwrap() {
            numbers.insert(entry.unwrap().metadata().unwrap().ino());
        }
        // More than a process may usually open.
        let known = keep_known(&served.path("folder"));
        assert!(served.held() > FILES, "{}", served.held());
        drop(known);
        // None is skipped, none comes twice.
        let mut removed = 0;
        for entry in std::fs::read_dir(served.path("folder")).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
            removed += 1;
        }
        assert_eq!((numbers.len(), removed), (FILES, FILES));
        std::fs::remove_dir(served.path("folder")).unwrap();
        eventually("what is removed is let go", || served.held() == 1);
    }
}
