//! The checkout that the lab runs from.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

/// The checkout's folder, absolute.
#[derive(Clone, Debug)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that this program was built from and runs in: cargo names it when it runs the program.
    ///
    /// # Errors
    /// If the folder is gone.
    pub fn open() -> anyhow::Result<Self> {
        let package =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = std::fs::canonicalize(Path::new(&package).join(".."))
            .with_context(|| format!("opening the checkout of {}", Path::new(&package).display()))?;
        Ok(Checkout { root })
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
        let _folder = sh.push_dir(&self.root);
        let commit = cmd!(sh, "git rev-parse HEAD").quiet().ignore_stderr().read();
        let changes = cmd!(sh, "git status --porcelain").quiet().ignore_stderr().read();
        match (commit, changes) {
            (Ok(commit), Ok(changes)) if changes.is_empty() => commit,
            (Ok(commit), _) => format!("{commit}-dirty"),
            (Err(_), _) => "unknown".to_owned(),
        }
    }
}
