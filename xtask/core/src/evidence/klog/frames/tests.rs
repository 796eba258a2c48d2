//! The function of a report, line by line.

use super::*;

fn check(kind: Kind, lines: &[&str], expected: Option<&str>) {
    let mut frames = Frames::default();
    for line in lines {
        frames.add(line);
    }
    assert_eq!(frames.culprit(kind), expected, "{lines:?}");
}

#[test]
fn the_first_function_that_is_no_machinery_is_named() {
    let oops = [
        "RIP: 0010:memcpy_orig+0x1e/0x140",
        "Call Trace:",
        " <TASK>",
        " ? fuse_guess+0x1/0x2",
        " fuse_copy_do+0x1/0x2",
    ];
    check(Kind::Oops, &oops, Some("fuse_copy_do"));
    check(Kind::Oops, &["RIP: 0010:fuse_dev_do_read.constprop.0+0x5/0x9"], Some("fuse_dev_do_read"));
    check(Kind::Oops, &["RIP: 0010:0x0", " [<ffffffff81000000>] f.isra.3.part.1+0x5/0x9"], Some("f"));
    check(Kind::Oops, &["RIP: 0033:0x431910", "RAX: ffffffffffffffda"], None);
    check(
        Kind::Warning,
        &["WARNING: CPU: 0 PID: 1 at lib/refcount.c:28 refcount_warn_saturate+0xb/0xc", " fuse_put+0x1/0x2"],
        Some("fuse_put"),
    );
    check(Kind::Warning, &["WARNING: fs/fuse/dev.c:5 at fuse_put+0x1/0x2, CPU#0: dd/12"], Some("fuse_put"));
    check(Kind::Kasan, &["BUG: KASAN: slab-use-after-free in fuse_put+0x1/0x2"], Some("fuse_put"));
    check(Kind::RcuStall, &["RIP: 0010:native_write_msr+0x4/0x20", " fuse_spin+0x1/0x2"], Some("fuse_spin"));
    check(
        Kind::HungTask,
        &[" __schedule+0x1/0x2", " schedule+0x1/0x2", " fuse_wait+0x1/0x2"],
        Some("fuse_wait"),
    );
    check(
        Kind::Lockdep,
        &["ffff888 (&fi->lock){+.+.}-{2:2}, at: fuse_a+0x1/0x2", " dump_stack_lvl+0x1/0x2"],
        Some("fuse_a"),
    );
    check(Kind::Oops, &[" panic+0x1/0x2"], Some("panic"));
}

/// Each form is that of the function named beside it.
#[test]
fn frames_are_read_in_the_form_of_each_architecture() {
    for line in [
        // arch/x86/kernel/dumpstack.c: show_ip(), printk_stack_address(); in old kernels with addresses.
        "RIP: 0010:fuse_put+0x1/0x2 [fuse]",
        "RIP: 0010:[<ffffffff81234567>]  [<ffffffff81234567>] fuse_put+0x1/0x2",
        "EIP: fuse_put+0x1/0x2",
        "EIP is at fuse_put+0x1/0x2",
        " [<ffffffff81234567>] fuse_put.isra.0.cold+0x1/0x2",
        // arch/arm64/kernel/process.c: __show_regs(); stacktrace.c: dump_backtrace_entry().
        "pc : fuse_put+0x1/0x2",
        " fuse_put.constprop.0+0x1/0x2 (P)",
        // arch/arm/kernel/process.c: __show_regs(); traps.c: dump_backtrace_entry().
        "PC is at fuse_put+0x1/0x2",
        "[<c0123456>] (fuse_put) from [<c0234567>] (other+0x1/0x2)",
        "[<c0123456>] (fuse_put+0x1/0x2) from [<c0234567>] (other+0x1/0x2)",
        " fuse_put from other+0x1/0x2",
        // arch/riscv/kernel/process.c: __show_regs(); stacktrace.c: print_trace_address().
        "epc : fuse_put+0x1/0x2",
        "[<ffffffff80001234>] fuse_put+0x1/0x2",
        "[<c0123456>] (fuse_put [fuse]) from [<c0234567>] (other+0x1/0x2 [fuse])",
        "[<c0123456>](fuse_put+0x1/0x2) from [<c0234567>](other+0x1/0x2)",
        "[<c0123456>] (fuse_put) from [<ffffffff>] (0xffffffff)",
        // arch/openrisc/kernel/traps.c, with addresses that nobody may see; arch/x86 of Linux 2.6.18.
        "[<(ptrval)>] fuse_put+0x1/0x2",
        " [<ffffffff81234567>] :fuse:fuse_put+0x1/0x2",
        // arch/loongarch/kernel/traps.c, arch/alpha/kernel/traps.c, arch/sparc/kernel/process_32.c, arch/m68k/kernel/traps.c,
        // arch/csky/kernel/ptrace.c, arch/parisc/kernel/traps.c, arch/powerpc/xmon/xmon.c: registers and frames.
        "  ERA: 9000000000123456 fuse_put+0x1/0x2",
        "pc is at fuse_put+0x1/0x2",
        "Caller[f0123456]: fuse_put+0x1/0x2",
        "PC: [<00123456>] fuse_put+0x1/0x2",
        "PC: 0x00123456 (fuse_put+0x1/0x2)",
        " IAOQ[0]: fuse_put+0x1/0x2",
        "    pc: c000000000123456: fuse_put+0x1/0x2",
        // arch/powerpc/kernel/process.c: show_regs(), show_stack().
        "NIP [c000000000123456] fuse_put+0x1/0x2",
        "[c000000012345678] [c000000000123456] fuse_put+0x1/0x2 (unreliable)",
        "--- interrupt: 900 at fuse_put+0x1/0x2",
        // arch/s390/kernel/dumpstack.c: show_registers(), show_stack().
        "Krnl PSW : 0704c00180000000 000003ff80123456 (fuse_put+0x12/0x34 [fuse])",
        "([<000003ff80123456>] fuse_put+0x12/0x34 [fuse])",
        // arch/mips/kernel/traps.c: __show_regs(), show_backtrace().
        "epc   : 80123456 fuse_put+0x12/0x34",
        "[<80123456>] fuse_put+0x12/0x34",
        // arch/loongarch/kernel/process.c: __show_regs(); arch/sparc/kernel/process_64.c: show_regs().
        "   era: 9000000000221234 fuse_put+0x12/0x34",
        "TPC: <fuse_put+0x12/0x34>",
        "PC: <fuse_put+0x12/0x34>",
        // arch/x86/kernel/dumpstack.c of 3.10: die(), show_registers().
        "RIP  [<ffffffff81234567>] fuse_put+0x1/0x2",
        "IP: [<ffffffff81234567>] fuse_put+0x1/0x2",
        // With the places of the source, as decoders append or replace.
        " fuse_put+0x1/0x2 fs/fuse/dev.c:77",
        " fuse_put (fs/fuse/dev.c:77 (discriminator 1)) fuse",
        "RIP: 0010:fuse_put (fs/fuse/dev.c:77)",
        "WARNING: CPU: 0 PID: 7 at fs/fuse/dev.c:77 fuse_put (fs/fuse/dev.c:77)",
        "BUG: KASAN: slab-use-after-free in fuse_put (fs/fuse/dev.c:77)",
    ] {
        check(Kind::Oops, &[line], Some("fuse_put"));
    }
    check(Kind::Oops, &["lr : caller+0x1/0x2", "LR is at caller+0x1/0x2", " ra : caller+0x1/0x2"], None);
    // arch/x86/kernel/unwind_guess.c: whether it called is not known, and it counts where nothing else does.
    check(Kind::Oops, &[" ? fuse_get+0x1/0x2", " dump_stack+0x1/0x2"], Some("fuse_get"));
    check(Kind::Oops, &[" ? fuse_get+0x1/0x2", " fuse_put+0x1/0x2"], Some("fuse_put"));
}

#[test]
fn a_warning_in_a_helper_names_its_caller() {
    for helper in [
        // net/core/skbuff.c: skb_panic() is called by skb_over_panic(), that by skb_put().
        &["RIP: 0010:skb_panic+0x1/0x2", " skb_put.cold+0x1/0x2"][..],
        // lib/kobject.c: kobject_add_internal().
        &["RIP: 0010:kobject_add_internal+0x1/0x2", " kobject_init_and_add+0x1/0x2"],
        // lib/debugobjects.c: debug_print_object(), for kernel/time/timer.c.
        &["RIP: 0010:debug_print_object+0x1/0x2", " __debug_check_no_obj_freed+0x1/0x2", " kfree+0x1/0x2"],
        // lib/rbtree.c, lib/xarray.c, lib/crc/.
        &["RIP: 0010:rb_erase+0x1/0x2"],
        &["RIP: 0010:xas_load+0x1/0x2", " xa_load+0x1/0x2"],
        &["RIP: 0010:crc32_le_base+0x1/0x2"],
        // lib/fault-inject.c and mm/failslab.c.
        &[
            " dump_stack_lvl+0x1/0x2",
            " should_fail_ex+0x1/0x2",
            " should_failslab+0x1/0x2",
            " __kmalloc_noprof+0x1/0x2",
        ],
        // arch/x86/lib/retpoline.S.
        &["RIP: 0010:__x86_indirect_thunk_array+0x1/0x2"],
        // arch/arm64/kernel/stacktrace.c and entry-common.c; arch/riscv/kernel/stacktrace.c.
        &[" dump_backtrace+0x1/0x2 (C)", " show_stack+0x1/0x2 (C)", " el1h_64_sync_handler+0x1/0x2"],
        &["[<ffffffff80001234>] walk_stackframe+0x1/0x2", "[<ffffffff80001234>] show_stack+0x1/0x2"],
    ] {
        let lines: Vec<_> = helper.iter().copied().chain([" fuse_put+0x1/0x2"]).collect();
        check(Kind::Warning, &lines, Some("fuse_put"));
    }
}

/// kernel/rcu/tree_stall.h: print_cpu_stall() of old kernels dumps the stack from the timer interrupt.
#[test]
fn a_stall_names_what_was_interrupted() {
    let lines = [
        "Call Trace:",
        " <IRQ>",
        " dump_stack+0x1/0x2",
        " nmi_trigger_cpumask_backtrace+0x1/0x2",
        " rcu_dump_cpu_stacks+0x1/0x2",
        " check_cpu_stall+0x1/0x2",
        " update_process_times+0x1/0x2",
        " smp_apic_timer_interrupt+0x1/0x2",
        " apic_timer_interrupt+0x1/0x2",
        " </IRQ>",
        "RIP: 0010:queued_write_lock_slowpath+0x1/0x2",
        " _raw_write_lock+0x1/0x2",
        " fuse_put+0x1/0x2",
    ];
    check(Kind::RcuStall, &lines, Some("fuse_put"));
    // arch/x86/kernel/dumpstack_64.c: show_trace_log_lvl() of old kernels, marks before frames, and no registers.
    let old = [
        "Call Trace:",
        " <IRQ>  [<ffffffff816efb87>] sched_show_task+0x1/0x2",
        " [<ffffffff816fabed>] rcu_check_callbacks+0x1/0x2",
        " [<ffffffff81012dff>] an_entry_that_nobody_knows+0x1/0x2",
        " <EOI>  [<ffffffff815bcdb1>] ? __sanitizer_cov_trace_pc+0x1/0x2",
        " [<ffffffff8152dedc>] fuse_put+0x1/0x2",
    ];
    check(Kind::RcuStall, &old, Some("fuse_put"));
    // arm64 without registers: below the interrupt.
    let arm64 = [
        "Call trace:",
        " dump_backtrace+0x1/0x2",
        " print_cpu_stall+0x1/0x2",
        " arch_timer_handler_virt+0x1/0x2",
        " any_driver_of_interrupts+0x1/0x2",
        " el1_irq+0x1/0x2",
        " fuse_put+0x1/0x2",
    ];
    check(Kind::RcuStall, &arm64, Some("fuse_put"));
    // rcu_check_gp_kthread_starvation(): another thread's stack; and an idle CPU says nothing.
    let others = [
        "rcu: RCU grace-period kthread stack dump:",
        " __schedule+0x1/0x2",
        " rcu_gp_fqs_loop+0x1/0x2",
        " kthread+0x1/0x2",
        "rcu: Stack dump where RCU GP kthread last ran:",
        "RIP: 0010:pv_native_safe_halt+0x1/0x2",
        " default_idle+0x1/0x2",
        "NMI backtrace for cpu 1",
        "RIP: 0010:delay_tsc+0x1/0x2",
        " fuse_put+0x1/0x2",
    ];
    check(Kind::RcuStall, &others, Some("fuse_put"));
    let starved = [
        "rcu: RCU grace-period kthread stack dump:",
        " rcu_gp_kthread+0x1/0x2",
        "NMI backtrace for cpu 0",
        " </IRQ>",
        " asm_sysvec_apic_timer_interrupt+0x1/0x2",
        "RIP: 0010:fuse_put+0x1/0x2",
    ];
    check(Kind::RcuStall, &starved, Some("fuse_put"));
    // watchdog_hardlockup_check() on the NMI stack: registers before it, and again within.
    let hard = [
        "RIP: 0010:native_queued_spin_lock_slowpath+0x1/0x2",
        "Call Trace:",
        " <NMI>",
        " perf_event_overflow_of_any_driver+0x1/0x2",
        "RIP: 0010:native_queued_spin_lock_slowpath+0x1/0x2",
        " </NMI>",
        " <TASK>",
        " _raw_spin_lock+0x1/0x2",
        " fuse_put+0x1/0x2",
    ];
    check(Kind::HardLockup, &hard, Some("fuse_put"));
}

/// kernel/hung_task.c: check_hung_task() shows the stack, then debug_show_blocker() and debug_show_all_locks().
#[test]
fn a_hang_names_who_waits_and_a_grace_period_is_named_itself() {
    let sleep = [" __schedule+0x1/0x2", " schedule+0x1/0x2", " schedule_timeout+0x1/0x2"];
    let with = |rest: &[&'static str]| sleep.iter().copied().chain(rest.iter().copied()).collect::<Vec<_>>();
    check(
        Kind::HungTask,
        &with(&[" __mutex_lock+0x1/0x2", " rtnl_lock+0x1/0x2", " f+0x1/0x2"]),
        Some("rtnl_lock"),
    );
    check(
        Kind::HungTask,
        &with(&[
            " wait_for_completion+0x1/0x2",
            " __wait_rcu_gp+0x1/0x2",
            " synchronize_rcu+0x1/0x2",
            " synchronize_net+0x1/0x2",
        ]),
        Some("synchronize_rcu"),
    );
    check(
        Kind::HungTask,
        &with(&[
            " kthread+0x1/0x2",
            "INFO: task dd:7 is blocked on a mutex likely owned by task cat:8.",
            " fuse_put+0x1/0x2",
        ]),
        Some("schedule_timeout"),
    );
}

#[test]
fn stacks_of_earlier_times_are_not_meant() {
    // kernel/sched/core.c: __might_resched() and print_preempt_disable_ip().
    let sleeping = [
        "Preemption disabled at:",
        "[<ffffffff81234567>] earlier+0x1/0x2",
        "Call Trace:",
        " __might_resched+0x1/0x2",
        " fuse_put+0x1/0x2",
    ];
    check(Kind::Bug, &sleeping, Some("fuse_put"));
    // mm/kasan/report.c: print_address_description() shows who had the memory before.
    let kasan = [
        "BUG: KASAN: slab-use-after-free in memcpy+0x1/0x2",
        " kasan_report+0x1/0x2",
        " memcpy+0x1/0x2",
        "Allocated by task 7:",
        " earlier+0x1/0x2",
    ];
    check(Kind::Kasan, &kasan, Some("memcpy"));
    // kernel/workqueue.c: process_one_work(), of 6.1 and of 6.12.
    let worker = [" dump_stack_lvl+0x1/0x2", " process_one_work+0x1/0x2", " worker_thread+0x1/0x2"];
    for line in ["     last function: fuse_put", "     preempt=0x00000000 lock=0->1 RCU=0->0 workfn=fuse_put"]
    {
        check(Kind::Bug, &[&[line], &worker[..]].concat(), Some("fuse_put"));
    }
}

/// kernel/locking/lockdep.c.
#[test]
fn lockdep_names_the_user_of_the_lock() {
    // print_unlock_imbalance_bug(): the lock that is released, not the one that is held.
    let unlock = [
        "dd/7 is trying to release lock (&a) at:",
        "[<ffffffff81234567>] fuse_put+0x1/0x2",
        "but there are no more locks to release!",
        "1 lock held by dd/7:",
        " #0: ffff888001234567 (&b){+.+.}-{4:4}, at: other+0x1/0x2",
        "stack backtrace:",
        " print_unlock_imbalance_bug+0x1/0x2",
        " lock_release+0x1/0x2",
    ];
    check(Kind::Lockdep, &unlock, Some("fuse_put"));
    // print_circular_bug(): a wrapper has the lock, so its caller is in the last stack, not in that of an earlier use.
    let circular = [
        "dd/7 is trying to acquire lock:",
        "ffff888001234567 (&a){+.+.}-{4:4}, at: mutex_lock_nested+0x1/0x2",
        "but task is already holding lock:",
        "ffff888001234568 (&b){+.+.}-{4:4}, at: other+0x1/0x2",
        "-> #1 (&b){+.+.}-{4:4}:",
        " lock_acquire+0x1/0x2",
        " earlier+0x1/0x2",
        "stack backtrace:",
        " print_circular_bug+0x1/0x2",
        " check_noncircular+0x1/0x2",
        " __lock_acquire+0x1/0x2",
        " mutex_lock_nested+0x1/0x2",
        " fuse_put+0x1/0x2",
    ];
    check(Kind::Lockdep, &circular, Some("fuse_put"));
    // lockdep_rcu_suspicious(): the held locks are listed, and are not to blame.
    let rcu = [
        "fs/fuse/dev.c:7 suspicious rcu_dereference_check() usage!",
        "1 lock held by dd/7:",
        " #0: ffff888001234567 (&b){+.+.}-{4:4}, at: other+0x1/0x2",
        "stack backtrace:",
        " lockdep_rcu_suspicious+0x1/0x2",
        " fuse_put+0x1/0x2",
    ];
    check(Kind::Lockdep, &rcu, Some("fuse_put"));
}

/// What a mail broke behind `at:`; the locks that are held stay innocent.
#[test]
fn the_user_of_a_lock_may_stand_in_the_next_line() {
    let recursive = [
        "dd/7 is trying to acquire lock:",
        "ffff888001234567 (&a){+.+.}-{4:4}, at:",
        "fuse_put+0x1/0x2 [fuse]",
        "but task is already holding lock:",
        "ffff888001234567 (&a){+.+.}-{4:4}, at:",
        "other+0x1/0x2",
    ];
    check(Kind::Lockdep, &recursive, Some("fuse_put"));
    let held = [" #0: ffff888001234567 (&b){+.+.}-{4:4}, at:", "other+0x1/0x2", " fuse_put+0x1/0x2"];
    check(Kind::Lockdep, &held, Some("fuse_put"));
}

/// scripts/decode_stacktrace.sh with a kernel that has no lines.
#[test]
fn a_decoder_that_knows_no_line_names_the_function_still() {
    check(
        Kind::Bug,
        &[" dump_stack_lvl (??:?)", " __might_resched.cold (core.c:?)", " fuse_put (??:?)"],
        Some("fuse_put"),
    );
    check(Kind::Oops, &["RIP: 0010:fuse_put (dev.c:?)", " other (??:?)"], Some("fuse_put"));
    check(Kind::Oops, &["EIP: fuse_put (dev.c:?)", " other (??:?)"], Some("fuse_put"));
    check(
        Kind::Lockdep,
        &["ffff888001234567 (&a){+.+.}-{4:4}, at: fuse_put (fs/fuse/dev.c:77) fuse", " other (??:?)"],
        Some("fuse_put"),
    );
    // A sentence with something in brackets is no frame.
    check(Kind::Bug, &["fuse (or what is left of it)", "done (?)"], None);
}

/// The first ABI of powerpc: a function has a dot before its name, its descriptor none.
#[test]
fn the_dot_of_a_powerpc_function_is_no_part_of_its_name() {
    let lockup = [
        "NIP [c0000000004d7f98] ._spin_lock_irqsave+0x90/0xdc",
        "LR [c0000000004d7f74] .other+0x6c/0xdc",
        "[c00000077b016940] [c000000000254938] .fuse_put+0x38/0x7c",
    ];
    check(Kind::SoftLockup, &lockup, Some("fuse_put"));
    check(Kind::Warning, &["WARNING: CPU: 0 PID: 7 at fs/fuse/dev.c:77 .fuse_put+0x1/0x2"], Some("fuse_put"));
    check(Kind::Lockdep, &["c000000009918a20 (&a){+.+.}-{0:0}, at: .fuse_put+0x4c/0x1b0"], Some("fuse_put"));
}

/// A log that was cut behind the first frames: better a trap than what prints.
#[test]
fn of_machinery_alone_the_printer_is_named_last() {
    check(
        Kind::Lockdep,
        &[" dump_backtrace+0x1/0x2", " lockdep_rcu_suspicious+0x1/0x2", " call_break_hook+0x1/0x2"],
        Some("call_break_hook"),
    );
}

#[test]
fn an_inlined_function_is_not_named() {
    // Before it was decoded the report had no such line, and its title is the same.
    let decoded =
        ["RIP: 0010:fuse_get fs/fuse/fuse_i.h:7 [inline]", "RIP: 0010:fuse_put+0x1/0x2 fs/fuse/dev.c:77"];
    check(Kind::Oops, &decoded, Some("fuse_put"));
}

/// mm/slub.c: print_tracking(), mm/page_owner.c: __dump_page_owner(); both above the report's own stack.
#[test]
fn who_had_the_memory_before_is_not_named() {
    for track in
        ["Allocated in earlier+0x1/0x2 age=1 cpu=0 pid=7", "page last free pid 7 tgid 7 stack trace:"]
    {
        let lines =
            [track, " earlier+0x1/0x2", "Call Trace:", " dump_stack_lvl+0x1/0x2", " fuse_put+0x1/0x2"];
        check(Kind::Slab, &lines, Some("fuse_put"));
    }
}

/// fs/read_write.c: vfs_write() calls the file operation; kernel/time/timer.c: call_timer_fn() the timer.
#[test]
fn a_stall_says_for_whom_the_cpu_was_busy() {
    for dispatcher in ["vfs_write", "call_timer_fn", "process_one_work", "x64_sys_call"] {
        let mut frames = Frames::default();
        let dispatcher = format!(" {dispatcher}+0x1/0x2");
        for line in
            ["RIP: 0010:fuse_spin+0x1/0x2", " fuse_do+0x1/0x2", " fuse_dev_write+0x1/0x2", &dispatcher]
        {
            frames.add(line);
        }
        assert_eq!(frames.culprit(Kind::RcuStall), Some("fuse_spin"));
        assert_eq!(frames.served(Kind::RcuStall), Some("fuse_dev_write"), "{dispatcher}");
        assert_eq!(frames.served(Kind::Warning), None);
    }
}

/// kernel/rcu/tree_stall.h: rcu_check_gp_kthread_starvation(), before Linux 4.10 without a line of its own.
#[test]
fn the_grace_periods_thread_is_not_named() {
    let lines = [
        "rcu_preempt kthread starved for 10502 jiffies! g1 c0 f0x0 s3 ->state=0x1",
        "rcu_preempt     S ffff 0 8 2 0x00000000",
        "Call Trace:",
        " schedule+0x1/0x2",
        " rcu_gp_kthread+0x1/0x2",
        "Task dump for CPU 1:",
        "dd  R  running task 0 7 1 0x00000008",
        " fuse_put+0x1/0x2",
    ];
    check(Kind::RcuStall, &lines, Some("fuse_put"));
    check(Kind::RcuStall, &lines[..5], None);
}

/// arch/arm/kernel/traps.c: dump_backtrace_entry() names a function and its caller, who has no line if the log was cut.
#[test]
fn the_caller_of_the_last_line_counts() {
    let lines = [" show_stack from dump_stack_lvl+0x1/0x2", " __alloc_pages from fuse_put+0x1/0x2"];
    check(Kind::AllocationFailure, &lines, Some("fuse_put"));
    check(Kind::Bug, &["[<c01>] (mutex_lock) from [<7f01>] (fuse_put+0x1/0x2 [fuse])"], Some("fuse_put"));
}

#[test]
fn machinery_alone_names_nobody_who_hangs() {
    check(Kind::RcuStall, &["Call trace:", " __switch_to+0x1/0x2"], None);
    check(Kind::HungTask, &[" __schedule+0x1/0x2", " kthread+0x1/0x2"], None);
    // Nobody knows which guesses are of the interrupt that noticed.
    let guesses =
        ["Call Trace:", " sched_show_task+0x1/0x2", " ? fuse_put+0x1/0x2", " update_process_times+0x1/0x2"];
    check(Kind::RcuStall, &guesses, None);
    let sleeper =
        [" ? schedule+0x1/0x2", " ? ktime_get+0x1/0x2", " ? bit_wait_io+0x1/0x2", " ? fuse_put+0x1/0x2"];
    check(Kind::HungTask, &sleeper, Some("fuse_put"));
}

#[test]
fn who_prints_asks_the_time_or_frees_a_page_does_so_for_others() {
    // kernel/printk/printk.c, kernel/time/timekeeping.c.
    for helper in [" call_console_drivers+0x1/0x2", " console_flush_all+0x1/0x2", " ktime_get_ts64+0x1/0x2"] {
        check(Kind::SoftLockup, &[helper, " fuse_put+0x1/0x2"], Some("fuse_put"));
    }
    // mm/swap.c and mm/page_alloc.c, arch/x86/lib/rwsem.S of Linux 4.x, drivers/base/core.c.
    for helper in
        [" free_compound_page+0x1/0x2", " page_frag_free+0x1/0x2", " call_rwsem_down_write_failed+0x1/0x2"]
    {
        check(Kind::Bug, &[helper, " fuse_put+0x1/0x2"], Some("fuse_put"));
    }
    // arch/loongarch/lib/memset.S.
    check(Kind::Oops, &[" __memset_fast+0x1/0x2", " fuse_put+0x1/0x2"], Some("fuse_put"));
    check(Kind::Warning, &[" device_create_groups_vargs+0x1/0x2", " fuse_put+0x1/0x2"], Some("fuse_put"));
}
