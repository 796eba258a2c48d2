//! The headers and the suppressions, row by row. Wordings were checked against Linux 6.12, with the older and newer
//! forms beside them.

use super::{Kind, Role};

/// Rows of (pattern, kind, role, title). Of two that begin at the same place the upper one counts.
pub(super) const TABLE: &[(&str, Kind, Role, &str)] = &[
    (r"BUG: KAS(?:AN|an):", Kind::Kasan, Role::Own, ""),
    (r"BUG: KMSAN:", Kind::Kmsan, Role::Own, ""),
    (r"BUG: KCSAN:", Kind::Kcsan, Role::Own, ""),
    (r"BUG: KFENCE:", Kind::Kfence, Role::Own, ""),
    (r"BUG: soft lockup", Kind::SoftLockup, Role::Own, "soft lockup"),
    (r"BUG: workqueue lockup", Kind::WorkqueueLockup, Role::Own, "workqueue lockup"),
    (r"BUG: memory leak", Kind::Leak, Role::Own, ""),
    (
        r"BUG: unable to handle kernel NULL pointer",
        Kind::Oops,
        Role::Own,
        "BUG: kernel NULL pointer dereference",
    ),
    // In arch/powerpc/mm/fault.c with capitals: __bad_page_fault().
    (r"BUG: [Uu]nable to handle", Kind::Oops, Role::Own, "BUG: unable to handle page fault"),
    (
        r"BUG: [Kk]ernel NULL pointer dereference",
        Kind::Oops,
        Role::Own,
        "BUG: kernel NULL pointer dereference",
    ),
    (r"BUG: (?:\S+ )?stack guard page was hit", Kind::Oops, Role::Own, "BUG: stack guard page was hit"),
    // BUG() of an architecture without one of its own, include/asm-generic/bug.h.
    (r"BUG: failure at ", Kind::Oops, Role::Own, "kernel BUG"),
    (r"BUG: scheduling while atomic", Kind::Bug, Role::Own, "BUG: scheduling while atomic"),
    (
        r"BUG: scheduling in a non-blocking section",
        Kind::Bug,
        Role::Own,
        "BUG: scheduling in a non-blocking section",
    ),
    // Who was there when a page, a lock or a counter was found to be bad is in the stack, not in the title.
    (r"BUG: Bad page state", Kind::Bug, Role::Own, "BUG: Bad page state"),
    (r"BUG: Bad page map", Kind::Bug, Role::Own, "BUG: Bad page map"),
    (r"BUG: Bad page cache", Kind::Bug, Role::Own, "BUG: Bad page cache"),
    (r"BUG: Bad rss-counter state", Kind::Bug, Role::Own, "BUG: Bad rss-counter state"),
    (r"BUG: workqueue leaked", Kind::Bug, Role::Own, "BUG: workqueue leaked atomic, lock or RCU"),
    (r"BUG: Dentry ", Kind::Bug, Role::Preface, "BUG: Dentry still in use"),
    (
        r"BUG: key \S+ has not been registered",
        Kind::Lockdep,
        Role::Preface,
        "BUG: key has not been registered",
    ),
    (r"BUG: .{1,40} still has locks held", Kind::Lockdep, Role::Own, "BUG: a task still has locks held"),
    (
        r"BUG: (?:MAX_LOCK|MAX_STACK_TRACE|Invalid wait context|bad unlock|bad contention|held lock|lock held when returning|Nested lock|circular locking|looking up invalid subclass|key )",
        Kind::Lockdep,
        Role::Own,
        "",
    ),
    (r"BUG:", Kind::Bug, Role::Own, ""),
    (r"BUG [\w.:/<>-]+(?: \(|\()", Kind::Slab, Role::Own, ""),
    // slab_bug() of mm/slub.c before Linux 3.3, without the taint.
    (
        r"BUG [\w.:/<>-]+: (?:(?:Left |Right )?Redzone|Poison|Object|Padding|Alignment|Freepointer|Freechain|Freelist|Invalid|Objects|Wrong|Slab|Page slab)",
        Kind::Slab,
        Role::Own,
        "",
    ),
    // mm/slab.c, which went with Linux 6.8.
    (r"Slab corruption ", Kind::Slab, Role::Own, "slab corruption"),
    (r"slab error in \w+\(\)", Kind::Slab, Role::Own, "slab error"),
    // mm/page_poison.c: check_poison_mem().
    (r"pagealloc: (?:memory corruption|single bit error)", Kind::Slab, Role::Own, ""),
    (
        r"WARNING: .{1,40} still has locks held",
        Kind::Lockdep,
        Role::Own,
        "WARNING: a task still has locks held",
    ),
    (
        r"WARNING: (?:possible|inconsistent lock state|bad unlock balance|bad contention|held lock freed|lock held when returning|suspicious RCU usage|suspicious rcu_|Nested lock was not taken|chain_key collision|\S+-safe ->)",
        Kind::Lockdep,
        Role::Own,
        "",
    ),
    // __warn() in kernel/panic.c: in 6.12 with CPU and process in front, in 7.3 with them behind, and with the place of
    // the source only where it is known.
    (r"WARNING: (?:(?:CPU: \d+ PID: \d+ )?at|[^\s:]+:\d+ at) ", Kind::Warning, Role::Own, "WARNING"),
    (
        r"WARNING: kernel stack regs at",
        Kind::Warning,
        Role::Own,
        "WARNING: kernel stack regs have a bad value",
    ),
    (
        r"WARNING: kernel stack frame pointer at",
        Kind::Warning,
        Role::Own,
        "WARNING: kernel stack frame pointer has a bad value",
    ),
    (r"WARNING:", Kind::Warning, Role::Own, ""),
    // debug_show_blocker() in kernel/hung_task.c: who has the lock that the hung task waits for.
    (r"INFO: task .* blocked on an? ", Kind::HungTask, Role::Part, "task hung"),
    (r"INFO: task .*(?:blocked|can't die)", Kind::HungTask, Role::Own, "task hung"),
    (r"INFO: \S+ (?:self-)?detected (?:expedited )?stalls?", Kind::RcuStall, Role::Own, "rcu stall"),
    (
        r"INFO: (?:possible|trying to register non-static key|suspicious RCU|suspicious rcu_|inconsistent lock|\S+-safe ->)",
        Kind::Lockdep,
        Role::Own,
        "",
    ),
    (r"INFO:", Kind::Info, Role::Own, ""),
    (r"blocked (?:in I/O wait )?for more than \d+ seconds", Kind::HungTask, Role::Own, "task hung"),
    (r"kthread starved for", Kind::RcuStall, Role::Part, "rcu grace-period kthread starved"),
    (r"Watchdog detected hard LOCKUP", Kind::HardLockup, Role::Own, "hard lockup"),
    // arch/powerpc/kernel/watchdog.c; the CPU that is asked answers with the second.
    (r"CPU \d+ (?:self-)?detected hard LOCKUP", Kind::HardLockup, Role::Own, "hard lockup"),
    (r"CPU \d+ Hard LOCKUP", Kind::HardLockup, Role::Part, "hard lockup"),
    (r"Watchdog CPU:\d+ (?:detected )?Hard LOCKUP", Kind::HardLockup, Role::Own, "hard lockup"),
    // csd_lock_wait_toolong() in kernel/smp.c: a CPU does not answer another one.
    (r"csd: Detected non-responsive CSD lock", Kind::HardLockup, Role::Own, "CPU does not answer"),
    (r"csd: Re-sending CSD lock", Kind::HardLockup, Role::Part, "CPU does not answer"),
    (r"Unable to handle kernel", Kind::Oops, Role::Own, "BUG: unable to handle kernel access"),
    (r"Oops: general protection fault", Kind::Oops, Role::Part, "general protection fault"),
    (r"Oops: stack segment", Kind::Oops, Role::Part, "stack segment fault"),
    (r"Oops: divide error", Kind::Oops, Role::Part, "divide error"),
    (r"Oops: invalid opcode", Kind::Oops, Role::Part, "invalid opcode"),
    (r"Oops: int3", Kind::Oops, Role::Part, "int3"),
    (r"Oops:", Kind::Oops, Role::Part, "Oops"),
    (r"general protection fault", Kind::Oops, Role::Part, "general protection fault"),
    (r"stack segment: ", Kind::Oops, Role::Part, "stack segment fault"),
    (r"double fault: ", Kind::Oops, Role::Part, "double fault"),
    (r"divide[ _]error:", Kind::Oops, Role::Part, "divide error"),
    (r"invalid opcode:", Kind::Oops, Role::Part, "invalid opcode"),
    (r"int3:", Kind::Oops, Role::Part, "int3"),
    (r"PANIC: double fault", Kind::Oops, Role::Part, "double fault"),
    // early_fixup_exception() of arch/x86, __do_early_pgm_check() of arch/s390.
    (r"PANIC: early exception", Kind::Oops, Role::Part, "early exception"),
    // die() of arch/riscv, the second with what BUG() has said before.
    (r"Oops(?: - [a-z -]+)? \[#", Kind::Oops, Role::Part, "Oops"),
    (r"Kernel BUG \[#", Kind::Oops, Role::Part, "kernel BUG"),
    (r"[Kk]ernel BUG", Kind::Oops, Role::Own, "kernel BUG"),
    // die() of other exceptions: with the code (arch/x86, arch/s390), or glued to the count (arch/mips, arch/loongarch).
    (
        r"(?:alignment check: |invalid TSS: |segment not present: |bounds: |simd exception: |control protection fault: |kernel stack overflow \(|Bad pagetable: |illegal operation: |specification exception: |addressing exception: |protection exception: |operand exception: |monitor event: )[\w -]*(?:\): 0000 )?(?:ilc:\d+ ?)?\[#\d+\]",
        Kind::Oops,
        Role::Part,
        "",
    ),
    (r"Oops\[#\d+\]", Kind::Oops, Role::Part, "Oops"),
    (r"Kernel bug detected\[#\d+\]", Kind::Oops, Role::Part, "kernel BUG"),
    (
        r"(?:(?:Reserved|Break|Trap) instruction in kernel code|Integer overflow|FP exception in kernel code|Unhandled kernel unaligned access[\w ]*|Kernel unaligned instruction access|Kernel a[dl]e access)\[#\d+\]",
        Kind::Oops,
        Role::Part,
        "",
    ),
    (r"Internal error:", Kind::Oops, Role::Part, ""),
    (r"Unhandled (?:fault|prefetch abort):", Kind::Oops, Role::Own, ""),
    // bad_mode() of arch/arm and arch/arm64, __show_regs() follows.
    (r"Bad mode in .{1,40} handler detected", Kind::Oops, Role::Own, "bad mode"),
    (r"Unexpected kernel BRK exception at EL1", Kind::Oops, Role::Own, "unexpected BRK exception"),
    (r"Alignment trap:", Kind::Oops, Role::Own, ""),
    (r"rust_kernel: panicked", Kind::Oops, Role::Preface, ""),
    (r"Kernel panic(?: -|:)", Kind::Panic, Role::Panic, ""),
    (r"-- System halted", Kind::Panic, Role::Panic, "System halted"),
    (r"UBSAN:", Kind::Ubsan, Role::Own, ""),
    // In 5.15 of Android with the target behind it.
    (r"CFI failure (?:at|\(target)", Kind::Cfi, Role::Preface, "CFI failure"),
    (r"refcount_t:", Kind::Refcount, Role::Preface, ""),
    // refcount_error_report() of Linux 4.14 to 5.4, for arch/x86.
    (r"refcount_t (?:hit zero|overflow) at ", Kind::Refcount, Role::Preface, "refcount_t out of bounds"),
    // By itself, or with who holds the device that unregister_netdevice() waits for.
    (r"ref_tracker:", Kind::Leak, Role::Part, ""),
    (r"list_add corruption", Kind::ListCorruption, Role::Preface, "list_add corruption"),
    (r"list_del corruption", Kind::ListCorruption, Role::Preface, "list_del corruption"),
    (r"RTNL: assertion failed", Kind::Warning, Role::Preface, "RTNL: assertion failed"),
    // ex_handler_msr() in arch/x86/mm/extable.c.
    (r"unchecked MSR access error: \w+", Kind::Warning, Role::Own, "unchecked MSR access error"),
    (r"DEBUG_LOCKS_WARN_ON", Kind::Lockdep, Role::Preface, ""),
    (r"invoked oom-killer:", Kind::Oom, Role::Own, "out of memory"),
    (r"[Oo]ut of memory: Kill(?:ed)? process", Kind::Oom, Role::Part, "out of memory"),
    (r"page allocation failure", Kind::AllocationFailure, Role::Own, "page allocation failure"),
    // warn_alloc() in mm/page_alloc.c for mm/vmalloc.c.
    (r"vmalloc: allocation failure", Kind::AllocationFailure, Role::Preface, "vmalloc allocation failure"),
    (r"vmalloc error: size \d+", Kind::AllocationFailure, Role::Own, "vmalloc allocation failure"),
    (r"unreferenced object 0x", Kind::Leak, Role::Own, "unreferenced object"),
    (
        r"kmemleak: \d+ new suspected memory leaks",
        Kind::Leak,
        Role::Part,
        "kmemleak: new suspected memory leaks",
    ),
    (r"irq \d+: nobody cared", Kind::Irq, Role::Own, "irq N: nobody cared"),
    (r"Machine check", Kind::MachineCheck, Role::Own, ""),
    (
        r"unregister_netdevice: waiting for",
        Kind::Leak,
        Role::Own,
        "unregister_netdevice: waiting for a device to become free",
    ),
    (r"VFS: Close: file count is 0", Kind::Bug, Role::Preface, "VFS: Close: file count is 0"),
    (r"VFS: Busy inodes after unmount", Kind::Bug, Role::Preface, "VFS: Busy inodes after unmount"),
];

/// A message that matches one of these is no finding.
pub(super) const HARMLESS: &[&str] = &[
    // Lines of or about user programs: `traps: dd[12] general protection fault ip:...`, `dd[12]: segfault at`,
    // `systemd[1]: ...` from /dev/kmsg.
    r"^traps: .{1,64}\[\d+\] ",
    r"^[^\s\[\]:][^\[\]:]{0,62}\[\d+\](?::| bad frame)",
    r"general protection(?: fault)? (?:ip:|rip:|error:)",
    // What the user or the boot loader put there.
    r"^(?:Kernel )?[Cc]ommand line:",
    r"^Unknown kernel command line parameters",
    // Known harmless notices.
    r"INFO: lockdep is turned off",
    r"INFO: (?:Stall|Expedited stall) ended ",
    r"INFO: NMI handler",
    r"(?:handler|interrupt) .*took too long",
    r"INFO: recovery (?:required|complete)",
    r"INFO: sys_\S+ is not present",
    r"\b(?:INFO|WARNING|BUG)::",
    r"BUG: Bad page \w+: \d+ messages suppressed",
    r"csd: CSD lock \(#\d+\) (?:got unstuck|un-stuck)",
    // An inlined function that a decoder put before the one that the kernel named.
    r"(?:BUG|WARNING): .* \[inline\]$",
    // A level that a program or a driver put behind its name, glued to it: the kernel's own headers follow a space.
    r"[\w\])]:(?:INFO|WARNING):",
    // The CPU's vulnerabilities and what was done about them (arch/x86/kernel/cpu/bugs.c), at each boot.
    r"^(?:Spectre V[12]|RETBleed|Speculative Return Stack Overflow|Speculative Store Bypass|Indirect Target Selection|ITS|TSA|MDS|TAA|MMIO Stale Data|SRBDS|SRSO|L1TF|GDS|RFDS|VMSCAPE|x86/bugs)\s*: ",
    r"WARNING: (?:Spectre|SRSO|ITS mitigation|LFENCE mitigation|IBRS mitigation|Unprivileged eBPF|BTB untrained|retbleed=|CPU does not support IBPB|kernel not compiled with MITIGATION)",
    r"WARNING: See https?://\S+ for mitigation options",
    r"WARNING: polling idle and HT enabled",
    r"WARNING: '?bootconfig'? found on the kernel command line",
    r"WARNING: BIOS bug: ",
    r"WARNING: Your 'console=",
    // Deprecations and other advice to whoever configures the machine.
    r"WARNING: [Tt]he mand mount option",
    r"WARNING: Flushing system-wide workqueues will be prohibited",
    r"uses wireless extensions",
    r"uses (?:32-bit capabilities|deprecated v2 capabilities)",
    r"WARNING: (?:This platform does not support off-mode|Requested queue_map_|trying to remove a running interface)",
    r"WARNING: workqueue cpumask: online intersect > possible intersect",
    r"WARNING: fbcon: Driver",
    r"Machine check (?:injector|polling|events? (?:handler|chain))",
];
