//! The rules against whole consoles: captures of real boots, and reports in the kernel's wording.

use super::*;

fn short(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {}", finding.kind, finding.title)).collect()
}

/// Gives each line a timestamp, as a kernel with printk times does.
fn stamped(text: &str) -> String {
    text.lines().enumerate().map(|(i, line)| format!("[{:5}.{i:06}][    T7] {line}\n", 1)).collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(short(&findings(stamped(text).as_bytes())), expected, "{text}");
}

#[test]
fn one_report_of_several_headers_is_one_finding() {
    check(
        "BUG: kernel NULL pointer dereference, address: 0000000000000008\n#PF: supervisor read access in kernel mode\n\
         Oops: Oops: 0000 [#1] PREEMPT SMP\nCPU: 0 UID: 0 PID: 7 Comm: dd Not tainted 6.12.117 #1\n\
         RIP: 0010:fuse_aio_complete+0x12/0x100\nCall Trace:\n <TASK>\n ? __die+0x1f/0x60\n fuse_dev_do_write+0x1/0x2\n\
         ---[ end trace 0000000000000000 ]---\nKernel panic - not syncing: Fatal exception\nKernel Offset: disabled",
        &["oops: BUG: kernel NULL pointer dereference in fuse_aio_complete"],
    );
    check(
        "------------[ cut here ]------------\nrefcount_t: underflow; use-after-free.\n\
         WARNING: CPU: 0 PID: 7 at lib/refcount.c:28 refcount_warn_saturate+0xba/0x110\nModules linked in:\n\
         RIP: 0010:refcount_warn_saturate+0xba/0x110\nCall Trace:\n fuse_io_release+0x1/0x2\n---[ end trace 0 ]---",
        &["refcount: refcount_t: underflow; use-after-free in fuse_io_release"],
    );
    check(
        "------------[ cut here ]------------\nkernel BUG at fs/fuse/dev.c:77!\nOops: invalid opcode: 0000 [#1] SMP\n\
         RIP: 0010:fuse_request_end+0x1/0x2\nnote: dd[7] exited with preempt_count 1\n\
         Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b",
        &["oops: kernel BUG in fuse_request_end"],
    );
    check(
        "------------[ cut here ]------------\nBUG: text of a WARN\nWARNING: CPU: 0 PID: 7 at fs/x.c:1 f+0x1/0x2\n\
         CPU: 0 PID: 7 Comm: dd\n---[ end trace 0 ]---",
        &["bug: BUG: text of a WARN in f"],
    );
    check(
        "rcu: INFO: rcu_preempt self-detected stall on CPU\nrcu: \t0-....: (1 GPs behind)\nCPU: 0 PID: 7\n\
         RIP: 0010:fuse_spin+0x1/0x2\nrcu: rcu_preempt kthread starved for 10 jiffies!",
        &["rcu-stall: rcu stall in fuse_spin"],
    );
    check(
        "dd invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\nCPU: 0 PID: 7\nMem-Info:\n\
         Out of memory: Killed process 7 (dd)\nKernel panic - not syncing: System is deadlocked on memory",
        &["oom: out of memory"],
    );
}

#[test]
fn two_findings_are_two_and_the_panic_is_the_last() {
    let warning = "------------[ cut here ]------------\nWARNING: CPU: 0 PID: 7 at fs/fuse/dev.c:1 f+0x1/0x2\n\
                   CPU: 0 PID: 7\n---[ end trace 0 ]---\n";
    check(
        &format!(
            "{warning}{warning}Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n{warning}"
        ),
        &[
            "warning: WARNING in f",
            "warning: WARNING in f",
            "panic: Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(N,N)",
        ],
    );
    check(
        "Oops: 0000 [#1] SMP\nRIP: 0010:f+0x1/0x2\nOops: 0000 [#2] SMP\nRIP: 0010:g+0x1/0x2",
        &["oops: Oops in f", "oops: Oops in g"],
    );
    check(
        "INFO: task dd:7 blocked for more than 420 seconds.\n      Not tainted 6.12.117 #1\nCall Trace:\n __schedule+0x1/0x2\n \
         f+0x1/0x2\nINFO: task cat:8 blocked for more than 420 seconds.\n      Not tainted 6.12.117 #1\nCall Trace:\n \
         __schedule+0x1/0x2\n g+0x1/0x2\nKernel panic - not syncing: hung_task: blocked tasks",
        &["hung-task: task hung in f", "hung-task: task hung in g"],
    );
    let kasan = "==================================================================\n\
         BUG: KASAN: slab-use-after-free in fuse_put+0x1/0x2\nRead of size 8 at addr ffff888001234567 by task dd/7\n\nCPU: 0\n\
         Call Trace:\n dump_stack_lvl+0x1/0x2\n kasan_report+0x1/0x2\n fuse_put+0x1/0x2\n\
         ==================================================================\nDisabling lock debugging due to kernel taint\n";
    let oops = "Oops: general protection fault, probably for non-canonical address 0xdffffc0000000000: 0000 [#1] SMP KASAN\n\
         KASAN: null-ptr-deref in range [0x0000000000000000-0x0000000000000007]\nRIP: 0010:fuse_put+0x9/0x20";
    check(
        &format!("{kasan}{oops}"),
        &["kasan: BUG: KASAN: slab-use-after-free in fuse_put", "oops: general protection fault in fuse_put"],
    );
}

#[test]
fn cpus_that_talk_at_once_are_told_apart() {
    let line = |caller: &str, text: &str| format!("[    1.000000][{caller:>6}] {text}\n");
    let mut console = String::new();
    let one = [
        "BUG: kernel NULL pointer dereference, address: 0",
        "Oops: Oops: 0000 [#1] SMP",
        "CPU: 0",
        "RIP: 0010:one+0x1/0x2",
    ];
    let two = [
        "------------[ cut here ]------------",
        "WARNING: CPU: 1 PID: 8 at fs/x.c:1 two+0x1/0x2",
        "CPU: 1",
        "Call Trace:",
    ];
    for (first, second) in one.iter().zip(&two) {
        console += &(line("T7", first) + &line("C1", second));
    }
    let found = findings(console.as_bytes());
    assert_eq!(
        short(&found),
        ["oops: BUG: kernel NULL pointer dereference in one", "warning: WARNING in two"]
    );
    assert_eq!(found[0].text, one.join("\n") + "\n");
    assert_eq!(found[1].text, two.join("\n") + "\n");
}

#[test]
fn a_second_start_is_a_finding_unless_a_panic_explains_it() {
    check("Linux version 6.12\nfine\nLinux version 6.12\nfine", &["reboot: unexpected reboot"]);
    check(
        "Linux version 6.12\nKernel panic - not syncing: x\nLinux version 6.12",
        &["panic: Kernel panic - not syncing: x"],
    );
    check("Linux version 6.12\nproc: Linux version 6.12", &[]);
}

#[test]
fn a_possible_notice_needs_a_report() {
    check("INFO: possible SYN flooding on port 1\nother line", &[]);
    check(
        "======================================================\nWARNING: possible circular locking dependency detected\n\
         6.12.117 #1 Not tainted\n------------------------------------------------------\n\
         dd/7 is trying to acquire lock:\nffff888001 (&a){+.+.}-{3:3}, at: fuse_a+0x1/0x2",
        &["lockdep: WARNING: possible circular locking dependency detected in fuse_a"],
    );
}

#[test]
fn a_report_of_one_line_keeps_to_itself() {
    let console = stamped("VFS: Busy inodes after unmount of fuse (fuse)\nother\nother");
    assert_eq!(findings(console.as_bytes())[0].text, "VFS: Busy inodes after unmount of fuse (fuse)\n");
}

#[test]
fn hostile_bytes_neither_hide_nor_hang() {
    let mut console = stamped("WARNING: CPU: 0 PID: 7 at fs/x.c:1 f+0x1/0x2").into_bytes();
    for junk in [&b"\0\0\xff\xfe\x1b[2J"[..], &[b'x'; 2 << 20], b"\r\n\r\n", &[0; 100_000]] {
        console.splice(0..0, junk.iter().copied());
        assert_eq!(short(&findings(&console)), ["warning: WARNING in f"]);
    }
    let flood = stamped(&"WARNING: flood\n".repeat(3000));
    assert_eq!(findings(flood.as_bytes()).len(), 1000);
    let long = stamped(&format!(
        "WARNING: CPU: 0 PID: 7 at x\n{}",
        "CPU: 0 yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n".repeat(5000)
    ));
    let found = findings(long.as_bytes());
    assert!(found[0].text.len() <= MAX_TEXT && found[0].text.ends_with("is cut here\n"));
}

#[test]
fn ids_tell_faults_apart_and_boots_not() {
    let id = |text: &str| findings(stamped(text).as_bytes())[0].id.clone();
    let one = id("WARNING: CPU: 0 PID: 7 at fs/x.c:1 f+0x1/0x2");
    assert_eq!(one, id("WARNING: CPU: 3 PID: 99 at fs/x.c:8 f+0x5/0x8"));
    assert_ne!(one, id("WARNING: CPU: 0 PID: 7 at fs/x.c:1 g+0x1/0x2"));
    assert!(one.starts_with("warning-") && one.len() == "warning-".len() + 8, "{one}");
}

#[test]
fn the_end_mark_counts_only_from_this_boot_and_from_the_kernel_log() {
    let nonce = Nonce([7; 16]);
    let mark = format!("{END_MARK} {nonce}");
    for (console, expected) in [
        (stamped(&mark), true),
        (stamped(&format!("{END_MARK}: {nonce}\r")), true),
        (format!("{mark}\n"), false),
        (stamped(&format!("{END_MARK} {}", Nonce([8; 16]))), false),
        (stamped(&format!("{mark}0")), false),
        (stamped(&format!("init: {mark}")), false),
        (String::new(), false),
    ] {
        assert_eq!(end_mark(console.as_bytes(), nonce), expected, "{console}");
    }
}

#[test]
fn last_words() {
    for (console, expected) in [
        (&b"[    1.000000] a\r\n[    2.000000] b \r\n\r\n"[..], "[    2.000000] b"),
        (b"unended \x07", "unended \\x07"),
        (b"", ""),
        (b"\n\n", ""),
    ] {
        assert_eq!(last_line(console), expected);
    }
}

#[test]
fn warnings_are_seen_where_levels_are() {
    let console = b"<4>[    1.000000] slow at 0xffff\n<6>[    1.000000] fine\n[    1.000000] no level\n<3>[    2.000000] bad\n<4>[    3.000000] slow at 0xaaaa\n";
    assert_eq!(warnings(console), ["slow at ADDR", "bad"]);
}

#[test]
fn the_last_line_is_the_guests_own() {
    let console = include_bytes!("../../../tests/data/console/lab-kvm-hang.log");
    assert!(console.trim_ascii_end().ends_with(b"Dazed and confused, but trying to continue"));
    assert_eq!(last_line(console), "[   20.478172][    T1] init (1): drop_caches: 4");
}
