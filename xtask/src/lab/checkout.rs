//! The checkout that the lab runs from.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::Shell;

use super::called;
use super::process::{self, git};

/// The checkout's folder, absolute.
#[derive(Clone, Debug)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that this program was built from: cargo names it when it runs the program.
    ///
    /// # Errors
    /// If the folder is gone.
    pub fn open() -> anyhow::Result<Self> {
        let package = called::package();
        let root = std::fs::canonicalize(package.join("..")).with_context(|| {
            let shown = package.display();
            format!("opening the checkout of {shown}; if it was moved, run there: cargo install --path xtask")
        })?;
        Ok(Checkout { root })
    }

    /// One that a test has made.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Checkout { root: root.to_owned() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder of the checkout.
    pub fn join(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The commit that is checked out, with `-dirty` behind it if files differ from it; `unknown` outside git.
    pub fn commit(&self, sh: &Shell) -> String {
        let git = |arguments: &[&str]| process::read(git::git(sh, &self.root).args(arguments));
        let commit = git(&["rev-parse", "HEAD"]);
        let changes = git(&["status", "--porcelain"]);
        match (commit, changes) {
            (Ok(commit), Ok(changes)) if changes.is_empty() => commit,
            (Ok(commit), _) => format!("{commit}-dirty"),
            (Err(_), _) => "unknown".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(sh: &Shell, folder: &Path) -> Checkout {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("file"), folder.display().to_string()).unwrap();
        for arguments in [&["init", "--quiet"][..], &["add", "file"], &["commit", "--quiet", "--message=one"]]
        {
            process::read(git::git(sh, folder).args(arguments)).unwrap();
        }
        Checkout { root: folder.to_owned() }
    }

    /// As in a hook of another repository.
    #[test]
    fn the_commit_is_that_of_the_checkout_whatever_git_started_the_lab() {
        let sh = Shell::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let checkout = repository(&sh, &folder.path().join("lab"));
        let other = repository(&sh, &folder.path().join("other"));
        let (commit, others) = (checkout.commit(&sh), other.commit(&sh));
        assert!(commit.len() == 40 && commit != others, "{commit} {others}");
        sh.set_var("GIT_DIR", other.join(".git"));
        assert_eq!(checkout.commit(&sh), commit);
        std::fs::write(checkout.join("file"), "changed").unwrap();
        assert_eq!(checkout.commit(&sh), format!("{commit}-dirty"));
        let none = Checkout { root: PathBuf::from("/proc/nonexistent") };
        assert_eq!(none.commit(&sh), "unknown");
    }
}
