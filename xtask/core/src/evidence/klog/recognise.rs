//! Which form a log has.

use std::sync::LazyLock;

use regex::Regex;

use super::form::Form;
use super::journal;
use super::line::{clean, pattern};
use super::prefix;

/// So many lines of a form make a log one of that form, or so large a share of its lines.
const ENOUGH_LINES: usize = 10;
const ENOUGH_SHARE: usize = 5;

/// Of a line longer than this only the beginning is looked at, bytes.
const LOOKED_AT: usize = 400;

/// How many lines there are of each form.
#[derive(Debug, Default)]
struct Tally {
    lines: usize,
    kmsg: usize,
    /// journalctl's objects.
    json: usize,
    /// Any program's, and of them the kernel's.
    syslog: [usize; 2],
    /// Of the kernel's those that only journalctl writes so.
    journal: usize,
    dmesg: usize,
    printk: usize,
    /// journalctl's `[    1.234567] host kernel: `.
    monotonic: usize,
    unpadded: usize,
    level: usize,
}

impl Tally {
    fn add(&mut self, text: &str) {
        self.lines += 1;
        if journal::is_object(text) {
            self.json += 1;
        } else if prefix::KMSG.is_match(text) {
            self.kmsg += 1;
        } else if prefix::DMESG.is_match(text) {
            self.dmesg += 1;
        } else if let Some(found) = prefix::SYSLOG.captures(text) {
            let own = prefix::is_kernel(&found);
            self.syslog[0] += 1;
            self.syslog[1] += usize::from(own);
            self.journal += usize::from(own && OF_JOURNAL.is_match(text));
        } else if prefix::PRINTK.is_match(text) {
            self.printk += 1;
            self.monotonic +=
                usize::from(prefix::MONOTONIC.captures(text).is_some_and(|it| &it[2] == "kernel"));
        } else if prefix::UNPADDED.is_match(text) {
            self.unpadded += 1;
        } else if prefix::LEVEL.is_match(text) {
            self.level += 1;
        }
    }

    fn is_enough(&self, lines: usize) -> bool {
        lines >= ENOUGH_LINES || lines > 0 && lines * ENOUGH_SHARE >= self.lines
    }

    fn form(&self) -> Form {
        let [syslog, own] = self.syslog;
        let syslog = if own >= 3 || own * ENOUGH_SHARE >= syslog { syslog } else { 0 };
        let [journal, printk] =
            if self.is_enough(self.monotonic) { [self.printk, 0] } else { [0, self.printk] };
        let of_syslog = if self.journal * 2 > own { Form::Journal } else { Form::Syslog };
        let forms = [
            (self.json, Form::JournalJson),
            (self.kmsg, Form::Kmsg),
            (syslog, of_syslog),
            (journal, Form::Journal),
            (self.dmesg, Form::Dmesg),
            (printk, Form::Printk),
            (self.unpadded, Form::Unpadded),
            (self.level, Form::Level),
        ];
        // max_by_key gives the last of equals, and the first says most.
        let most = forms.into_iter().rev().filter(|&(lines, _)| self.is_enough(lines)).max_by_key(|it| it.0);
        most.map_or(Form::Bare, |(_, form)| form)
    }
}

/// Stamps that journalctl writes and syslog does not: `-o short-precise`, `short-iso` (without a colon in the zone),
/// `short-full`, `short-unix`.
static OF_JOURNAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d\.\d{6} |\d{4}-\d\d-\d\dT[\d:.]+[+-]\d{4} |[A-Z][a-z]{2} \d{4}-|\d{9,10}\.\d{6} )",
    )
});

/// The form that these bytes of a log have. Other text may stand between its lines and before them.
pub(super) fn recognise(bytes: &[u8]) -> Form {
    let mut tally = Tally::default();
    for line in bytes.split(|&byte| byte == b'\n') {
        let text = clean(&line[..line.len().min(LOOKED_AT)]);
        let text = text.trim_start_matches('\r');
        if !text.trim().is_empty() {
            tally.add(text);
        }
    }
    tally.form()
}

#[cfg(test)]
mod tests;
