//! What was found in logs that somebody handed in, for a terminal and for programs.

use serde::Serialize;

use crate::evidence::klog::{Finding, Form, Kind, Seen};
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, longest, wrap};

/// The version of the form that programs read.
const SCHEMA: u32 = 1;

/// A log that was judged, or could not be.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its name as it was given; `-` is standard input.
    pub file: String,
    /// What the log is like; none if nothing of it could be read.
    pub seen: Option<Seen>,
    /// In the order of their lines; of a log that could only be read in part those of that part.
    pub findings: Vec<Finding>,
    /// Why it could not be read, or not to its end.
    pub error: Option<String>,
}

/// How much of a report the table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Its title.
    Titles,
    /// Its text below that.
    Texts,
}

/// The answer first, then each log with its findings. Nothing in it that comes from a log can act on a terminal.
pub fn render(logs: &[Judged], extent: Extent) -> String {
    let sections: String = logs.iter().map(|log| section(log, extent)).collect();
    escape_for_terminal(&format!("{}\n{sections}", answer(logs)))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn answer(logs: &[Judged]) -> String {
    let findings: usize = logs.iter().map(|log| log.findings.len()).sum();
    let with = logs.iter().filter(|log| !log.findings.is_empty()).count();
    let files = counted(logs.len(), "file");
    let found = match findings {
        0 => format!("no findings in {files}"),
        _ if logs.len() == 1 => format!("{} in {files}", counted(findings, "finding")),
        _ => format!("{} in {with} of {files}", counted(findings, "finding")),
    };
    match logs.iter().filter(|log| log.error.is_some()).count() {
        0 => found,
        unread => format!("{found}; {} could not be read", counted(unread, "file")),
    }
}

fn section(log: &Judged, extent: Extent) -> String {
    let name = if log.file == "-" { "standard input" } else { &log.file };
    // A name with a line feed would look like two.
    let name = name.replace('\n', "\\x0a");
    let mut text =
        format!("\n{}\n", wrap("", &format!("{name}: {}", state(log)), WIDTH.max(name.len() + 20), 2));
    if let Some(error) = &log.error {
        text += &format!("{}\n", wrap("  ", error, WIDTH, 2));
    }
    let lines: Vec<String> = log.findings.iter().map(|finding| finding.line.to_string()).collect();
    let kinds: Vec<String> = log.findings.iter().map(|finding| finding.kind.to_string()).collect();
    let (line, kind) = (longest(lines.iter().map(String::as_str)), longest(kinds.iter().map(String::as_str)));
    for (place, finding) in log.findings.iter().enumerate() {
        let before = format!("  {:>line$}  {:<kind$}  ", lines[place], kinds[place]);
        text += &format!("{}\n", wrap(&before, &finding.title, WIDTH, before.len().min(WIDTH / 2)));
        if extent == Extent::Texts {
            text.extend(finding.text.lines().map(|line| format!("      {line}\n")));
        }
    }
    text
}

fn state(log: &Judged) -> String {
    let Some(seen) = log.seen else { return "not judged".to_owned() };
    let found = match log.findings.len() {
        0 if seen.lines == 0 => return "empty".to_owned(),
        0 => "no findings".to_owned(),
        count => counted(count, "finding"),
    };
    let starts = if seen.starts > 1 { format!(", {} boots", seen.starts) } else { String::new() };
    let part = if log.error.is_some() { " of the part that could be read" } else { "" };
    format!("{found}; {}{part}, {}{starts}", counted(seen.lines, "line"), seen.form.words())
}

/// [`render`] for programs; `docs/judge.schema.json` describes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Document<'a> {
    schema: u32,
    files: Vec<FileEntry<'a>>,
    findings: Vec<FindingEntry<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct FileEntry<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<Form>,
    lines: usize,
    boots: usize,
    findings: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct FindingEntry<'a> {
    file: &'a str,
    form: Option<Form>,
    line: usize,
    id: &'a str,
    kind: Kind,
    title: &'a str,
    text: &'a str,
}

impl<'a> Document<'a> {
    /// What these logs say.
    pub fn new(logs: &'a [Judged]) -> Self {
        let file = |log: &'a Judged| FileEntry {
            file: &log.file,
            form: log.seen.map(|seen| seen.form),
            lines: log.seen.map_or(0, |seen| seen.lines),
            boots: log.seen.map_or(0, |seen| seen.starts),
            findings: log.findings.len(),
            error: log.error.as_deref(),
        };
        let findings = |log: &'a Judged| {
            log.findings.iter().map(|finding| FindingEntry {
                file: &log.file,
                form: log.seen.map(|seen| seen.form),
                line: finding.line,
                id: &finding.id,
                kind: finding.kind,
                title: &finding.title,
                text: &finding.text,
            })
        };
        Document {
            schema: SCHEMA,
            files: logs.iter().map(file).collect(),
            findings: logs.iter().flat_map(findings).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::evidence::klog::findings_in;

    fn judged(file: &str, log: &str) -> Judged {
        let (findings, seen) = findings_in(log.as_bytes());
        Judged { file: file.to_owned(), seen: Some(seen), findings, error: None }
    }

    fn logs() -> Vec<Judged> {
        let crash = "[    1.000000] Linux version 6.12\n[    2.000000] BUG: kernel NULL pointer dereference, address: 8\n\
                     [    2.000000] RIP: 0010:fuse_put+0x1/0x2\n[    2.000000] Kernel panic - not syncing: x\x1b[2J\n\
                     [    0.000000] Linux version 6.12\n";
        let mut cut = judged("cut.gz", "just a line\n");
        cut.error = Some("unpacking it: the stream is cut; fetch the file again".to_owned());
        let missing = Judged {
            file: "missing\x07".to_owned(),
            seen: None,
            findings: Vec::new(),
            error: Some("no such file; look at the name".to_owned()),
        };
        vec![judged("crash.log", crash), judged("-", ""), cut, missing]
    }

    #[test]
    fn the_answer_stands_first_and_each_log_below_it() {
        expect![[r#"
            2 findings in 1 of 4 files; 2 files could not be read

            crash.log: 2 findings; 5 lines, printk, 2 boots
              2  oops   BUG: kernel NULL pointer dereference in fuse_put
              4  panic  Kernel panic - not syncing: x

            standard input: empty

            cut.gz: no findings; 1 line of the part that could be read, no stamps
              unpacking it: the stream is cut; fetch the file again

            missing\x07: not judged
              no such file; look at the name
        "#]]
        .assert_eq(&render(&logs(), Extent::Titles));
        let texts = render(&logs()[..1], Extent::Texts);
        assert!(texts.starts_with("2 findings in 1 file\n"), "{texts}");
        assert!(texts.contains("\n      RIP: 0010:fuse_put+0x1/0x2\n"), "{texts}");
        assert!(render(&logs()[1..2], Extent::Titles).starts_with("no findings in 1 file\n"));
    }

    #[test]
    fn programs_read_each_finding_with_its_file() {
        let text = crate::report::json::render(&Document::new(&logs())).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema"], 1);
        assert_eq!(value["findings"].as_array().map(Vec::len), Some(2));
        let first = &value["findings"][0];
        assert_eq!(
            (first["file"].as_str(), first["form"].as_str(), first["line"].as_u64()),
            (Some("crash.log"), Some("printk"), Some(2))
        );
        assert_eq!(value["files"][3]["error"], "no such file; look at the name");
    }
}
