//! Logs that were handed in, as wholes.

use super::*;
use crate::evidence::klog::findings_in;

fn check(log: &str, form: Form, expected: &[&str]) {
    let (findings, seen) = findings_in(log.as_bytes());
    let short: Vec<String> = findings.iter().map(|it| format!("{}: {}", it.line, it.title)).collect();
    assert_eq!(short, expected, "{log}");
    assert_eq!(seen.form, form, "{log}");
}

fn stamped(text: &str) -> String {
    text.lines().enumerate().map(|(number, line)| format!("[    1.{number:06}] {line}\n")).collect()
}

#[test]
fn what_services_builds_and_tests_say_is_no_finding() {
    for line in [
        "WARNING: apt does not have a stable CLI interface. Use with caution in scripts.",
        "configure: WARNING: no system libmpdecimal found; falling back to bundled libmpdecimal",
        "  WARNING: The scripts pip3 and pip3.7 are installed in a folder which is not on PATH.",
        "INFO: all tests have passed",
        "BUG: this test is known to fail",
        "tests/klog.rs:12: BUG: unexpected end",
        "Internal error: Oops! Something went wrong",
        "Machine check the box below",
        "UBSAN: not built in",
        "dd: general protection fault",
        "Linux version 6.12.117 (a program prints what /proc/version has)",
        "=========================== short test summary info ============================",
        "+ grep -q -e 'Kernel panic - not syncing' console.log",
        "waiting for \"BUG: KASAN: \" or \"Kernel panic - not syncing\"",
    ] {
        let around = "[  OK  ] Started a service.\n         Starting another one...\n";
        check(&format!("{around}{line}\n{around}{line}\n{around}"), Form::Bare, &[]);
    }
}

#[test]
fn with_a_body_the_same_words_are_the_kernels() {
    let body = "CPU: 0 PID: 7 Comm: dd Not tainted 6.12.117 #1\nCall Trace:\n fuse_put+0x1/0x2\n";
    check(&format!("BUG: something new\n{body}"), Form::Bare, &["1: BUG: something new in fuse_put"]);
    check(
        &format!("a service\nWARNING: something new\n{body}"),
        Form::Bare,
        &["2: WARNING: something new in fuse_put"],
    );
    let levels: String =
        format!("BUG: something new\n{body}").lines().map(|line| format!("<4>{line}\n")).collect();
    check(&levels, Form::Level, &["1: BUG: something new in fuse_put"]);
    // A service speaks within the report, and takes nothing from it.
    check(
        "BUG: kernel NULL pointer dereference, address: 0000000000000008\n#PF: supervisor read access in kernel mode\n\
         WARNING: a service did not start\nOops: 0000 [#1] SMP\nRIP: 0010:fuse_put+0x1/0x2\n",
        Form::Bare,
        &["1: BUG: kernel NULL pointer dereference in fuse_put"],
    );
    check("Kernel panic - not syncing: Fatal\n", Form::Bare, &["1: Kernel panic - not syncing: Fatal"]);
}

/// Without time, lines say that a report is over.
#[test]
fn a_report_without_time_ends_where_nothing_of_it_follows() {
    let report =
        "VFS: Busy inodes after unmount of sda (ext4)\nCPU: 0 PID: 7 Comm: dd\nCall Trace:\n f+0x1/0x2\n";
    let other = "a line of a service\n".repeat(150);
    let next = "WARNING: CPU: 0 PID: 7 at fs/x.c:1 g+0x1/0x2\nCPU: 0 PID: 7 Comm: dd\n";
    check(
        &format!("{report}{other}{next}"),
        Form::Bare,
        &["1: VFS: Busy inodes after unmount in f", "155: WARNING in g"],
    );
    check(&format!("{report}{next}"), Form::Bare, &["1: VFS: Busy inodes after unmount in f"]);
    let (findings, _) = findings_in(format!("{report}{other}").as_bytes());
    assert!(findings[0].text.lines().count() < 120, "{}", findings[0].text);
}

#[test]
fn a_start_is_unexpected_if_nothing_announced_it() {
    let boot = |end: &str| format!("Linux version 6.12.1 #1\na\nb\nc\nd\ne\nf\ng\nh\ni\n{end}\n");
    let again = "Linux version 6.12.1 #1\nfine\n";
    for (end, expected) in [
        ("the last words", &["12: unexpected reboot"][..]),
        ("reboot: Restarting system", &[]),
        ("Restarting system.", &[]),
        ("kexec_core: Starting new kernel", &[]),
        ("sysrq: Resetting", &[]),
        ("systemd-shutdown[1]: Rebooting.", &[]),
        ("Kernel panic - not syncing: x", &["11: Kernel panic - not syncing: x"]),
        // What was printed comes once more on the console that was enabled.
        ("printk: console [ttyS0] enabled", &[]),
    ] {
        check(&stamped(&format!("{}{again}", boot(end))), Form::Printk, expected);
    }
    let other = stamped(&format!("{}Linux version 6.12.2 #1\nfine\n", boot("the last words")));
    check(&other, Form::Printk, &[]);
    assert_eq!(findings_in(other.as_bytes()).1.starts, 2);
    // A service is gone before the kernel says that it ends.
    let log = boot("the last words") + again;
    let log: String = log.lines().map(|line| format!("Nov  1 12:00:00 host kernel: {line}\n")).collect();
    check(&log, Form::Syslog, &[]);
}

#[test]
fn a_form_is_recognised_behind_megabytes_of_other_text() {
    let build = "  CC      fs/fuse/dev.o\nWARNING: a compiler says so\n".repeat(80_000);
    assert!(build.len() > 3 * BLOCK);
    let kernel = stamped("Linux version 6.12\nBUG: something new\nfine\n\n\n\n\n\n\n\n\n\n");
    check(&format!("{build}{kernel}"), Form::Printk, &["160002: BUG: something new"]);
}

#[test]
fn other_programs_of_a_system_log_are_not_heard() {
    let lines = |text: &str| {
        let host = "Nov  1 12:00:00 host";
        format!("{host} kernel: a\n{host} kernel: b\n{host} kernel: c\n{host} {text}\n{host} kernel: d\n")
    };
    check(&lines("app[12]: BUG: something new"), Form::Syslog, &[]);
    check(&lines("app: Kernel panic - not syncing: x"), Form::Syslog, &[]);
    check(&lines("kernel: BUG: something new"), Form::Syslog, &["4: BUG: something new"]);
    check(&lines("kernel: [    5.123456] BUG: something new"), Form::Syslog, &["4: BUG: something new"]);
    check(&lines("kernel: [T12] BUG: something new"), Form::Syslog, &["4: BUG: something new"]);
}

#[test]
fn nothing_and_nearly_nothing_are_logs() {
    for log in ["", "\n", "\0", "\r\n", "x"] {
        check(log, Form::Bare, &[]);
    }
    check("[    1.000000] BUG: something new", Form::Printk, &["1: BUG: something new"]);
}
