//! Faults and placebos that are put into C code, and the list of those that were written by hand.

use std::collections::BTreeSet;

use lab_core::series::mutants::{HandWritten, PatchedFile, added_lines, mutants};
use lab_core::series::placebos::placebos;

use super::{Target, show};
use crate::inputs::Checkout;
use crate::parts;

pub(super) struct Mutants;

const BY_HAND: &str = "mutants.toml";

/// Every so many lines of a case count as added by a series.
const ADDED: usize = 2;

impl Target for Mutants {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let by_hand = checkout.file("kernel-patches/async-dio/mutants.toml")?;
        let patches = checkout.files("kernel-patches", |name| name.ends_with(".patch"))?;
        let mut inputs = Vec::new();
        for (_, patch) in patches {
            let code = ("fs/fuse/file.c".to_owned(), code(&parts::text(&patch)).into_bytes());
            inputs.push(parts::join([(BY_HAND.to_owned(), by_hand.clone()), code]));
        }
        let own = checkout.files("xtask/fuzz/seeds/code", |_| true)?;
        inputs.push(parts::join(own));
        Ok(inputs)
    }

    fn check(&self, case: &[u8]) {
        let (by_hand, code): (Vec<_>, Vec<_>) =
            parts::split(case).into_iter().partition(|(name, _)| name == BY_HAND);
        let _ = added_lines(&parts::text(case));
        let by_hand = by_hand.first().map(|(_, text)| HandWritten::parse(&parts::text(text)));
        let written = by_hand.and_then(|read| read.map_err(|error| show(&error)).ok()).unwrap_or_default();
        let files: Vec<PatchedFile> = code.into_iter().map(patched).collect();
        for written in [&written, &HandWritten::default()] {
            if let Err(error) = mutants(&files, written) {
                show(&error);
            }
        }
        let _ = placebos(&files);
    }
}

fn patched((path, content): (String, Vec<u8>)) -> PatchedFile {
    let text = parts::text(&content);
    let added: BTreeSet<usize> = (1..=text.lines().count()).step_by(ADDED).collect();
    PatchedFile { path, text, added }
}

/// What a patch leaves of the file, as far as it shows it.
fn code(patch: &str) -> String {
    let lines = patch.lines().filter_map(|line| line.strip_prefix('+').or_else(|| line.strip_prefix(' ')));
    lines.filter(|line| !line.starts_with("++ ")).map(|line| format!("{line}\n")).collect()
}
