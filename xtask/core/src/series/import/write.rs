//! The texts that an import writes: patches, README.md, and what it tells its user.

use std::fmt::Write as _;

use super::mail::Mail;
use super::select::Selection;
use super::sorted::Skipped;
use super::{mbox, subject};
use crate::series::{Patch, Series};
use crate::text::suggest::quoted;

/// The line with which `git format-patch --zero-commit` begins.
const FROM_LINE: &str = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001";
/// Author of a diff that names none, as everywhere in the lab.
const NOBODY: &str = "patchlab <patchlab@localhost>";
/// Its date, so that equal input gives equal commits.
const NO_DATE: &str = "Sat, 1 Jan 2000 00:00:00 +0000";

/// A patch as `git am` takes it.
pub fn patch(mail: &Mail, number: usize, total: usize) -> String {
    let tag = if total == 1 { "[PATCH]".to_owned() } else { format!("[PATCH {number}/{total}]") };
    let author = mail.author.as_deref().unwrap_or(NOBODY);
    let date = mail.date.as_deref().unwrap_or(NO_DATE);
    let mut text =
        format!("{FROM_LINE}\nFrom: {author}\nDate: {date}\nSubject: {tag} {}\n", mail.subject.title);
    if !text.is_ascii() || !mail.text.is_ascii() {
        text.push_str(
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n",
        );
    }
    text.push('\n');
    let body = mail.text.trim_start_matches('\n');
    // Text behind an empty line is no header; without a message the body would begin with the diff's.
    if body.starts_with("diff --git ") || body.starts_with("--- ") || body.starts_with("Index: ") {
        text.push_str("---\n");
    }
    for line in body.split_inclusive('\n') {
        if mbox::is_separator(line.as_bytes()) {
            text.push('>');
        }
        text.push_str(line);
    }
    text
}

/// The title of a series: of its cover letter, or of its first patch.
pub fn title(selection: &Selection) -> &str {
    // What `git format-patch --cover-letter` leaves to be filled in is no title.
    let cover = selection.cover.as_ref().filter(|mail| mail.subject.title != "*** SUBJECT HERE ***");
    let first = cover.or(selection.patches.first());
    first.map_or("", |mail| mail.subject.title.as_str())
}

/// The file names and texts of the patches.
pub fn patches(selection: &Selection) -> Vec<(String, String)> {
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
    let version = selection.version;
    let source = source.replace(char::is_control, " ");
    format!(
        "# {name}

## Claim

```text
{claim}
```

Write here what would refute it: which figure, answer or line of the kernel log, of which workload.

## Source

Imported from {source}, version {version}.

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

/// What the user sees at the end.
pub fn summary(series: &Series, skipped: &[Skipped]) -> String {
    let name = &series.name;
    let count = series.patches.len();
    let patches = if count == 1 { "patch" } else { "patches" };
    let mut text = format!("imported {count} {patches} to kernel-patches/{name}\n");
    for Patch { file, .. } in &series.patches {
        let _ = writeln!(text, "  {file}");
    }
    if !skipped.is_empty() {
        text.push_str("not imported as patches\n");
    }
    for Skipped { subject, reason } in skipped {
        let _ = writeln!(text, "  {}: {reason}", quoted(subject));
    }
    let key = if name.contains('.') { format!("\"{name}\"") } else { name.clone() };
    let _ = write!(
        text,
        "add to lab.toml, and name the variant in a plan

[variants.{key}]
series = [\"{name}\"]

and write into kernel-patches/{name}/README.md what would refute the claim
"
    );
    text
}
