//! What a kernel said when it was made to say where it is: its tasks by sysrq, or its trace by an NMI.

/// The most names of blocked tasks that are told.
const MOST_NAMES: usize = 4;

/// The most that is told, characters.
const LONGEST: usize = 300;

/// What was heard on the console after the lab asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// Lines.
    pub lines: usize,
    /// Tasks that were told of.
    pub tasks: usize,
    /// Those that wait and take no signal, state D: the name, and the function that waits if it was told, as `dd in fuse_dev_read`.
    pub blocked: Vec<String>,
    /// The kernel said that it heard the key.
    pub is_by_sysrq: bool,
    /// The first place that a trace names, as `pv_native_safe_halt+0xb/0x10`.
    pub at: Option<String>,
}

impl Dump {
    /// Reads it. sched_show_task() of kernel/sched/core.c: `task:NAME            state:D stack:0 pid:7 ...`; show_ip() of
    /// arch/x86/kernel/dumpstack.c: `RIP: 0010:FUNCTION`; on arm64 `pc : FUNCTION`.
    pub fn read(console: &[u8]) -> Self {
        let text = String::from_utf8_lossy(console);
        let (mut tasks, mut blocked) = (0, Vec::<String>::new());
        let mut waits = false;
        for line in text.lines() {
            if let Some((name, state)) = task(line) {
                tasks += 1;
                waits = state == 'D';
                blocked.extend(waits.then(|| name.to_owned()));
            } else if let (true, Some(function), Some(task)) = (waits, waiter(line), blocked.last_mut()) {
                *task = format!("{task} in {function}");
                waits = false;
            }
        }
        let place = |line: &str| {
            let (_, rest) = line.split_once("RIP: 0010:").or_else(|| line.split_once("pc : "))?;
            rest.split_whitespace().next().map(str::to_owned)
        };
        Dump {
            lines: text.lines().filter(|line| !line.trim().is_empty()).count(),
            tasks,
            blocked,
            is_by_sysrq: text.contains("sysrq: "),
            at: text.lines().find_map(place),
        }
    }

    /// It in a few words: whatever names the guest gave, in a line.
    pub fn words(&self) -> String {
        self.all_words().chars().take(LONGEST).collect()
    }

    fn all_words(&self) -> String {
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        if self.tasks == 0 {
            let at = self.at.as_ref().map(|at| format!(", from {at}")).unwrap_or_default();
            return count(self.lines, "line") + &at;
        }
        let tasks = count(self.tasks, "task");
        match self.blocked.len() {
            0 => format!("{tasks}, none blocked"),
            blocked => {
                let names = self.blocked.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>();
                let more = if blocked > MOST_NAMES { ", ..." } else { "" };
                format!("{tasks}, {blocked} blocked ({}{more})", names.join(", "))
            }
        }
    }
}

/// The name and the state of a task, if the line begins one.
fn task(line: &str) -> Option<(&str, char)> {
    let (name, rest) = line.split_once("task:")?.1.split_once("state:")?;
    Some((name.trim(), rest.chars().next()?))
}

/// The function of a trace's line, unless it is a guess or only gives the CPU away.
fn waiter(line: &str) -> Option<&str> {
    let (_, frame) = line.split_once("]  ")?;
    let (function, _) = frame.split_once("+0x")?;
    let is_name = function.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    (is_name && !function.contains("schedule")).then_some(function)
}
