//! What the kernel said on its console: findings, the end mark, the last words.
//!
//! On a console of the lab only lines with a printk timestamp count: firmware and programs write to the same console, and
//! what looks like a crash there is none. The guest therefore always boots with `printk.time=1`, and its programs never
//! write to the console. A log that somebody hands in may have any [`Form`]: it is recognised, and where a line does not say
//! who wrote it, a header counts only with what nobody but the kernel writes.

mod alone;
mod body;
mod form;
mod frames;
mod headers;
mod journal;
mod line;
mod log;
mod needed;
mod prefix;
mod recognise;
mod scanner;
mod skipped;
mod starts;
mod taint;
mod title;

use std::collections::BTreeSet;

use lab_protocol::{END_MARK, KernelWarnings, Nonce};
use serde::{Deserialize, Serialize};

use crate::text::escape::escape_for_terminal;

pub use form::Form;
pub use headers::Kind;
pub(crate) use line::pattern;
pub use log::{Log, Seen};
pub use scanner::Scanner;
pub use starts::Boots;
pub(crate) use taint::{set_by, taint_flags};
pub(crate) use title::normalise;

/// The longest text that is kept of one report, bytes; what is cut is marked.
pub(crate) const MAX_TEXT: usize = 32 << 10;

/// Something that the kernel must never say. Every finding makes its boot
/// [`Broken`](crate::evidence::outcome::Outcome::Broken), a single WARNING as well: the base kernel says none of these on
/// this machine, and what it does say in spite of that shows in both arms of the comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Finding {
    /// The same for the same fault in every boot and every variant: the kind and a digest of the title.
    pub id: String,
    /// What sort of report it is.
    pub kind: Kind,
    /// One line without addresses, numbers, CPUs and pids, with the first function that is not part of the
    /// reporting itself.
    pub title: String,
    /// Line of the console on which the report's header stands, from 1.
    pub line: usize,
    /// The report without its timestamps, at most [`MAX_TEXT`] bytes. Printable: control characters are escaped.
    pub text: String,
}

/// Every finding of the whole console of one boot, in the order of their headers. What follows a panic is its
/// consequence and no finding.
pub fn findings(console: &[u8]) -> Vec<Finding> {
    findings_of(console, Boots::One)
}

/// Every finding of a whole console, of one boot or of several one after the other.
pub fn findings_of(console: &[u8], boots: Boots) -> Vec<Finding> {
    let mut scanner = Scanner::new(boots);
    let mut findings = scanner.push(console);
    findings.extend(scanner.finish());
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// Every finding of a whole log of any form, and what the log is like.
pub fn findings_in(log: &[u8]) -> (Vec<Finding>, Seen) {
    let mut reader = Log::default();
    let mut findings = reader.push(log);
    let (rest, seen) = reader.finish();
    findings.extend(rest);
    findings.sort_by_key(|finding| finding.line);
    (findings, seen)
}

/// The most messages of a report that are looked at: process 1 sends fewer, and is not trusted to.
const MOST_WARNINGS: usize = 1000;

/// What a kernel warned of beside its findings: the messages, normalised, each once with its worst level, in order. A message that
/// stands in the report of a finding is part of that.
pub fn warnings(told: &KernelWarnings, findings: &[Finding]) -> Vec<(String, u8)> {
    let reported: BTreeSet<String> =
        findings.iter().flat_map(|finding| finding.text.lines()).map(title::normalise).collect();
    let mut warnings: Vec<(String, u8)> = Vec::new();
    for message in told.messages.iter().take(MOST_WARNINGS) {
        let text = title::normalise(&message.text);
        match warnings.iter_mut().find(|(known, _)| *known == text) {
            Some((_, level)) => *level = message.level.min(*level),
            None if text.is_empty() || reported.contains(&text) => {}
            None => warnings.push((text, message.level)),
        }
    }
    warnings
}

/// Whether process 1 of this boot wrote its last line to the kernel log.
pub(crate) fn end_mark(console: &[u8], nonce: Nonce) -> bool {
    let mark = nonce.to_string();
    prefix::messages(console).any(|line| {
        let rest = line.message.strip_prefix(END_MARK);
        rest.is_some_and(|rest| rest.trim_matches([' ', ':']) == mark)
    })
}

/// What a kernel says of an NMI that it cannot explain, such as the one by which the lab asks a silent guest where it is.
const ABOUT_NMI: [&str; 2] =
    ["Uhhuh. NMI received for unknown reason ", "Dazed and confused, but trying to continue"];

/// The last line of the console that holds anything, of the kernel or not, printable and at most 200
/// characters long; empty if there is none. What the lab provoked by its NMI is not the guest's own word.
pub fn last_line(console: &[u8]) -> String {
    let lines = console.rsplit(|&byte| byte == b'\n');
    let counts = |line: &String| !line.trim().is_empty() && !ABOUT_NMI.iter().any(|text| line.contains(text));
    // A guest that died while it filled the console with empty lines must not cost minutes.
    let last = lines.take(10_000).map(|line| line::clean(line).into_owned()).find(counts);
    let last = last.map(|line| line.trim().chars().take(200).collect::<String>());
    escape_for_terminal(&last.unwrap_or_default())
}

#[cfg(test)]
mod tests;
