//! A series as it lies in its folder: read, and looked through for what it must not do.

use lab_core::series::import::queue;
use lab_core::series::{self, Series, hunk_number};

use super::{Target, show};
use crate::inputs::Checkout;
use crate::parts;

pub(super) struct OfFiles;

/// Names and contents.
type Files = Vec<(String, Vec<u8>)>;

/// Folders with series, each in a folder of its own.
const FOLDERS: [&str; 3] = ["kernel-patches", "xtask/tests/data/series", "xtask/tests/data/import"];

impl Target for OfFiles {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut inputs = Vec::new();
        for folder in FOLDERS {
            let mut all: Vec<(String, Files)> = Vec::new();
            for (path, content) in checkout.files(folder, |_| true)? {
                let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
                match all.last_mut().filter(|(last, _)| last == folder) {
                    Some((_, files)) => files.push((name.to_owned(), content)),
                    None => all.push((folder.to_owned(), vec![(name.to_owned(), content)])),
                }
            }
            inputs.extend(all.into_iter().map(|(_, files)| parts::join(files)));
        }
        Ok(inputs)
    }

    fn check(&self, case: &[u8]) {
        let files = parts::split(case);
        for (name, content) in &files {
            let _ = (queue::file_number(name), queue::is_leftover(name), queue::is_patch_file(name));
            if let Err(error) = queue::parse(&parts::text(content)) {
                show(&error);
            }
        }
        let series = match Series::from_files("case", files) {
            Ok(series) => series,
            Err(error) => return show(&error),
        };
        if let Err(error) = series::scan(&series) {
            show(&error);
        }
        assert!(!series.patches.is_empty(), "a series without patches");
        let _ =
            (series.added_symbols(), series.selected_symbols(), series.written_for(), series.base_commit());
        for patch in &series.patches {
            assert!(!patch.as_mail().is_empty(), "a patch that is no mail");
            let _ = patch.written_for();
        }
        for path in series.touched().iter().take(5) {
            let _ = hunk_number(&series.patches[0].text, path, 1);
        }
        assert_eq!(series.prefix(usize::MAX), series, "all patches are another series");
    }
}
