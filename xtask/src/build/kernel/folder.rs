//! Where kernels are built: a folder per source, architecture and configuration, so that a plan with a configuration of its own does not
//! have the objects of another thrown away. At most [`KEPT`] of them are kept.
//!
//! ```text
//! sources/<key>/builds/<configuration>/objects/           the object directory, switched between variants
//! sources/<key>/builds/<configuration>/fragments.config   what was asked for last, and as old as that build
//! sources/<key>/builds/<configuration>/building           there while a build runs, and after one that was cut short
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use lab_core::plan::Arch;

use crate::build::source::SourceTree;
use crate::lab::cache::Cache;
use crate::lab::{digest, files};

/// How many folders of one source are kept: the default configuration, that of the debug plan, and two that are tried. The
/// first has 163 MiB, the second, which is much larger than most, 343.
const KEPT: usize = 4;

/// What an earlier lab had beside `builds`, when a source had one object directory for all configurations.
const FORMER: [&str; 3] = ["objects", "fragments.config", "building"];

/// The folder in which one configuration of a source is built. The caller holds the lock of the source.
#[derive(Clone, Debug)]
pub(super) struct BuildFolder {
    path: PathBuf,
}

impl BuildFolder {
    /// The folder for a configuration, given as kconfig takes it, and with what a single kernel is asked for on top, as
    /// `all_config`. It is made if it is not there, and those that were not used for longest go if there are too many.
    ///
    /// # Errors
    /// If it cannot be made, or another one not be removed.
    pub(super) fn open(
        cache: &Cache,
        tree: &SourceTree,
        configuration: (Arch, &str),
        all_config: &str,
    ) -> anyhow::Result<Self> {
        let folder = BuildFolder::of(tree, configuration);
        make_room(cache, &tree.folder, &folder.path)?;
        let objects = folder.objects();
        fs::create_dir_all(&objects).with_context(|| format!("making {}", objects.display()))?;
        files::write_atomically(&folder.all_config(), all_config.as_bytes())?;
        Ok(folder)
    }

    /// The same, whether it is there or not.
    pub(super) fn of(tree: &SourceTree, (arch, configuration): (Arch, &str)) -> Self {
        let arch = if arch.is_default() { String::new() } else { format!("{}\n", arch.name()) };
        let name = digest::short(&digest::of_bytes(format!("{arch}{configuration}").as_bytes())).to_owned();
        BuildFolder::at(&tree.folder.join("builds").join(name))
    }

    pub(super) fn at(path: &Path) -> Self {
        BuildFolder { path: path.to_owned() }
    }

    /// The object directory, shared by all variants. It belongs to the build, which runs code of the series: what the lab
    /// itself keeps is beside it, and what lies here is read through [`crate::lab::beneath`] only.
    pub(super) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// The fragments as kconfig takes them.
    pub(super) fn all_config(&self) -> PathBuf {
        self.path.join("fragments.config")
    }

    /// There while a build runs.
    pub(super) fn mark(&self) -> PathBuf {
        self.path.join("building")
    }

    /// When it was built in last; never, if it was not made as a whole.
    fn used(&self) -> SystemTime {
        let data = fs::symlink_metadata(self.all_config());
        data.and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// Removes the folders of a source that were not used for longest, so that with `own` no more than [`KEPT`] are there. What
/// an earlier lab left is one of them.
fn make_room(cache: &Cache, source: &Path, own: &Path) -> anyhow::Result<()> {
    let mut others: Vec<(SystemTime, Vec<PathBuf>)> = Vec::new();
    let former: Vec<PathBuf> = FORMER.iter().map(|name| source.join(name)).collect();
    if former.iter().any(|path| path.exists()) {
        others.push((BuildFolder::at(source).used(), former));
    }
    let builds = source.join("builds");
    // None before the first build.
    for entry in fs::read_dir(&builds).into_iter().flatten() {
        let path = entry.with_context(|| format!("reading {}", builds.display()))?.path();
        if path != own {
            others.push((BuildFolder::at(&path).used(), vec![path]));
        }
    }
    others.sort_by(|(a, _), (b, _)| b.cmp(a));
    others.iter().skip(KEPT - 1).try_for_each(|(_, paths)| remove(cache, paths))
}

/// Away first: half of a folder would be taken for a whole one by the next build.
fn remove(cache: &Cache, paths: &[PathBuf]) -> anyhow::Result<()> {
    let aside = cache.temporary_folder("objects-")?;
    for path in paths.iter().filter(|path| path.exists()) {
        let name = path.file_name().context("a folder without a name")?;
        fs::rename(path, aside.path().join(name))
            .with_context(|| format!("removing the objects of another configuration, {}", path.display()))?;
    }
    Ok(())
}
