//! The server as mount(8) starts it.

use std::path::{Path, PathBuf};

use rustix::mount::UnmountFlags;
use tempfile::TempDir;
use xshell::{Shell, cmd};

use crate::harness::eventually;

/// Two folders, and the server by the name that mount(8) looks for.
struct Prepared {
    folder: TempDir,
}

impl Prepared {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["storage", "mount", "bin"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink(
            env!("CARGO_BIN_EXE_passthrough"),
            folder.path().join("bin/mount.fuse.lab-test"),
        )
        .unwrap();
        Prepared { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The source, type and flags that the kernel says; none if nothing is mounted.
    fn mounted(&self) -> Option<[String; 3]> {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = self.path("mount");
        let line = mounts.lines().find(|line| line.split(' ').nth(1) == mount.to_str())?;
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Some([words[0].clone(), words[2].clone(), words[3].clone()])
    }

    /// Whether there is a process that serves it.
    fn is_served(&self) -> bool {
        let storage = self.path("storage");
        let serves = |entry: &Path| {
            let descriptors = std::fs::read_dir(entry.join("fd")).into_iter().flatten().flatten();
            let mut targets = descriptors.filter_map(|it| std::fs::read_link(it.path()).ok());
            targets.any(|target| target == storage)
        };
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| serves(&entry.path()))
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.path("mount"), UnmountFlags::DETACH);
    }
}

#[test]
fn the_helper_ends_when_the_mount_is_there_and_serves_on() {
    let (sh, prepared) = (Shell::new().unwrap(), Prepared::new());
    let [helper, storage, mount] =
        ["bin/mount.fuse.lab-test", "storage", "mount"].map(|name| prepared.path(name));
    // `read` waits for the end of all that hold the output: the server lets go of it.
    let options = "rw,noatime,allow_other,entry_timeout=0.5,x-anything";
    let said =
        cmd!(sh, "{helper} {storage} {mount} -n -o {options} -t fuse.lab-test").quiet().read().unwrap();
    assert_eq!(said, "");
    let [source, kind, flags] = prepared.mounted().unwrap();
    assert_eq!((source.as_str(), kind.as_str()), (storage.to_str().unwrap(), "fuse.lab-test"));
    assert!(flags.starts_with("rw,noatime,"), "{flags}");
    assert!(flags.contains("default_permissions,allow_other"), "{flags}");
    std::fs::write(mount.join("file"), "content").unwrap();
    assert_eq!(std::fs::read(storage.join("file")).unwrap(), b"content");
    assert!(prepared.is_served());
    cmd!(sh, "umount {mount}").quiet().run().unwrap();
    eventually("the server ends with its mount", || !prepared.is_served());
}

#[test]
fn what_is_in_the_way_is_told_and_nothing_is_left() {
    let (sh, prepared) = (Shell::new().unwrap(), Prepared::new());
    let [helper, storage, mount] =
        ["bin/mount.fuse.lab-test", "storage", "mount"].map(|name| prepared.path(name));
    let fails = |options: &str| {
        let output =
            cmd!(sh, "{helper} {storage} {mount} -o {options}").quiet().ignore_status().output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = fails("thredas=4");
    assert_eq!(code, Some(1));
    assert!(
        text.starts_with("passthrough: mount option `thredas=4`: unknown field `thredas`, expected one of"),
        "{text}"
    );
    // Found out by the kernel alone: there is no room for a name of this length.
    let (code, text) = fails(&format!("fsname={}", "n".repeat(5000)));
    assert_eq!(code, Some(32), "{text}");
    assert!(text.starts_with("passthrough: mounting on "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    // Nothing but a look.
    cmd!(sh, "{helper} {storage} {mount} -f -o allow_other").quiet().run().unwrap();
    assert_eq!(prepared.mounted(), None);
    eventually("nothing serves", || !prepared.is_served());
}

/// In a mount namespace of its own, where a folder with nothing but the helper lies over the one that mount(8) looks into.
#[test]
fn mount_finds_the_helper_by_the_type() {
    let (sh, prepared) = (Shell::new().unwrap(), Prepared::new());
    let [bin, storage, mount] = ["bin", "storage", "mount"].map(|name| prepared.path(name));
    let script = r#"
        set -e
        mount --bind "$1" /sbin
        mount -t fuse.lab-test "$2" "$3" -o nosuid,allow_other,attr_timeout=0
        grep " $3 " /proc/self/mounts
        echo content > "$3/file"
        umount "$3"
        mount -t fuse.lab-test name "$3" -o source="$2",ro
        grep " $3 " /proc/self/mounts
        cat "$3/file"
        umount "$3"
        mount -t fuse.lab-test "$2" "$3" -o allow_othr 2>&1 || echo "exit code $?"
    "#;
    let said = cmd!(sh, "unshare --mount sh -c {script} sh {bin} {storage} {mount}").quiet().read().unwrap();
    let shown = said.replace(prepared.folder.path().to_str().unwrap(), "");
    let lines: Vec<&str> =
        shown.lines().map(|line| line.split(", expected one of").next().unwrap()).collect();
    expect_test::expect![[r#"
        [
            "/storage /mount fuse.lab-test rw,nosuid,relatime,user_id=0,group_id=0,default_permissions,allow_other,max_read=131072 0 0",
            "name /mount fuse.lab-test ro,relatime,user_id=0,group_id=0,default_permissions,max_read=131072 0 0",
            "content",
            "passthrough: mount option `allow_othr`: unknown field `allow-othr`",
            "exit code 1",
        ]
    "#]].assert_debug_eq(&lines);
    eventually("no server is left", || !prepared.is_served());
}
