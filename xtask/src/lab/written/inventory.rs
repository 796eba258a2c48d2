//! What the checkout holds of the things that `lab.toml` names.

use std::io::ErrorKind;
use std::path::Path;

use lab_core::plan::config::{EXPECTED_DIR, FRAGMENT_DIR, Inventory, SERIES_DIR};
use xshell::Shell;

/// Lists a checkout. A missing folder counts as an empty one.
///
/// # Errors
/// If a folder exists and cannot be read.
pub(super) fn list(sh: &Shell, checkout: &Path) -> anyhow::Result<Inventory> {
    let tables = names(sh, &checkout.join(EXPECTED_DIR), Path::is_file)?;
    Ok(Inventory {
        series: names(sh, &checkout.join(SERIES_DIR), Path::is_dir)?,
        fragments: names(sh, &checkout.join(FRAGMENT_DIR), Path::is_file)?,
        behaviours: tables.iter().filter_map(|name| Some(name.strip_suffix(".toml")?.to_owned())).collect(),
    })
}

fn names(sh: &Shell, folder: &Path, wanted: fn(&Path) -> bool) -> anyhow::Result<Vec<String>> {
    let entries = match sh.read_dir(folder) {
        Ok(entries) => entries,
        Err(_) if matches!(folder.metadata(), Err(err) if err.kind() == ErrorKind::NotFound) => Vec::new(),
        Err(err) => return Err(err.into()),
    };
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    Ok(entries.iter().filter(|path| wanted(path)).filter_map(|path| name(path)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_are_series_and_only_files_are_fragments_and_tables() {
        let sh = Shell::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let empty = list(&sh, folder.path()).unwrap();
        assert_eq!((empty.series.len(), empty.fragments.len(), empty.behaviours.len()), (0, 0, 0));
        let (series, fragments) = (folder.path().join("kernel-patches"), folder.path().join("images/kernel"));
        std::fs::create_dir_all(fragments.join("folder.config")).unwrap();
        std::fs::write(fragments.join("base.config"), "").unwrap();
        std::fs::create_dir_all(series.join("sync-dio")).unwrap();
        std::fs::write(series.join("README.md"), "").unwrap();
        let tables = folder.path().join("images/probe/expected");
        std::fs::create_dir_all(tables.join("folder.toml")).unwrap();
        std::fs::write(tables.join("synchronous.toml"), "").unwrap();
        std::fs::write(tables.join("README.md"), "").unwrap();
        let found = list(&sh, folder.path()).unwrap();
        assert_eq!(found.behaviours, ["synchronous"]);
        assert_eq!(
            (found.series, found.fragments),
            (vec!["sync-dio".to_owned()], vec!["base.config".to_owned()])
        );
    }
}
