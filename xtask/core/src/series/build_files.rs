//! The build files of a source as they are with series that nobody has applied yet.

use super::{Series, diff};
use crate::kbuild::BuildFiles;

/// The files with all that `series` change in them. What does not apply is behind the end of its file: the kernel is not built
/// then, and says so.
pub fn with_series(mut files: BuildFiles, series: &[Series]) -> BuildFiles {
    for change in series.iter().flat_map(|series| &series.patches).flat_map(|patch| diff::parse(&patch.text))
    {
        let (Some(old), Some(new)) = (change.paths.first(), change.paths.last()) else { continue };
        if BuildFiles::is_one(new) {
            let text = files.get(old).or_else(|| files.get(new)).unwrap_or_default();
            let text = changed(text, &change);
            files.set(new, text);
        }
    }
    files
}

/// Whether a patch of the series changes a build file.
pub fn changes_any(series: &Series) -> bool {
    let changes = series.patches.iter().flat_map(|patch| diff::parse(&patch.text));
    changes.into_iter().any(|change| change.paths.iter().any(|path| BuildFiles::is_one(path)))
}

/// A text with the hunks of a change in it.
fn changed(text: &str, change: &diff::FileChange) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    // By how much the hunks before have moved what follows.
    let mut moved = 0_i64;
    for ((start, _), hunk) in change.hunks.iter().zip(&change.lines) {
        let side = |mark: char| -> Vec<&str> {
            let is_on = |line: &&String| !line.starts_with(['+', '-', '\\']) || line.starts_with(mark);
            hunk.iter().filter(is_on).map(|line| line.get(1..).unwrap_or_default()).collect()
        };
        let (old, new) = (side('-'), side('+'));
        let expected = i64::try_from(*start).unwrap_or(i64::MAX).saturating_sub(1).saturating_add(moved);
        match place(&lines, &old, expected) {
            Some(place) => {
                moved += i64::try_from(place).unwrap_or_default() - expected;
                moved += new.len() as i64 - old.len() as i64;
                lines.splice(place..place + old.len(), new);
            }
            None => lines.extend(hunk.iter().filter_map(|line| line.strip_prefix('+'))),
        }
    }
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Where the lines are, as near as possible to where they should be.
fn place(lines: &[&str], wanted: &[&str], expected: i64) -> Option<usize> {
    if wanted.is_empty() {
        return Some(usize::try_from(expected.saturating_add(1)).unwrap_or_default().min(lines.len()));
    }
    let places = lines.windows(wanted.len()).enumerate().filter(|(_, found)| *found == wanted);
    places
        .map(|(place, _)| place)
        .min_by_key(|place| i64::try_from(*place).unwrap_or(i64::MAX).abs_diff(expected))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::series::Patch;

    fn with(text: &str, patches: &[&str]) -> String {
        let patch = |text: &&str| Patch {
            file: "0001-x.patch".into(),
            subject: "x".into(),
            text: text.as_bytes().to_vec(),
        };
        let series = Series::new("s", patches.iter().map(patch).collect());
        let files = BuildFiles::new([("fs/Kconfig".to_owned(), text.to_owned())]);
        with_series(files, &[series]).get("fs/Kconfig").unwrap().to_owned()
    }

    const TEXT: &str = "if BLOCK\nconfig A\n\tbool\nendif\nconfig Z\n\tbool\n";

    /// What is added between `if` and `endif` stays there, also where the lines have moved.
    #[test]
    fn a_hunk_goes_where_its_lines_are() {
        let add = "--- a/fs/Kconfig\n+++ b/fs/Kconfig\n@@ -2,3 +2,5 @@\n config A\n \tbool\n+config B\n+\tbool\n endif\n";
        let after =
            "--- a/fs/Kconfig\n+++ b/fs/Kconfig\n@@ -9,2 +9,3 @@\n config Z\n \tbool\n+\tdepends on B\n";
        expect![[r#"
            if BLOCK
            config A
            	bool
            config B
            	bool
            endif
            config Z
            	bool
            	depends on B
        "#]]
        .assert_eq(&with(TEXT, &[add, after]));
    }

    #[test]
    fn what_does_not_apply_is_behind_the_end() {
        let other = "--- a/fs/Kconfig\n+++ b/fs/Kconfig\n@@ -1,2 +1,3 @@\n if NET\n+config N\n config A\n";
        assert_eq!(with(TEXT, &[other]), format!("{TEXT}config N\n"));
    }

    #[test]
    fn a_new_file_and_one_that_moves() {
        let series = |text: &str| {
            let patch = Patch { file: "1".into(), subject: "x".into(), text: text.as_bytes().to_vec() };
            [Series::new("s", vec![patch])]
        };
        let files = BuildFiles::new([("fs/Kconfig".to_owned(), TEXT.to_owned())]);
        let new = series("--- /dev/null\n+++ b/fs/new/Kconfig\n@@ -0,0 +1,2 @@\n+config N\n+\tbool\n");
        let moves = series(
            "diff --git a/fs/Kconfig b/fs/old/Kconfig\nrename from fs/Kconfig\nrename to fs/old/Kconfig\n",
        );
        let code = series("--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1 +1 @@\n-a\n+b\n");
        assert_eq!(with_series(files.clone(), &new).get("fs/new/Kconfig"), Some("config N\n\tbool\n"));
        assert_eq!(with_series(files, &moves).get("fs/old/Kconfig"), Some(TEXT));
        assert_eq!([&new, &moves, &code].map(|series| changes_any(&series[0])), [true, true, false]);
    }
}
