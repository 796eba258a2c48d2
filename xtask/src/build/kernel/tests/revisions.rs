//! Commits of one repository, of which the first is the source.

use super::*;

impl KernelLab {
    /// Makes the tree a repository of one commit, the source.
    fn into_repository(mut self) -> Self {
        self.in_tree(&["init", "--quiet", "--initial-branch=master"]);
        self.in_tree(&["add", "--all"]);
        self.in_tree(&["commit", "--quiet", "-m", "base"]);
        let repository = self.tree().display().to_string();
        self.source = Source::Git { repository, commit: self.in_tree(&["rev-parse", "HEAD"]) };
        self
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("linux")
    }

    fn in_tree(&self, arguments: &[&str]) -> String {
        process::read(git::git(&self.sh, &self.tree()).args(arguments)).unwrap()
    }

    fn commit(&self, file: &str, content: &[u8]) {
        fs::write(self.tree().join(file), content).unwrap();
        self.in_tree(&["add", file]);
        self.in_tree(&["commit", "--quiet", "--allow-empty", "-m", file]);
    }

    /// The newest commit.
    fn revision(&self) -> Revision {
        let [commit, tree] = ["HEAD", "HEAD^{tree}"].map(|name| self.in_tree(&["rev-parse", name]));
        Revision { commit, tree }
    }

    fn build_revision(&self, revision: &Revision) -> anyhow::Result<Kernel> {
        self.build_of(Some(revision), SymbolList::AnyForm, &[], "CONFIG_X=y\n")
    }
}

/// A merge with a binary file, which no series could bring, is built with the objects of the source.
#[test]
fn a_merge_is_built_as_it_is() {
    let lab = KernelLab::new().into_repository();
    let base = lab.build(&[]).unwrap();
    let more = |name: &str| {
        let text = fs::read_to_string(lab.tree().join(name)).unwrap();
        format!("{text}int more_of_{}(void) {{ return 1; }}\n", &name[..1])
    };
    lab.in_tree(&["checkout", "--quiet", "-b", "side"]);
    lab.commit("firmware.bin", &[0, 255, 13, 10]);
    lab.commit("a.c", more("a.c").as_bytes());
    lab.in_tree(&["checkout", "--quiet", "master"]);
    lab.commit("b.c", more("b.c").as_bytes());
    lab.in_tree(&["merge", "--quiet", "--no-ff", "-m", "merge", "side"]);
    let merge = lab.revision();
    let kernel = lab.build_revision(&merge).unwrap();
    assert!(kernel.metadata.incremental);
    assert_eq!(kernel.metadata.revision.as_ref(), Some(&merge));
    assert_ne!(kernel.metadata.bzimage_sha256, base.metadata.bzimage_sha256);
    assert_eq!(fs::read(lab.repository().join("firmware.bin")).unwrap(), [0, 255, 13, 10]);

    // What has the same files is the same kernel, and the source is what it was.
    lab.in_tree(&["commit", "--quiet", "--allow-empty", "-m", "nothing"]);
    let again = lab.build_revision(&lab.revision()).unwrap();
    assert_eq!((again.digest, again.built), (kernel.digest, KernelOrigin::Stored));
    assert_eq!(lab.build(&[]).unwrap().digest, base.digest);
}

#[test]
fn a_commit_that_the_repository_does_not_have() {
    let lab = KernelLab::new().into_repository();
    lab.build(&[]).unwrap();
    let gone = Revision { commit: "1".repeat(40), tree: "2".repeat(40) };
    let error = format!("{:#}", lab.build_revision(&gone).unwrap_err());
    assert!(error.starts_with("fetching commit 1111111111111111"), "{error}");
    let no_commit = Revision { commit: "master".to_owned(), ..gone };
    let error = format!("{:#}", lab.build_revision(&no_commit).unwrap_err());
    assert!(error.contains("is not a full commit id"), "{error}");
}
