//! A report whose header was seen, and what it takes of the lines that follow.

use super::super::body::{is_body, is_cut, is_death};
use super::super::frames::Frames;
use super::super::headers::{Kind, Match, Role};
use super::super::line::{Message, Place};
use super::super::{Finding, MAX_TEXT, alone, title};
use crate::text::escape::escape_for_terminal;

/// A header with no register, stack or rule within so many lines is a report of one line.
const BODY_WITHIN: usize = 12;

/// No report is longer; lockdep's, with every lock held, are the longest.
const MOST_LINES: usize = 1000;

/// So many lines that no report has in particular end one in a log without kernel time.
const MOST_OTHER_LINES: usize = 100;

/// Who may have written the lines of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Writer {
    #[default]
    Kernel,
    Anybody,
}

/// A report whose header was seen.
#[derive(Debug)]
pub(super) struct Open {
    writer: Writer,
    pub(super) caller: String,
    pub(super) header: Match,
    pub(super) message: String,
    line: usize,
    pub(super) last: Place,
    text: String,
    lines: usize,
    frames: Frames,
    pub(super) role: Role,
    /// Whether an exception's own line (`Oops: ... [#1]`) was seen: the next one is another exception.
    pub(super) died: bool,
    /// Whether a BUG() belongs to it, which ends in an exception.
    pub(super) dies: bool,
    /// Whether the header is the last line so far.
    only_header: bool,
    /// Whether anything was seen that only a report has.
    pub(super) body: bool,
    /// Whether its end mark was seen, or it was found to be of one line: only a panic can still belong to it.
    pub(super) ended: bool,
    /// Whether anything was seen that only a report of the kernel has.
    is_the_kernels: bool,
    /// How many lines in a row could stand anywhere.
    other_lines: usize,
}

impl Open {
    /// A report that begins with this message, behind what stands before it.
    pub(super) fn new(writer: Writer, found: Match, message: &Message, preface: &[Message]) -> Self {
        let mut open = Self {
            writer,
            caller: message.caller.clone(),
            header: found,
            message: message.message.clone(),
            line: message.line,
            last: message.place(),
            text: String::new(),
            lines: 0,
            frames: Frames::default(),
            role: if is_text_of_warning(found, preface) { Role::Preface } else { found.header.role },
            died: is_death(&message.message),
            dies: false,
            only_header: false,
            body: is_behind_cut(preface) || !preface.is_empty() && !found.is_bare(Kind::Warning),
            ended: false,
            is_the_kernels: writer == Writer::Kernel
                || alone::stands_alone(&message.message, found)
                || is_behind_cut(preface),
            other_lines: 0,
        };
        preface.iter().chain([message]).for_each(|message| open.append(message));
        open.only_header = true;
        open
    }

    /// Whether a line with a header is part of this report. `uncut`: no line such as `cut here` stands between.
    pub(super) fn continues_with(&self, found: Match, message: &Message, uncut: bool) -> bool {
        if self.ended || !uncut {
            return false;
        }
        match found.header.role {
            Role::Own | Role::Preface => {
                let cause = matches!(
                    found.header.kind,
                    Kind::Warning | Kind::Oops | Kind::Lockdep | Kind::AllocationFailure
                );
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
                        | (Kind::HardLockup, Kind::HardLockup)
                );
                let text =
                    self.header.is_bare(Kind::Bug) && self.only_header && found.header.kind == Kind::Oops;
                (related || text || self.dies && found.header.kind == Kind::Oops)
                    && !(self.died && is_death(&message.message))
            }
            Role::Panic => false,
        }
    }

    pub(super) fn append(&mut self, message: &Message) {
        self.last = message.place();
        self.lines += 1;
        // warn_slowpath_common() of Linux 3.x shows the machine between the header and the text of a WARN().
        self.only_header &= message.message.starts_with("Hardware name: ");
        // A header has a function as well, and none but a report has one in its second line.
        let is_frame = self.frames.add(&message.message) && self.lines > 1;
        self.body = self.body || is_frame || is_body(&message.message);
        let one_line = !self.body && self.lines > BODY_WITHIN;
        self.ended = one_line || self.lines >= MOST_LINES || message.message.starts_with("---[ end ");
        if message.seconds.is_none() || self.writer == Writer::Anybody {
            self.look_for_the_kernel(message);
        }
        let text = escape_for_terminal(&message.message);
        if self.text.len() + text.len() < MAX_TEXT - 100 {
            self.text.push_str(&text);
            self.text.push('\n');
        } else if !self.text.ends_with("is cut here\n") {
            self.text.push_str("[...] the text of this report is cut here\n");
        }
    }

    /// Without stamps only the lines themselves tell whether the kernel is still speaking.
    fn look_for_the_kernel(&mut self, message: &Message) {
        let may_tell = !self.is_the_kernels && self.lines <= BODY_WITHIN;
        let of_report = is_body(&message.message);
        let own = (may_tell || !of_report) && alone::is_body(&message.message);
        self.is_the_kernels |= own && may_tell;
        self.other_lines = if own || of_report { 0 } else { self.other_lines + 1 };
        self.ended |= message.seconds.is_none() && self.other_lines > MOST_OTHER_LINES;
    }

    /// Whether a header that anybody may have written is, for this report of the kernel, a line like any other.
    pub(super) fn passes_over(&self, found: Match, message: &Message) -> bool {
        let own = self.caller == message.caller && !self.ended && self.is_the_kernels;
        own && !self.takes_text(found)
    }

    pub(super) fn asks_other_cpus(&self) -> bool {
        matches!(self.header.header.kind, Kind::RcuStall | Kind::SoftLockup | Kind::HardLockup)
    }

    /// In new kernels, such as 7.3, and in those before 4.15 a WARN() has its text behind its header, __warn() in
    /// kernel/panic.c: it says more than the header.
    pub(super) fn takes_text(&self, found: Match) -> bool {
        let fresh = self.header.header.title == "WARNING" && self.only_header;
        fresh && matches!(found.header.role, Role::Own | Role::Preface)
    }

    /// Whether it turned out that nothing was reported.
    pub(super) fn is_nothing(&self) -> bool {
        !self.is_the_kernels || self.is_empty_notice()
    }

    /// Words that mean something only with a report below them: `possible` alone is advice ("possible SYN flooding"), an
    /// `INFO:` or a `WARNING:` may be anybody's, and `BUG name (` is how a slab report begins.
    fn is_empty_notice(&self) -> bool {
        let (found, header) = (self.header, &self.message[self.header.start..]);
        let advice = header.split_once(": ").is_some_and(|(_, text)| text.starts_with("possible "));
        let anybodys = found.is_bare(Kind::Warning) || found.is_bare(Kind::Info);
        let slab = found.header.kind == Kind::Slab;
        !self.body && (advice || anybodys || slab)
    }

    pub(super) fn into_finding(mut self) -> Finding {
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
    is_behind_cut(preface) && !["WARNING", "kernel BUG"].contains(&found.header.title)
}

fn is_behind_cut(preface: &[Message]) -> bool {
    preface.first().is_some_and(|first| is_cut(&first.message))
}
