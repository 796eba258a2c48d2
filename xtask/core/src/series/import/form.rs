//! What a text is, seen from its beginning: a mail, the output of `git log`, or a file with a diff.

use super::header;

/// What is said of text that was read as Latin-1.
pub(super) const NOT_UTF8: &str = "not UTF-8 and no other charset is named, read as Latin-1";

/// Headers of which one stands in each mail.
const OF_MAILS: [&str; 3] = ["from", "subject", "date"];

/// Headers of a patch in Debian's form (DEP-3), which can have `From:` as well.
const OF_QUILT: [&str; 2] = ["description", "author"];

/// Whether a text begins as a mail does, and a diff or a text with a diff does not.
pub(super) fn has_header(bytes: &[u8]) -> bool {
    let mut found = false;
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let Some(name) = header::name(line) else { break };
        let is = |known: &[&str]| known.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is(&OF_QUILT) {
            return false;
        }
        found |= is(&OF_MAILS);
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            break;
        }
    }
    found
}

/// Whether a text is the output of `git log` or `git show`.
pub(super) fn is_log(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').skip_while(|line| line.trim_ascii().is_empty());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    is_commit(first, second)
}

/// `commit 0f430ff` and, in the next line, whose it is.
pub(super) fn is_commit(line: &[u8], next: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"commit ") else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let has_end = rest.get(digits).is_none_or(u8::is_ascii_whitespace);
    let is_next = ["Author:", "Merge:", "tree "].iter().any(|start| next.starts_with(start.as_bytes()));
    digits >= 4 && has_end && is_next
}

/// Whether a text is the output of `git log --oneline -p`: `0f430ff title`, and its diff.
pub(super) fn is_short_log(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').skip_while(|line| line.trim_ascii().is_empty());
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let digits = first.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    digits >= 7 && first.get(digits) == Some(&b' ') && second.starts_with(b"diff --git ")
}

/// Whether a file is compressed, by its name.
pub(super) fn is_compressed(name: &str) -> bool {
    [".gz", ".xz", ".zst", ".bz2", ".zip", ".tar", ".tgz"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let check = |text: &str, is_mail: bool, is_of_git_log: bool| {
            let found = (has_header(text.as_bytes()), is_log(text.as_bytes()));
            assert_eq!(found, (is_mail, is_of_git_log), "{text}");
        };
        check("X-Mine: y\n z\nSubject: x\n\ntext", true, false);
        check("From: a@b\nOrigin: upstream\n\ntext", true, false);
        check("Description: do it\nFrom: a@b\n\ntext", false, false);
        check("Index: linux/x\n====\n--- a/x\n", false, false);
        check("do it\n\nFrom: a@b\n", false, false);
        check("\ncommit 0f430ffe (HEAD)\nAuthor: a <a@b>\n", false, true);
        check("commit 0f430ffe\nMerge: 1 2\n", false, true);
        check("commit 0f430ffe\ntree 1234\n", false, true);
        assert!(is_short_log(b"0f430ff fuse: x\ndiff --git a/x b/x\n"));
        assert!(!is_short_log(b"added: x\ndiff --git a/x b/x\n"));
        check("commit the change\nAuthor: a <a@b>\n", false, false);
    }
}
