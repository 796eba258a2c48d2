//! What documents show of the lab's output, held against what it prints today.
//!
//! A block below a line `<!-- compare ARGUMENTS -->` is output of `cargo xtask compare ARGUMENTS`, and so with the other
//! commands that print what is stored; a line `...` in it stands for lines that are left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The commands whose output documents show.
const COMMANDS: [&str; 4] = ["compare", "judge", "show", "timeline"];

/// A block of a document.
struct Transcript {
    /// Document and line, for messages.
    place: String,
    /// The command and its arguments.
    arguments: Vec<String>,
    /// The lines between the fences.
    lines: Vec<String>,
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout").to_owned()
}

/// README and the pages below docs, with their texts.
fn documents() -> Vec<(String, String)> {
    let entries = fs::read_dir(checkout().join("docs")).expect("the folder of documents");
    let pages = entries.map(|entry| format!("docs/{}", entry.expect("its entry").file_name().display()));
    // Pictures and schemas lie there, too.
    let pages = pages.filter(|name| name.ends_with(".md"));
    let mut names: Vec<String> = pages.chain(["README.md".to_owned()]).collect();
    names.sort();
    let read = |name: String| (fs::read_to_string(checkout().join(&name)).expect("a document"), name);
    names.into_iter().map(read).map(|(text, name)| (name, text)).collect()
}

fn transcripts(document: &str, text: &str) -> Vec<Transcript> {
    let lines: Vec<&str> = text.lines().collect();
    let marked = lines.iter().enumerate().filter_map(|(at, line)| {
        let arguments = line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
        COMMANDS
            .iter()
            .any(|command| arguments.starts_with(&format!("{command} ")))
            .then_some((at, arguments))
    });
    marked
        .map(|(at, arguments)| {
            let place = format!("{document}:{}", at + 1);
            let fence = at + 1 + usize::from(lines.get(at + 1).is_some_and(|line| line.is_empty()));
            let indent = lines[fence].len() - lines[fence].trim_start().len();
            assert!(lines[fence].trim().starts_with("```"), "{place}: a block has to follow");
            let block = lines[fence + 1..].iter().take_while(|line| line.trim() != "```");
            Transcript {
                place,
                arguments: arguments.split_whitespace().map(str::to_owned).collect(),
                lines: block.map(|line| line.get(indent..).unwrap_or_default().to_owned()).collect(),
            }
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn lab(arguments: &[String]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_patchlab"))
        .args(arguments)
        .current_dir(checkout())
        .output()
        .expect("the lab starts");
    assert!(!output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The first run of lines of the block that the output does not have behind what comes before it.
fn missing<'a>(block: &'a [String], output: &str) -> Option<&'a [String]> {
    let output: Vec<&str> = output.lines().collect();
    let mut from = 0;
    for run in block.split(|line| line == "...").filter(|run| !run.is_empty()) {
        let place = (from..=output.len().saturating_sub(run.len()))
            .find(|&at| run.iter().zip(&output[at..]).all(|(shown, printed)| shown == printed));
        match place {
            Some(at) => from = at + run.len(),
            None => return Some(run),
        }
    }
    None
}

#[test]
fn documents_show_what_the_lab_prints() {
    let all: Vec<Transcript> =
        documents().iter().flat_map(|(document, text)| transcripts(document, text)).collect();
    assert!(all.len() >= 5, "blocks are no longer marked: {}", all.len());
    for Transcript { place, arguments, lines } in &all {
        assert!(!lines.is_empty(), "{place}: the block is empty");
        let output = lab(arguments);
        if let Some(run) = missing(lines, &output) {
            panic!(
                "{place}: `cargo xtask {}` does not print\n{}\n\nbut\n{output}",
                arguments.join(" "),
                run.join("\n")
            );
        }
    }
}

/// A table in a document is output of the lab: a comment above it says of which command.
#[test]
fn no_table_of_the_lab_stands_unmarked() {
    for (document, text) in documents() {
        let lines: Vec<&str> = text.lines().collect();
        let mut fences = lines.iter().enumerate().filter(|(_, line)| line.trim().starts_with("```"));
        while let (Some((begin, _)), Some((end, _))) = (fences.next(), fences.next()) {
            let is_marked = begin > 0 && lines[begin - 1].trim().starts_with("<!-- ");
            let has_table = lines[begin..end].iter().any(|line| line.trim().starts_with("|--"));
            assert!(
                is_marked || !has_table,
                "{document}:{}: nothing says what printed this table",
                begin + 1
            );
        }
    }
}

#[test]
fn runs_of_lines_are_looked_for_in_order() {
    let block = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let output = "a\nb\nc\nd\n";
    for (shown, fits) in [
        ("a\nb", true),
        ("a\n...\nd", true),
        ("b\nd", false),
        ("d\n...\na", false),
        ("...\nc\n...", true),
        ("e", false),
    ] {
        assert_eq!(missing(&block(shown), output).is_none(), fits, "{shown}");
    }
}
