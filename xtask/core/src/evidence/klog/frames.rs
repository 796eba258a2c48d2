//! Which function a report is about.

mod forms;

use super::headers::Kind;
use super::skipped::{Class, is_one_of};
use forms::{Source, caller, frame, is_held_lock, lock_site};

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
const NEVER: &[Class] = &[
    Class::Reporting,
    Class::Trap,
    Class::Sanitizer,
    Class::Scheduling,
    Class::Entry,
    Class::Watchdog,
    Class::Idle,
];

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
    /// Who had an object or a page before, above the stack of the report: print_tracking() of slub, page_owner.
    Tracks,
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
    source: Source,
}

/// Collects the functions of a report as its lines come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Frames {
    /// Who takes or releases the lock that a report of lockdep is about.
    lock_site: Option<String>,
    /// Where the first of the locks was taken that a task still holds.
    held: Option<String>,
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
    /// Looks for a function in a line of the report, and says whether it is a frame or a register with one.
    pub(super) fn add(&mut self, message: &str) -> bool {
        let message = self.pass_marks(message);
        self.enter_part(message);
        let this = std::mem::replace(&mut self.next, next(message));
        if self.found.len() >= MOST || this == Next::Before {
            return false;
        }
        let before = self.found.len();
        if is_held_lock(message) {
            self.held = self.held.take().or_else(|| lock_site(message));
        } else if let Some(site) = lock_site(message) {
            self.lock_site.get_or_insert(site);
        } else if let Some((name, source)) = frame(message) {
            if this == Next::LockSite {
                self.lock_site.get_or_insert_with(|| name.clone());
            }
            // What an NMI shows as interrupted is not part of the NMI.
            let interrupted = source == Source::Registers && self.part == Part::Nmi;
            let part = if interrupted { Part::Stack } else { self.part };
            self.found.push(Frame { name, part, source });
            // It begins the next line, unless the log was cut here.
            self.found.extend(caller(message).map(|name| Frame { name, part, source: Source::Stack }));
        }
        self.found.len() > before
    }

    /// The function to name in the title of a report of this kind: the first of the stack that is meant and that is no
    /// machinery.
    pub(super) fn culprit(&self, kind: Kind) -> Option<&str> {
        let frames = self.meant(kind);
        let skipped = |name: &str| {
            let waits = kind == Kind::HungTask && is_one_of(name, &[Class::Delay]);
            is_one_of(name, ALWAYS) || waits || is_stall(kind) && is_one_of(name, ON_A_STALL)
        };
        let find = |guess: bool, unless: &dyn Fn(&str) -> bool| {
            let mut names = frames.iter().filter(|frame| (frame.source == Source::Guess) == guess);
            names.find(|frame| !unless(&frame.name)).map(|frame| &*frame.name)
        };
        let site = self.lock_site.as_deref().filter(|name| kind == Kind::Lockdep && !skipped(name));
        let held = self.held.as_deref().filter(|_| kind == Kind::Lockdep && frames.is_empty());
        // Without the end of the interrupt that noticed a stall, nobody knows which guesses are of that interrupt.
        let guesses = !is_stall(kind) || self.interrupted_from.is_some();
        let guess = || find(true, &skipped).filter(|_| guesses);
        let found = site.or_else(|| find(false, &skipped)).or_else(guess);
        let found = found.or(held).or_else(|| find(false, &|name| is_one_of(name, NEVER)));
        // That a task slept or a CPU took an interrupt says nothing of why it does not come on.
        let unprinted = || find(false, &|name| is_one_of(name, &[Class::Reporting]));
        let first = || unprinted().or_else(|| find(false, &|_| false));
        let any = || first().filter(|_| !is_stall(kind) && kind != Kind::HungTask);
        found.or_else(any).or(self.lock_site.as_deref())
    }

    /// For whom a CPU was busy that does not come on, if that is not the culprit itself: the timer, the work, the file
    /// operation, the system call. The culprit may be any place of a loop, and this stays the same.
    pub(super) fn served(&self, kind: Kind) -> Option<&str> {
        if !is_stall(kind) {
            return None;
        }
        let frames = self.interrupted();
        let names = || frames.iter().filter(|frame| frame.source != Source::Guess).map(|frame| &*frame.name);
        let place = names().position(|name| is_one_of(name, &[Class::Dispatch]))?;
        let name = names().nth(place.checked_sub(1)?)?;
        let named = !is_one_of(name, ALWAYS) && !is_one_of(name, ON_A_STALL);
        (named && self.culprit(kind) != Some(name)).then_some(name)
    }

    /// The frames of the stack that a report of this kind is about.
    fn meant(&self, kind: Kind) -> Vec<&Frame> {
        let of = |parts: &[Part]| self.found.iter().filter(|frame| parts.contains(&frame.part)).collect();
        // The lock's user stands in the report's head; if that is the wrapper of the lock, its caller is in the last stack.
        let has_backtrace = self.found.iter().any(|frame| frame.part == Part::Backtrace);
        if is_stall(kind) {
            self.interrupted()
        } else if kind == Kind::Lockdep && has_backtrace {
            of(&[Part::Backtrace])
        } else if kind == Kind::HungTask {
            of(&[Part::Stack, Part::GracePeriod])
        } else {
            let own = of(&[Part::Stack, Part::Nmi, Part::Backtrace]);
            // slub has no stack of its own where the stack is that of a WARNING, which comes next.
            if own.is_empty() { of(&[Part::Tracks]) } else { own }
        }
    }

    /// The function that the CPU was in when it was asked, and its callers: from the registers of the first CPU that
    /// was not idle, or below the interrupt that noticed.
    fn interrupted(&self) -> Vec<&Frame> {
        let own = |frame: &Frame| matches!(frame.part, Part::Stack | Part::Backtrace);
        let busy = |frame: &Frame| {
            own(frame) && frame.source == Source::Registers && !is_one_of(&frame.name, &[Class::Idle])
        };
        let interrupt =
            || self.found.iter().position(|frame| own(frame) && is_one_of(&frame.name, &[Class::Interrupt]));
        let start = self.found.iter().position(busy).or_else(|| interrupt().map(|place| place + 1));
        let start = start.or(self.interrupted_from).unwrap_or(0);
        self.found[start..].iter().filter(|frame| own(frame)).collect()
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
            // In old kernels that stack follows at once, of sched_show_task().
            _ if text.contains("kthread starved for") => Part::GracePeriod,
            _ if text.ends_with("Stack dump where RCU GP kthread last ran:") => Part::Stack,
            _ if self.part == Part::GracePeriod && ends_grace_period(text) => Part::Stack,
            _ if self.part == Part::Tracks && ends_tracks(text) => Part::Stack,
            _ if is_track(text) => Part::Tracks,
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

fn is_stall(kind: Kind) -> bool {
    matches!(kind, Kind::RcuStall | Kind::SoftLockup | Kind::HardLockup)
}

/// Whether another task or CPU is shown from here: rcu_dump_cpu_stacks(), sched_show_task(), dump_stack_print_info().
fn ends_grace_period(text: &str) -> bool {
    text.starts_with("Task dump for CPU")
        || text.starts_with("CPU: ")
        || text.starts_with("task:") && !text.starts_with("task:rcu_")
}

/// Lines above a stack of earlier times: print_track() of slub, __dump_page_owner().
fn is_track(text: &str) -> bool {
    let text = text.strip_prefix("INFO: ").unwrap_or(text);
    ["Allocated in ", "Freed in ", "page last "].iter().any(|start| text.starts_with(start))
}

fn ends_tracks(text: &str) -> bool {
    ["CPU: ", "Call Trace:", "Call trace:", "Modules linked in:"].iter().any(|start| text.starts_with(start))
}

fn next(message: &str) -> Next {
    match message.trim_end() {
        text if text.ends_with(") at:") => Next::LockSite,
        // A mail has broken the line of a lock before its user.
        text if text.ends_with(", at:") && is_held_lock(text) => Next::Before,
        text if text.ends_with(", at:") => Next::LockSite,
        // print_freed_lock_bug(): the lock is innocent.
        text if text.ends_with("with a lock still held there!") => Next::Before,
        "Preemption disabled at:" => Next::Before,
        _ => Next::Any,
    }
}

#[cfg(test)]
mod tests;
