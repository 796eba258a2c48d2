//! Trees and repositories on this machine.

use super::*;

#[test]
fn local_trees() {
    let lab = SourceLab::new();
    let path = lab.tree();
    let source = Source::Tree(path.display().to_string());
    let first = lab.prepare(&source).unwrap();
    check_tree(&lab, &first);
    assert!(first.identity.starts_with("tree 6.12.1 "), "{}", first.identity);
    fs::write(path.join("fs/new.c"), "int y;\n").unwrap();
    let second = lab.prepare(&source).unwrap();
    assert_ne!(second.key, first.key);
    assert!(second.repository.join("fs/new.c").exists());
    fs::create_dir_all(path.join("include/config")).unwrap();
    let error = format!("{:#}", lab.prepare(&source).unwrap_err());
    assert!(error.contains("run `make mrproper`"), "{error}");
    assert!(lab.prepare(&Source::Tree("/proc/nonexistent".into())).is_err());
}

/// Without its configuration a tree that was built in looks clean to `make`, and its generated headers would be used.
#[test]
fn trees_with_what_a_build_left() {
    let lab = SourceLab::new();
    let path = lab.tree();
    let source = Source::Tree(path.display().to_string());
    let check = |file: &str| {
        let file_path = path.join(file);
        let folder = file_path.parent().unwrap();
        let made = !folder.exists();
        fs::create_dir_all(folder).unwrap();
        fs::write(&file_path, "").unwrap();
        let error = format!("{:#}", lab.prepare(&source).unwrap_err());
        assert!(error.contains(" is there): run `make mrproper` in it"), "{file}: {error}");
        fs::remove_file(&file_path).unwrap();
        if made {
            fs::remove_dir_all(folder).unwrap();
        }
    };
    for file in [
        ".config",
        "vmlinux",
        "fs/file.o",
        "fs/.file.o.cmd",
        "include/config/auto.conf",
        "include/generated/autoconf.h",
        "arch/x86/include/generated/asm/unistd.h",
    ] {
        check(file);
        let _ = fs::remove_dir_all(path.join("include"));
    }
    // What has a similar name and belongs to the source.
    fs::create_dir_all(path.join("arch/x86/include/asm")).unwrap();
    for file in ["fs/a.o.c", "arch/x86/include/asm/a.h", "fs/.config", "fs/a.cmd"] {
        fs::write(path.join(file), "").unwrap();
    }
    lab.prepare(&source).unwrap();
}

#[test]
fn git_repositories_and_trees_under_git() {
    let lab = SourceLab::new();
    let path = lab.tree();
    let commit = lab.commit(&path);
    let git = |arguments: &[&str]| lab.git(&path, arguments);
    fs::write(path.join("Makefile"), MAKEFILE.replace("12", "13")).unwrap();
    fs::write(path.join("fs/ignored.o"), "").unwrap();
    fs::write(path.join("fs/.gitignore"), "*.o\n").unwrap();
    let before = git(&["status", "--porcelain", "--ignored"]);

    let repository = path.display().to_string();
    let tree = lab.prepare(&Source::Git { repository: repository.clone(), commit: commit.clone() }).unwrap();
    assert_eq!((tree.base_commit.as_str(), tree.kernel_version.as_str()), (commit.as_str(), "6.12.1"));

    let tree = lab.prepare(&Source::Tree(repository.clone())).unwrap();
    assert_eq!(tree.kernel_version, "6.13.1");
    assert!(!tree.repository.join("fs/ignored.o").exists());
    assert_eq!(git(&["status", "--porcelain", "--ignored"]), before);

    let error = |commit: &str| {
        let source = Source::Git { repository: repository.clone(), commit: commit.to_owned() };
        format!("{:#}", lab.prepare(&source).unwrap_err())
    };
    assert!(error("main").contains("is not a full commit id"), "{}", error("main"));
    let missing = "1".repeat(40);
    assert!(error(&missing).contains(&format!("fetching commit {missing} from ")), "{}", error(&missing));
}

/// A tree that git ignores the objects of is copied without them. One that lacks files is refused, and its commit is not.
#[test]
fn checkouts_of_all_kinds() {
    let lab = SourceLab::new();
    let path = lab.tree();
    let git = |folder: &Path, arguments: &[&str]| lab.git(folder, arguments);
    // It would make git write other bytes than it read.
    fs::remove_file(path.join(".gitattributes")).unwrap();
    fs::write(path.join(".gitignore"), "*.o\n.*.cmd\n/.config\n/vmlinux\n/include/config/\n").unwrap();
    lab.commit(&path);
    git(&path, &["commit", "--quiet", "--message=two", "--allow-empty"]);
    let commit = git(&path, &["rev-parse", "HEAD"]);
    fs::create_dir_all(path.join("include/config")).unwrap();
    for file in [".config", "vmlinux", "fs/file.o", "fs/.file.o.cmd", "include/config/auto.conf"] {
        fs::write(path.join(file), "").unwrap();
    }
    let tree = lab.prepare(&Source::Tree(path.display().to_string())).unwrap();
    for file in [".config", "vmlinux", "fs/file.o", "fs/.file.o.cmd", "include"] {
        assert!(!tree.repository.join(file).exists(), "{file}");
    }

    let (work_tree, clone) = (lab.folder.path().join("worktree"), lab.folder.path().join("shallow"));
    let (url, clone_text) = (format!("file://{}", path.display()), clone.display().to_string());
    git(&path, &["worktree", "add", "--quiet", "--detach", work_tree.to_str().unwrap()]);
    git(&path, &["clone", "--quiet", "--depth=1", &url, &clone_text]);
    for place in [&work_tree, &clone] {
        let text = place.display().to_string();
        let known = lab.prepare(&Source::Tree(text.clone())).unwrap();
        assert_eq!(known.key, tree.key, "{text}");
        // Made anew, from this place.
        fs::remove_dir_all(lab.cache.join("sources")).unwrap();
        fs::create_dir(lab.cache.join("sources")).unwrap();
        let tree = lab.prepare(&Source::Git { repository: text, commit: commit.clone() }).unwrap();
        assert_eq!(tree.base_commit, commit);
    }
    let missing = git(&path, &["rev-parse", "HEAD~1"]);
    let error = lab.prepare(&Source::Git { repository: clone_text.clone(), commit: missing }).unwrap_err();
    assert!(format!("{error:#}").contains("a shallow or partial clone may not have it"), "{error:#}");

    git(&clone, &["sparse-checkout", "set", "--no-cone", "/*", "!/fs/"]);
    assert!(clone.join("Makefile").exists() && !clone.join("fs").exists());
    let error = format!("{:#}", lab.prepare(&Source::Tree(clone_text.clone())).unwrap_err());
    assert!(error.contains("is a sparse checkout, without fs/"), "{error}");
    assert!(error.contains("run `git sparse-checkout disable` in it, or name the commit"), "{error}");
    lab.prepare(&Source::Git { repository: clone_text, commit }).unwrap();
}

/// git refuses what belongs to another user, unless it is told; its `upload-pack` has to be told by itself.
#[test]
fn a_repository_of_another_user() {
    let lab = SourceLab::new();
    let path = lab.tree();
    let commit = lab.commit(&path);
    // For git's own tests: every owner is another one.
    git::with_variable(&lab.sh, lab.folder.path(), "GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
    let unprotected = xshell::cmd!(lab.sh, "sh -c 'git -C \"$0\" status'").arg(&path);
    let unprotected = unprotected.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    assert!(!process::output(unprotected).unwrap().status.success(), "git does not mind whose it is");
    let repository = path.display().to_string();
    for repository in [repository.clone(), format!("file://{repository}")] {
        let source = Source::Git { repository, commit: commit.clone() };
        assert_eq!(lab.prepare(&source).unwrap().base_commit, commit);
        fs::remove_dir_all(lab.cache.join("sources")).unwrap();
        fs::create_dir(lab.cache.join("sources")).unwrap();
    }
    lab.prepare(&Source::Tree(repository)).unwrap();
}
