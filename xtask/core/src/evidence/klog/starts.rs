//! Starts of kernels: which of them are expected.

use super::line::Message;

/// What a log is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boots {
    /// One boot: a kernel that starts again does so unexpectedly.
    #[default]
    One,
    /// Any number of boots, such as the log that a collector wrote for days: a start begins a new one.
    Any,
    /// Any number of boots on one console: a start is unexpected if it is of the same kernel, and nothing announced it.
    Announced,
}

/// How a kernel says that it will start again, or end: at the beginning of a message. kernel/reboot.c, and before Linux 3.13
/// without its name; kernel/panic.c: vpanic().
const ENDS: [&str; 8] = [
    "reboot: ",
    "Restarting system",
    "machine restart",
    "Power down",
    "System halted",
    "Rebooting in ",
    "Rebooting.",
    "Restarting.",
];

/// The same anywhere in a message: kernel/kexec_core.c: kernel_kexec(), drivers/tty/sysrq.c: sysrq_handle_reboot(), process 1.
const ENDS_ANYWHERE: [&str; 5] =
    ["Starting new kernel", "sysrq: Resetting", "SysRq : Resetting", "kexec: ", "systemd-shutdown"];

/// How a kernel begins.
const START: &str = "Linux version ";

/// register_console() of kernel/printk/printk.c: a console that comes later may print everything once more.
const CONSOLE: &str = "] enabled";

/// So many lines after that it has begun to.
const REPLAY_WITHIN: usize = 8;

/// Texts of which each line holds one that says something of starts.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    ENDS.into_iter().chain(ENDS_ANYWHERE).chain([START, CONSOLE])
}

/// What a start is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The first one of a log, or one that cannot be told from its own echo.
    First,
    /// Another boot begins.
    Expected,
    /// The boot before ended without a word.
    Unexpected,
}

/// The starts in a log so far.
#[derive(Debug, Default)]
pub(super) struct Starts {
    boots: Boots,
    /// How many there were.
    pub(super) count: usize,
    kernel: String,
    /// Whether this boot said that it ends.
    announced: bool,
    /// The line on which a console was enabled.
    console: Option<usize>,
}

impl Starts {
    pub(super) fn new(boots: Boots) -> Self {
        Self { boots, ..Self::default() }
    }

    pub(super) fn set_boots(&mut self, boots: Boots) {
        self.boots = boots;
    }

    /// What a message says of starts, if it is one; `panicked`: the kernel that ran before has.
    pub(super) fn look(&mut self, message: &Message, panicked: bool) -> Option<Start> {
        let text = message.message.as_str();
        if !text.starts_with(START) {
            self.announced |= ENDS.iter().any(|end| text.starts_with(end))
                || ENDS_ANYWHERE.iter().any(|end| text.contains(end));
            if text.ends_with(CONSOLE) {
                self.console = Some(message.line);
            }
            return None;
        }
        let same = std::mem::replace(&mut self.kernel, text.to_owned()) == text;
        let announced = std::mem::take(&mut self.announced);
        let replay = self.console.is_some_and(|line| message.line - line <= REPLAY_WITHIN);
        if self.boots == Boots::Announced && same && replay {
            return Some(Start::First);
        }
        self.count += 1;
        Some(match self.boots {
            _ if self.count == 1 => Start::First,
            // A panic reboots, which is its consequence.
            Boots::One if panicked => Start::First,
            Boots::Announced if panicked || announced || !same => Start::Expected,
            Boots::One | Boots::Announced => Start::Unexpected,
            Boots::Any => Start::Expected,
        })
    }
}
