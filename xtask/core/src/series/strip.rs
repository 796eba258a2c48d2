//! The paths in the headers of a diff, brought to the form that git takes: `a/fs/x.c` and `b/fs/x.c`.

use super::diff;
use crate::text::suggest::quoted;

/// The folders at the top of the kernel's source. A path that begins with one of them has nothing in front of it.
const TOP: [&str; 24] = [
    "Documentation",
    "LICENSES",
    "arch",
    "block",
    "certs",
    "crypto",
    "drivers",
    "fs",
    "include",
    "init",
    "io_uring",
    "ipc",
    "kernel",
    "lib",
    "mm",
    "net",
    "rust",
    "samples",
    "scripts",
    "security",
    "sound",
    "tools",
    "usr",
    "virt",
];

/// Files at the top of the kernel's source that patches change.
const TOP_FILES: [&str; 6] = ["Makefile", "MAINTAINERS", "Kconfig", "Kbuild", "CREDITS", ".gitignore"];

/// What is said of the paths in a diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// How many parts are taken off, as with `patch -pN`; none if the paths tell.
    pub strip: Option<u32>,
    /// The folder in which they begin, without slashes around it; none for the top of the source.
    pub directory: Option<String>,
}

/// A diff whose paths were changed.
pub(super) struct Converted {
    pub(super) diff: Vec<u8>,
    /// What was done, for the user.
    pub(super) note: String,
}

/// The diff in git's form; none if it is in it.
///
/// # Errors
/// If it cannot be told where the paths begin.
pub(super) fn to_p1(diff: &[u8], paths: &Paths) -> Result<Option<Converted>, String> {
    let lines: Vec<&[u8]> = diff.split_inclusive(|byte| *byte == b'\n').collect();
    let files = files(&lines);
    let mut levels = Vec::new();
    for file in &files {
        levels.push(paths.strip.map_or_else(|| level(file, paths), Some));
    }
    let known = levels.iter().flatten().copied().next();
    if let Some((file, _)) = files.iter().zip(&levels).find(|(_, level)| level.or(known).is_none()) {
        return Err(format!(
            "where its paths begin cannot be told ({}): say so with --directory, e.g. --directory fs/fuse",
            quoted(&file.shown())
        ));
    }
    let is_git_form = |(file, level): (&File, &Option<u32>)| level.or(known) == Some(1) && !file.is_dotted();
    if paths.directory.is_none() && (paths.strip == Some(1) || files.iter().zip(&levels).all(is_git_form)) {
        return Ok(None);
    }
    let mut converted: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
    for (file, level) in files.iter().zip(&levels) {
        let rewrite = Rewrite { level: level.or(known).unwrap_or(1), directory: paths.directory.as_deref() };
        for (at, kind) in &file.lines {
            converted[*at] = rewrite.line(lines[*at], *kind);
        }
    }
    let from = match (&paths.directory, known) {
        (Some(directory), _) => format!("paths begin in {directory}"),
        (None, level) => format!("paths were those of -p{}", level.unwrap_or(1)),
    };
    Ok(Some(Converted { diff: converted.concat(), note: format!("{from}, a/ and b/ are put in front") }))
}

/// What a line of a header is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `diff --git X Y`.
    Git,
    /// `--- X`.
    Old,
    /// `+++ Y`.
    New,
    /// `rename from X` and the like: the words in front of the path.
    Named(&'static str),
}

/// The header of one file.
#[derive(Default)]
struct File {
    lines: Vec<(usize, Kind)>,
    /// As written, without quotes and times; none for `/dev/null`.
    old: Option<String>,
    new: Option<String>,
    /// The two names behind `diff --git` are one and the same.
    is_bare_git: bool,
    is_git: bool,
}

impl File {
    fn shown(&self) -> String {
        self.old.clone().or_else(|| self.new.clone()).unwrap_or_default()
    }

    /// Git does not take `./x` for `a/x`.
    fn is_dotted(&self) -> bool {
        [&self.old, &self.new].into_iter().flatten().any(|path| path.starts_with("./"))
    }
}

/// The headers in a diff. Hunks are skipped by their line counts.
fn files(lines: &[&[u8]]) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    let mut in_git_header = false;
    let mut at = 0;
    while at < lines.len() {
        let text = String::from_utf8_lossy(lines[at]);
        let line = text.trim_end_matches(['\n', '\r']);
        let is_next = |start: &str| lines.get(at + 1).is_some_and(|next| next.starts_with(start.as_bytes()));
        if let Some(names) = line.strip_prefix("diff --git ") {
            let mut file = File { is_git: true, ..File::default() };
            if let Some((old, new)) = halves(names) {
                file.is_bare_git = old == new;
                (file.old, file.new) = (Some(plain(old)), Some(plain(new)));
            }
            file.lines.push((at, Kind::Git));
            files.push(file);
            in_git_header = true;
        } else if let Some(old) = line.strip_prefix("--- ").filter(|_| is_next("+++ ")) {
            if !in_git_header {
                files.push(File::default());
            }
            in_git_header = false;
            let next = String::from_utf8_lossy(lines[at + 1]);
            let new = next["+++ ".len()..].trim_end_matches(['\n', '\r']);
            if let Some(file) = files.last_mut() {
                (file.old, file.new) = (header_path(old), header_path(new));
                file.lines.extend([(at, Kind::Old), (at + 1, Kind::New)]);
            }
            at += 1;
        } else if line.starts_with("@@ -") && !files.is_empty() {
            in_git_header = false;
            at += hunk_lines(line, &lines[at + 1..]);
        } else if let Some(file) = files.last_mut().filter(|_| in_git_header) {
            let names = ["rename from ", "rename to ", "copy from ", "copy to "];
            if let Some(name) = names.iter().find(|name| line.starts_with(**name)) {
                let path = Some(plain(&line[name.len()..]));
                // Two different names without a prefix: the header says them once more, in full.
                let is_bare = if name.ends_with("from ") { file.old == path } else { file.new == path };
                file.is_bare_git |= is_bare;
                file.lines.push((at, Kind::Named(name)));
            }
        }
        at += 1;
    }
    files
}

/// How many of the lines belong to the hunk with this header.
fn hunk_lines(header: &str, lines: &[&[u8]]) -> usize {
    let Some((old, new)) = header.strip_prefix("@@ -").and_then(diff::ranges) else { return 0 };
    let (mut old_left, mut new_left) = (old.1, new.1);
    let mut count = 0;
    for line in lines {
        if old_left == 0 && new_left == 0 {
            break;
        }
        match line.first() {
            Some(b'+') => new_left = new_left.saturating_sub(1),
            Some(b'-') => old_left = old_left.saturating_sub(1),
            Some(b'\\') => {}
            Some(_) | None => {
                old_left = old_left.saturating_sub(1);
                new_left = new_left.saturating_sub(1);
            }
        }
        count += 1;
    }
    count
}

/// How many parts stand in front of the path in the tree; none if that cannot be told.
fn level(file: &File, paths: &Paths) -> Option<u32> {
    let parts = |path: &Option<String>| {
        path.as_ref().map(|path| path.split('/').map(str::to_owned).collect::<Vec<_>>())
    };
    let (old, new) = (parts(&file.old), parts(&file.new));
    let one = old.as_ref().or(new.as_ref())?;
    if one[0].is_empty() {
        // Absolute: that it is refused is decided elsewhere.
        return Some(1);
    }
    if file.is_bare_git {
        return Some(0);
    }
    let has_two_prefixes = match (&old, &new) {
        (Some(old), Some(new)) => old[0] != new[0] && old.len() == new.len() && old.len() > 1,
        (Some(one), None) | (None, Some(one)) => one.len() > 1 && matches!(one[0].as_str(), "a" | "b"),
        (None, None) => false,
    };
    let is_prefixed =
        file.is_git || has_two_prefixes || matches!(one[0].as_str(), "a" | "b") && one.len() > 1;
    if is_prefixed {
        return Some(1);
    }
    if paths.directory.is_some() {
        return Some(0);
    }
    let one: Vec<&str> = one.iter().map(String::as_str).skip_while(|part| *part == ".").collect();
    let place = one.iter().rev().skip(1).rev().position(|part| TOP.contains(part));
    place.and_then(|place| u32::try_from(place).ok()).or_else(|| {
        let is_top = |name: &&str| TOP_FILES.contains(&name.trim_end_matches(".orig"));
        match one.as_slice() {
            [name] => is_top(name).then_some(0),
            [_, name] => is_top(name).then_some(1),
            // A new folder, maybe; the usual form is believed unless it says where it is: `./x`.
            [_, _, ..] if !file.is_dotted() => Some(1),
            [..] => None,
        }
    })
}

/// How header lines are written anew.
struct Rewrite<'a> {
    level: u32,
    directory: Option<&'a str>,
}

impl Rewrite<'_> {
    fn line(&self, line: &[u8], kind: Kind) -> Vec<u8> {
        let text_end =
            line.len() - line.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let (text, end) = line.split_at(text_end);
        let new = match kind {
            Kind::Old => [b"--- ".as_slice(), &self.path(&text[4..], "a/", self.level)].concat(),
            Kind::New => [b"+++ ".as_slice(), &self.path(&text[4..], "b/", self.level)].concat(),
            Kind::Named(name) => [name.as_bytes(), &self.path(&text[name.len()..], "", 0)].concat(),
            Kind::Git => {
                let names = &text["diff --git ".len()..];
                // Where the names cannot be told apart, git goes by the lines that follow.
                let Some(middle) = middle(names) else { return line.to_vec() };
                let old = self.path(&names[..middle], "a/", self.level);
                let new = self.path(&names[middle + 1..], "b/", self.level);
                [b"diff --git ".as_slice(), &old, b" ", &new].concat()
            }
        };
        [&new, end].concat()
    }

    /// The path at the start of `field` in its new form; what follows it is kept.
    fn path(&self, field: &[u8], prefix: &str, level: u32) -> Vec<u8> {
        let (quote, path) = match field.strip_prefix(b"\"") {
            Some(path) => (b"\"".as_slice(), path),
            None => (b"".as_slice(), field),
        };
        if path.starts_with(b"/") {
            return field.to_vec();
        }
        let mut path = path;
        while let Some(rest) = path.strip_prefix(b"./") {
            path = rest;
        }
        for _ in 0..level {
            let slash = path.iter().position(|byte| *byte == b'/');
            path = slash.map_or(path, |slash| &path[slash + 1..]);
        }
        let directory = self.directory.map(|directory| format!("{directory}/")).unwrap_or_default();
        [quote, prefix.as_bytes(), directory.as_bytes(), path].concat()
    }
}

/// Where the names behind `diff --git` part: between quotes, in the middle, or at the only space.
fn middle(names: &[u8]) -> Option<usize> {
    let is_space = |at: &usize| names.get(*at) == Some(&b' ');
    if names.starts_with(b"\"") || names.ends_with(b"\"") {
        let spaces: Vec<usize> = (0..names.len()).filter(is_space).collect();
        let is_between =
            |at: &&usize| names.get(**at + 1) == Some(&b'"') || names.get(at.wrapping_sub(1)) == Some(&b'"');
        return spaces.iter().find(is_between).copied();
    }
    let half = names.len() / 2;
    let is_middle = is_space(&half) && names.len() % 2 == 1;
    let spaces = names.iter().filter(|byte| **byte == b' ').count();
    is_middle.then_some(half).or_else(|| names.iter().position(|byte| *byte == b' ').filter(|_| spaces == 1))
}

fn halves(names: &str) -> Option<(&str, &str)> {
    let at = middle(names.as_bytes())?;
    Some((names.get(..at)?, names.get(at + 1..)?))
}

/// Without quotes around it.
fn plain(path: &str) -> String {
    path.trim_matches('"').to_owned()
}

fn header_path(field: &str) -> Option<String> {
    let path = field.split('\t').next().unwrap_or(field);
    let path = diff::without_timestamp(path).trim_end();
    (path != "/dev/null").then(|| plain(path))
}

#[cfg(test)]
mod tests;
