//! A piece of a file that is replaced, as lines and as a patch.

use std::ops::Range;

/// Lines of a patch before and after what it changes.
const CONTEXT: usize = 3;

/// A piece of a text and what stands there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which bytes.
    pub range: Range<usize>,
    /// What is put in their place.
    pub new: String,
}

/// The lines that an edit touches.
struct Touched<'a> {
    /// The number of the first one, from 0.
    first: usize,
    old: Vec<&'a str>,
    new: Vec<String>,
}

impl Edit {
    /// The text with the edit.
    pub(in crate::series) fn applied(&self, text: &str) -> String {
        [&text[..self.range.start], &self.new, &text[self.range.end..]].concat()
    }

    /// The lines that differ, before and after, less deep.
    pub(in crate::series) fn shown(&self, text: &str) -> (String, String) {
        let touched = self.touched(text);
        let lines = || touched.old.iter().copied().chain(touched.new.iter().map(String::as_str));
        let indent = |line: &str| line.len() - line.trim_start_matches('\t').len();
        let least = lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
        let joined = |lines: Vec<&str>| {
            lines.iter().map(|line| line.get(least..).unwrap_or("")).collect::<Vec<_>>().join("\n")
        };
        (joined(touched.old.clone()), joined(touched.new.iter().map(String::as_str).collect()))
    }

    /// The edit as a diff in git's form, without a mail around it.
    pub(in crate::series) fn patch(&self, path: &str, text: &str) -> String {
        let touched = self.touched(text);
        let all: Vec<&str> = text.lines().collect();
        let (first, end) = (touched.first, touched.first + touched.old.len());
        let start = first.saturating_sub(CONTEXT);
        let after = &all[end..(end + CONTEXT).min(all.len())];
        let context = first - start + after.len();
        let mut patch = format!(
            "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -{},{} +{},{} @@\n",
            start + 1,
            context + touched.old.len(),
            start + 1,
            context + touched.new.len()
        );
        let mut add = |sign: char, line: &str| {
            patch.push(sign);
            patch.push_str(line);
            patch.push('\n');
        };
        all[start..first].iter().for_each(|line| add(' ', line));
        touched.old.iter().for_each(|line| add('-', line));
        touched.new.iter().for_each(|line| add('+', line));
        after.iter().for_each(|line| add(' ', line));
        patch
    }

    fn touched<'a>(&self, text: &'a str) -> Touched<'a> {
        let begin = text[..self.range.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[self.range.end..].find('\n').map_or(text.len(), |at| self.range.end + at);
        let new = [&text[begin..self.range.start], &self.new, &text[self.range.end..end]].concat();
        let mut old: Vec<&str> = text[begin..end].split('\n').collect();
        let mut new: Vec<String> = new.split('\n').map(|line| line.trim_end().to_owned()).collect();
        let mut first = text[..begin].matches('\n').count();
        // Lines that stay are none of the edit's.
        while old.len() > 1 && new.len() > 1 && old.last().copied() == new.last().map(String::as_str) {
            old.pop();
            new.pop();
        }
        while old.len() > 1 && new.len() > 1 && old.first().copied() == new.first().map(String::as_str) {
            old.remove(0);
            new.remove(0);
            first += 1;
        }
        Touched { first, old, new }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\nb\nc\nd\n\t\tif (e)\n\t\t\tf();\ng\nh\ni\nj\n";

    fn edit(old: &str, new: &str) -> Edit {
        let start = TEXT.find(old).unwrap();
        Edit { range: start..start + old.len(), new: new.to_owned() }
    }

    #[test]
    fn a_patch_has_its_context() {
        let expected = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -2,7 +2,7 @@\n b\n c\n d\n\
                        -\t\tif (e)\n+\t\tif (!(e))\n \t\t\tf();\n g\n h\n";
        assert_eq!(edit("e", "!(e)").patch("x.c", TEXT), expected);
        let first = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1,4 +1,5 @@\n-a\n+y\n+z\n b\n c\n d\n";
        assert_eq!(edit("a", "y\nz").patch("x.c", TEXT), first);
        let last = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -7,4 +7,4 @@\n g\n h\n i\n-j\n+k\n";
        assert_eq!(edit("j", "k").patch("x.c", TEXT), last);
    }

    #[test]
    fn only_lines_that_differ_are_shown() {
        let shown = edit("if (e)\n\t\t\tf();", "f();\n\t\tif (e)").shown(TEXT);
        assert_eq!(shown, ("if (e)\n\tf();".to_owned(), "f();\nif (e)".to_owned()));
        let shown = edit("if (e)\n\t\t\tf();", "if (e)\n\t\t\tF();").shown(TEXT);
        assert_eq!(shown, ("f();".to_owned(), "F();".to_owned()));
        assert_eq!(edit("f();", ";").shown(TEXT), ("f();".to_owned(), ";".to_owned()));
    }

    #[test]
    fn what_is_applied_is_what_the_patch_says() {
        assert_eq!(edit("e", "!(e)").applied(TEXT), TEXT.replace("(e)", "(!(e))"));
    }
}
