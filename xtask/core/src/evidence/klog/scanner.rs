//! From lines to reports: where one begins, what belongs to it, where it ends.

mod open;

use std::sync::LazyLock;

use super::Finding;
use super::alone;
use super::body::{is_consequence, is_cut, is_death, is_rule};
use super::form::Form;
use super::headers::{self, Kind, Match, Role};
use super::line::{Line, Lines, Message, clean, is_long};
use super::needed::Needed;
use super::prefix::parse;
use super::starts::{self, Boots, Start, Starts};
use open::{Open, Writer};

/// A caller that says nothing for so long has ended its report; seconds of kernel time. Reports are printed in
/// one go, and a slow console is not part of the kernel's time.
const LONGEST_PAUSE_S: f64 = 5.0;

/// The same in lines, where a log has no kernel time.
const LONGEST_PAUSE_LINES: usize = 200;

/// How many lines before a header can be its beginning: `cut here` and the message of a WARN().
const MOST_PREFACE: usize = 8;

/// How long the text of a BUG() may stand before its `cut here`; seconds of kernel time, or lines.
const TEXT_BEFORE: (f64, usize) = (0.1, 2);

/// Findings that are kept of one boot. A kernel that warns in a loop must not fill the memory of the host.
const MOST_FINDINGS: usize = 1000;

/// Reports that are open at a time, and beginnings of such. No machine has so many callers that report at once.
const MOST_OPEN: usize = 256;
const MOST_PREFACES: usize = 64;

/// Reads a log as it comes. The findings are those of [`findings_in`](super::findings_in), in the order in which
/// their reports end, however the bytes are cut into pieces.
#[derive(Debug, Default)]
pub struct Scanner {
    lines: Lines,
    form: Form,
    state: State,
}

/// What a line must hold to be looked at while no report is open: a header, what can stand before one, or a start.
static NEEDED: LazyLock<Needed> = LazyLock::new(|| needed(&[]));

/// The same for a line as it came, in which a byte may hide what stands around it.
static NEEDED_IN_BYTES: LazyLock<Needed> = LazyLock::new(|| needed(&["\0", "\x1b"]));

fn needed(hiding: &[&'static str]) -> Needed {
    let prefaces = ["[ cut here ]", "===================="];
    let others = hiding.iter().copied().chain(prefaces).chain(starts::texts());
    Needed::new(headers::texts().into_iter().chain(others.map(|text| text.as_bytes().to_vec())))
}

impl Scanner {
    /// A scanner for a console with printk's stamps of so many boots; that of [`Scanner::default`] is for one.
    pub fn new(boots: Boots) -> Self {
        Self { state: State { starts: Starts::new(boots), ..State::default() }, ..Self::default() }
    }

    /// Takes lines of this form from now on. A console shows which starts are unexpected; another log does not.
    pub(super) fn set_form(&mut self, form: Form) {
        self.form = form;
        self.state.writer = if form.is_the_kernels() { Writer::Kernel } else { Writer::Anybody };
        self.state.starts.set_boots(if form.is_of_console() { Boots::Announced } else { Boots::Any });
    }

    /// Takes bytes of the log and gives the findings whose reports ended in them.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<Finding> {
        while !bytes.is_empty() {
            if self.lines.is_at_start() && self.state.is_idle() {
                let (lines, size) = without_interest(bytes);
                self.lines.skip(lines);
                bytes = &bytes[size..];
            }
            if let Some(line) = self.lines.next(&mut bytes) {
                self.add(&line);
            }
        }
        std::mem::take(&mut self.state.done)
    }

    /// The findings whose reports were still open at the end of the log.
    pub fn finish(mut self) -> Vec<Finding> {
        self.end()
    }

    /// The same of a scanner that is still asked what it has seen.
    pub(super) fn end(&mut self) -> Vec<Finding> {
        if !self.lines.is_at_start() {
            let line = self.lines.take();
            self.add(&line);
        }
        self.state.finish_all();
        std::mem::take(&mut self.state.done)
    }

    /// How many lines there were so far, and how many kernels started.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.lines.count(), self.state.starts.count)
    }

    fn add(&mut self, line: &Line<'_>) {
        let text = clean(&line.bytes);
        let is_plain = NEEDED.find(text.as_bytes()).is_none();
        if is_plain && self.state.is_idle() {
            return;
        }
        if let Some(message) = parse(self.form, &text, line.number) {
            self.state.add(message, is_plain);
        }
    }
}

/// How many lines at the beginning of `bytes` change nothing while no report is open, and how long they are.
fn without_interest(bytes: &[u8]) -> (usize, usize) {
    let Some(last) = memchr::memrchr(b'\n', bytes) else { return (0, 0) };
    let whole = &bytes[..=last];
    let first = NEEDED_IN_BYTES.find(whole).unwrap_or(whole.len());
    let (mut lines, mut start) = (0, 0);
    for end in memchr::memchr_iter(b'\n', &whole[..first]) {
        // Its ends may make a header where they meet.
        if is_long(&whole[start..=end]) {
            break;
        }
        (lines, start) = (lines + 1, end + 1);
    }
    (lines, start)
}

#[derive(Debug, Default)]
struct State {
    /// At most one for each caller, in the order of their headers.
    open: Vec<Open>,
    /// Lines that may be the beginning of a report, by caller.
    prefaces: Vec<(String, Vec<Message>)>,
    done: Vec<Finding>,
    starts: Starts,
    writer: Writer,
    count: usize,
    last_kind: Option<Kind>,
    panicked: bool,
}

impl State {
    /// Takes the next message; `is_plain`: it holds nothing of what [`NEEDED`] looks for.
    fn add(&mut self, message: Message, is_plain: bool) {
        self.close_silent(&message);
        if is_plain {
            return self.other_line(message);
        }
        if let Some(start) = self.starts.look(&message, self.panicked) {
            return self.start_of_kernel(start, message);
        }
        if !self.panicked && is_rule(&message.message) {
            if is_cut(&message.message) && self.is_text_of_bug(&message) {
                return;
            }
            self.close(&message.caller);
            self.prefaces.retain(|(caller, _)| *caller != message.caller);
            if self.prefaces.len() == MOST_PREFACES {
                self.prefaces.remove(0);
            }
            self.prefaces.push((message.caller.clone(), vec![message]));
            return;
        }
        match headers::find(&message.message).filter(|_| !self.panicked) {
            Some(found) => self.header(found, message),
            None => self.other_line(message),
        }
    }

    fn start_of_kernel(&mut self, start: Start, message: Message) {
        if start == Start::First {
            return;
        }
        self.finish_all();
        self.prefaces.clear();
        (self.panicked, self.last_kind) = (false, None);
        if start == Start::Unexpected {
            self.start(headers::reboot(), message, Vec::new());
        }
    }

    /// Whether the next line means the same as if it were the first one.
    fn is_idle(&self) -> bool {
        self.open.is_empty() && self.prefaces.is_empty()
    }

    fn finish_all(&mut self) {
        for open in std::mem::take(&mut self.open) {
            self.finish(open);
        }
    }

    /// Whether the report of this caller that is open is the text that belongs to this `cut here`: a BUG() has no text
    /// of its own, and who wants to say one prints it before.
    fn is_text_of_bug(&mut self, cut: &Message) -> bool {
        let text = self.open.iter_mut().find(|open| {
            let speaks = open.role == Role::Preface || open.header.is_bare(Kind::Bug);
            let fresh = speaks && !open.body && !open.ended;
            let (seconds, lines) = TEXT_BEFORE;
            fresh && open.caller == cut.caller && !cut.place().is_behind(open.last, seconds, lines)
        });
        text.map(|open| open.role = Role::Preface).is_some()
    }

    fn header(&mut self, found: Match, message: Message) {
        let is_weak = self.writer == Writer::Anybody && !alone::stands_alone(&message.message, found);
        if is_weak && self.open.iter().any(|open| open.passes_over(found, &message)) {
            return self.other_line(message);
        }
        let preface = self.take_preface(&message.caller);
        let role = found.header.role;
        let open = self.open.iter_mut().find(|open| open.caller == message.caller);
        if role == Role::Panic && !is_weak {
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
            // Of a WARN() that begins with two lines of text the header is still to come.
            let goes_on = open.role == Role::Preface && role == Role::Preface;
            open.role = if open.role == Role::Preface && !goes_on { Role::Own } else { open.role };
            open.dies |= found.header.kind == Kind::Oops;
            open.died |= is_death(&message.message);
            return open.append(&message);
        }
        self.close(&message.caller);
        self.start(found, message, preface);
    }

    fn start(&mut self, found: Match, message: Message, preface: Vec<Message>) {
        if self.open.len() == MOST_OPEN {
            let oldest = self.open.remove(0);
            self.finish(oldest);
        }
        self.last_kind = Some(found.header.kind);
        self.open.push(Open::new(self.writer, found, &message, &preface));
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

    fn close_silent(&mut self, now: &Message) {
        let now = now.place();
        let is_over = |last| now.is_behind(last, LONGEST_PAUSE_S, LONGEST_PAUSE_LINES);
        self.prefaces.retain(|(_, lines)| lines.last().is_some_and(|last| !is_over(last.place())));
        while let Some(place) = self.open.iter().position(|open| is_over(open.last)) {
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
        if !open.is_nothing() && self.count < MOST_FINDINGS {
            self.count += 1;
            self.done.push(open.into_finding());
        }
    }
}
