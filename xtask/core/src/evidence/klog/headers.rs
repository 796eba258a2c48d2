//! Which lines begin a finding.
//!
//! The headers are those of reports that the kernel prints when something is wrong; the suppressions are lines
//! that look like one and are none. Wordings were checked against Linux 6.12, with the older and newer forms
//! beside them.

use std::fmt;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};
use serde::{Deserialize, Serialize};

use super::line::pattern;

/// What sort of report a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An exception in kernel mode: bad address, bad instruction, division by zero, `BUG()`.
    Oops,
    /// Invalid memory access found by KASAN.
    Kasan,
    /// Use of uninitialised memory found by KMSAN.
    Kmsan,
    /// Data race found by KCSAN.
    Kcsan,
    /// Invalid memory access found by KFENCE.
    Kfence,
    /// Undefined behaviour found by UBSAN.
    Ubsan,
    /// Locking rules violated, found by lockdep.
    Lockdep,
    /// `WARN()` and other lines that begin with `WARNING:`.
    Warning,
    /// A grace period of RCU does not end.
    RcuStall,
    /// A CPU does not schedule.
    SoftLockup,
    /// A CPU does not take interrupts.
    HardLockup,
    /// A work item does not end.
    WorkqueueLockup,
    /// A task sleeps uninterruptibly for too long.
    HungTask,
    /// Memory ran out.
    Oom,
    /// An allocation failed that the kernel thinks worth a report.
    AllocationFailure,
    /// The kernel gave up.
    Panic,
    /// Memory or a reference that nobody holds any more.
    Leak,
    /// A reference count that went wrong.
    Refcount,
    /// A linked list whose pointers do not fit together.
    ListCorruption,
    /// A slab object that was written to out of turn.
    Slab,
    /// An indirect call of a function of another type.
    Cfi,
    /// An error that the hardware reported.
    MachineCheck,
    /// An interrupt that no driver handled.
    Irq,
    /// Other lines with `BUG:`, and objects in use after their end.
    Bug,
    /// Other lines with `INFO:`.
    Info,
    /// The kernel started a second time in one boot.
    Reboot,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// How a header relates to a report of the same caller that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Begins a report.
    Own,
    /// Begins a report of which a WARNING or a BUG() is the next part.
    Preface,
    /// Belongs to the open report, if there is one.
    Part,
    /// The end of everything.
    Panic,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Header {
    /// What sort of report it begins.
    pub(super) kind: Kind,
    /// How it relates to an open report.
    pub(super) role: Role,
    /// The title, if the line itself has none of use; else empty.
    pub(super) title: &'static str,
}

/// A header that was found in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    /// The row of the table.
    pub(super) header: &'static Header,
    /// Byte in the message at which it begins.
    pub(super) start: usize,
}

impl Match {
    /// Whether it is the header of a kind that says nothing but the kind: `INFO:`, `WARNING:`.
    pub(super) fn is_bare(self, kind: Kind) -> bool {
        self.header.kind == kind && self.header.title.is_empty()
    }
}

/// Rows of (pattern, kind, role, title). Of two that begin at the same place the upper one counts.
const TABLE: &[(&str, Kind, Role, &str)] = &[
    (r"BUG: KASAN:", Kind::Kasan, Role::Own, ""),
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
    (r"BUG: unable to handle", Kind::Oops, Role::Own, "BUG: unable to handle page fault"),
    (r"BUG: kernel NULL pointer dereference", Kind::Oops, Role::Own, "BUG: kernel NULL pointer dereference"),
    (r"BUG: (?:\S+ )?stack guard page was hit", Kind::Oops, Role::Own, "BUG: stack guard page was hit"),
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
    (
        r"BUG: (?:MAX_LOCK|MAX_STACK_TRACE|Invalid wait context|bad unlock|held lock|key )",
        Kind::Lockdep,
        Role::Own,
        "",
    ),
    (r"BUG:", Kind::Bug, Role::Own, ""),
    (r"BUG [\w.:/-]+(?: \(|\()", Kind::Slab, Role::Own, ""),
    (
        r"WARNING: .{1,40} still has locks held",
        Kind::Lockdep,
        Role::Own,
        "WARNING: a task still has locks held",
    ),
    (
        r"WARNING: (?:possible|inconsistent lock state|bad unlock balance|bad contention|held lock freed|lock held when returning|suspicious RCU usage|Nested lock was not taken|chain_key collision|\S+-safe ->)",
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
        r"INFO: (?:possible|trying to register non-static key|suspicious RCU|inconsistent lock|\S+-safe ->)",
        Kind::Lockdep,
        Role::Own,
        "",
    ),
    (r"INFO:", Kind::Info, Role::Own, ""),
    (r"blocked (?:in I/O wait )?for more than \d+ seconds", Kind::HungTask, Role::Own, "task hung"),
    (r"kthread starved for", Kind::RcuStall, Role::Part, "rcu grace-period kthread starved"),
    (r"Watchdog detected hard LOCKUP", Kind::HardLockup, Role::Own, "hard lockup"),
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
    // die() of arch/riscv, the second with what BUG() has said before.
    (r"Oops(?: - [a-z -]+)? \[#", Kind::Oops, Role::Part, "Oops"),
    (r"Kernel BUG \[#", Kind::Oops, Role::Part, "kernel BUG"),
    (r"[Kk]ernel BUG", Kind::Oops, Role::Own, "kernel BUG"),
    (r"Internal error:", Kind::Oops, Role::Part, ""),
    (r"Unhandled fault:", Kind::Oops, Role::Own, ""),
    (r"Alignment trap:", Kind::Oops, Role::Own, ""),
    (r"rust_kernel: panicked", Kind::Oops, Role::Preface, ""),
    (r"Kernel panic", Kind::Panic, Role::Panic, ""),
    (r"-- System halted", Kind::Panic, Role::Panic, "System halted"),
    (r"UBSAN:", Kind::Ubsan, Role::Own, ""),
    (r"CFI failure at", Kind::Cfi, Role::Preface, "CFI failure"),
    (r"refcount_t:", Kind::Refcount, Role::Preface, ""),
    // By itself, or with who holds the device that unregister_netdevice() waits for.
    (r"ref_tracker:", Kind::Leak, Role::Part, ""),
    (r"list_add corruption", Kind::ListCorruption, Role::Preface, "list_add corruption"),
    (r"list_del corruption", Kind::ListCorruption, Role::Preface, "list_del corruption"),
    (r"RTNL: assertion failed", Kind::Warning, Role::Preface, "RTNL: assertion failed"),
    // ex_handler_msr() in arch/x86/mm/extable.c.
    (r"unchecked MSR access error: \w+", Kind::Warning, Role::Own, "unchecked MSR access error"),
    (r"DEBUG_LOCKS_WARN_ON", Kind::Lockdep, Role::Preface, ""),
    (r"invoked oom-killer:", Kind::Oom, Role::Own, "out of memory"),
    (r"Out of memory: Killed process", Kind::Oom, Role::Part, "out of memory"),
    (r"page allocation failure", Kind::AllocationFailure, Role::Own, "page allocation failure"),
    (r"unreferenced object 0x", Kind::Leak, Role::Own, "unreferenced object"),
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
const HARMLESS: &[&str] = &[
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
    r"INFO: Stall ended before",
    r"INFO: NMI handler",
    r"(?:handler|interrupt) .*took too long",
    r"INFO: recovery (?:required|complete)",
    r"INFO: sys_\S+ is not present",
    r"\b(?:INFO|WARNING|BUG)::",
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

static HEADERS: LazyLock<Vec<(Header, Regex)>> = LazyLock::new(|| {
    let row = |&(text, kind, role, title): &(&str, Kind, Role, &'static str)| {
        (Header { kind, role, title }, pattern(&header(text)))
    };
    TABLE.iter().map(row).collect()
});

/// All headers and all suppressions at once: nearly no line of a log matches any.
static ANY: LazyLock<RegexSet> = LazyLock::new(|| set(TABLE.iter().map(|row| header(row.0)).collect()));
static ANY_HARMLESS: LazyLock<RegexSet> =
    LazyLock::new(|| set(HARMLESS.iter().map(|&text| text.to_owned()).collect()));

/// The header of a kernel that starts a second time.
pub(super) fn reboot() -> Match {
    static REBOOT: Header = Header { kind: Kind::Reboot, role: Role::Own, title: "unexpected reboot" };
    Match { header: &REBOOT, start: 0 }
}

/// A header inside a word is none: `ODEBUG:`, `BIN_INFO:`. But a line that has lost its end is followed by the next one
/// without a space (`doneBUG: KASAN: `), and what has several fixed words is a header there as well.
fn header(text: &str) -> String {
    let several_words = text.contains(' ') && !text.starts_with(r"BUG [");
    format!("{}(?<header>{text})", if several_words { "(?:^|[^A-Z_])" } else { "(?:^|[^A-Za-z0-9_])" })
}

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and every one is compiled by a test")]
fn set(patterns: Vec<String>) -> RegexSet {
    RegexSet::new(patterns).unwrap()
}

/// The first header in a message, if it has one that counts.
pub(super) fn find(message: &str) -> Option<Match> {
    let candidates = ANY.matches(message).into_iter().filter_map(|index| {
        let (header, regex) = &HEADERS[index];
        let start = regex.captures(message)?.name("header")?.start();
        Some(Match { header, start })
    });
    // min_by_key gives the first of equals, and candidates come in the order of the table.
    let first = candidates.min_by_key(|candidate| candidate.start)?;
    let harmless = ANY_HARMLESS.is_match(message) || in_quotes(&message[..first.start]);
    (!harmless).then_some(first)
}

/// Whether a quotation is open at the end of `before`: the header is then text that was handed to the kernel,
/// such as a mount option. An apostrophe between letters opens none.
fn in_quotes(before: &str) -> bool {
    let double = before.matches('"').count() % 2 == 1;
    let mut single = false;
    let mut previous = ' ';
    let mut characters = before.chars().peekable();
    while let Some(character) = characters.next() {
        let apostrophe = previous.is_alphanumeric() && characters.peek().is_some_and(|c| c.is_alphanumeric());
        single ^= character == '\'' && !apostrophe;
        previous = character;
    }
    double || single || before.ends_with('`')
}

#[cfg(test)]
mod tests {
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
            (
                "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!",
                Kind::WorkqueueLockup,
            ),
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
}
