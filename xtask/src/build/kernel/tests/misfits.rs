//! Patches that do not apply, one for each cause that the lab tells apart, with real git.

use super::*;

const C: &str = "\t1\n\t2\n\t3\n\t4\n\t5\n\t6\n\t7\n";

/// A lab whose source has `fs/fuse/c.c` as well.
fn lab() -> KernelLab {
    let lab = KernelLab::new();
    let folder = lab.folder.path().join("linux/fs/fuse");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("c.c"), C).unwrap();
    lab
}

/// The diff of a file whose line 4 changes; `context` is what stands in the hunk around it.
fn diff(path: &str, blob: &str, context: &str, old: &str, new: &str) -> String {
    let lines: Vec<&str> = context.split(' ').collect();
    let [before, after] = [&lines[..3], &lines[3..]]
        .map(|lines| lines.iter().fold(String::new(), |text, line| text + &format!(" \t{line}\n")));
    format!(
        "diff --git a/{path} b/{path}\nindex {blob}..1111111 100644\n--- a/{path}\n+++ b/{path}\n\
         @@ -1,7 +1,7 @@\n{before}-\t{old}\n+\t{new}\n{after}"
    )
}

fn blob(lab: &KernelLab, text: &str) -> String {
    let hash = git::git(&lab.sh, lab.folder.path()).args(["hash-object", "--stdin"]);
    process::read_of_input(hash, text).unwrap()[..12].to_owned()
}

const ELSE: &str = "abcdef0";
const RIGHT: &str = "1 2 3 5 6 7";

#[test]
fn each_cause_has_its_test() {
    let lab = lab();
    let own = blob(&lab, C);
    let check = |texts: &[&str], expected: &str| {
        let error = lab.error(&[series("s", texts)], "CONFIG_X=y\n");
        assert_eq!(error, format!("applying series s: patch {expected}"));
    };
    let place = "does not apply to fs/fuse/c.c (hunk 1 at line 1)";
    let path = "fs/fuse/c.c";
    check(
        &[&diff(path, ELSE, RIGHT, "vier", "4")],
        &format!("0001-x.patch {place}: SOURCE has this change already; take the patch out of the series"),
    );
    let elsewhere = diff(path, ELSE, RIGHT, "4", "vier").replace("/fs/fuse/c.c", "/c.c");
    check(
        &[&elsewhere],
        "0001-x.patch changes c.c, which the source does not have: its paths start in fs/fuse; make it again with \
         `git format-patch`, without --relative, or write fs/fuse/ behind a/ and b/",
    );
    let bare = diff(path, ELSE, RIGHT, "4", "vier").replace("a/fs/", "fs/").replace("b/fs/", "fs/");
    check(
        &[&bare],
        "0001-x.patch changes fuse/c.c, which the source does not have: its paths have no a/ and b/ in front; make it \
         again with `git format-patch`, without --no-prefix and with diff.noprefix unset, or write a/ and b/ before them",
    );
    // Where the header is not git's, git finds out about the missing prefix by itself.
    let top = format!("diff --git a.c a.c\n{}", TWO.replace("a/a.c", "a.c").replace("b/a.c", "a.c"));
    check(
        &[&top],
        "0001-x.patch does not apply: its paths have no a/ and b/ in front; make it again with `git format-patch`, without \
         --no-prefix and with diff.noprefix unset, or write a/ and b/ before them",
    );
    check(
        &[&diff(path, ELSE, RIGHT, "4", "vier").replace("/fs/", "/linux/fs/")],
        "0001-x.patch changes linux/fs/fuse/c.c, which the source does not have: its paths have 2 parts in front, where one \
         is usual (a/ and b/); make it again with `git format-patch` in the top folder of the source, or take the parts out",
    );
    check(
        &[&diff(path, ELSE, RIGHT, "4", "vier").replace('\t', "        ")],
        &format!(
            "0001-x.patch {place}: it would apply if white space did not count, so tabs and spaces were changed on its way; \
             get it again as it was sent, or make it again with `git format-patch`"
        ),
    );
    check(
        &[&diff(path, &own, "1 2 drei fuenf 6 7", "4", "vier")],
        &format!(
            "0001-x.patch {place}: its files are those that it was written for, so its text was changed afterwards; make it \
             again with `git format-patch`"
        ),
    );
    let first = diff(path, &own, RIGHT, "4", "vier");
    check(
        &[&first, &diff(path, ELSE, RIGHT, "four", "IV")],
        &format!(
            "0002-x.patch {place}: the series was written for this source, but fs/fuse/c.c is another one when it comes to \
             this patch; look for a patch before it that is missing, was changed or is out of order"
        ),
    );
    check(
        &[&diff(path, ELSE, "eins 2 3 5 6 7", "4", "vier").replace("index abcdef0..1111111 100644\n", "")],
        &format!(
            "0001-x.patch {place}: it would apply if 2 lines of context were enough (fuzz), but maybe in the wrong place, so \
             the lab does not do it; rebase the series onto SOURCE"
        ),
    );
    check(
        &[&diff(path, ELSE, "1 2 drei fuenf 6 7", "4", "vier")],
        &format!(
            "0001-x.patch {place}: it was written for another version of fs/fuse/c.c than that of SOURCE; rebase the series \
             onto SOURCE"
        ),
    );
    let partly = diff(path, ELSE, RIGHT, "vier", "4") + TWO;
    check(
        &[&partly],
        &format!(
            "0001-x.patch {place}: what it changes in fs/fuse/c.c is there already, the rest is not; it was written for \
             another version of fs/fuse/c.c than that of SOURCE; rebase the series onto SOURCE"
        ),
    );
}

/// Of sources in the cache, and of the repository that a git source comes from.
#[test]
fn the_version_that_a_series_was_written_for_is_found() {
    let mut lab = lab();
    let other = C.replace('3', "drei").replace('5', "fuenf");
    let patch = diff("fs/fuse/c.c", &blob(&lab, &other), "1 2 drei fuenf 6 7", "4", "vier");
    let tree = lab.folder.path().join("linux");
    let git = |arguments: &[&str]| process::read(git::git(&lab.sh, &tree).args(arguments)).unwrap();
    git(&["init", "--quiet", "--initial-branch=main"]);
    let mut commits = Vec::new();
    for (tag, text) in [("v6.10", &other), ("v6.11", &other), ("v6.12", &C.to_owned())] {
        fs::write(tree.join("fs/fuse/c.c"), text).unwrap();
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
        git(&["tag", tag]);
        commits.push(git(&["rev-parse", "HEAD"]));
    }
    let written = "it was written for another version of fs/fuse/c.c than that of SOURCE";
    let named =
        "name that as `source` of [kernel] or of the variant in lab.toml, or rebase the series onto SOURCE";
    let repository = tree.display().to_string();
    let at = |commit: &String| Source::Git { repository: repository.clone(), commit: commit.clone() };
    let quoted = |commit: &String| format!("{{ git = {repository:?}, commit = \"{commit}\" }}");
    let plain = lab.source.clone();
    lab.source = at(&commits[2]);
    let error = |lab: &KernelLab, patch: &str| {
        let error = lab.error(&[series("s", &[patch])], "CONFIG_X=y\n");
        error.rsplit_once("(hunk 1 at line 1): ").unwrap().1.to_owned()
    };
    let tagged = format!("{} (v6.11) has its files as they were", quoted(&commits[1]));
    assert_eq!(error(&lab, &patch), format!("{written}; {tagged}; {named}"));
    let with_base = format!("{patch}-- \n2.47\n\nbase-commit: {}\n", commits[0]);
    let based = format!("it was written on {} (v6.10)", quoted(&commits[0]));
    assert_eq!(error(&lab, &with_base), format!("{written}; {based}; {named}"));

    // The other one is in the cache now, and the source in use has no repository.
    lab.source = at(&commits[1]);
    lab.build(&[]).unwrap();
    fs::remove_dir_all(lab.cache.join("kernels")).unwrap();
    fs::create_dir(lab.cache.join("kernels")).unwrap();
    lab.source = plain;
    let cached = format!("git {} (in the cache) has its files as they were", commits[1]);
    assert_eq!(error(&lab, &patch), format!("{written}; {cached}; {named}"));
}
