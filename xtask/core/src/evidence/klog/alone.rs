//! What makes a header one of the kernel where the line itself does not say who wrote it.
//!
//! In a log without stamps everybody's lines stand side by side: those of services, of tests, of a compiler. So a header
//! counts if something follows that only a report of the kernel has, or if nobody else says such a thing.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::headers::{Match, set};
use super::line::pattern;

/// Lines that only reports of the kernel have: frames, registers, who it was, the ends of a report.
const BODY: &[&str] = &[
    r"\+0x[0-9a-f]+/0x[0-9a-f]+",
    r"^\s*\(?\[<[0-9a-f]{8,16}>\]",
    r"^CPU: \d+ (?:UID: \d+ )?PID: \d+ ",
    r"^Pid: \d+, comm: ",
    r"^Process \S.{0,40} \(pid: \d+",
    r"^Modules linked in:",
    r"^Hardware name: ",
    r"^Call [Tt]race:",
    r"^(?:RIP|EIP): [0-9a-f]{4}:",
    r"^(?:RAX|RDX|RBP|EAX|R0?[0-9]+): [0-9a-f]{8}",
    r"^(?:pc|epc|PC is at|NIP|Krnl PSW) *:? ",
    r"^(?:sp|x[0-9]+ *|r[0-9]+) *: [0-9a-f]{8}",
    r"^Code: (?:[0-9a-f]{2} |[0-9a-f]{4} |[0-9a-f]{8} |\()",
    r"^#PF: ",
    r"^PGD [0-9a-f]+ ",
    r"^(?:Mem|Data) [Aa]bort info:",
    r"^Mem-Info:",
    r"^task:\S.* state:\S",
    r"^\S.{0,20} +[DRS] +(?:[0-9a-f]+ +)?\d+ +\d+ +\d+ 0x",
    r"^(?: +|.{0,20})(?:Not tainted|Tainted: ) ?\S*",
    r" (?:is trying to (?:acquire lock|acquire|lock)|just changed the state of lock):$",
    r":HE[01]:SE[01]\] takes:$",
    r" is (?:trying to (?:release|contend) lock \(|freeing memory [0-9a-f]{8,16}-[0-9a-f]{8,16}, with a lock still held there!)",
    r"^(?:other info that might help us debug this:$|rcu_scheduler_active = \d)",
    r"^(?:no locks held by|\d+ locks? held by) ",
    r"^in_atomic\(\): \d",
    r"^page: ?(?:refcount:|[0-9a-f]{8})",
    r"^(?:Object|Slab|Redzone|Padding|INFO: Slab|INFO: Object) (?:0x)?[0-9a-f]{8}",
    r"^(?:Allocated|Freed) by task \d+",
    r"^(?:Read|Write) of size \d+ at addr ",
    r"^---\[ end ",
    r"^(?:Sending NMI from CPU|NMI backtrace for cpu) ?\d*",
    r"^Kernel Offset: ",
];

/// Headers that nobody else writes, with what stands behind them.
const ALONE: &[&str] = &[
    r"BUG: K(?:ASAN|MSAN|CSAN|FENCE): [a-z-]+",
    r"BUG: unable to handle (?:kernel|page fault) ",
    r"BUG: kernel NULL pointer dereference, address",
    r"BUG: (?:\S+ )?stack guard page was hit at",
    r"BUG: soft lockup - CPU#\d+ stuck for \d+s",
    r"BUG: workqueue lockup - pool ",
    r"BUG: workqueue leaked ",
    r"BUG: scheduling while atomic: .{1,40}/0x",
    r"BUG: sleeping function called from invalid context at ",
    r"BUG: Bad (?:page|rss-counter|swap)",
    r"BUG: (?:spinlock|rwlock) .* on CPU#\d+",
    r"BUG: using \w+\(\) in preemptible ",
    r"BUG: non-zero pgtables_bytes on freeing mm",
    r"BUG: Dentry \S+\{i=",
    r"BUG: (?:MAX_\w+|MAX_LOCKDEP_\w+) too (?:low|large)",
    r"WARNING: CPU: \d+ PID: \d+ at ",
    r"WARNING: (?:\S+:\d+ )?at (?:\S+:\d+ )?\S+\+0x[0-9a-f]+/0x",
    r"INFO: task \S.* blocked (?:in I/O wait )?for more than \d+ seconds",
    r"INFO: task \S.* can't die for more than",
    r"INFO: rcu\w* .*detected (?:expedited )?stalls?",
    r"INFO: trying to register non-static key",
    r"^task \S+:\d+ blocked for more than \d+ seconds",
    r"kthread starved for \d+ jiffies",
    r"Watchdog detected hard LOCKUP on cpu",
    r"CPU \d+ (?:self-)?detected hard LOCKUP @ ",
    r"Watchdog CPU:\d+ (?:detected )?Hard LOCKUP",
    r"csd: Detected non-responsive CSD lock",
    r"Unable to handle kernel .* at virtual address",
    r"Unable to handle kernel ",
    r" \[#\d+\]",
    r"kernel BUG at \S+:\d+!",
    r"double fault, error_code: 0x",
    r"Kernel panic - not syncing",
    r"UBSAN: [\w-]+ in \S+:\d+",
    r"CFI failure at \S+\+0x",
    r"refcount_t: (?:underflow|saturated|addition on 0|decrement hit 0)",
    r"list_(?:add|del) corruption[.,]",
    r"RTNL: assertion failed at \S+ \(\d+\)",
    r"unchecked MSR access error: \w+ ",
    r"DEBUG_LOCKS_WARN_ON\(",
    r"invoked oom-killer: gfp_mask=",
    r"Out of memory: Kill(?:ed)? process \d+ \(",
    r"page allocation failure[:.] order:\d",
    r"vmalloc: allocation failure[:,] ",
    r"unreferenced object 0x[0-9a-f]{8,16} \(size \d+\)",
    r"irq \d+: nobody cared",
    r"unregister_netdevice: waiting for \S+ to become free",
    r"VFS: Busy inodes after unmount of ",
    r"VFS: Close: file count is 0",
];

/// Whether a message is one that only a report of the kernel has.
pub(super) fn is_body(message: &str) -> bool {
    static ANY: LazyLock<RegexSet> =
        LazyLock::new(|| set(BODY.iter().map(|&text| text.to_owned()).collect()));
    // Who passes a report on often indents it.
    ANY.is_match(message.trim_start_matches("kmemleak:")) || ANY.is_match(message.trim_start())
}

/// Whether a message with a header, at its beginning or behind the name of a part of the kernel, is one that nobody else
/// writes.
pub(super) fn stands_alone(message: &str, found: Match) -> bool {
    static ANY: LazyLock<RegexSet> =
        LazyLock::new(|| set(ALONE.iter().map(|&text| text.to_owned()).collect()));
    static NAMES: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(?:\s*|.{1,32} |[\w /.-]{1,40}: ?(?:[\w /.-]{1,40}: ?)?)$"));
    ANY.is_match(message) && NAMES.is_match(&message[..found.start])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::klog::headers::find;

    #[test]
    fn nobody_else_says_so() {
        for (message, expected) in [
            ("BUG: KASAN: slab-use-after-free in fuse_put+0x1/0x2", true),
            ("watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [dd:7]", true),
            ("rcu: INFO: rcu_preempt self-detected stall on CPU", true),
            ("INFO: task dd:7 blocked for more than 120 seconds.", true),
            ("dd invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0", true),
            ("Oops: general protection fault, probably for non-canonical address 0x0: 0000 [#1] SMP", true),
            ("Kernel panic - not syncing: Fatal exception", true),
            ("WARNING: at fs/fuse/dev.c:77 fuse_put+0x1/0x2()", true),
            ("WARNING: apt does not have a stable CLI interface.", false),
            ("BUG: this test is known to fail", false),
            ("INFO: all tests have passed", false),
            ("java: Internal error: see the log", false),
            ("general protection fault", false),
            ("+ a shell that traces what it runs: grep -q Kernel panic - not syncing console.log", false),
        ] {
            let alone = find(message).is_some_and(|found| stands_alone(message, found));
            assert_eq!(alone, expected, "{message}");
        }
    }

    #[test]
    fn what_reports_have_and_programs_have_not() {
        for (message, expected) in [
            ("CPU: 0 UID: 0 PID: 7 Comm: dd Not tainted 6.12.117 #1", true),
            (" fuse_put+0x12/0x34 [fuse]", true),
            ("RIP: 0010:0x0", true),
            ("pc : fuse_put+0x1/0x2", true),
            ("      Not tainted 6.12.117 #1", true),
            ("Call Trace:", true),
            ("   CPU: 0 UID: 0 PID: 7 Comm: dd Not tainted 6.12.117 #1", true),
            ("dd/7 just changed the state of lock:", true),
            ("dd/7 [HC0[0]:SC1[1]:HE1:SE0] takes:", true),
            ("dd/7 is trying to release lock (&a) at:", true),
            ("dd/7 is freeing memory ffff888001234500-ffff8880012345ff, with a lock still held there!", true),
            ("rcu_scheduler_active = 2, debug_locks = 1", true),
            ("the loop takes:", false),
            ("dd is freeing memory of the cache", false),
            ("CPU: Intel(R) Xeon(R)", false),
            ("backtrace of the test that has failed", false),
            ("page: 3", false),
            ("tasks: 7", false),
            ("../../src/main.c:12:3: warning: unused variable", false),
        ] {
            assert_eq!(is_body(message), expected, "{message}");
        }
    }
}
