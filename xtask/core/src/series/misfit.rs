//! Why a patch does not apply, in words that say what to do about it; and what a series says of the source that it was
//! written for.

use super::{Patch, Series, diff};

/// A file as it was when a patch was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path in the source.
    pub path: String,
    /// The first digits of its blob, as the `index` line of the patch gives them.
    pub blob: String,
}

impl Written {
    /// Whether a blob, given in full, is that of the file.
    pub fn is(&self, blob: Option<&str>) -> bool {
        blob.is_some_and(|blob| blob.starts_with(&self.blob))
    }
}

impl Series {
    /// The files that it changes, as they were before its first patch. Without those that it adds, and those of patches that
    /// have no `index` lines.
    pub fn written_for(&self) -> Vec<Written> {
        let mut seen: Vec<String> = Vec::new();
        let mut files = Vec::new();
        for change in self.patches.iter().flat_map(|patch| diff::parse(&patch.text)) {
            let Some(path) = change.paths.first().filter(|path| !seen.contains(path)) else { continue };
            files.extend(change.old_blob.map(|blob| Written { path: path.clone(), blob }));
            seen.extend(change.paths);
        }
        files
    }

    /// The commit that it was written on, if a `base-commit:` trailer names it.
    pub fn base_commit(&self) -> Option<&str> {
        let is_id = |id: &&str| id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let lines = self.patches.iter().flat_map(|patch| patch.text.split(|byte| *byte == b'\n'));
        let lines = lines.filter_map(|line| std::str::from_utf8(line).ok());
        lines.filter_map(|line| line.strip_prefix("base-commit: ")).map(str::trim).find(is_id)
    }
}

impl Patch {
    /// The files that it changes, as they were before it.
    pub fn written_for(&self) -> Vec<Written> {
        Series::new("", vec![self.clone()]).written_for()
    }
}

/// What tests found out about a patch that does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The source has the change.
    InSource,
    /// The patches before it make the change.
    MadeBefore,
    /// In the file where it fails, and not everywhere, the change is there.
    PartlyThere(String),
    /// Its paths have no `a/` and `b/` in front.
    NoPrefix,
    /// Its paths have so many parts in front, not one.
    LongPrefix(u32),
    /// Its paths start in this folder.
    InFolder(String),
    /// It would apply if white space did not count.
    WhiteSpace,
    /// It would apply if only so many lines of its context had to be there.
    LessContext(u32),
    /// The files are those that it was written for: its text was changed afterwards.
    Edited,
    /// The series was written for this source, but what comes before this patch makes something else of this file.
    OtherBefore(String),
    /// Nothing of that.
    Unknown,
}

/// A source that fits a series better than the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// What it is.
    pub source: String,
    /// Why it fits.
    pub by: FitsBy,
}

/// Why a source fits a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitsBy {
    /// It is the commit that the series was written on.
    Commit,
    /// So many of the files are there as they were.
    Files(usize),
}

/// What is known of the version that a series was written for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Of how many files the series says how they were.
    pub files: usize,
    /// How many of them are so in the source that is used.
    pub here: usize,
    /// The first that is not.
    pub other: Option<String>,
    /// The source that fits best, if one fits better.
    pub better: Option<Fit>,
}

/// Why a patch does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// What the tests found.
    pub cause: Cause,
    /// What its `index` lines and its `base-commit` say.
    pub versions: Versions,
}

impl Misfit {
    /// What is the matter and what to do, in one line, to stand behind where it does not apply. `source` is the one in use.
    pub fn text(&self, source: &str) -> String {
        let rebase = format!("rebase the series onto {source}");
        let (diagnosis, mut remedy) = self.cause.words(source, &rebase);
        let mut said: Vec<String> = diagnosis.into_iter().collect();
        // With the other causes the version is not what is wrong.
        if matches!(self.cause, Cause::LessContext(_) | Cause::Unknown | Cause::PartlyThere(_)) {
            said.extend(self.versions.other(source));
            said.extend(self.versions.better());
            if self.versions.is_found() {
                remedy =
                    format!("name that as `source` of [kernel] or of the variant in lab.toml, or {rebase}");
            }
        }
        let diagnosis = said.join("; ");
        match diagnosis.is_empty() {
            true => format!("; {remedy}"),
            false => format!(": {diagnosis}; {remedy}"),
        }
    }
}

impl Versions {
    /// Whether there is a source that fits in everything.
    fn is_found(&self) -> bool {
        self.better.as_ref().is_some_and(|fit| match fit.by {
            FitsBy::Commit => true,
            FitsBy::Files(files) => files == self.files,
        })
    }

    fn other(&self, source: &str) -> Option<String> {
        let other = self.other.as_ref()?;
        Some(match self.files - self.here {
            1 => format!("it was written for another version of {other} than that of {source}"),
            2 => format!(
                "it was written for another version than {source}: {other} and one more file were others then"
            ),
            many => format!(
                "it was written for another version than {source}: {other} and {} more files were others then",
                many - 1
            ),
        })
    }

    fn better(&self) -> Option<String> {
        let Fit { source, by } = self.better.as_ref()?;
        Some(match by {
            FitsBy::Commit => format!("it was written on {source}"),
            FitsBy::Files(_) if self.is_found() => format!("{source} has its files as they were"),
            FitsBy::Files(files) => {
                format!("{source} is nearer, with {files} of its {} files as they were", self.files)
            }
        })
    }
}

impl Cause {
    fn words(&self, source: &str, rebase: &str) -> (Option<String>, String) {
        let again = "make it again with `git format-patch`";
        let (diagnosis, remedy) = match self {
            Cause::InSource => {
                (format!("{source} has this change already"), "take the patch out of the series".to_owned())
            }
            Cause::MadeBefore => (
                "the patches before it make this change already".to_owned(),
                "take it out, or the one that it repeats".to_owned(),
            ),
            Cause::PartlyThere(path) => {
                (format!("what it changes in {path} is there already, the rest is not"), rebase.to_owned())
            }
            Cause::NoPrefix => (
                "its paths have no a/ and b/ in front".to_owned(),
                format!(
                    "{again}, without --no-prefix and with diff.noprefix unset, or write a/ and b/ before them"
                ),
            ),
            Cause::LongPrefix(parts) => (
                format!("its paths have {parts} parts in front, where one is usual (a/ and b/)"),
                format!("{again} in the top folder of the source, or take the parts out"),
            ),
            Cause::InFolder(folder) => (
                format!("its paths start in {folder}"),
                format!("{again}, without --relative, or write {folder}/ behind a/ and b/"),
            ),
            Cause::WhiteSpace => (
                "it would apply if white space did not count, so tabs and spaces were changed on its way"
                    .to_owned(),
                format!("get it again as it was sent, or {again}"),
            ),
            Cause::LessContext(lines) => (
                format!(
                    "it would apply if {} of context were enough (fuzz), but maybe in the wrong place, so the lab does not do \
                     it",
                    match lines {
                        1 => "one line".to_owned(),
                        lines => format!("{lines} lines"),
                    }
                ),
                rebase.to_owned(),
            ),
            Cause::Edited => (
                "its files are those that it was written for, so its text was changed afterwards".to_owned(),
                again.to_owned(),
            ),
            Cause::OtherBefore(path) => (
                format!(
                    "the series was written for this source, but {path} is another one when it comes to this patch"
                ),
                "look for a patch before it that is missing, was changed or is out of order".to_owned(),
            ),
            Cause::Unknown => return (None, rebase.to_owned()),
        };
        (Some(diagnosis), remedy)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn patch(text: &str) -> Patch {
        Patch { file: "0001-x.patch".into(), subject: "x".into(), text: text.into() }
    }

    #[test]
    fn what_a_series_was_written_for() {
        let first = "diff --git a/x.c b/x.c\nindex 1234567..2345678 100644\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-a\n+b\n\
            diff --git a/new.c b/new.c\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+b\n";
        let second = "diff --git a/x.c b/x.c\nindex 2345678..3456789 100644\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-b\n+c\n\
            diff --git a/y.c b/y.c\nindex abcdef0..3456789 100644\n--- a/y.c\n+++ b/y.c\n@@ -1 +1 @@\n-b\n+c\n\
            --- a/z.c\n+++ b/z.c\n@@ -1 +1 @@\n-b\n+c\n\nbase-commit: 1111111111111111111111111111111111111111\n-- \n2.47\n";
        let series = Series::new("s", vec![patch(first), patch(second)]);
        let written = |path: &str, blob: &str| Written { path: path.into(), blob: blob.into() };
        assert_eq!(series.written_for(), [written("x.c", "1234567"), written("y.c", "abcdef0")]);
        assert_eq!(series.patches[1].written_for()[0], written("x.c", "2345678"));
        assert_eq!(series.base_commit(), Some("1".repeat(40).as_str()));
        assert_eq!(Series::new("s", vec![patch(first)]).base_commit(), None);
        assert!(written("x.c", "1234567").is(Some("12345678")) && !written("x.c", "1234567").is(None));
    }

    #[test]
    fn diagnosis_and_remedy() {
        let say = |cause: Cause, versions: &Versions| {
            format!("does not apply{}\n", Misfit { cause, versions: versions.clone() }.text("linux 6.12"))
        };
        let better = |by| Some(Fit { source: "linux 6.17".into(), by });
        let other = Some("x.c".to_owned());
        let none = Versions::default();
        let same = Versions { files: 2, here: 2, ..none.clone() };
        let elsewhere =
            Versions { files: 2, here: 1, other: other.clone(), better: better(FitsBy::Files(2)) };
        let nearer = Versions { files: 3, here: 0, other, better: better(FitsBy::Files(1)) };
        let by_commit = Versions { better: better(FitsBy::Commit), ..none.clone() };
        let texts = [
            say(Cause::InSource, &elsewhere),
            say(Cause::MadeBefore, &none),
            say(Cause::PartlyThere("x.c".into()), &same),
            say(Cause::NoPrefix, &none),
            say(Cause::LongPrefix(2), &none),
            say(Cause::InFolder("fs/fuse".into()), &none),
            say(Cause::WhiteSpace, &elsewhere),
            say(Cause::LessContext(2), &same),
            say(Cause::LessContext(1), &elsewhere),
            say(Cause::Edited, &same),
            say(Cause::OtherBefore("x.c".into()), &same),
            say(Cause::Unknown, &none),
            say(Cause::Unknown, &elsewhere),
            say(Cause::Unknown, &nearer),
            say(Cause::Unknown, &by_commit),
        ];
        expect![[r#"
            does not apply: linux 6.12 has this change already; take the patch out of the series
            does not apply: the patches before it make this change already; take it out, or the one that it repeats
            does not apply: what it changes in x.c is there already, the rest is not; rebase the series onto linux 6.12
            does not apply: its paths have no a/ and b/ in front; make it again with `git format-patch`, without --no-prefix and with diff.noprefix unset, or write a/ and b/ before them
            does not apply: its paths have 2 parts in front, where one is usual (a/ and b/); make it again with `git format-patch` in the top folder of the source, or take the parts out
            does not apply: its paths start in fs/fuse; make it again with `git format-patch`, without --relative, or write fs/fuse/ behind a/ and b/
            does not apply: it would apply if white space did not count, so tabs and spaces were changed on its way; get it again as it was sent, or make it again with `git format-patch`
            does not apply: it would apply if 2 lines of context were enough (fuzz), but maybe in the wrong place, so the lab does not do it; rebase the series onto linux 6.12
            does not apply: it would apply if one line of context were enough (fuzz), but maybe in the wrong place, so the lab does not do it; it was written for another version of x.c than that of linux 6.12; linux 6.17 has its files as they were; name that as `source` of [kernel] or of the variant in lab.toml, or rebase the series onto linux 6.12
            does not apply: its files are those that it was written for, so its text was changed afterwards; make it again with `git format-patch`
            does not apply: the series was written for this source, but x.c is another one when it comes to this patch; look for a patch before it that is missing, was changed or is out of order
            does not apply; rebase the series onto linux 6.12
            does not apply: it was written for another version of x.c than that of linux 6.12; linux 6.17 has its files as they were; name that as `source` of [kernel] or of the variant in lab.toml, or rebase the series onto linux 6.12
            does not apply: it was written for another version than linux 6.12: x.c and 2 more files were others then; linux 6.17 is nearer, with 1 of its 3 files as they were; rebase the series onto linux 6.12
            does not apply: it was written on linux 6.17; name that as `source` of [kernel] or of the variant in lab.toml, or rebase the series onto linux 6.12
        "#]]
        .assert_eq(&texts.concat());
    }
}
