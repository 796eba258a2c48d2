//! Folders of patches: which files count, and in which order.

use std::cmp::Ordering;

use anyhow::{Context as _, bail, ensure};

use crate::text::suggest::quoted;

/// A line of a `series` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// The path below the folder of the file.
    pub file: String,
    /// How many parts of its paths are taken off; none if the line does not say.
    pub strip: Option<u32>,
    /// The number of the line.
    pub line: usize,
}

/// Reads quilt's `series`: a path in each line, options behind it, comments behind `#`.
///
/// # Errors
/// Names the line: an unknown option, a patch that is taken back (`-R`), a path that leads out of the folder.
pub fn parse(text: &str) -> anyhow::Result<Vec<QueueEntry>> {
    let mut entries = Vec::new();
    for (line, text) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let is_comment = |word: &&str| word.starts_with('#');
        let mut words = text.split_whitespace().take_while(|word| !is_comment(word));
        let Some(file) = words.next() else { continue };
        let leads_out = file.starts_with('/') || file.split('/').any(|part| part == "..");
        ensure!(!leads_out, "line {line} of series: {} leads out of the folder: copy it there", quoted(file));
        let mut strip = None;
        while let Some(option) = words.next() {
            let number = match option.strip_prefix("-p") {
                Some("") => words.next(),
                Some("ab") => Some("1"),
                Some(number) => Some(number),
                None if option == "-R" => bail!(
                    "line {line} of series: {} is taken back (-R), which a series cannot do: make a patch of it",
                    quoted(file)
                ),
                None => bail!("line {line} of series: unknown option {}, known is -pN", quoted(option)),
            };
            let number = number.and_then(|number| number.parse().ok());
            strip = Some(number.with_context(|| format!("line {line} of series: -p needs a number"))?);
        }
        entries.push(QueueEntry { file: file.to_owned(), strip, line });
    }
    ensure!(
        !entries.is_empty(),
        "series names no patch: write the names of the patches into it, in their order"
    );
    Ok(entries)
}

/// The order of names in which numbers count as numbers: 1, 2, 10.
pub fn by_number(one: &str, other: &str) -> Ordering {
    let (mut one_rest, mut other_rest) = (one, other);
    while !one_rest.is_empty() && !other_rest.is_empty() {
        let (one_part, other_part) = (first_part(one_rest), first_part(other_rest));
        (one_rest, other_rest) = (&one_rest[one_part.len()..], &other_rest[other_part.len()..]);
        let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
        let order = if is_number(one_part) && is_number(other_part) {
            let (one, other) = (one_part.trim_start_matches('0'), other_part.trim_start_matches('0'));
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        } else {
            one_part.cmp(other_part)
        };
        if order.is_ne() {
            return order;
        }
    }
    // Equal but for zeros in front.
    one_rest.len().cmp(&other_rest.len()).then_with(|| one.cmp(other))
}

/// A number, or what stands before the next one.
fn first_part(text: &str) -> &str {
    let is_digit = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(text.len());
    &text[..end]
}

/// Whether a file is what an editor or `patch` left, or hidden.
pub fn is_leftover(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || name.ends_with(".orig") || name.ends_with(".rej")
}

/// What `git format-patch` puts into the name of a patch: `v2-0003-do-it.patch`, and with `--numbered-files` `3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileNumber {
    /// From 1, which is not written.
    pub version: u32,
    /// 0 is the cover letter.
    pub number: u32,
}

/// The version and the number in a file's name, if it has such a number.
pub fn file_number(name: &str) -> Option<FileNumber> {
    let versioned = name.strip_prefix('v').and_then(|rest| rest.split_once('-'));
    let (version, rest) = match versioned.map(|(version, rest)| (small(version), rest)) {
        Some((Some(version), rest)) => (version, rest),
        Some((None, _)) | None => (1, name),
    };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, end) = rest.split_at(digits);
    let is_end = end.is_empty() || end.starts_with(['-', '_', '.', ' ']);
    small(number).filter(|_| is_end).map(|number| FileNumber { version, number })
}

fn small(text: &str) -> Option<u32> {
    let is_plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Whether a file is one of a queue and no mail that was saved: by its name.
pub fn is_patch_file(name: &str) -> bool {
    let name = [".gz", ".xz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        || [".patch", ".diff", ".dpatch"].iter().any(|end| name.ends_with(end))
        || !name.contains('.') && file_number(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_files() {
        let text = "# comment\n\na.patch\nsub/b.patch -p0 # why\r\nc.patch -p 2\n  d.patch -pab #x\n";
        let entry = |file: &str, strip, line| QueueEntry { file: file.to_owned(), strip, line };
        let expected = [
            entry("a.patch", None, 3),
            entry("sub/b.patch", Some(0), 4),
            entry("c.patch", Some(2), 5),
            entry("d.patch", Some(1), 6),
        ];
        assert_eq!(parse(text).unwrap(), expected);
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert!(error("a -R\n").starts_with("line 1 of series: `a` is taken back (-R)"));
        assert!(error("a\nb --fuzz=0\n").starts_with("line 2 of series: unknown option `--fuzz=0`"));
        assert!(error("a -p\n").contains("needs a number"));
        assert!(error("../a\n").contains("leads out of the folder"));
        assert!(error("# nothing\n").starts_with("series names no patch"));
    }

    #[test]
    fn numbers_in_names() {
        let check = |expected: &[&str]| {
            let mut names = expected.to_vec();
            names.reverse();
            names.sort_by(|one, other| by_number(one, other));
            assert_eq!(names, expected);
        };
        check(&["1", "2", "10"]);
        check(&["1-step", "2-step", "10-step", "10-step-2", "10-step-11"]);
        check(&["0001-a.patch", "0002-b.patch", "0010-c.patch"]);
        check(&["fix-2a.patch", "fix-2b.patch", "fix-11.patch"]);
        check(&["01", "1", "v2-1", "v10-1"]);
        check(&["a", "a1", "b"]);
    }

    #[test]
    fn names() {
        let check = |name: &str, version: u32, number: u32| {
            assert_eq!(file_number(name), Some(FileNumber { version, number }), "{name}");
        };
        check("0001-do-it.patch", 1, 1);
        check("v2-0003-do-it.patch", 2, 3);
        check("v12-0000-cover-letter.patch", 12, 0);
        check("10", 1, 10);
        check("v3-7", 3, 7);
        check("2-v4-do-it", 1, 2);
        for name in ["do-it.patch", "vfs-do-it.patch", "3rd.patch", "12345-x", "v2"] {
            assert_eq!(file_number(name), None, "{name}");
        }
        for name in ["a.patch", "a.diff.xz", "7", "0001-do-it"] {
            assert!(is_patch_file(name), "{name}");
        }
        for name in ["7.eml", "README", "series", "a.txt"] {
            assert!(!is_patch_file(name), "{name}");
        }
        for name in [".a.patch.swp", "a.patch~", "a.patch.orig", "a.rej"] {
            assert!(is_leftover(name), "{name}");
        }
    }
}
