//! From lines to reports: where one begins, what belongs to it, where it ends.

use super::body::{is_body, is_consequence, is_cut, is_death, is_rule};
use super::frames::Frames;
use super::headers::{self, Kind, Match, Role};
use super::line::{Lines, Message};
use super::{Finding, MAX_TEXT, title};
use crate::text::escape::escape_for_terminal;

/// A caller that says nothing for so long has ended its report; seconds of kernel time. Reports are printed in
/// one go, and a slow console is not part of the kernel's time.
const LONGEST_PAUSE_S: f64 = 5.0;

/// A header with no register, stack or rule within so many lines is a report of one line.
const BODY_WITHIN: usize = 12;

/// No report is longer; lockdep's, with every lock held, are the longest.
const MOST_LINES: usize = 1000;

/// How many lines before a header can be its beginning: `cut here` and the message of a WARN().
const MOST_PREFACE: usize = 8;

/// How long the text of a BUG() may stand before its `cut here`; seconds of kernel time.
const TEXT_BEFORE_S: f64 = 0.1;

/// Findings that are kept of one boot. A kernel that warns in a loop must not fill the memory of the host.
const MOST_FINDINGS: usize = 1000;

/// Reads a console as it comes. The findings are those of [`findings`](super::findings), in the order in which
/// their reports end, however the bytes are cut into pieces.
#[derive(Debug, Default)]
pub struct Scanner {
    lines: Lines,
    state: State,
}

/// What a console is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boots {
    /// One boot: a kernel that starts again does so unexpectedly.
    #[default]
    One,
    /// Any number of boots, such as the log that a collector wrote for days: a start begins a new one.
    Any,
}

impl Scanner {
    /// A scanner for a console of so many boots; that of [`Scanner::default`] is for one.
    pub fn new(boots: Boots) -> Self {
        Self { state: State { boots, ..State::default() }, ..Self::default() }
    }

    /// Takes bytes of the console and gives the findings whose reports ended in them.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Finding> {
        for message in self.lines.push(bytes) {
            self.state.add(message);
        }
        std::mem::take(&mut self.state.done)
    }

    /// The findings whose reports were still open at the end of the console.
    pub fn finish(mut self) -> Vec<Finding> {
        if let Some(message) = self.lines.take() {
            self.state.add(message);
        }
        self.state.finish_all();
        self.state.done
    }
}

#[derive(Debug, Default)]
struct State {
    /// At most one for each caller, in the order of their headers.
    open: Vec<Open>,
    /// Lines that may be the beginning of a report, by caller.
    prefaces: Vec<(String, Vec<Message>)>,
    done: Vec<Finding>,
    boots: Boots,
    count: usize,
    last_kind: Option<Kind>,
    booted: bool,
    panicked: bool,
}

/// A report whose header was seen.
#[derive(Debug)]
struct Open {
    caller: String,
    header: Match,
    message: String,
    line: usize,
    last_seconds: f64,
    text: String,
    lines: usize,
    frames: Frames,
    role: Role,
    /// Whether an exception's own line (`Oops: ... [#1]`) was seen: the next one is another exception.
    died: bool,
    /// Whether a BUG() belongs to it, which ends in an exception.
    dies: bool,
    /// Whether the header is the last line so far.
    only_header: bool,
    /// Whether anything was seen that only a report has.
    body: bool,
    /// Whether its end mark was seen, or it was found to be of one line: only a panic can still belong to it.
    ended: bool,
}

impl State {
    fn add(&mut self, message: Message) {
        self.close_silent(message.seconds);
        if message.message.starts_with("Linux version ") {
            return self.start_of_kernel(message);
        }
        if !self.panicked && is_rule(&message.message) {
            if is_cut(&message.message) && self.is_text_of_bug(&message) {
                return;
            }
            self.close(&message.caller);
            self.prefaces.retain(|(caller, _)| *caller != message.caller);
            self.prefaces.push((message.caller.clone(), vec![message]));
            return;
        }
        match headers::find(&message.message).filter(|_| !self.panicked) {
            Some(found) => self.header(found, message),
            None => self.other_line(message),
        }
    }

    fn start_of_kernel(&mut self, message: Message) {
        let again = std::mem::replace(&mut self.booted, true);
        if again && self.boots == Boots::Any {
            self.finish_all();
            self.prefaces.clear();
            (self.panicked, self.last_kind) = (false, None);
        } else if again && !self.panicked {
            // A panic reboots, which is its consequence.
            self.finish_all();
            self.start(headers::reboot(), message, Vec::new());
        }
    }

    fn finish_all(&mut self) {
        for open in std::mem::take(&mut self.open) {
            self.finish(open);
        }
    }

    /// Whether the report of this caller that is open is the text that belongs to this `cut here`: a BUG() has no text
    /// of its own, and who wants to say one prints it before.
    fn is_text_of_bug(&self, cut: &Message) -> bool {
        self.open.iter().any(|open| {
            let fresh = open.role == Role::Preface && !open.body && !open.ended;
            fresh && open.caller == cut.caller && cut.seconds - open.last_seconds <= TEXT_BEFORE_S
        })
    }

    fn header(&mut self, found: Match, message: Message) {
        let preface = self.take_preface(&message.caller);
        let role = found.header.role;
        let open = self.open.iter_mut().find(|open| open.caller == message.caller);
        if role == Role::Panic {
            self.panicked = true;
            if is_consequence(&message.message, self.last_kind) {
                // Another CPU may be the one that panics for it.
                let cause = self.open.iter_mut().rev().max_by_key(|open| open.caller == message.caller);
                return cause.into_iter().for_each(|open| open.append(&message));
            }
        } else if let Some(open) =
            open.filter(|open| !open.ended && preface.is_empty() && open.takes_text(found))
        {
            self.last_kind = Some(found.header.kind);
            (open.header, open.message) = (found, message.message.clone());
            return open.append(&message);
        } else if found.is_bare(Kind::Info) && self.belongs_to_report(&message.caller) {
            return self.other_line(message);
        } else if let Some(open) = self.open.iter_mut().find(|open| open.caller == message.caller)
            && open.continues_with(found, &message, preface.is_empty())
        {
            open.role = if open.role == Role::Preface { Role::Own } else { open.role };
            open.dies |= found.header.kind == Kind::Oops;
            open.died |= is_death(&message.message);
            return open.append(&message);
        }
        self.close(&message.caller);
        self.start(found, message, preface);
    }

    fn start(&mut self, found: Match, message: Message, preface: Vec<Message>) {
        let mut open = Open {
            caller: message.caller.clone(),
            header: found,
            message: message.message.clone(),
            line: message.line,
            last_seconds: message.seconds,
            text: String::new(),
            lines: 0,
            frames: Frames::default(),
            role: if is_text_of_warning(found, &preface) { Role::Preface } else { found.header.role },
            died: is_death(&message.message),
            dies: false,
            only_header: false,
            body: !preface.is_empty(),
            ended: false,
        };
        preface.iter().chain([&message]).for_each(|message| open.append(message));
        open.only_header = true;
        self.last_kind = Some(found.header.kind);
        self.open.push(open);
    }

    fn other_line(&mut self, message: Message) {
        if let Some((_, preface)) = self.prefaces.iter_mut().find(|(caller, _)| *caller == message.caller) {
            preface.push(message);
            let is_long = preface.len() > MOST_PREFACE;
            self.prefaces.retain(|(_, preface)| !is_long || preface.len() <= MOST_PREFACE);
            return;
        }
        let own = self.open.iter().position(|open| open.caller == message.caller);
        // The CPUs that a stall report asks for their stacks answer as callers of their own.
        let asked = || self.open.iter().rposition(|open| !open.ended && open.asks_other_cpus());
        let Some(index) = own.or_else(asked) else { return };
        let open = &mut self.open[index];
        if !open.ended {
            open.append(&message);
        }
    }

    fn close_silent(&mut self, seconds: f64) {
        self.prefaces
            .retain(|(_, lines)| lines.last().is_some_and(|last| seconds - last.seconds <= LONGEST_PAUSE_S));
        while let Some(place) =
            self.open.iter().position(|open| seconds - open.last_seconds > LONGEST_PAUSE_S)
        {
            let open = self.open.remove(place);
            self.finish(open);
        }
    }

    fn belongs_to_report(&self, caller: &str) -> bool {
        self.open.iter().any(|open| open.caller == caller && !open.ended && open.body)
    }

    fn take_preface(&mut self, caller: &str) -> Vec<Message> {
        let place = self.prefaces.iter().position(|(of, _)| of == caller);
        place.map(|place| self.prefaces.remove(place).1).unwrap_or_default()
    }

    fn close(&mut self, caller: &str) {
        if let Some(place) = self.open.iter().position(|open| open.caller == caller) {
            let open = self.open.remove(place);
            self.finish(open);
        }
    }

    fn finish(&mut self, open: Open) {
        if !open.is_empty_notice() && self.count < MOST_FINDINGS {
            self.count += 1;
            self.done.push(open.into_finding());
        }
    }
}

impl Open {
    /// Whether a line with a header is part of this report. `uncut`: no line such as `cut here` stands between.
    fn continues_with(&self, found: Match, message: &Message, uncut: bool) -> bool {
        if self.ended || !uncut {
            return false;
        }
        match found.header.role {
            Role::Own | Role::Preface => {
                let cause = matches!(found.header.kind, Kind::Warning | Kind::Oops | Kind::Lockdep);
                // Older kernels begin the details of a slab report with INFO.
                let detail = self.header.header.kind == Kind::Slab && found.header.kind == Kind::Info;
                self.role == Role::Preface && cause || detail
            }
            Role::Part => {
                let related = matches!(
                    (self.header.header.kind, found.header.kind),
                    (
                        Kind::Oops | Kind::Cfi | Kind::ListCorruption | Kind::Refcount | Kind::Ubsan,
                        Kind::Oops
                    ) | (Kind::Oom, Kind::Oom)
                        | (Kind::Leak, Kind::Leak)
                        | (Kind::RcuStall, Kind::RcuStall)
                        | (Kind::HungTask, Kind::HungTask)
                );
                (related || self.dies && found.header.kind == Kind::Oops)
                    && !(self.died && is_death(&message.message))
            }
            Role::Panic => false,
        }
    }

    fn append(&mut self, message: &Message) {
        self.last_seconds = message.seconds;
        self.lines += 1;
        self.only_header = false;
        self.frames.add(&message.message);
        self.body |= is_body(&message.message);
        let one_line = !self.body && self.lines > BODY_WITHIN;
        self.ended = one_line || self.lines >= MOST_LINES || message.message.starts_with("---[ end ");
        let text = escape_for_terminal(&message.message);
        if self.text.len() + text.len() < MAX_TEXT - 100 {
            self.text.push_str(&text);
            self.text.push('\n');
        } else if !self.text.ends_with("is cut here\n") {
            self.text.push_str("[...] the text of this report is cut here\n");
        }
    }

    fn asks_other_cpus(&self) -> bool {
        matches!(self.header.header.kind, Kind::RcuStall | Kind::SoftLockup | Kind::HardLockup)
    }

    /// In new kernels, such as 7.3, a WARN() has its text behind its header, __warn() in kernel/panic.c: it says more than
    /// the header.
    fn takes_text(&self, found: Match) -> bool {
        let fresh =
            self.header.header.title == "WARNING" && self.only_header && self.message.contains(", CPU#");
        fresh && matches!(found.header.role, Role::Own | Role::Preface)
    }

    /// Words that mean something only with a report below them: `possible` alone is advice ("possible SYN flooding"), an
    /// `INFO:` or, behind a name, a `WARNING:` may be anybody's, and `BUG name (` is how a slab report begins.
    fn is_empty_notice(&self) -> bool {
        let (found, header) = (self.header, &self.message[self.header.start..]);
        let advice = header.split_once(": ").is_some_and(|(_, text)| text.starts_with("possible "));
        let behind_a_name = found.is_bare(Kind::Warning) && found.start > 0;
        let slab = found.header.kind == Kind::Slab;
        !self.body && (advice || behind_a_name || slab || found.is_bare(Kind::Info))
    }

    fn into_finding(mut self) -> Finding {
        if !self.body {
            // What other code of the same caller said next is no part of a report of one line.
            self.text.truncate(self.text.find('\n').map_or(self.text.len(), |end| end + 1));
            self.frames = Frames::default();
            self.frames.add(&self.message);
        }
        let kind = self.header.header.kind;
        let title = title::title(self.header, &self.message, &self.frames);
        Finding { id: title::id(kind, &title), kind, title, line: self.line, text: self.text }
    }
}

/// Whether a header is the text of a WARN() or BUG(), whose own header is still to come.
fn is_text_of_warning(found: Match, preface: &[Message]) -> bool {
    let cut = preface.first().is_some_and(|first| first.message.contains("cut here"));
    cut && !["WARNING", "kernel BUG"].contains(&found.header.title)
}
