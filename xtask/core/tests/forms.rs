//! The same consoles in every form in which people hand them in: each says the same.

#![expect(
    clippy::disallowed_methods,
    reason = "a folder of captures is read; what is tested gets their text"
)]

use std::fs;
use std::path::PathBuf;

use lab_core::evidence::klog::{Finding, Form, Log, Seen, findings, findings_in};
use lab_protocol::random::{below, splitmix64};
use regex::Regex;

/// Consoles of real boots by name.
fn captures() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/console");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("captures").map(|entry| entry.expect("its entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    assert!(paths.len() >= 30, "captures are missing: {paths:?}");
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, String::from_utf8_lossy(&fs::read(path).expect("the capture")).into_owned())
    };
    paths.into_iter().map(read).collect()
}

/// A line of a console, taken apart.
struct Line<'a> {
    number: usize,
    /// As printk has written it, without brackets.
    time: &'a str,
    micros: u64,
    caller: &'a str,
    text: &'a str,
}

/// Writes each line of a console anew, but for those that are not the kernel's.
fn written(console: &str, write: impl Fn(&Line<'_>) -> String) -> String {
    let stamped = Regex::new(r"^\[( *\d+\.\d{6})\](?:\[ *([TC]\d+)\])? (.*)$").expect("a pattern");
    let line = |(number, line): (usize, &str)| {
        let Some(found) = stamped.captures(line) else { return format!("{line}\n") };
        let (time, text) = (found.get(1).expect("a time").as_str(), found.get(3).expect("a text").as_str());
        let micros = time.trim().replace('.', "").parse().expect("microseconds");
        let caller = found.get(2).map_or("", |caller| caller.as_str());
        write(&Line { number, time, micros, caller, text }) + "\n"
    };
    console.lines().enumerate().map(line).collect()
}

fn seconds(line: &Line<'_>) -> String {
    format!("12:{:02}:{:02}", line.micros / 60_000_000, line.micros / 1_000_000 % 60)
}

type Write = fn(&Line<'_>) -> String;

/// Forms that keep the caller, and the time: they lose nothing.
const WHOLE: &[(&str, Form, Write)] = &[
    ("as it is", Form::Printk, |l| format!("[{}][{:>6}] {}", l.time, l.caller, l.text)),
    ("dmesg of util-linux", Form::Printk, |l| format!("[{}] [{:>6}] {}", l.time, l.caller, l.text)),
    ("raw", Form::Printk, |l| format!("<4>[{}][{:>6}] {}", l.time, l.caller, l.text)),
    ("decoded", Form::Printk, |l| format!("kern  :warn  : [{}][{:>6}] {}", l.time, l.caller, l.text)),
    ("a collector", Form::Printk, |l| {
        format!("2026-11-01T{}.000001 [{}][{:>6}] {}", seconds(l), l.time, l.caller, l.text)
    }),
    ("another collector", Form::Printk, |l| format!("[console] [{}][{:>6}] {}", l.time, l.caller, l.text)),
    ("ends of Windows", Form::Printk, |l| format!("[{}][{:>6}] {}\r\r", l.time, l.caller, l.text)),
    ("colours", Form::Printk, |l| {
        format!("\x1b[32m[{}]\x1b[0m[{:>6}] \x1b[31m{}\x1b[0m", l.time, l.caller, l.text)
    }),
    ("a phone", Form::Printk, |l| {
        format!("[{}]  ({})[{}:task]{}", l.time, l.number % 8, number(l.caller), l.text)
    }),
    ("another phone", Form::Printk, |l| {
        format!("[{}] [{}:      task: {:>4}] {}", l.time, l.number % 8, number(l.caller), l.text)
    }),
    ("unpadded", Form::Unpadded, |l| format!("[{}][{}] {}", l.time.trim(), l.caller, l.text)),
    ("milliseconds", Form::Unpadded, |l| {
        format!("[{}][{}] {}", &l.time[..l.time.len() - 3], l.caller, l.text)
    }),
    ("a time of day", Form::Unpadded, |l| {
        format!("{}  [{}][{}] {}", seconds(l), l.time.trim(), l.caller, l.text)
    }),
    ("/dev/kmsg", Form::Kmsg, |l| {
        format!("4,{},{},-,caller={};{}\n SUBSYSTEM=pci", l.number, l.micros, l.caller, l.text)
    }),
    ("syslog", Form::Syslog, |l| {
        format!("Nov  1 {} host kernel: [{}][{:>6}] {}", seconds(l), l.time, l.caller, l.text)
    }),
];

/// Forms that lose who spoke, or when.
const POOR: &[(&str, Form, Write)] = &[
    ("no caller", Form::Printk, |l| format!("[{}] {}", l.time, l.text)),
    ("/dev/kmsg of an old kernel", Form::Kmsg, |l| format!("4,{},{},-;{}", l.number, l.micros, l.text)),
    ("netconsole behind syslog", Form::Kmsg, |l| {
        format!("Nov  1 {} host 4,{},{},-;{}", seconds(l), l.number, l.micros, l.text)
    }),
    ("syslog with a stamp", Form::Syslog, |l| {
        format!("Nov  1 {} host kernel: [{}] {}", seconds(l), l.time.trim(), l.text)
    }),
    ("syslog", Form::Syslog, |l| format!("Nov  1 {} host kernel: {}", seconds(l), l.text)),
    ("RFC 3339", Form::Syslog, |l| format!("2026-11-01T{}.000001+00:00 host kernel: {}", seconds(l), l.text)),
    ("RFC 5424", Form::Syslog, |l| format!("<4>1 2026-11-01T{}Z host kernel - - - {}", seconds(l), l.text)),
    ("BusyBox", Form::Syslog, |l| format!("Nov  1 {} host kern.warn kernel: {}", seconds(l), l.text)),
    ("-o short-precise", Form::Journal, |l| format!("Nov 01 {}.000001 host kernel: {}", seconds(l), l.text)),
    ("-o short-monotonic", Form::Journal, |l| format!("[{}] host kernel: {}", l.time, l.text)),
    ("-o short-monotonic --no-hostname", Form::Journal, |l| format!("[{}] kernel: {}", l.time, l.text)),
    ("-o short in French", Form::Syslog, |l| format!("sept. 27 {} host kernel: {}", seconds(l), l.text)),
    ("-o json", Form::JournalJson, |l| {
        let text = serde_json::to_string(l.text).expect("JSON");
        format!(
            r#"{{"__CURSOR":"s=1","_TRANSPORT":"kernel","_SOURCE_MONOTONIC_TIMESTAMP":"{}","MESSAGE":{text}}}"#,
            l.micros
        )
    }),
    ("-o short-iso", Form::Journal, |l| format!("2026-11-01T{}+0000 host kernel: {}", seconds(l), l.text)),
    ("-o short-full", Form::Journal, |l| {
        format!("Sun 2026-11-01 {} UTC host kernel: {}", seconds(l), l.text)
    }),
    ("dmesg -T", Form::Dmesg, |l| format!("[Sun Nov  1 {} 2026] {}", seconds(l), l.text)),
    ("dmesg -xT", Form::Dmesg, |l| format!("kern  :warn  : [Sun Nov  1 {} 2026] {}", seconds(l), l.text)),
    ("dmesg -d", Form::Dmesg, |l| format!("[{} <    0.000001>] {}", l.time, l.text)),
    ("dmesg -e", Form::Dmesg, |l| format!("[  +0.000001] {}", l.text)),
    ("dmesg --time-format iso", Form::Dmesg, |l| {
        format!("2026-11-01T{},000001+00:00 {}", seconds(l), l.text)
    }),
    ("levels", Form::Level, |l| format!("<4>{}", l.text)),
    ("levels and callers", Form::Level, |l| format!("<4>[{:>6}] {}", l.caller, l.text)),
    ("nothing", Form::Bare, |l| l.text.to_owned()),
    ("nothing and ends of Windows", Form::Bare, |l| format!("{}\r", l.text)),
    ("nothing but who it is", Form::Bare, |l| format!("kernel: {}", l.text)),
    ("nothing and a collector", Form::Bare, |l| format!("2026-11-01T{}.0001Z {}", seconds(l), l.text)),
    ("nothing and another collector", Form::Bare, |l| format!("[{}] {}", seconds(l), l.text)),
];

fn number(caller: &str) -> &str {
    caller.trim_start_matches(['T', 'C'])
}

fn short(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|found| format!("{}: {}", found.kind, found.title)).collect()
}

fn assert_each_says_the_same(forms: &[(&str, Form, Write)]) {
    for (name, console) in captures() {
        // A restart that was announced is none of the kernel's faults in a log that somebody hands in.
        let expected = if name == "unexpected-reboot" { Vec::new() } else { findings(console.as_bytes()) };
        for (form, expected_form, write) in forms {
            let log = written(&console, *write);
            let (found, seen) = findings_in(log.as_bytes());
            assert_eq!(seen.form, *expected_form, "{name}: {form}");
            assert_eq!(short(&found), short(&expected), "{name}: {form}");
        }
    }
}

#[test]
fn a_console_says_the_same_in_every_form_that_keeps_callers_and_time() {
    assert_each_says_the_same(WHOLE);
}

#[test]
fn a_console_says_the_same_in_every_form_that_loses_some() {
    assert_each_says_the_same(POOR);
}

const ON_BOTH_PATHS: [&str; 4] = ["colours", "unpadded", "-o short-iso", "nothing"];

/// A piece of one byte is never passed over: each line is then taken apart and looked at.
#[test]
fn the_fast_path_finds_what_the_slow_one_finds() {
    for (name, console) in captures() {
        for (form, _, write) in WHOLE.iter().chain(POOR).filter(|(form, ..)| ON_BOTH_PATHS.contains(form)) {
            let log = written(&console, write);
            let whole = findings_in(log.as_bytes());
            assert_eq!(in_pieces(log.as_bytes().chunks(1)), whole, "{name}: {form}");
        }
    }
}

fn in_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Finding>, Seen) {
    let mut log = Log::default();
    let mut found: Vec<_> = pieces.flat_map(|piece| log.push(piece)).collect();
    let (rest, seen) = log.finish();
    found.extend(rest);
    found.sort_by_key(|finding| finding.line);
    (found, seen)
}

/// Numbers that a seed gives.
struct Drawn {
    seed: u64,
    count: u64,
}

impl Drawn {
    fn from(seed: u64) -> Self {
        Drawn { seed, count: 0 }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.count += 1;
        below(limit.max(1) as u64, splitmix64(self.seed, self.count)) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What is put into a log somewhere.
const HOSTILE: [&[u8]; 10] = [
    b"\0",
    b"\x1b[31m",
    b"\xff\xfe",
    b"\r",
    b"\n",
    b"BUG: ",
    b"** replaying previous printk message **",
    b"[    1.000000] ",
    b"------------[ cut here ]------------",
    b"====================",
];

/// Lines of two consoles, some left out, repeated, moved or cut, with bytes in them that no console should have.
fn drawn(seed: u64, lines: &[&[u8]]) -> Vec<u8> {
    let mut drawn = Drawn::from(seed);
    let start = drawn.below(lines.len() / 2);
    let mut log: Vec<Vec<u8>> = lines[start..].iter().take(400).map(|line| line.to_vec()).collect();
    for _ in 0..20 {
        let (at, from) = (drawn.below(log.len()), drawn.below(lines.len()));
        let place = drawn.below(log[at].len());
        match drawn.below(6) {
            0 => log.insert(at, lines[from].to_vec()),
            1 => drop(log.remove(at)),
            2 => log[at].truncate(place),
            3 => drop(log[at].splice(place..place, drawn.of(&HOSTILE).iter().copied())),
            4 => log[at] = log[at].repeat(1 + drawn.below(30)),
            _ => log[at] = [&vec![b'x'; drawn.below(20_000)], lines[from]].concat(),
        }
    }
    log.concat()
}

#[test]
fn whatever_is_drawn_both_paths_find_the_same() {
    let captures = captures();
    let mut found = 0;
    for seed in 0..24 {
        let mut choose = Drawn::from(seed);
        let [one, other] = [choose.of(&captures), choose.of(&captures)];
        let (name, _, write) = choose.of(&[WHOLE, POOR].concat()).to_owned();
        let text = written(&one.1, write) + &other.1;
        let lines: Vec<&[u8]> = text.as_bytes().split_inclusive(|&byte| byte == b'\n').collect();
        let log = drawn(seed, &lines);
        let whole = findings_in(&log);
        found += whole.0.len();
        assert_eq!(in_pieces(log.chunks(1)), whole, "seed {seed}: {name}");
        assert_eq!(in_pieces(log.chunks(1 + choose.below(9000))), whole, "seed {seed}: {name}");
    }
    assert!(found > 24, "the logs say too little: {found}");
}
