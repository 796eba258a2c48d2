//! The texts that an import writes: patches, README.md, and what it tells its user.

use std::fmt::Write as _;

use super::mail::Mail;
use super::select::Selection;
use super::sorted::{Skipped, list};
use super::{mbox, message, subject};
use crate::series::{Patch, Series};
use crate::text::suggest::{key, quoted};

/// The line with which `git format-patch --zero-commit` begins.
const FROM_LINE: &str = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001";
/// Author of a diff that names none, as everywhere in the lab.
const NOBODY: &str = "patchlab <patchlab@localhost>";
/// Its date, so that equal input gives equal commits.
const NO_DATE: &str = "Sat, 1 Jan 2000 00:00:00 +0000";

/// A patch as `git am` takes it.
pub fn patch(mail: &Mail, number: usize, total: usize) -> Vec<u8> {
    let tag = if total == 1 { "[PATCH]".to_owned() } else { format!("[PATCH {number}/{total}]") };
    let author = mail.author.as_deref().unwrap_or(NOBODY);
    let date = mail.date.as_deref().unwrap_or(NO_DATE);
    let mut text =
        format!("{FROM_LINE}\nFrom: {author}\nDate: {date}\nSubject: {tag} {}\n", mail.subject.title);
    if ![text.as_bytes(), mail.message.as_bytes(), &mail.diff].into_iter().all(<[u8]>::is_ascii) {
        text.push_str(
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n",
        );
    }
    text.push('\n');
    // What git would take for a header is none if it was said before.
    if message::begins_like_header(&mail.message) {
        let _ = writeln!(text, "From: {author}\n");
    }
    text.push_str(&mail.message);
    let first = mail.diff.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first.trim_ascii_end() != b"---" {
        text.push_str("---\n");
    }
    let mut marked = Vec::with_capacity(text.len() + mail.diff.len());
    let texts: [&[u8]; 2] = [&text.as_bytes()[FROM_LINE.len()..], &mail.diff];
    for line in texts.into_iter().flat_map(|text| text.split_inclusive(|byte| *byte == b'\n')) {
        if mbox::is_separator(line) {
            marked.push(b'>');
        }
        marked.extend_from_slice(line);
    }
    [FROM_LINE.as_bytes(), &marked].concat()
}

/// The title of a series: of its cover letter, or of its first patch.
pub fn title(selection: &Selection) -> &str {
    // What `git format-patch --cover-letter` leaves to be filled in is no title.
    let cover = selection.cover.as_ref().filter(|mail| mail.subject.title != "*** SUBJECT HERE ***");
    let first = cover.or(selection.patches.first());
    first.map_or("", |mail| mail.subject.title.as_str())
}

/// The file names and texts of the patches.
pub fn patches(selection: &Selection) -> Vec<(String, Vec<u8>)> {
    let total = selection.patches.len();
    let numbered = selection.patches.iter().zip(1..);
    numbered.map(|(mail, n)| (subject::file_name(n, &mail.subject.title), patch(mail, n, total))).collect()
}

/// README.md of a series; what was mailed stands in a code block, so that nothing of it is markup.
pub fn readme(name: &str, selection: &Selection, source: &str) -> String {
    let mut mails = String::new();
    if let Some(cover) = &selection.cover {
        entry(&mut mails, "cover", cover);
        mails.push('\n');
    }
    for (mail, number) in selection.patches.iter().zip(1..) {
        entry(&mut mails, &format!("{number}/{}", selection.patches.len()), mail);
    }
    let mails = mails.trim_end();
    // Three backticks at the start of a line would end the block.
    let claim = title(selection).trim_start_matches('`');
    let version = selection.version.map(|version| format!(", version {version}")).unwrap_or_default();
    let source = source.replace(char::is_control, " ");
    format!(
        "# {name}

## Claim

```text
{claim}
```

Write here what would refute it: which figure, answer or line of the kernel log, of which workload.

## Source

Imported from {source}{version}.

```text
{mails}
```
"
    )
}

fn entry(text: &mut String, place: &str, mail: &Mail) {
    let _ = writeln!(text, "{place:<6} {}", mail.subject.title);
    let author = mail.author.as_deref().unwrap_or("no author named");
    let date = mail.date.as_deref().unwrap_or("no date");
    let _ = writeln!(text, "       {author}, {date}");
    if let Some(id) = &mail.id {
        let _ = writeln!(text, "       Message-ID: <{id}>");
    }
}

/// What the user sees at the end: what was imported, and what to do with it.
pub fn summary(series: &Series, selection: &Selection) -> String {
    imported(series, selection) + &next_steps(&series.name)
}

/// What was imported, and what was not.
pub fn imported(series: &Series, selection: &Selection) -> String {
    let name = &series.name;
    let count = series.patches.len();
    let patches = if count == 1 { "patch" } else { "patches" };
    let mut text = format!("imported {count} {patches} to kernel-patches/{name}\n");
    for Patch { file, .. } in &series.patches {
        let _ = writeln!(text, "  {file}");
    }
    if count > 1 {
        let _ = writeln!(text, "order: {}", selection.order);
    }
    for note in selection.notes.iter().cloned().chain(notes(selection)) {
        let _ = writeln!(text, "note: {note}");
    }
    if !selection.skipped.is_empty() {
        text.push_str("not imported as patches\n");
    }
    for Skipped { subject, reason } in &selection.skipped {
        let _ = writeln!(text, "  {}: {reason}", quoted(subject));
    }
    text
}

fn next_steps(name: &str) -> String {
    let key = key(name);
    format!(
        "add to lab.toml

[variants.{key}]
series = [\"{name}\"]

[plans.{key}]
like = \"default\"
baseline = \"stock\"
variants = [\"stock\", \"{name}\"]

run it with: cargo xtask run-lab --plan {name}
and write into kernel-patches/{name}/README.md what would refute the claim
"
    )
}

/// What was guessed or changed, each once, with the patches that it is about.
fn notes(selection: &Selection) -> Vec<String> {
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for (mail, number) in selection.patches.iter().zip(1..) {
        for note in &mail.notes {
            match found.iter_mut().find(|(known, _)| known == note) {
                Some((_, numbers)) => numbers.push(number.to_string()),
                None => found.push((note, vec![number.to_string()])),
            }
        }
    }
    let total = selection.patches.len();
    let line = |(note, numbers): (&str, Vec<String>)| match numbers.len() {
        1 if total == 1 => note.to_owned(),
        count if count == total => format!("{note} (all patches)"),
        1 => format!("{note} (patch {})", numbers[0]),
        _ => format!("{note} (patches {})", list(numbers.into_iter())),
    };
    found.into_iter().map(line).collect()
}
