//! Which function a report is about.

use std::sync::LazyLock;

use regex::Regex;

use super::headers::Kind;
use super::line::pattern;
use super::skipped::{Class, is_one_of};

/// What is skipped in every report.
const ALWAYS: &[Class] = &[
    Class::Reporting,
    Class::Trap,
    Class::Sanitizer,
    Class::Assertion,
    Class::Allocation,
    Class::Locking,
    Class::Waiting,
    Class::Scheduling,
    Class::Library,
    Class::FaultInjection,
    Class::Entry,
];
/// What is skipped beside that where a CPU does not come on.
const ON_A_STALL: &[Class] = &[Class::Watchdog, Class::Delay, Class::Idle];
/// What is worse than any other function if all are to be skipped.
const NEVER: &[Class] =
    &[Class::Reporting, Class::Trap, Class::Sanitizer, Class::Scheduling, Class::Entry, Class::Idle];
/// The interrupts in which a stall is noticed. What stands below them was interrupted.
const INTERRUPTS: &[&str] =
    &["apic_timer_interrupt", "asm_sysvec_apic_timer_interrupt", "el1_irq", "el1h_64_irq", "__irq_svc"];

/// Part of a report, by what is shown there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// The stack of whom the report is about.
    #[default]
    Stack,
    /// The interrupt that notices or that shows the stack (`<NMI>`), above the one that is meant.
    Nmi,
    /// lockdep's own stack, below those of earlier uses of the locks.
    Backtrace,
    /// RCU's grace-period kthread, which a stall keeps from running.
    GracePeriod,
    /// Other tasks and earlier times, shown for comparison.
    Others,
}

/// What a line says of the line below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// Nothing.
    #[default]
    Any,
    /// It has the user of the lock: print_unlock_imbalance_bug() of lockdep.
    LockSite,
    /// It has whoever disabled preemption before, and not who slept: __might_resched().
    Before,
}

#[derive(Clone, Debug, PartialEq)]
struct Frame {
    name: String,
    part: Part,
    /// From the registers: the function that the CPU was in.
    registers: bool,
}

/// Collects the functions of a report as its lines come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Frames {
    /// Who takes or releases the lock that a report of lockdep is about.
    lock_site: Option<String>,
    /// What the line before says of the next one.
    next: Next,
    part: Part,
    /// How many were found before the first interrupt ended on a stack.
    interrupted_from: Option<usize>,
    found: Vec<Frame>,
}

/// A stall report has a stack for each CPU. No title needs more.
const MOST: usize = 256;

impl Frames {
    /// Looks for a function in a line of the report.
    pub(super) fn add(&mut self, message: &str) {
        let message = self.pass_marks(message);
        self.enter_part(message);
        let this = std::mem::replace(&mut self.next, next(message));
        if self.found.len() >= MOST || this == Next::Before || is_held_lock(message) {
            return;
        }
        if let Some(site) = lock_site(message) {
            self.lock_site.get_or_insert(site);
        } else if let Some((name, registers)) = frame(message) {
            if this == Next::LockSite {
                self.lock_site.get_or_insert_with(|| name.clone());
            }
            // What an NMI shows as interrupted is not part of the NMI.
            let part = if registers && self.part == Part::Nmi { Part::Stack } else { self.part };
            self.found.push(Frame { name, part, registers });
        }
    }

    /// The function to name in the title of a report of this kind.
    pub(super) fn culprit(&self, kind: Kind) -> Option<&str> {
        let stalled = matches!(kind, Kind::RcuStall | Kind::SoftLockup | Kind::HardLockup);
        let names = if stalled {
            self.interrupted()
        } else if kind == Kind::Lockdep {
            self.of_lockdep()
        } else if kind == Kind::HungTask {
            self.of_parts(&[Part::Stack])
        } else {
            self.of_parts(&[Part::Stack, Part::Nmi, Part::Backtrace])
        };
        let skipped = |name: &str| is_one_of(name, ALWAYS) || stalled && is_one_of(name, ON_A_STALL);
        let first = |unless: &dyn Fn(&str) -> bool| names.iter().copied().find(|name| !unless(name));
        let found = first(&skipped).or_else(|| first(&|name| is_one_of(name, NEVER)));
        found.or_else(|| names.first().copied()).or_else(|| self.found.first().map(|frame| &*frame.name))
    }

    fn of_parts(&self, parts: &[Part]) -> Vec<&str> {
        self.found.iter().filter(|frame| parts.contains(&frame.part)).map(|frame| &*frame.name).collect()
    }

    /// The lock's user stands in the report's head; if that is the wrapper of the lock, its caller is in the last stack.
    fn of_lockdep(&self) -> Vec<&str> {
        let own = self.of_parts(&[Part::Backtrace]);
        let stack = if own.is_empty() { self.of_parts(&[Part::Stack, Part::Nmi]) } else { own };
        self.lock_site.as_deref().into_iter().chain(stack).collect()
    }

    /// The function that the CPU was in when it was asked, and its callers: from the registers of the first CPU that
    /// was not idle, or below the interrupt that noticed.
    fn interrupted(&self) -> Vec<&str> {
        let own = |frame: &Frame| matches!(frame.part, Part::Stack | Part::Backtrace);
        let busy = |frame: &Frame| own(frame) && frame.registers && !is_one_of(&frame.name, &[Class::Idle]);
        let interrupt =
            || self.found.iter().position(|frame| own(frame) && INTERRUPTS.contains(&&*frame.name));
        let start = self.found.iter().position(busy).or_else(|| interrupt().map(|place| place + 1));
        let start = start.or(self.interrupted_from).unwrap_or(0);
        self.found[start..].iter().filter(|frame| own(frame)).map(|frame| &*frame.name).collect()
    }

    /// Passes over the marks of other stacks, which stand on lines of their own or, in old kernels, before a frame:
    /// `<IRQ>  [<address>] f+0x1/0x2`. Both from show_trace_log_lvl() of x86.
    fn pass_marks<'a>(&mut self, message: &'a str) -> &'a str {
        let mut rest = message;
        while let Some((mark, behind)) =
            rest.trim_start().strip_prefix('<').and_then(|text| text.split_once("> "))
        {
            self.enter_mark(mark.trim_matches(['<', '>']));
            rest = behind;
        }
        if let Some(mark) = rest.trim().strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
            self.enter_mark(mark.trim_matches(['<', '>']));
        }
        rest
    }

    fn enter_mark(&mut self, mark: &str) {
        match mark {
            "NMI" => self.part = Part::Nmi,
            "/NMI" | "EOE" => self.part = Part::Stack,
            "/IRQ" | "EOI" => {
                self.interrupted_from.get_or_insert(self.found.len());
            }
            _ => (),
        }
    }

    fn enter_part(&mut self, message: &str) {
        let text = message.trim();
        // Each from the function that prints it: print_circular_bug() and its like in lockdep,
        // rcu_check_gp_kthread_starvation(), nmi_cpu_backtrace(), debug_show_all_locks(), debug_show_blocker().
        self.part = match text {
            "stack backtrace:" => Part::Backtrace,
            _ if text.ends_with("grace-period kthread stack dump:") => Part::GracePeriod,
            _ if text.ends_with("Stack dump where RCU GP kthread last ran:") => Part::Stack,
            _ if text.starts_with("NMI backtrace for cpu") && self.part != Part::Others => Part::Stack,
            _ if text.starts_with("Showing all locks held in the system") => Part::Others,
            _ if text.starts_with("INFO: task ") && text.contains(" blocked on a") => Part::Others,
            // print_memory_metadata() of KASAN, kfence_print_object(), kmsan_print_origin().
            _ if ["Allocated by task", "Freed by task", "Uninit was "]
                .iter()
                .any(|start| text.starts_with(start)) =>
            {
                Part::Others
            }
            _ if text.starts_with("kfence-#") => Part::Others,
            _ => self.part,
        };
    }
}

fn next(message: &str) -> Next {
    match message.trim_end() {
        text if text.ends_with(") at:") => Next::LockSite,
        "Preemption disabled at:" => Next::Before,
        _ => Next::Any,
    }
}

/// A line of a list of held locks, lockdep_print_held_locks(): these locks are not what the report is about.
fn is_held_lock(message: &str) -> bool {
    let digits = message
        .trim_start()
        .strip_prefix('#')
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    digits.is_some_and(|rest| rest.starts_with(": "))
}

/// print_lock() of kernel/locking/lockdep.c: `ffff888001 (&a){+.+.}-{3:3}, at: f+0x1/0x2`.
fn lock_site(message: &str) -> Option<String> {
    static SITE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\bat: (?:\[<[0-9a-f]+>\] ?)?([A-Za-z_][\w.$]*)\+0x"));
    message.contains("at: ").then(|| SITE.captures(message)).flatten().map(|found| plain_name(&found[1]))
}

/// The function of a line, and whether it comes from the registers. ` ? f+0x1/0x2` is a guess and gives none, nor does
/// the register with the caller's address (`lr`, `ra`).
fn frame(message: &str) -> Option<(String, bool)> {
    // show_ip() of arch/x86, in old kernels with `[<address>]` twice; show_regs() of arm64, arm (`PC is at`), riscv (`epc`)
    // and powerpc (`NIP`, and two addresses before each frame); printk_stack_address() and its like.
    static FRAME: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^(?:kmemleak:)?\s*(RIP: [0-9a-f]{4}:\s*|E?IP: |E?IP is at |PC is at |pc : |epc : |NIP )?(?:\[<?[0-9a-f]+>?\]\s*)*\(?([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/0x[0-9a-f]+",
        )
    });
    // dump_backtrace_entry() of arch/arm: `[<c01>] (f) from [<c02>] (g+0x1/0x2)` and ` f from g+0x1/0x2`.
    static FROM: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^\s*(?:\[<[0-9a-f]+>\] \()?([A-Za-z_][\w.$]*)\)? from (?:\[<[0-9a-f]+>\] \()?[A-Za-z_][\w.$]*\+0x",
        )
    });
    static SITE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:WARNING:|Kernel BUG|CFI failure|KASAN|KMSAN|KFENCE|KCSAN).*? (?:at|in) (?:\S+:\d+ )?(?:at )?([A-Za-z_][\w.$]*)\+0x",
        )
    });
    // process_one_work() in kernel/workqueue.c, whose stack is always the same.
    if let Some((_, name)) = message.split_once("workfn=").or_else(|| message.split_once("last function: ")) {
        return Some((plain_name(name.split_whitespace().next()?), false));
    }
    if !message.contains("+0x") {
        return None;
    }
    if let Some(found) = FRAME.captures(message) {
        return Some((plain_name(&found[2]), found.get(1).is_some()));
    }
    let found = FROM.captures(message).or_else(|| SITE.captures(message))?;
    Some((plain_name(&found[1]), false))
}

/// The name as in the source: without what the compiler appended.
fn plain_name(name: &str) -> String {
    static SUFFIX: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.?\d+)*)+$"));
    SUFFIX.replace(name, "").into_owned()
}

#[cfg(test)]
mod tests;
