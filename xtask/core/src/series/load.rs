//! A series from the files of its folder, in any form that `git format-patch` writes.

use anyhow::{Context as _, bail, ensure};

use super::import::mail::{Form, Mail};
use super::import::mbox::Quoting;
use super::import::queue::{self, FileNumber};
use super::import::{reader, write};
use super::strip::Paths;
use super::{COMPANIONS, Patch, Series, check_size, has_diff, is_companion};

impl Series {
    /// The series `name` of the files of a folder, each with its content. What editors leave is passed over, as is a
    /// cover letter.
    ///
    /// # Errors
    /// Names the series and the file: no patch at all, a file that is neither a numbered patch nor one that may lie beside
    /// them, a gap or a duplicate in the numbers, two versions, NUL bytes, a patch above 4 MiB, without a diff, or damaged.
    pub fn from_files(name: &str, files: Vec<(String, Vec<u8>)>) -> anyhow::Result<Series> {
        let patches = patches(name, files).with_context(|| format!("loading series {name}"))?;
        Ok(Series::new(name, patches))
    }
}

/// A file with a number in its name.
struct Numbered {
    at: FileNumber,
    name: String,
    bytes: Vec<u8>,
}

fn patches(series: &str, files: Vec<(String, Vec<u8>)>) -> anyhow::Result<Vec<Patch>> {
    let mut numbered = Vec::new();
    for (name, bytes) in
        files.into_iter().filter(|(name, _)| !is_companion(name) && !queue::is_leftover(name))
    {
        let at = queue::file_number(&name).filter(|_| queue::is_patch_file(&name) || has_diff(&bytes));
        let Some(at) = at else {
            bail!(
                "{name} is neither {} nor named NNNN-subject.patch: {}",
                COMPANIONS.join(" nor "),
                match name == "series" || queue::is_patch_file(&name) {
                    true => import(series),
                    false => "rename it or move it elsewhere".to_owned(),
                }
            );
        };
        check_size(&name, bytes.len() as u64)?;
        numbered.push(Numbered { at, name, bytes });
    }
    numbered.sort_by_key(|file| (file.at.version, file.at.number));
    let (covers, numbered): (Vec<_>, Vec<_>) =
        numbered.into_iter().partition(|file| file.at.number == 0 && !read(file).iter().any(Mail::has_diff));
    ensure!(
        !numbered.is_empty(),
        "no patch in it{}: add files named 0001-subject.patch, as `git format-patch` makes them",
        if covers.is_empty() { "" } else { ", only a cover letter" }
    );
    check_numbers(series, &numbered)?;
    numbered.into_iter().map(patch).collect()
}

fn check_numbers(series: &str, files: &[Numbered]) -> anyhow::Result<()> {
    for (expected, pair) in (1..).zip(std::iter::once(None).chain(files.iter().map(Some)).zip(files)) {
        let (before, Numbered { at, name, .. }) = pair;
        let number = at.number;
        if let Some(before) = before.filter(|before| before.at.version != at.version) {
            bail!(
                "two versions lie in it (v{}, e.g. {}, and v{}, e.g. {name}): move one elsewhere",
                before.at.version,
                before.name,
                at.version
            );
        }
        if number < expected {
            let other = before.map_or("numbers start at 0001", |before| before.name.as_str());
            bail!("{name} has a number that is taken or too low ({other}): renumber the patches from 0001");
        }
        ensure!(
            number == expected,
            "{name} comes where {expected:04} is missing: add that patch, or {}",
            import(series)
        );
    }
    Ok(())
}

/// The command that takes a folder whose names say too little.
fn import(series: &str) -> String {
    format!("let `cargo xtask import-series kernel-patches/{series} --name NAME` make a series of it")
}

fn read(file: &Numbered) -> Vec<Mail> {
    reader::read(&file.name, &file.bytes, Quoting::AsMarked, &Paths::default())
}

fn patch(file: Numbered) -> anyhow::Result<Patch> {
    let mut mails = read(&file);
    let name = &file.name;
    if let Some(fault) = mails.iter().find_map(|mail| mail.damage.as_ref()) {
        bail!("{name}: {fault}");
    }
    mails.retain(Mail::has_diff);
    let (Some(mail), rest) = (mails.pop(), mails) else {
        bail!("{name} holds no diff: remove it (a cover letter belongs into README.md)");
    };
    ensure!(
        rest.is_empty(),
        "{name} holds {} patches: `cargo xtask import-series FILE` makes a series of it",
        rest.len() + 1
    );
    let text = match mail.form {
        Form::Plain | Form::Bare => file.bytes,
        Form::Other => write::patch(&mail, 1, 1),
    };
    ensure!(!text.contains(&0), "{name} holds NUL bytes: save it as `git format-patch` does");
    Ok(Patch { subject: mail.subject.title, file: file.name, text })
}
