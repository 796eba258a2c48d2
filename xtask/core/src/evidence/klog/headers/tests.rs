//! Which lines are headers.

use super::*;

#[test]
fn every_row_of_the_table_can_be_reached() {
    // Each is hit by its own text with the metacharacters filled in, unless an upper row takes it.
    let samples = [
        ("BUG: KASAN: slab-use-after-free in f+0x1/0x2", Kind::Kasan),
        ("BUG: KMSAN: uninit-value in f+0x1/0x2", Kind::Kmsan),
        ("BUG: KCSAN: data-race in f / g", Kind::Kcsan),
        ("BUG: KFENCE: out-of-bounds read in f+0x1/0x2", Kind::Kfence),
        ("watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [dd:12]", Kind::SoftLockup),
        ("BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!", Kind::WorkqueueLockup),
        ("BUG: memory leak", Kind::Leak),
        ("BUG: unable to handle page fault for address: ffff888000000000", Kind::Oops),
        ("BUG: unable to handle kernel NULL pointer dereference at 0000000000000008", Kind::Oops),
        ("BUG: kernel NULL pointer dereference, address: 0000000000000000", Kind::Oops),
        ("BUG: TASK stack guard page was hit at 00000000", Kind::Oops),
        ("BUG: scheduling while atomic: dd/12/0x00000002", Kind::Bug),
        ("BUG: MAX_LOCKDEP_ENTRIES too low!", Kind::Lockdep),
        ("[ BUG: Invalid wait context ]", Kind::Lockdep),
        ("BUG: Bad page state in process dd  pfn:12345", Kind::Bug),
        ("BUG kmalloc-64 (Not tainted): Poison overwritten", Kind::Slab),
        ("BUG fuse_request (Tainted: G    B  ): Redzone overwritten", Kind::Slab),
        ("BUG filp(3:a) (Not tainted): Poison overwritten", Kind::Slab),
        ("WARNING: possible circular locking dependency detected", Kind::Lockdep),
        ("WARNING: dd/12 still has locks held!", Kind::Lockdep),
        ("WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", Kind::Lockdep),
        ("WARNING: CPU: 0 PID: 12 at fs/fuse/dev.c:1 f+0x1/0x2", Kind::Warning),
        ("WARNING: fs/fuse/dev.c:1 at f+0x1/0x2, CPU#0: dd/12", Kind::Warning),
        ("WARNING: kernel stack regs at 00000000 in dd:12 has bad 'bp' value 00000000", Kind::Warning),
        ("INFO: task dd:12 blocked for more than 420 seconds.", Kind::HungTask),
        ("INFO: task dd:12 can't die for more than 420 seconds.", Kind::HungTask),
        ("rcu: INFO: rcu_preempt self-detected stall on CPU", Kind::RcuStall),
        ("rcu: INFO: rcu_sched detected stalls on CPUs/tasks:", Kind::RcuStall),
        ("rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: {", Kind::RcuStall),
        ("INFO: rcu_tasks detected stalls on tasks:", Kind::RcuStall),
        ("INFO: trying to register non-static key.", Kind::Lockdep),
        ("INFO: something new", Kind::Info),
        ("task dd:12 blocked for more than 420 seconds", Kind::HungTask),
        ("rcu: rcu_preempt kthread starved for 10502 jiffies! g1 f0x0", Kind::RcuStall),
        ("NMI watchdog: Watchdog detected hard LOCKUP on cpu 1", Kind::HardLockup),
        ("Unable to handle kernel paging request at virtual address 0000", Kind::Oops),
        ("Oops: general protection fault, probably for non-canonical address 0x0: 0000 [#1]", Kind::Oops),
        ("general protection fault: 0000 [#1] PREEMPT SMP", Kind::Oops),
        ("stack segment: 0000 [#1] SMP", Kind::Oops),
        ("divide error: 0000 [#1] SMP", Kind::Oops),
        ("divide_error: 0000 [#1] SMP", Kind::Oops),
        ("invalid opcode: 0000 [#1] SMP", Kind::Oops),
        ("int3: 0000 [#1] SMP", Kind::Oops),
        ("traps: PANIC: double fault, error_code: 0x0", Kind::Oops),
        ("kernel BUG at fs/fuse/dev.c:1!", Kind::Oops),
        ("Oops - illegal instruction [#1]", Kind::Oops),
        ("Oops [#1]", Kind::Oops),
        ("Kernel BUG [#1]", Kind::Oops),
        ("double fault: 0000 [1] SMP", Kind::Oops),
        (
            "unchecked MSR access error: RDMSR from 0x1b0 at rIP: 0xffffffff81234567 (f+0x1/0x2)",
            Kind::Warning,
        ),
        ("RTNL: assertion failed at net/core/dev.c (77)", Kind::Warning),
        ("WARNING: at f+0x1/0x2, CPU#0: dd/12", Kind::Warning),
        ("INFO: task dd:12 is blocked on a mutex likely owned by task cat:13.", Kind::HungTask),
        ("BUG: key ffff888000000000 has not been registered!", Kind::Lockdep),
        ("BUG: Dentry ffff888000000000{i=1,n=x}  still in use (1) [unmount of ext4 sda]", Kind::Bug),
        ("Kernel BUG at f+0x1/0x2 [verbose debug info unavailable]", Kind::Oops),
        ("Internal error: Oops: 0000000096000006 [#1] SMP", Kind::Oops),
        ("Unhandled fault: external abort (0x1) at 0x0", Kind::Oops),
        ("Alignment trap: not handling instruction e1 at [<0>]", Kind::Oops),
        ("rust_kernel: panicked at x.rs:1:1", Kind::Oops),
        ("Kernel panic - not syncing: Fatal exception", Kind::Panic),
        (" -- System halted", Kind::Panic),
        ("UBSAN: array-index-out-of-bounds in fs/fuse/dev.c:1:2", Kind::Ubsan),
        ("CFI failure at f+0x1/0x2 (target: g+0x0/0x1; expected type: 0x0)", Kind::Cfi),
        ("refcount_t: underflow; use-after-free.", Kind::Refcount),
        ("ref_tracker: net@0 has 1/1 users at", Kind::Leak),
        ("list_add corruption. prev->next should be next (0), but was 0.", Kind::ListCorruption),
        ("list_del corruption, 0->next is LIST_POISON1 (0)", Kind::ListCorruption),
        ("DEBUG_LOCKS_WARN_ON(1)", Kind::Lockdep),
        ("dd invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0", Kind::Oom),
        ("Out of memory: Killed process 12 (dd)", Kind::Oom),
        ("dd: page allocation failure: order:4, mode:0x0", Kind::AllocationFailure),
        ("unreferenced object 0xffff888000000000 (size 32):", Kind::Leak),
        ("irq 16: nobody cared (try booting with the \"irqpoll\" option)", Kind::Irq),
        ("mce: [Hardware Error]: Machine check events logged", Kind::MachineCheck),
        ("unregister_netdevice: waiting for lo to become free. Usage count = 2", Kind::Leak),
        ("VFS: Close: file count is 0 (f_op=0)", Kind::Bug),
        ("VFS: Busy inodes after unmount of fuse (fuse)", Kind::Bug),
    ];
    for (message, expected) in samples {
        assert_eq!(find(message).map(|found| found.header.kind), Some(expected), "{message}");
    }
}

#[test]
fn what_looks_like_a_header_and_is_none() {
    for message in [
        "INFO: lockdep is turned off.",
        "rcu: INFO: Stall ended before state dump start",
        "INFO: NMI handler (perf_event_nmi_handler) took too long to run: 1.2 msecs",
        "Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible via Spectre v2 BHB attacks!",
        "Speculative Return Stack Overflow: WARNING: See https://kernel.org/doc/html/latest/admin-guide/hw-vuln/srso.html for mitigation options.",
        "RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks, data leaks possible!",
        "EXT4-fs (sda1): INFO: recovery required on readonly filesystem",
        "WARNING: The mand mount option has been deprecated and",
        "ODEBUG: free active (active state 0) object type: timer_list",
        "DEBUG: x",
        "Boot_DEBUG: x",
        "BIN_INFO: x",
        "ANDROID_INFO:: x",
        "traps: dd[27] general protection fault ip:401885 sp:7ffd0cafcfc0 error:0 in dd[1885,401000+7a000]",
        "traps: dd[28] trap invalid opcode ip:401877 sp:7ffd0cafcfc0 error:0 in dd[1877,401000+7a000]",
        "dd[26]: segfault at 0 ip 0000000000401858 sp 00007ffd0cafcfc0 error 6 in dd[1858,401000+7a000]",
        "systemd[1]: WARNING: a unit says so",
        "Command line: console=ttyS0 note=BUG: nothing",
        "Kernel command line: console=ttyS0 note=\"Kernel panic\"",
        "Unknown kernel command line parameters \"note=BUG:\", will be passed to user space.",
        "fuse: Unknown parameter 'x BUG: y'",
        "EXT4-fs (sda1): Unrecognized mount option \"Kernel panic\" or missing value",
        "mce: CPU supports 10 MCE banks",
        "reboot: System halted",
        "debug: x",
        "INFORMATION: x",
        "sysrq: Trigger a crash",
    ] {
        assert_eq!(find(message).map(|found| found.header.kind), None, "{message}");
    }
}

#[test]
fn an_apostrophe_is_no_quotation() {
    assert!(find("can't go on, the CPU's dead: BUG: x").is_some());
}

/// Else the line that is nearly always there, with none of them, could not be told from one with a header.
#[test]
fn each_row_fixes_a_text_that_few_lines_have() {
    for (pattern, ..) in TABLE {
        let texts = texts_of(pattern).unwrap_or_default();
        let shortest = texts.iter().map(Vec::len).min();
        assert!(shortest >= Some(4), "{pattern}: {texts:?}");
        assert!(texts.iter().all(|text| text.is_ascii()), "{pattern}");
    }
}
