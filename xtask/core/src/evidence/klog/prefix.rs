//! What stands before a message, form by form.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::form::Form;
use super::journal;
use super::line::{Lines, Message, clean, pattern};

/// What printk writes when another CPU cut it off (console_prepend_replay() in kernel/printk/printk.c): the line before is
/// a part of the one that comes next, whole.
const REPLAYED: &str = "** replaying previous printk message **";

/// print_time() in kernel/printk/printk.c: "[%5lu.%06lu]"; print_caller(): "[%6s]", which dmesg sets apart by a space.
pub(super) static PRINTK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:<(\d{1,4})>)?\[((?: {4}\d| {3}\d\d| \d{4}| {2}\d{3}|\d{5,10})\.\d{6})\](?: ?\[ *([TC]\d+)\])?(?: |$)",
    )
});

/// The same where somebody took the blanks away or rounded, and where vendors wrote the CPU or the time of day behind the time.
pub(super) static UNPADDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^(?:.{0,100}?\s)?(?:<(\d{1,4})>)?\[ *(\d{1,10}\.\d{3,9})",
        r"(?:[@,]\d+| / \d\d-\d\d \d\d:\d\d:\d\d\.\d+)? ?\](?:\[ *\d+\]|(?: ?\[ *([TC]\d+)\])?)(?: |$)",
    ))
});

/// The same of a line in which scripts/decode_stacktrace.sh found a function: it puts one blank for several.
static DECODED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(?:<(\d{1,4})>)?\[ (\d{1,4}\.\d{6})\](?: ?\[ ([TC]\d+)\])? (?:.*[ :])?[A-Za-z_][\w.$]* \((?:\S+\.[chS]:(?:\d+|\?)|\?\?:\?)",
    )
});

/// A time of day, with the date before it. Names of months may be of any language.
const CLOCK: &str = concat!(
    r"(?:(?:\d{4} )?[^\s\d\[\]<>:]{2,8} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?",
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?",
    r"|[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [A-Z+-]\S*",
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}",
    r"|\d{9,10}\.\d{6})",
);

/// RFC 3164 and 5424, and journalctl's short forms: time, host, program. Programs of BusyBox and OpenWrt name the facility and
/// may leave out the host.
pub(super) static SYSLOG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^ ?(?:<\d{{1,3}}>)?(?:1 )?{CLOCK} (?:[^\s\[\]<>]+ )??(?:[a-z]\w*\.[a-z]+ )?([^\s:\[\]<>]{{1,64}})(?:\[\d+\])?(?:: ?| (?:-|\d+) \S+ (?:-|\[.*?\]) )"
    ))
});

/// journalctl -o short-monotonic, with --no-hostname or not. A line of printk looks like that but for the program.
pub(super) static MONOTONIC: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\[ *(\d+\.\d{6})\] (?:[^\s:]+ )?([^\s:\[\]]{1,64})(?:\[\d+\])?: ?"));

/// dmesg of util-linux with -T, -e, -d and ISO times, each also with -x. Names of days and months may be of any language.
pub(super) static DMESG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^(?:[a-z0-9]+ *:[a-z]+ *: )?",
        r"(?:\[(?:[^\s\[\]]{1,8} [^\s\[\]]{1,8} +\d{1,2} \d\d:\d\d:\d\d \d{4}|[^\s\[\]\d]{1,8} ?\d{1,2} \d\d:\d\d",
        r"| *\+\d+\.\d{6}| *\d+\.\d{6} < *\d+\.\d{6}>|< *\d+\.\d{6}>",
        r"|(?:[^\s\[\]]{1,8} [^\s\[\]]{1,8} +\d{1,2} \d\d:\d\d:\d\d \d{4} )< *\d+\.\d{6}>)\]",
        r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{6}[+-]\d\d:\d\d)",
        r"(?: ?\[ *([TC]\d+)\])?(?: |$)",
    ))
});

/// Documentation/ABI/testing/dev-kmsg: level, number, microseconds, flags, `caller=T1`. netconsole in its extended form sends
/// such lines, and who collects them may put time and host in front.
pub(super) static KMSG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:{CLOCK} (?:\S+ )?)?(\d{{1,4}}),\d+,(\d+),[-+c](?:,caller=([TC]\d+))?[^;]{{0,80}};"
    ))
});

/// A level and no time: as the kernel writes it, and as dmesg -x does.
pub(super) static LEVEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:<(\d{1,4})>|(?:kern|user|mail|daemon|auth|syslog|local\d) *:(?:emerg|alert|crit|err|warn|notice|info|debug) *: )",
    )
});

/// A caller without a time, of a kernel with `printk.time=0`.
static CALLER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\[ *([TC]\d+)\] "));

/// What programs put before lines that they collect from a console: a time, seconds (ktest), who spoke.
static COLLECTOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:(?:\[(?:{CLOCK}|\d\d:\d\d:\d\d(?:\.\d+)?)\]|{CLOCK}|\d\d:\d\d:\d\d(?:\.\d+)?|\d{{5}})(?:: | |$))?(?:kernel: )?"
    ))
});

/// Who spoke, as kernels of phones say it behind the stamp: `(2)[123:task]`, `[2:  task:  123]`, `[pid:123,cpu2,task]`.
static VENDOR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^ ?(?:-?\(\d+\)\[(\d+):[^\]]*\]|\[ *\d+: *[^\]:]{1,20}: *(\d+)\]|\[pid:(\d+),cpu\d+,[^\]]*\]) ?",
    )
});

/// Whether the program of a line that matches [`SYSLOG`] is the kernel.
pub(super) fn is_kernel(found: &Captures<'_>) -> bool {
    matches!(found.get(1).map_or("", |name| name.as_str()), "kernel" | "vmunix")
}

/// The message of a line of this form, if it has one.
pub(super) fn parse(form: Form, text: &str, line: usize) -> Option<Message> {
    let replayed = || text.rsplit_once(REPLAYED).map_or(text, |(_, rest)| rest);
    let whole = if memchr::memchr(b'*', text.as_bytes()).is_some() { replayed() } else { text };
    // Some consoles send it before the line feed, and some behind.
    let text = whole.trim_start_matches('\r');
    match form {
        Form::Printk => of_stamp(whole, line)
            .or_else(|| of_pattern(&PRINTK, whole, line))
            .or_else(|| of_decoded(text, line)),
        Form::Unpadded => of_pattern(&UNPADDED, text, line),
        Form::Level => LEVEL.is_match(text).then(|| timeless(text, line)),
        Form::Syslog | Form::Journal => of_syslog(text, line),
        Form::JournalJson => journal::message(text, line),
        Form::Dmesg => {
            let found = DMESG.captures(text)?;
            let caller = found.get(1).map_or("", |caller| caller.as_str());
            Some(Message::new(line, None, None, caller, &text[found.get(0)?.end()..]))
        }
        Form::Kmsg => {
            let found = KMSG.captures(text)?;
            let micros: Option<f64> = found[2].parse().ok();
            let caller = found.get(3).map_or("", |caller| caller.as_str());
            let seconds = micros.map(|micros| micros / 1e6);
            Some(Message::new(line, found[1].parse().ok(), seconds, caller, &text[found.get(0)?.end()..]))
        }
        Form::Bare => {
            let start = COLLECTOR.find(text).map_or(0, |clock| clock.end());
            Some(timeless(&text[start..], line))
        }
    }
}

/// A message without a time; level and caller may stand before it.
fn timeless(text: &str, line: usize) -> Message {
    let level = LEVEL.captures(text);
    let number = level.as_ref().and_then(|found| found.get(1)?.as_str().parse().ok());
    let text = &text[level.and_then(|found| Some(found.get(0)?.end())).unwrap_or(0)..];
    match CALLER.captures(text) {
        Some(found) => Message::new(line, number, None, &found[1], &text[found[0].len()..]),
        None => Message::new(line, number, None, "", text),
    }
}

/// What [`of_pattern`] says of a line that begins as printk begins nearly each of its lines, without a pattern: the seconds padded to
/// five places, and no level.
fn of_stamp(text: &str, line: usize) -> Option<Message> {
    let (stamp, mut rest) = text.strip_prefix('[')?.split_at_checked(12)?;
    let (padded, micros) = stamp.split_at_checked(5)?;
    let whole = padded.trim_start_matches(' ');
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !(is_number(whole) && is_number(micros.strip_prefix('.')?)) {
        return None;
    }
    rest = rest.strip_prefix(']')?;
    let mut caller = "";
    // With something in brackets behind it the pattern has to tell a caller from a vendor's own.
    if let Some((name, behind)) = rest.strip_prefix('[').and_then(|text| text.split_once(']')) {
        caller = name.trim_start_matches(' ');
        if !(caller.starts_with(['T', 'C']) && is_number(&caller[1..])) {
            return None;
        }
        rest = behind;
    }
    let message = if rest.is_empty() { rest } else { rest.strip_prefix(' ')? };
    if caller.is_empty() && message.trim_start_matches(' ').starts_with(['(', '-', '[']) {
        return None;
    }
    Some(Message::new(line, None, stamp.trim_start_matches(' ').parse().ok(), caller, message))
}

/// Finds the timestamp. It need not stand at the line's start: firmware and programs leave lines unended. What
/// stands behind the first one is the message, whatever it looks like.
fn of_pattern(pattern: &Regex, text: &str, line: usize) -> Option<Message> {
    let found = pattern.captures(text)?;
    let group = |number| found.get(number).map_or("", |group| group.as_str());
    let seconds = group(2).trim().parse().ok()?;
    let rest = &text[found.get(0)?.end()..];
    let vendor = if group(3).is_empty() { VENDOR.captures(rest) } else { None };
    let Some(vendor) = vendor else {
        return Some(Message::new(line, group(1).parse().ok(), Some(seconds), group(3), rest));
    };
    let pid = (1..=3).find_map(|number| vendor.get(number)).map_or("", |pid| pid.as_str());
    let rest = &rest[vendor.get(0)?.end()..];
    Some(Message::new(line, group(1).parse().ok(), Some(seconds), &format!("T{pid}"), rest))
}

/// A line that came through scripts/decode_stacktrace.sh.
fn of_decoded(text: &str, line: usize) -> Option<Message> {
    let found = DECODED.captures(text)?;
    let group = |number| found.get(number).map_or("", |group| group.as_str());
    let rest = text.split_once("] ").map_or("", |(_, rest)| rest);
    Some(Message::new(line, group(1).parse().ok(), group(2).parse().ok(), group(3), rest))
}

/// A line of a system log is the kernel's if it says so; what is behind the program's name may have printk's stamp still.
fn of_syslog(text: &str, line: usize) -> Option<Message> {
    // Without the time of day, which is that of the log and not of the kernel.
    let Some(found) = SYSLOG.captures(text) else { return of_monotonic(text, line) };
    if !is_kernel(&found) {
        return None;
    }
    let rest = &text[found.get(0)?.end()..];
    let stamped = STAMPED.is_match(rest).then(|| of_pattern(&UNPADDED, rest, line)).flatten();
    stamped.or_else(|| Some(timeless(rest, line)))
}

/// A message that begins with a stamp.
static STAMPED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:<\d{1,4}>)?\[ *\d{1,10}\.\d{3,9}[\]@, ]"));

/// `[    1.234567] host kernel: `; or what the console of the same machine has.
fn of_monotonic(text: &str, line: usize) -> Option<Message> {
    let message = STAMPED.is_match(text).then(|| of_pattern(&PRINTK, text, line)).flatten()?;
    match MONOTONIC.captures(text) {
        Some(found) if &found[2] == "kernel" => {
            Some(Message { message: text[found.get(0)?.end()..].trim_end().to_owned(), ..message })
        }
        Some(found) if text[..found.get(0)?.end()].contains("]: ") => None,
        _ => Some(message),
    }
}

/// The messages of a whole console.
pub(super) fn messages(console: &[u8]) -> impl Iterator<Item = Message> {
    let (mut lines, mut rest) = (Lines::default(), console);
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let line = lines.next(&mut rest).or_else(|| (!lines.is_at_start()).then(|| lines.take()))?;
            let message = parse(Form::Printk, &clean(&line.bytes), line.number);
            if message.is_some() {
                return message;
            }
        }
        None
    })
}

#[cfg(test)]
mod tests;
