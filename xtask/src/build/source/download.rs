//! Tarballs: their digests, and downloads that go on where they stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use xshell::{Shell, cmd};

use super::{Tell, fetching};
use crate::lab::cache::Cache;
use crate::lab::output::progress::Step;
use crate::lab::{digest, process};

/// The digest by which a tarball is known: the stated one, which a URL must have, else the file's.
///
/// # Errors
/// If it is missing or malformed, or a local file cannot be read or has another one.
pub(super) fn expected_sha256(location: &str, stated: Option<&str>) -> anyhow::Result<String> {
    if let Some(sha256) = stated {
        let well_formed =
            sha256.len() == 64 && sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        ensure!(
            well_formed,
            "sha256 {sha256:?} is not 64 lower-case hexadecimal digits (`sha256sum` prints them)"
        );
    }
    match (is_url(location), stated) {
        (true, Some(sha256)) => Ok(sha256.to_owned()),
        (true, None) => {
            bail!("a URL needs the sha256 of the file: give the 64 digits that its publisher states")
        }
        (false, stated) => {
            let sha256 = digest::of_file(Path::new(location))?;
            match stated {
                Some(stated) => compare(location, &sha256, stated).map(|()| sha256),
                None => Ok(sha256),
            }
        }
    }
}

/// The tarball as a file on this machine, verified; downloaded if it is not there.
///
/// # Errors
/// If downloading fails; what has come is kept and the next call goes on from there. If the file is not the
/// expected one, nothing is kept.
pub(super) fn local_file(
    sh: &Shell,
    cache: &Cache,
    location: &str,
    stated: Option<&str>,
    tell: Tell,
) -> anyhow::Result<PathBuf> {
    let expected = expected_sha256(location, stated)?;
    if !is_url(location) {
        return Ok(PathBuf::from(location));
    }
    let path = cache.join("downloads").join(format!("{expected}.tarball"));
    if is_file_with(&path, &expected) {
        return Ok(path);
    }
    let part = path.with_extension("part");
    if !is_file_with(&part, &expected) {
        fetch(sh, location, &part, tell)?;
    }
    let found = digest::of_file(&part)?;
    if let Err(error) = compare(location, &found, &expected) {
        fs::remove_file(&part).with_context(|| format!("removing {}", part.display()))?;
        return Err(error);
    }
    fs::rename(&part, &path).with_context(|| format!("moving {} to {}", part.display(), path.display()))?;
    Ok(path)
}

fn fetch(sh: &Shell, url: &str, part: &Path, tell: Tell) -> anyhow::Result<()> {
    let begun = Instant::now();
    let limits = ["--fail", "--location", "--retry", "3", "--connect-timeout", "30", "--speed-time", "60"];
    let headers = part.with_extension("headers");
    let quiet = ["--silent", "--show-error", "--dump-header"];
    let command = cmd!(sh, "curl {limits...} {quiet...} {headers} --continue-at - --output {part} -- {url}");
    let there = || fs::metadata(part).map_or(0, |data| data.len());
    let all = || fetching::size_by_headers(&fs::read_to_string(&headers).ok()?);
    let name = url.rsplit('/').next().unwrap_or(url);
    let output = fetching::fetch(command, &Step::begin(&format!("fetching {name}")), there, all);
    let _ = fs::remove_file(&headers);
    let output = output?;
    if !output.status.success() {
        // 33: the server cannot send a part of the file, so what has come is of no use.
        if output.status.code() == Some(33) {
            let _ = fs::remove_file(part);
        }
        bail!("downloading {url}: {}; run again to go on", process::messages(&output.stderr));
    }
    let bytes = fs::metadata(part).with_context(|| format!("downloading {url}"))?.len();
    tell(&format!("downloaded {url} ({} MiB) in {:.0} s", bytes >> 20, begun.elapsed().as_secs_f64()));
    Ok(())
}

pub(super) fn is_file_with(path: &Path, sha256: &str) -> bool {
    path.is_file() && digest::of_file(path).is_ok_and(|found| found == sha256)
}

fn compare(location: &str, found: &str, expected: &str) -> anyhow::Result<()> {
    ensure!(
        found == expected,
        "{location} has sha256 {found}, not {expected}: it is another file than was meant"
    );
    Ok(())
}

fn is_url(location: &str) -> bool {
    location.starts_with("http://") || location.starts_with("https://")
}
