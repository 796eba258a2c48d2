//! What a patch says that it changes: the headers of its diffs, read as git reads them.
//!
//! Hunks are skipped by the line counts of their headers, so that a removed line that looks like a header is
//! not taken for one, and the other way round.

/// The change of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileChange {
    /// Every path that the headers name, without `a/` and `b/` and without `/dev/null`.
    pub paths: Vec<String>,
    /// Every file mode that the headers name, as written, e.g. `100644`.
    pub modes: Vec<String>,
    /// The blob of the file before the change, as far as an `index` line gives it; none for a new file.
    pub old_blob: Option<String>,
    /// Lines that the hunks add.
    pub added: Vec<String>,
    /// Lines that the hunks remove.
    pub removed: Vec<String>,
    /// The numbers that those added have in the new file.
    pub added_at: Vec<u64>,
    /// Hunks: the old start line and the new one.
    pub hunks: Vec<(u64, u64)>,
    /// Their lines, each with the mark in front.
    pub lines: Vec<Vec<String>>,
    /// Sizes of binary data in it, as declared.
    pub binary_bytes: Vec<u64>,
    /// It says that binary files differ and does not hold the data.
    pub binary_without_data: bool,
    /// The patch goes on where the header of the last hunk says that it ends.
    pub overlong: bool,
}

impl FileChange {
    /// Whether nothing would change: a name alone.
    pub(super) fn is_empty(&self) -> bool {
        self.hunks.is_empty()
            && self.modes.is_empty()
            && self.binary_bytes.is_empty()
            && !self.binary_without_data
            && self.paths.len() < 2
    }

    fn name(&mut self, path: Option<String>) {
        if let Some(path) = path
            && !self.paths.contains(&path)
        {
            self.paths.push(path);
        }
    }
}

/// The changes in a patch, with or without a mail around them, in git's or in GNU diff's form.
///
/// What is no UTF-8 in it is in another charset, and neither a header nor counted.
pub(super) fn parse(text: impl AsRef<[u8]>) -> Vec<FileChange> {
    let text = String::from_utf8_lossy(text.as_ref());
    let mut changes: Vec<FileChange> = Vec::new();
    let mut lines = text.lines().peekable();
    // Whether the last header line was `---`: in GNU form it begins a file, after `diff --git` it does not.
    let mut in_git_header = false;
    while let Some(line) = lines.next() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            let mut change = FileChange::default();
            git_names(names).into_iter().for_each(|name| change.name(Some(name)));
            changes.push(change);
            in_git_header = true;
        } else if let Some(old) = line.strip_prefix("--- ") {
            // A mail's `---` line has nothing behind it; a file header is followed by `+++`.
            if !lines.peek().is_some_and(|next| next.starts_with("+++ ")) {
                continue;
            }
            if !in_git_header {
                changes.push(FileChange::default());
            }
            in_git_header = false;
            let new = lines.next().and_then(|next| next.strip_prefix("+++ "));
            if let Some(change) = changes.last_mut() {
                change.name(header_path(old));
                change.name(new.and_then(header_path));
            }
        } else if let Some(names) = line.strip_prefix("Binary files ").filter(|_| !in_git_header) {
            changes.extend(binary(names));
        } else if let Some(change) = changes.last_mut() {
            if let Some(header) = line.strip_prefix("@@ -") {
                in_git_header = false;
                hunk(change, header, &mut lines);
            } else {
                extended_header(change, line);
            }
        }
    }
    changes
}

/// `o/logo and n/logo differ`, which diff says instead of the change.
fn binary(names: &str) -> Option<FileChange> {
    let (old, new) = names.strip_suffix(" differ")?.split_once(" and ")?;
    let mut change = FileChange { binary_without_data: true, ..FileChange::default() };
    change.name(header_path(old));
    change.name(header_path(new));
    Some(change)
}

/// The first line with which diff says that it does not show a file, `Only in new/fs: x.c`.
pub(super) fn left_out(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    // Lines of hunks have a mark in front.
    text.lines().find(|line| line.starts_with("Only in ") && line.contains(": ")).map(str::to_owned)
}

fn hunk<'a>(
    change: &mut FileChange,
    header: &str,
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
) {
    let Some((old, new)) = ranges(header) else { return };
    change.hunks.push((old.0, new.0));
    let mut all = Vec::new();
    let (mut old_left, mut new_left) = (old.1, new.1);
    let new_end = new.0.saturating_add(new.1);
    while old_left > 0 || new_left > 0 {
        let Some(line) = lines.next() else { break };
        all.push(line.to_owned());
        match line.as_bytes().first() {
            Some(b'+') => {
                change.added_at.push(new_end.saturating_sub(new_left));
                new_left = new_left.saturating_sub(1);
                change.added.push(line[1..].to_owned());
            }
            Some(b'-') => {
                old_left = old_left.saturating_sub(1);
                change.removed.push(line[1..].to_owned());
            }
            Some(b'\\') => {}
            Some(_) | None => {
                old_left = old_left.saturating_sub(1);
                new_left = new_left.saturating_sub(1);
            }
        }
    }
    change.lines.push(all);
    // git takes what follows for the next header or for the mail's end; `-- ` is the signature's mark.
    let goes_on = |next: &&str| next.starts_with('+') || (next.starts_with('-') && !next.starts_with("--"));
    change.overlong |= lines.peek().is_some_and(goes_on);
}

/// `1,3 +1,4 @@ context` -> ((1, 3), (1, 4)).
pub(super) fn ranges(header: &str) -> Option<((u64, u64), (u64, u64))> {
    let (old, rest) = header.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let range = |text: &str| match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    };
    Some((range(old)?, range(new)?))
}

fn extended_header(change: &mut FileChange, line: &str) {
    for start in ["old mode ", "new mode ", "deleted file mode ", "new file mode "] {
        if let Some(mode) = line.strip_prefix(start) {
            change.modes.push(mode.trim().to_owned());
        }
    }
    if let Some((old, _)) = line.strip_prefix("index ").and_then(|rest| rest.split_once("..")) {
        let is_id = old.len() >= 4 && old.bytes().all(|byte| byte.is_ascii_hexdigit());
        change.old_blob = (is_id && old.bytes().any(|byte| byte != b'0')).then(|| old.to_owned());
    }
    // `index 1234..5678 100644`: the mode of a file that keeps it.
    if let Some(mode) =
        line.strip_prefix("index ").and_then(|rest| rest.split_once(' ')).map(|(_, mode)| mode)
    {
        change.modes.push(mode.trim().to_owned());
    }
    for start in ["rename from ", "rename to ", "copy from ", "copy to ", "rename old ", "rename new "] {
        if let Some(path) = line.strip_prefix(start) {
            change.name(Some(unquote(path).unwrap_or_else(|| path.to_owned())));
        }
    }
    for start in ["literal ", "delta "] {
        if let Some(size) = line.strip_prefix(start).and_then(|size| size.trim().parse().ok()) {
            change.binary_bytes.push(size);
        }
    }
    change.binary_without_data |= line.starts_with("Binary files ") && line.ends_with(" differ");
}

/// The two names behind `diff --git `. Without quotes they can be told apart only when they are equal, which
/// they are unless a rename header names them as well.
fn git_names(names: &str) -> Vec<String> {
    if names.starts_with('"') || names.ends_with('"') {
        return quoted_names(names);
    }
    let middle = names.len() / 2;
    let halves = names.split_at_checked(middle).and_then(|(old, new)| Some((old, new.strip_prefix(' ')?)));
    match halves.map(|(old, new)| (without_prefix(old), without_prefix(new))) {
        Some((old, new)) if old == new => vec![old],
        Some(_) | None => match names.split_once(' ') {
            Some((old, new)) if !new.contains(' ') => vec![without_prefix(old), without_prefix(new)],
            Some(_) | None => Vec::new(),
        },
    }
}

fn quoted_names(names: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = names;
    while !rest.is_empty() {
        let end = match rest.strip_prefix('"') {
            Some(inner) => closing_quote(inner).map_or(rest.len(), |at| at + 2),
            None => rest.find(" \"").unwrap_or(rest.len()),
        };
        let (name, after) = rest.split_at(end);
        found.push(without_prefix(&unquote(name).unwrap_or_else(|| name.to_owned())));
        rest = after.trim_start_matches(' ');
    }
    found
}

fn closing_quote(inner: &str) -> Option<usize> {
    let mut escaped = false;
    inner.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// The path of a `---` or `+++` line; none for `/dev/null`.
fn header_path(field: &str) -> Option<String> {
    if let Some(inner) = field.strip_prefix('"') {
        let end = closing_quote(inner).map_or(field.len(), |at| at + 2);
        return Some(without_prefix(&unquote(&field[..end]).unwrap_or_else(|| field.to_owned())));
    }
    let path = without_timestamp(field.split('\t').next().unwrap_or(field)).trim_end_matches(['\r', ' ']);
    (path != "/dev/null").then(|| without_prefix(path))
}

/// Old versions of diff put a space, not a tab, between a name and its time.
pub(super) fn without_timestamp(field: &str) -> &str {
    let is_date = |word: &str| {
        let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        shape == "0000-00-00"
    };
    let mut from = 0;
    while let Some(space) = field[from..].find(' ').map(|at| from + at) {
        if field[space + 1..].split(' ').next().is_some_and(is_date) {
            return &field[..space];
        }
        from = space + 1;
    }
    field
}

/// Removes the first part, as `-p1` does. An absolute path keeps all of it, so that it is seen to be one.
fn without_prefix(path: &str) -> String {
    match path.split_once('/') {
        Some(("", _)) | None => path.to_owned(),
        Some((_, rest)) => rest.to_owned(),
    }
}

/// Undoes git's quoting (`"a\303\244\tb"`); none if `text` is not quoted. Bytes that are no UTF-8 are replaced.
fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let mut bytes = Vec::with_capacity(inner.len());
    let mut at = 0;
    while let Some(&byte) = inner.get(at) {
        at += 1;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let octal =
            inner.get(at..at + 3).and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        if let Some(byte) = octal {
            bytes.push(byte);
            at += 3;
            continue;
        }
        let escape = *inner.get(at)?;
        at += 1;
        bytes.push(match escape {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_paths(text: &str, expected: &[&str]) {
        let paths: Vec<String> = parse(text).into_iter().flat_map(|change| change.paths).collect();
        assert_eq!(paths, expected, "{text}");
    }

    #[test]
    fn names() {
        check_paths("diff --git a/fs/x.c b/fs/x.c\nindex 1..2 100644\n", &["fs/x.c"]);
        check_paths("diff --git a/with space b/with space\n", &["with space"]);
        check_paths("diff --git \"a/\\303\\244\" \"b/\\303\\244\"\n", &["\u{e4}"]);
        check_paths("diff --git a/x \"b/\\056git/y\"\n", &["x", ".git/y"]);
        check_paths("diff --git a/x b/y\nrename from x\nrename to y\n", &["x", "y"]);
        check_paths("diff --git a/x x b/y y\ncopy from x x\ncopy to \"y\\ty\"\n", &["x x", "y\ty"]);
        check_paths(
            "--- linux.orig/fs/x.c\t2012-12-14 10:00:00 +0000\n+++ linux/fs/x.c\t2012-12-14\n",
            &["fs/x.c"],
        );
        check_paths(
            "--- a/.git 2012-12-14 10:00:00.000 +0000\n+++ b/new file 2012-12-14 1\n",
            &[".git", "new file"],
        );
        check_paths("--- /dev/null\n+++ b/new.c\n", &["new.c"]);
        check_paths("--- /etc/passwd\n+++ /etc/passwd\n", &["/etc/passwd"]);
        check_paths("--- \"a/t\\tb\"\n+++ \"b/t\\tb\"\n", &["t\tb"]);
    }

    #[test]
    fn lines_in_hunks_and_mails_are_no_headers() {
        check_paths("Subject: x\n\n---\n fs/x.c | 2 +-\n\ndiff --git a/x b/x\n", &["x"]);
        check_paths("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/no\n+++ b/no\n same\n", &["x"]);
        check_paths(
            "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
            &["x", "y"],
        );
        check_paths("text\n--- not followed\ntext\n", &[]);
    }

    #[test]
    fn hunks_and_modes() {
        let text = "diff --git a/x b/x\nnew file mode 100755\n--- /dev/null\n+++ b/x\n\
                    @@ -0,0 +1,2 @@\n+one\n+two\n\\ No newline at end of file\n-- \n2.39\n";
        let expected = FileChange {
            paths: vec!["x".into()],
            modes: vec!["100755".into()],
            added: vec!["one".into(), "two".into()],
            added_at: vec![1, 2],
            hunks: vec![(0, 1)],
            lines: vec![vec!["+one".into(), "+two".into()]],
            ..FileChange::default()
        };
        assert_eq!(parse(text), [expected]);
    }

    #[test]
    fn what_diff_does_not_show() {
        let text =
            "--- o/x\n+++ n/x\n@@ -1 +1 @@\n-a\n+b\nBinary files o/logo and n/logo differ\nOnly in n/fs: y\n";
        let changes = parse(text);
        assert_eq!(changes.len(), 2);
        assert!(!changes[0].binary_without_data);
        assert_eq!(
            (changes[1].paths.as_slice(), changes[1].binary_without_data),
            (&["logo".to_owned()][..], true)
        );
        assert_eq!(left_out(text.as_bytes()).as_deref(), Some("Only in n/fs: y"));
        assert_eq!(left_out(b"--- o/x\n+++ n/x\n@@ -1 +1 @@\n Only in n/fs: y\n"), None);
    }

    #[test]
    fn bytes_of_another_charset() {
        let changes = parse(b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-J\xf6rg\n+J\xfcrg\n");
        assert_eq!((changes.len(), changes[0].added_at.as_slice()), (1, &[1][..]));
    }

    #[test]
    fn a_hunk_longer_than_its_header_is_seen() {
        let change = &parse("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+c\n")[0];
        assert!(change.overlong);
        assert!(!parse("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n-- \n2.39\n")[0].overlong);
    }
}
