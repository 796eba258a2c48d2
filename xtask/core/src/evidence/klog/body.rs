//! What lines other than headers say about a report: its rules, its body, its death, its consequence.

use super::headers::Kind;

/// Lines that stand above a report and, with KASAN, below it.
pub(super) fn is_rule(message: &str) -> bool {
    is_cut(message) || message.len() >= 20 && message.bytes().all(|byte| byte == b'=')
}

/// The line above a WARN() or a BUG().
pub(super) fn is_cut(message: &str) -> bool {
    message.contains("------------[ cut here ]------------")
}

/// The line of an exception, with the number of exceptions so far.
pub(super) fn is_death(message: &str) -> bool {
    let counts = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    message.match_indices("[#").any(|(place, mark)| counts(&message[place + mark.len()..]))
}

/// How lines begin that only reports have.
const BODY: &[&str] = &[
    // Who it was: show_regs_print_info(), dump_stack_print_info(), sched_show_task().
    "CPU: ",
    "Pid: ",
    "Hardware name:",
    "Modules linked in:",
    "Not tainted ",
    "Tainted: ",
    "task:",
    "Workqueue: ",
    // Where: registers and stacks of all architectures.
    "RIP: ",
    "EIP: ",
    "PC is at ",
    "pc : ",
    "epc : ",
    "NIP ",
    "ERA: ",
    "epc   : ",
    "Krnl PSW : ",
    "TPC: ",
    "Call Trace:",
    "Call trace:",
    "Backtrace:",
    "backtrace",
    "Sending NMI from CPU",
    "NMI backtrace for cpu",
    // What the fault was: show_fault_oops() of x86, mem_abort_decode() of arm64.
    "#PF: ",
    "Mem abort info:",
    "Data abort info:",
    "Internal error: ",
    // __might_resched() and __schedule_bug() in kernel/sched/core.c.
    "in_atomic():",
    "preempt_count: ",
    "Preemption disabled at:",
    // lockdep_print_held_locks() in kernel/locking/lockdep.c.
    "lock: 0x",
    "no locks held by ",
    // lockdep_rcu_suspicious(), and most reports of kernel/locking/lockdep.c.
    "rcu_scheduler_active = ",
    "other info that might help us debug this",
    "locks held by ",
    // __dump_page() in mm/debug.c, print_trailer() in mm/slub.c, show_mem().
    "page:",
    // ref_tracker_dir_print() in lib/ref_tracker.c.
    "ref_tracker: ",
    "page dumped because",
    "Slab 0x",
    "Object 0x",
    "INFO: Slab 0x",
    "INFO: Object 0x",
    "Allocated in ",
    "INFO: Allocated in ",
    "comm \"",
    "Mem-Info:",
];

/// What lines hold that only reports have.
const WITHIN: &[&str] = &[
    " lock held by ",
    " locks held by ",
    " (pid: ",
    // Who did what to a lock: each print_*_bug() of kernel/locking/lockdep.c.
    " is trying to acquire lock",
    " is trying to acquire:",
    " is trying to lock:",
    " is trying to release lock ",
    " is trying to contend lock ",
    " is freeing memory ",
    " just changed the state of lock:",
    "] takes:",
];

/// Lines that only reports have.
pub(super) fn is_body(message: &str) -> bool {
    let text = message.trim_start_matches("kmemleak:").trim_start();
    let within = WITHIN.iter().any(|words| text.contains(words));
    within
        || BODY.iter().any(|start| text.starts_with(start))
        || message.len() >= 20 && message.bytes().all(|byte| byte == b'-')
}

/// Whether a panic says nothing but that something was reported before.
pub(super) fn is_consequence(message: &str, last: Option<Kind>) -> bool {
    let Some(last) = last else { return false };
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    let after_oops = says(&["Attempted to kill", "Aiee, killing interrupt handler"]) && last == Kind::Oops;
    let after_oom = says(&["deadlocked on memory", "Out of memory", "out of memory"]) && last == Kind::Oom;
    after_oops || after_oom || says(REPORTED_BEFORE)
}

/// What a panic says that was caused by a report.
const REPORTED_BEFORE: &[&str] = &[
    "Fatal exception",
    "panic_on_warn set",
    "kernel: panic_on_warn",
    "hung_task: blocked tasks",
    "softlockup: hung tasks",
    "Hard LOCKUP",
    "RCU Stall",
    "kasan.fault=",
    "hard LOCKUP",
    "kfence.fault=",
    "warned too often",
    "Oopsed too often",
    "Oops failed to kill",
    "not syncing: BUG!",
    "not syncing: bad mode",
    "stack guard hit",
    "Machine halted",
    "stall(s) exceeded threshold",
    "stall lasted ",
    "Fatal machine check",
    "Fatal hardware error",
];

/// Whether the function of a panic says more than its text: its report was not seen, or the stack is what is broken, and
/// the text has no function.
pub(super) fn panics_for_a_place(message: &str) -> bool {
    let says = |words: &str| message.contains(words);
    let broken = ["corrupted stack end", "corrupted shadow stack", "ernel stack overflow", "stack guard hit"];
    let unnamed = says("Kernel stack is corrupted") && !says("+0x");
    // arch/arm64/kernel/entry-common.c: __panic_unhandled(); traps.c: arm64_serror_panic().
    let unhandled = ["Unhandled exception", "Asynchronous SError", "Attempted to kill the idle task"];
    unnamed || broken.iter().chain(&unhandled).chain(REPORTED_BEFORE).any(|words| says(words))
}
