//! The folder of a series: which commits there are and what measured them, and what people and programs read of it.
//!
//! ```text
//! results/watch-<branch>-<plan>-<key>/
//!     series.toml               the commits, with the campaigns of each
//!     points/<commit>/<date>-<plan>-1/   a campaign of the kernel of that commit
//!     report.html, series.csv, points.csv, otava.yaml   made anew at each look
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lab_core::campaign::{Watched, WatchedFile};
use lab_core::comparison::history::History;
use lab_core::report;
use lab_core::text::digest::{Parts, short};

use crate::lab::files;
use crate::lab::lock::{self, Lock};

const SERIES: &str = "series.toml";

/// The page.
pub(super) const PAGE: &str = "report.html";

/// A line for each commit and row.
const LONG: &str = "series.csv";

/// A line for each commit, for programs that look for change points.
const WIDE: &str = "points.csv";

/// How one of these reads that.
const OTAVA: &str = "otava.yaml";

/// A larger file is none of a series.
const LARGEST_BYTES: u64 = 64 << 20;

/// A series, held so that no other process adds to it.
pub(super) struct SeriesFolder {
    path: PathBuf,
    /// What is known of it.
    pub(super) file: WatchedFile,
    _lock: Lock,
}

impl SeriesFolder {
    /// The series of what is watched, which begins with `base` if it is new.
    ///
    /// # Errors
    /// If another process holds it, or it cannot be read or made.
    pub(super) fn open(results: &Path, watched: Watched, base: String) -> anyhow::Result<Self> {
        let path = results.join(name(&watched)?);
        fs::create_dir_all(path.join("points")).with_context(|| format!("making {}", path.display()))?;
        let handle = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        let Some(lock) = Lock::try_on(handle, &path)? else {
            bail!("{} is in use by {}; wait until it ends", path.display(), lock::holder(&path));
        };
        let file = match read(&path.join(SERIES))? {
            Some(file) => file,
            None => WatchedFile::new(watched, base),
        };
        Ok(SeriesFolder { path, file, _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder for the campaigns of a commit, and how the series calls it.
    pub(super) fn point(&self, commit: &str) -> (PathBuf, String) {
        let name = format!("points/{}", short(commit));
        (self.path.join(&name), name)
    }

    /// Writes down what is known.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        files::write_atomically(&self.path.join(SERIES), self.file.to_text()?.as_bytes())
    }

    /// Writes what is read of it: page and CSV.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn publish(&self, history: &History) -> anyhow::Result<()> {
        let test = self.path.file_name().and_then(|name| name.to_str()).context("a series has a name")?;
        for (name, text) in [
            (PAGE, report::html::history::render(history)),
            (LONG, report::history::long(history)?),
            (WIDE, report::history::wide(history)?),
            (OTAVA, report::history::otava(history, test, WIDE)),
        ] {
            files::write_atomically(&self.path.join(name), text.as_bytes())?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> anyhow::Result<Option<WatchedFile>> {
    let size = match fs::metadata(path) {
        Ok(data) => data.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let read = || -> anyhow::Result<WatchedFile> {
        anyhow::ensure!(size <= LARGEST_BYTES, "{size} bytes is too large for a series");
        WatchedFile::parse(&fs::read_to_string(path)?)
    };
    let remedy = || format!("reading {}; move its folder away to begin the series anew", path.display());
    read().map(Some).with_context(remedy)
}

/// Branch and plan for people, and a digest over all that is watched.
fn name(watched: &Watched) -> anyhow::Result<String> {
    let text = toml::to_string(watched).context("writing what is watched as TOML")?;
    let key = Parts::default().with("watched", text).finish();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
    let branch: String = watched.branch.chars().take(40).map(plain).collect();
    Ok(format!("watch-{}-{}-{}", branch.trim_matches(['-', '.']), watched.plan, short(&key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(branch: &str) -> Watched {
        Watched {
            tree: "/src/linux".to_owned(),
            branch: branch.to_owned(),
            tags: None,
            since: None,
            plan: "ci".to_owned(),
            scenarios: Vec::new(),
            workloads: Vec::new(),
            boots: None,
            behaviour: None,
        }
    }

    #[test]
    fn a_series_is_found_again_and_one_process_has_it() {
        let results = tempfile::tempdir().unwrap();
        let open = |branch, base: &str| SeriesFolder::open(results.path(), watched(branch), base.to_owned());
        let series = open("fuse/for-next", "a").unwrap();
        let name = series.path().file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("watch-fuse-for-next-ci-"), "{name}");
        series.write().unwrap();
        let error = open("fuse/for-next", "a").err().unwrap().to_string();
        assert!(error.contains(" is in use by process "), "{error}");
        assert!(open("master", "a").is_ok());
        drop(series);
        // It begins where it began.
        assert_eq!(open("fuse/for-next", "b").unwrap().file.base, "a");
    }

    #[test]
    fn a_damaged_series_says_what_to_do() {
        let results = tempfile::tempdir().unwrap();
        let open = || SeriesFolder::open(results.path(), watched("master"), "a".to_owned());
        let path = open().unwrap().path().join(SERIES);
        fs::write(&path, "version = 1\n[watched]\n").unwrap();
        let error = format!("{:#}", open().err().unwrap());
        assert!(error.contains("move its folder away to begin the series anew"), "{error}");
    }
}
