//! What `git log -p` and `git show` print: commits, one after the other.

use super::header::one_line;
use super::mail::{Form, Mail};
use super::subject::{Subject, SubjectMark};
use super::{author, charset, form, message};

/// Reads the commits of a log, the first one of the branch first.
pub(super) fn read(place: &str, bytes: &[u8]) -> Vec<Mail> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let starts: Vec<usize> = (0..lines.len())
        .filter(|at| form::is_commit(lines[*at], lines.get(at + 1).copied().unwrap_or_default()))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let mut commits: Vec<Mail> =
        starts.iter().zip(ends).map(|(start, end)| commit(place, &lines[*start..end])).collect();
    if is_newest_first(&commits) {
        commits.reverse();
        if let Some(first) = commits.first_mut().filter(|_| starts.len() > 1) {
            first.notes.push("the log has the last commit first".to_owned());
        }
    }
    commits
}

fn commit(place: &str, lines: &[&[u8]]) -> Mail {
    let is_empty = |line: &&&[u8]| line.trim_ascii().is_empty();
    let header_end = lines.iter().position(|line| is_empty(&line)).unwrap_or(lines.len());
    let is_message = |line: &&&[u8]| is_empty(line) || line.starts_with(b"    ");
    let message_end = header_end + lines[header_end..].iter().take_while(is_message).count();
    let text = charset::decode(&lines[header_end..message_end].concat(), None);
    let header = charset::decode(&lines[..header_end].concat(), None);
    let value = |names: [&str; 2]| {
        let value = |line: &'_ str| names.iter().find_map(|name| line.strip_prefix(name).map(str::to_owned));
        header.text.lines().find_map(value)
    };
    let id: String =
        header.text.chars().skip("commit ".len()).take(12).take_while(|c| !c.is_whitespace()).collect();
    let mut mail = Mail::new(&format!("{place}, commit {id}"), "");
    // In raw form the date stands behind the author.
    let author = value(["Author:", "author "]).unwrap_or_default();
    let date =
        value(["Date:", "AuthorDate:"]).or_else(|| author.split_once("> ").map(|(_, date)| date.to_owned()));
    mail.author = author::of_log(author.trim());
    mail.written_on([date.as_deref(), None]);
    let text = message::trimmed(
        &text.text.lines().map(|line| format!("{}\n", line.trim_start_matches("    "))).collect::<String>(),
    );
    // As git has it, a title is all that comes before the first empty line.
    let (title, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    mail.full_subject = one_line(title);
    mail.subject = Subject { mark: SubjectMark::Nothing, title: Subject::parse(&mail.full_subject).title };
    mail.message = message::trimmed(rest);
    mail.diff = lines[message_end..].concat();
    mail.form = Form::Other;
    if value(["Merge:", "Merge:"]).is_some() {
        mail.damaged("it is a merge, and a series is a line of commits".to_owned());
    } else if mail.diff.is_empty() {
        mail.damaged("no diff in it: make it with `git log -p`".to_owned());
    }
    if header.is_guess {
        mail.notes.push(form::NOT_UTF8.to_owned());
    }
    mail
}

/// Which way the commits are listed is told by what they make of the same file; where none changes what another one
/// did, by their dates; and else they are as `git log` lists them.
fn is_newest_first(commits: &[Mail]) -> bool {
    let blobs: Vec<Vec<(String, String)>> = commits.iter().map(|commit| blobs(&commit.diff)).collect();
    let follows = |one: &[(String, String)], next: &[(String, String)]| {
        one.iter().any(|(_, made)| next.iter().any(|(found, _)| found == made))
    };
    for pair in blobs.windows(2) {
        match (follows(&pair[0], &pair[1]), follows(&pair[1], &pair[0])) {
            (true, false) => return false,
            (false, true) => return true,
            (true, true) | (false, false) => {}
        }
    }
    let seconds = |mail: &Mail| {
        let date = mail.date.as_deref()?;
        jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
    };
    let times: Vec<_> = commits.iter().filter_map(seconds).collect();
    let is_ascending = times.is_sorted() && times.first() != times.last();
    !is_ascending
}

/// The contents that a diff starts from and ends with, as `index 59c735a..01ee412` names them.
fn blobs(diff: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(diff);
    let lines = text.lines().filter_map(|line| line.strip_prefix("index "));
    let pairs = lines.filter_map(|line| line.split(' ').next()?.split_once(".."));
    let is_there = |blob: &str| blob.contains(|digit| digit != '0');
    let pairs = pairs.filter(|(old, new)| is_there(old) && is_there(new));
    pairs.map(|(old, new)| (old.to_owned(), new.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str, title: &str, blobs: &str, day: u32) -> String {
        format!(
            "commit {id}\nAuthor: Jörg <j@x>\nDate:   Thu Nov {day} 15:09:58 2026 +0000\n\n    {title}\n    \n    Why.\n\n\
             diff --git a/x b/x\nindex {blobs} 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n\n"
        )
    }

    fn titles(log: &str) -> Vec<String> {
        read("log", log.as_bytes()).into_iter().map(|mail| mail.subject.title).collect()
    }

    #[test]
    fn one_commit() {
        let log = commit("0f430ffeec8be9c3155382dc0efe503a23fd3a9b", "fuse: do\n    it", "59c..01e", 26);
        let [mail] = &read("show.patch", log.as_bytes())[..] else { panic!("{log}") };
        assert_eq!(mail.place, "show.patch, commit 0f430ffeec8b");
        assert_eq!((mail.subject.title.as_str(), mail.message.as_str()), ("fuse: do it", "Why.\n"));
        assert_eq!(mail.author.as_deref(), Some("Jörg <j@x>"));
        assert_eq!(mail.date.as_deref(), Some("Thu, 26 Nov 2026 15:09:58 +0000"));
        assert!(mail.diff.starts_with(b"diff --git a/x b/x\n"));
        assert!(mail.notes.is_empty());
        let raw = log
            .replace("Author: ", "tree 1\nauthor ")
            .replace("\nDate:   Thu Nov 26 15:09:58 2026 +0000", " 1795705798 +0000");
        assert_eq!(
            (&read("x", raw.as_bytes())[0].author, &read("x", raw.as_bytes())[0].date),
            (&mail.author, &mail.date)
        );
        let fuller = log.replace("Date:   ", "AuthorDate: ").replace("Author: ", "Author:     ");
        assert_eq!(read("x", fuller.as_bytes())[0].date, mail.date);
    }

    #[test]
    fn the_order_is_found() {
        let newest_first = [commit("aaaa2", "two", "b2..c3", 26), commit("aaaa1", "one", "a1..b2", 26)];
        assert_eq!(titles(&newest_first.concat()), ["one", "two"]);
        let oldest_first = [commit("aaaa1", "one", "a1..b2", 26), commit("aaaa2", "two", "b2..c3", 26)];
        assert_eq!(titles(&oldest_first.concat()), ["one", "two"]);
        let by_date = [commit("aaaa1", "one", "a1..b2", 25), commit("aaaa2", "two", "x2..y3", 26)];
        assert_eq!(titles(&by_date.concat()), ["one", "two"]);
        let unknown = [commit("aaaa2", "two", "a1..b2", 26), commit("aaaa1", "one", "x2..y3", 26)];
        assert_eq!(titles(&unknown.concat()), ["one", "two"]);
        let noted = read("log", unknown.concat().as_bytes());
        assert_eq!(noted[0].notes, ["the log has the last commit first"]);
    }

    #[test]
    fn commits_that_are_no_patches() {
        let merge = commit("aaaa1", "merge", "a..b", 26).replace("Author:", "Merge: 1 2\nAuthor:");
        assert!(read("x", merge.as_bytes())[0].damage.as_ref().is_some_and(|why| why.contains("a merge")));
        let bare = "commit aaaa1\nAuthor: a <a@b>\n\n    one\n\ncommit aaaa2\nAuthor: a <a@b>\n\n    two\n";
        let damage = |mail: &Mail| mail.damage.clone().unwrap_or_default();
        let read = read("x", bare.as_bytes());
        assert_eq!(
            read.iter().map(damage).collect::<Vec<_>>(),
            ["no diff in it: make it with `git log -p`"; 2]
        );
    }
}
