//! A tree as git has it.

use expect_test::expect;

use super::*;

/// A tree with a merge, and what it prints of itself with ids and paths taken out.
struct Sample {
    sh: Shell,
    folder: tempfile::TempDir,
}

impl Sample {
    fn new() -> Self {
        let (sh, folder) = (Shell::new().unwrap(), tempfile::tempdir().unwrap());
        let sample = Sample { sh, folder };
        sample.git(&["init", "--quiet", "--initial-branch=master"]);
        sample.commit("one");
        sample.commit("two\n\na body");
        sample.git(&["tag", "-a", "-m", "x", "v1"]);
        sample.git(&["checkout", "--quiet", "-b", "side"]);
        sample.commit("beside");
        sample.git(&["checkout", "--quiet", "master"]);
        sample.git(&["merge", "--quiet", "--no-ff", "-m", "Merge side", "side"]);
        sample.commit("last");
        sample.git(&["tag", "v2"]);
        sample
    }

    fn git(&self, arguments: &[&str]) -> String {
        process::read(git::git(&self.sh, self.folder.path()).args(arguments)).unwrap()
    }

    fn commit(&self, message: &str) {
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    fn tree(&self) -> Tree<'_> {
        Tree::open(&self.sh, self.folder.path()).unwrap()
    }

    fn error<T>(&self, found: anyhow::Result<T>) -> String {
        let text = format!("{:#}\n", found.err().unwrap());
        let path = std::fs::canonicalize(self.folder.path()).unwrap();
        text.replace(path.to_str().unwrap(), "TREE")
    }
}

fn subjects(line: &[WatchedCommit]) -> Vec<&str> {
    line.iter().map(|commit| commit.subject.as_str()).collect()
}

#[test]
fn a_line_goes_along_first_parents() {
    let sample = Sample::new();
    let tree = sample.tree();
    let base = tree.commit("master~3").unwrap();
    let line = tree.line(&base, "master").unwrap();
    assert_eq!(subjects(&line), ["one", "two", "Merge side", "last"]);
    assert_eq!(line[0].commit, base);
    assert_eq!(line[3].tree, sample.git(&["rev-parse", "master^{tree}"]));
    assert_eq!(line[0].author, git::NAME);
    assert!(line[0].committed.parse::<jiff::Timestamp>().is_ok(), "{}", line[0].committed);
    // A series that begins with the newest commit has one.
    assert_eq!(subjects(&tree.line(&line[3].commit, "master").unwrap()), ["last"]);
    assert_eq!(tree.branch("HEAD").unwrap(), "master");
    let tagged = tree.tagged("v*").unwrap();
    let tagged: Vec<&WatchedCommit> = line.iter().filter(|of| tagged.contains(&of.commit)).collect();
    assert_eq!(tagged.iter().map(|of| of.subject.as_str()).collect::<Vec<_>>(), ["two", "last"]);
}

#[test]
fn what_cannot_be_watched_says_what_to_do() {
    let sample = Sample::new();
    let tree = sample.tree();
    sample.git(&["checkout", "--quiet", "--orphan", "other"]);
    sample.commit("elsewhere");
    let other = tree.commit("other").unwrap();
    let outside = tempfile::tempdir().unwrap();
    let not_there = Tree::open(&sample.sh, &outside.path().join("gone"));
    assert!(format!("{:#}", not_there.err().unwrap()).contains("give the folder of a clone on this machine"));
    let no_repository = Tree::open(&sample.sh, outside.path());
    assert!(format!("{:#}", no_repository.err().unwrap()).contains("is no git repository; give the folder"));
    let text = [
        sample.error(tree.commit("nowhere")),
        sample.error(tree.branch("--upload-pack=x")),
        sample.error(tree.line(&other, "master")).replace(&other, "OTHER"),
        sample.error(tree.tagged("w*")),
    ];
    expect![[r#"
        there is no commit `nowhere` in TREE; `git -C TREE log --all` lists its commits
        there is no commit `--upload-pack=x` in TREE; `git -C TREE log --all` lists its commits
        OTHER, with which the series begins, is not in the history of `master`; give a commit that is with --since
        --tags: no tag of TREE is like `w*`; `git -C TREE tag --list` lists them
    "#]].assert_eq(&text.concat());
    let shallow = tempfile::tempdir().unwrap();
    let url = format!("file://{}", sample.folder.path().display());
    let clone = ["clone", "--quiet", "--depth=1", "--branch=master", &url, "."];
    process::read(git::git(&sample.sh, shallow.path()).args(clone)).unwrap();
    let error = Tree::open(&sample.sh, shallow.path()).unwrap().commit("master~1").unwrap_err().to_string();
    assert!(error.contains("shallow clone (`git fetch --unshallow` gets the rest)"), "{error}");
}

#[test]
fn a_commit_that_is_cut_is_no_commit() {
    assert_eq!(commits("").unwrap(), []);
    assert!(commits("a\0b\0c\0").is_err());
}
