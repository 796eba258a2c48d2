//! The rules against whole consoles: captures of real boots, and reports in the kernel's wording.

mod reports;
mod wordings;

use lab_protocol::KernelMessage;

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
    let flood = stamped(&"BUG: flood\n".repeat(3000));
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
fn warnings_are_what_is_told_beside_findings() {
    let message = |&(level, text): &(u8, &str)| KernelMessage { level, text: text.to_owned() };
    let told = [
        (4, "slow at 0xffff"),
        (3, "bad"),
        (4, "slow at 0xaaaa"),
        (4, "WARNING: CPU: 0 PID: 7 at fs/a.c:1 f+0x1/0x2"),
    ];
    let told = KernelWarnings { messages: told.iter().map(message).collect(), left_out: 0 };
    let all = warnings(&told, &[]);
    assert_eq!(all[..2], [("slow at ADDR".to_owned(), 4), ("bad".to_owned(), 3)]);
    assert_eq!(all.len(), 3);
    let found = findings(b"[    1.000000] WARNING: CPU: 0 PID: 9 at fs/a.c:1 f+0x1/0x2\n");
    assert_eq!(warnings(&told, &found), all[..2]);
}

#[test]
fn the_last_line_is_the_guests_own() {
    let console = include_bytes!("../../../tests/data/console/lab-kvm-hang.log");
    assert!(console.trim_ascii_end().ends_with(b"Dazed and confused, but trying to continue"));
    assert_eq!(last_line(console), "[   20.478172][    T1] init (1): drop_caches: 4");
}

/// kernel/panic.c: __warn() of Linux 7.3, with and without the place of the source; the text of the WARN() follows.
#[test]
fn warnings_of_new_kernels_name_function_and_text() {
    check(
        "------------[ cut here ]------------\nWARNING: fs/fuse/dev.c:77 at fuse_put+0x12/0x34 [fuse], CPU#0: dd/7\n\
         Modules linked in:\nCPU: 0 UID: 0 PID: 7 Comm: dd Not tainted 7.3.4 #1\nRIP: 0010:fuse_put+0x12/0x34\n\
         ---[ end trace 0000000000000000 ]---",
        &["warning: WARNING in fuse_put"],
    );
    check(
        "------------[ cut here ]------------\nWARNING: at fuse_put+0x12/0x34, CPU#0: dd/7\nCPU: 0\n---[ end trace 0 ]---",
        &["warning: WARNING in fuse_put"],
    );
    check(
        "------------[ cut here ]------------\nWARNING: lib/refcount.c:28 at refcount_warn_saturate+0xb/0xc, CPU#0: dd/7\n\
         refcount_t: underflow; use-after-free.\nModules linked in:\nRIP: 0010:refcount_warn_saturate+0xb/0xc\n\
         Call Trace:\n fuse_put+0x1/0x2\n---[ end trace 0 ]---",
        &["refcount: refcount_t: underflow; use-after-free in fuse_put"],
    );
}

/// fs/super.c: generic_shutdown_super(), lib/list_debug.c: the text first, then BUG() with its `cut here`.
#[test]
fn a_text_before_cut_here_belongs_to_it() {
    for (text, expected) in [
        ("VFS: Busy inodes after unmount of sda (ext4)", "bug: VFS: Busy inodes after unmount in fuse_put"),
        (
            "list_del corruption, ffff888001234567->next is LIST_POISON1 (dead000000000100)",
            "list-corruption: list_del corruption in fuse_put",
        ),
    ] {
        let bug = "------------[ cut here ]------------\nkernel BUG at fs/super.c:661!\nOops: invalid opcode: 0000 [#1] SMP\n\
                   CPU: 0\nRIP: 0010:__list_del_entry_valid_or_report+0x1/0x2\nCall Trace:\n fuse_put+0x1/0x2";
        check(&format!("{text}\n{bug}"), &[expected]);
    }
}

#[test]
fn a_report_whose_second_line_is_a_list_or_a_dump_is_whole() {
    // kernel/sched/core.c: __might_resched().
    check(
        "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585\n\
         in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 7, name: dd\npreempt_count: 1, expected: 0\n\
         RCU nest depth: 0, expected: 0\n1 lock held by dd/7:\n #0: ffff888001 (&a){+.+.}-{3:3}, at: other+0x1/0x2\n\
         CPU: 0\nCall Trace:\n dump_stack_lvl+0x1/0x2\n __might_resched+0x1/0x2\n mutex_lock+0x1/0x2\n fuse_put+0x1/0x2",
        &["bug: BUG: sleeping function called from invalid context at kernel/locking/mutex.c in fuse_put"],
    );
    // mm/page_alloc.c: bad_page(), mm/debug.c: __dump_page(). Nothing of the process is in the title.
    check(
        "BUG: Bad page state in process dd  pfn:12345\npage: refcount:0 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x12345\n\
         flags: 0x100000000000000(node=0|zone=1)\nraw: 0100000000000000\nraw: 0000000000000000\n\
         page dumped because: nonzero mapcount\nline\nline\nline\nline\nline\nline\nline\nline\nCPU: 0\nCall Trace:\n \
         bad_page+0x1/0x2\n free_unref_page+0x1/0x2\n fuse_put+0x1/0x2",
        &["bug: BUG: Bad page state in fuse_put"],
    );
    // arch/arm64/mm/fault.c: die_kernel_fault(), mem_abort_decode().
    check(
        "Unable to handle kernel paging request at virtual address dfff800000000001\nMem abort info:\n  ESR = 0x0000000096000005\n\
         l\nl\nl\nl\nl\nl\nl\nl\nl\nl\nl\nInternal error: Oops: 0000000096000005 [#1] PREEMPT SMP\npc : fuse_put+0x1/0x2\nlr : other+0x1/0x2",
        &["oops: BUG: unable to handle kernel access in fuse_put"],
    );
}

/// kernel/hung_task.c of Linux 7.3: debug_show_blocker() names who has the lock, in a line that looks like a header.
#[test]
fn the_owner_of_the_lock_is_part_of_a_hang() {
    check(
        "INFO: task dd:7 blocked for more than 143 seconds.\n      Not tainted 7.3.4 #1\nCall Trace:\n __schedule+0x1/0x2\n \
         __mutex_lock+0x1/0x2\n fuse_put+0x1/0x2\nINFO: task dd:7 is blocked on a mutex likely owned by task cat:8.\n\
         task:cat state:S\nCall Trace:\n __schedule+0x1/0x2\n other+0x1/0x2",
        &["hung-task: task hung in fuse_put"],
    );
}

#[test]
fn titles_have_neither_process_nor_pid() {
    // lib/smp_processor_id.c: check_preemption_disabled(); kernel/locking/spinlock_debug.c: spin_dump().
    for (one, other) in [
        (
            "BUG: using smp_processor_id() in preemptible [00000000] code: dd/7",
            "BUG: using smp_processor_id() in preemptible [00000001] code: kworker/u8:3/99",
        ),
        ("BUG: spinlock bad magic on CPU#0, dd/7", "BUG: spinlock bad magic on CPU#3, (udev-worker)/1234"),
        ("WARNING: dd/7 still has locks held!", "WARNING: cat/8 still has locks held!"),
        (
            "BUG: Bad rss-counter state mm:00000000abcdef01 type:MM_FILEPAGES val:1 Comm:dd Pid:7",
            "BUG: Bad rss-counter state mm:00000000abcdef02 type:MM_ANONPAGES val:3 Comm:cat Pid:8",
        ),
    ] {
        let title = |text: &str| findings(stamped(text).as_bytes())[0].title.clone();
        assert_eq!(title(one), title(other));
        assert!(!title(one).contains("dd"), "{}", title(one));
    }
}

#[test]
fn what_a_program_or_a_driver_says_is_no_finding() {
    for line in [
        "mydaemon:INFO: all is well",
        "mydriver:WARNING: all is not well",
        "INFO: something without a report",
        "e1000e 0000:00:19.0 eth0: WARNING: the link is slow",
        // net/wireless/wext-core.c: wireless_warn_cfg80211_wext(); kernel/capability.c: warn_legacy_capability_use().
        "warning: `iwconfig' uses wireless extensions which will stop working for Wi-Fi 7 hardware; use nl80211",
        "warning: `dd' uses 32-bit capabilities (legacy support in use)",
        "BUG fuse_request (Not tainted): a header alone",
    ] {
        check(line, &[]);
    }
    // mm/slub.c: slab_bug().
    check(
        "=============================================================================\n\
         BUG fuse_request (Not tainted): Poison overwritten\n\
         -----------------------------------------------------------------------------\n\nCall Trace:\n check_object+0x1/0x2\n \
         fuse_put+0x1/0x2",
        &["slab: BUG fuse_request: Poison overwritten in fuse_put"],
    );
    // Within a report a bare INFO is a line of it.
    check(
        "BUG: kernel NULL pointer dereference, address: 0000000000000008\nCPU: 0\nINFO: a line of a driver\nRIP: 0010:fuse_put+0x1/0x2",
        &["oops: BUG: kernel NULL pointer dereference in fuse_put"],
    );
}

#[test]
fn several_boots_in_one_log_start_without_a_finding() {
    let log = stamped(
        "Linux version 6.12\nKernel panic - not syncing: x\nLinux version 6.12\nKernel panic - not syncing: y",
    );
    let titles = short(&findings_of(log.as_bytes(), Boots::Any));
    assert_eq!(titles, ["panic: Kernel panic - not syncing: x", "panic: Kernel panic - not syncing: y"]);
    let restarted = stamped("Linux version 6.12\nfine\nLinux version 6.12\nfine");
    assert_eq!(findings_of(restarted.as_bytes(), Boots::Any), []);
}

#[test]
fn what_is_printed_unusually_is_found() {
    // arch/x86/mm/extable.c: ex_handler_msr().
    check(
        "unchecked MSR access error: WRMSR to 0x1b0 (tried to write 0x0000000000000006) at rIP: 0xffffffff81234567 (native_write_msr+0x4/0x20)\n\
         Call Trace:\n <TASK>\n fuse_put+0x1/0x2",
        &["warning: unchecked MSR access error in fuse_put"],
    );
    // arch/x86/kernel/traps.c: double_fault(), in very old kernels without the `#`.
    check(
        "double fault: 0000 [1] SMP\nCPU: 0\nRIP: 0010:fuse_put+0x1/0x2",
        &["oops: double fault in fuse_put"],
    );
    // include/linux/rtnetlink.h: ASSERT_RTNL(), in old kernels with pr_err() and dump_stack().
    check(
        "RTNL: assertion failed at net/core/dev.c (77)\nCPU: 0\nCall Trace:\n dump_stack+0x1/0x2\n fuse_put+0x1/0x2",
        &["warning: RTNL: assertion failed in fuse_put"],
    );
    check(
        "crng init doneBUG: KASAN: double-free in fuse_put+0x1/0x2\nCPU: 0",
        &["kasan: BUG: KASAN: double-free in fuse_put"],
    );
    // kernel/printk/printk.c: console_prepend_replay().
    let replayed = b"[    5.000000][    T7] BUG: KASAN: double-fr** replaying previous printk message **\n\
                     [    5.000000][    T7] BUG: KASAN: double-free in fuse_put+0x1/0x2\n[    5.000000][    T7] CPU: 0\n";
    assert_eq!(short(&findings(replayed)), ["kasan: BUG: KASAN: double-free in fuse_put"]);
    // net/core/dev.c: netdev_wait_allrefs_any(), lib/ref_tracker.c: ref_tracker_dir_print().
    check(
        "unregister_netdevice: waiting for lo to become free. Usage count = 2\n\
         ref_tracker: netdev@ffff888001234567 has 1/1 users at\n     fuse_put+0x1/0x2",
        &["leak: unregister_netdevice: waiting for a device to become free in fuse_put"],
    );
    // arch/riscv/kernel/traps.c: do_trap_break(), die().
    check(
        "------------[ cut here ]------------\nkernel BUG at fs/fuse/dev.c:77!\nKernel BUG [#1]\nModules linked in:\n\
         epc : fuse_put+0x1/0x2\n ra : other+0x1/0x2",
        &["oops: kernel BUG in fuse_put"],
    );
    // kernel/panic.c: __stack_chk_fail(), with and without the name.
    let corrupted = "Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in:";
    for function in ["fuse_put+0x1/0x2", "ffffffff81234567"] {
        let named = if function.contains("+0x") { "fuse_put" } else { "ADDR in fuse_put" };
        check(
            &format!(
                "{corrupted} {function}\nCPU: 0\nCall Trace:\n panic+0x1/0x2\n __stack_chk_fail+0x1/0x2\n fuse_put+0x1/0x2"
            ),
            &[&format!("panic: {corrupted} {named}")],
        );
    }
    // kernel/sched/core.c: schedule_debug(). Such a panic has no report before it.
    check(
        "Kernel panic - not syncing: corrupted stack end detected inside scheduler\nCPU: 0\nCall Trace:\n panic+0x1/0x2\n \
         __schedule+0x1/0x2\n fuse_put+0x1/0x2",
        &["panic: Kernel panic - not syncing: corrupted stack end detected inside scheduler in fuse_put"],
    );
}
