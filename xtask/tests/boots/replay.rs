//! Boots of a campaign, run again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::sandbox::TestCheckout;

/// A boot of the campaign of plan `ci` does the same again, and the campaign stays as it is.
pub(crate) fn a_boot_again_is_equal(sandbox: &TestCheckout) {
    let campaign = sandbox.campaign();
    let before = content(&campaign);
    let name = name(&campaign);
    let run = sandbox.lab(&["replay", &name, "4"]);
    run.expect_code_in(&[0]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.first(), Some(&"the same (exit code 0):"), "{run}");
    for line in ["ended: finished, as then", "report: equal in each field"] {
        assert!(lines.contains(&format!("  {line}").as_str()), "{line}: {run}");
    }
    assert!(lines.iter().any(|line| line.ends_with(" figures: equal to the last digit")), "{run}");
    assert!(
        lines.iter().any(|line| line.starts_with("  console: ") && line.ends_with(" lines, equal")),
        "{run}"
    );
    assert_eq!(content(&campaign), before, "nothing is written into the campaign");

    let unknown = sandbox.lab(&["replay", &name, "7"]);
    unknown.expect_code_in(&[3]);
    assert!(unknown.stderr.contains("there is no record of boot 7; use one of 1 to 6"), "{unknown}");
}

/// gdb stops in a function by its name, sees its callers up to the system call, and lets the guest go on to its end.
pub(crate) fn a_debugger_sees_who_called(sandbox: &TestCheckout) {
    let mut lab = sandbox.start_heard(&["replay", &name(&sandbox.campaign()), "2", "--gdb"]);
    let attach = lab.line_with("target remote ");
    let words: Vec<&str> = attach.trim().split('\'').collect();
    let (vmlinux, target) = (words[0].split(' ').nth(1).expect("vmlinux"), words[1]);
    let socket = Path::new(target.split(' ').nth(2).expect("a socket"));
    while !socket.exists() {
        assert!(!lab.has_ended(), "the lab ended before QEMU waited");
        std::thread::sleep(Duration::from_millis(20));
    }
    let seen = gdb(&[vmlinux, "-ex", target, "-ex", "hbreak fuse_direct_IO", "-ex", "continue"]);
    let callers =
        ["fuse_direct_IO ()", "vfs_read ()", "ksys_read ()", "do_syscall_64 ()", "entry_SYSCALL_64"];
    let mut rest = seen.as_str();
    for caller in callers {
        let (_, after) = rest.split_once(caller).unwrap_or_else(|| panic!("{caller} is missing: {seen}"));
        rest = after;
    }
    assert_eq!(lab.wait(), Some(0), "the boot ended as then: {seen}");
}

/// What gdb prints that stops somewhere, says where, and goes on to the end.
#[expect(clippy::disallowed_methods, reason = "a foreign program")]
fn gdb(arguments: &[&str]) -> String {
    let output = Command::new("gdb")
        .args(["-batch", "-nx"])
        .args(arguments)
        .args(["-ex", "backtrace", "-ex", "delete", "-ex", "continue"])
        .output()
        .expect("gdb is there: cargo xtask ci installs it");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// One that panicked, and one of which nothing is heard.
pub(crate) fn boots_that_failed_fail_again(sandbox: &TestCheckout) {
    let name = name(&sandbox.campaign());
    let boots = sandbox.read_campaign().boots;
    for (variant, expected) in [
        ("panics", "  ended: broken (panic: Kernel panic - not syncing: lab test: no boot with this patch"),
        ("silent", "  ended: hung (nothing was heard within the silence limit; CPU 0 is in start_kernel+0x"),
    ] {
        let boot = boots.iter().find(|boot| boot.record.boot.variant == variant).expect("a boot");
        let run = sandbox.lab(&["replay", &name, &boot.folder]);
        run.expect_code_in(&[0]);
        let ended = run.stdout.lines().find(|line| line.starts_with(expected));
        assert!(ended.is_some_and(|line| line.ends_with("), as then")), "{run}");
    }
}

fn name(campaign: &Path) -> String {
    campaign.file_name().expect("a name").to_string_lossy().into_owned()
}

/// Everything below a folder, by path.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => all.extend(content(&path)),
            false => drop(all.insert(path.display().to_string(), fs::read(&path).expect("a file"))),
        }
    }
    all
}
