//! Kernel and image of a boot that was run before: those in the cache, or the same built again.

use anyhow::{Context as _, bail, ensure};
use lab_core::campaign::{AppliedSeries, CampaignFile, Record};
use lab_core::series::Series;
use xshell::Shell;

use super::image::{self, Contents, Image};
use super::kernel::{self, Kernel};
use super::kernels::Builder;
use crate::lab::Lab;
use crate::lab::digest::short;

/// The kernel of a boot.
///
/// # Errors
/// If it is not in the cache, and this checkout gives another one or none.
pub(crate) fn kernel(sh: &Shell, lab: &Lab, file: &CampaignFile, boot: &Record) -> anyhow::Result<Kernel> {
    let recorded = &boot.kernel;
    if let Some(kernel) = kernel::recorded(&lab.cache, recorded) {
        return Ok(kernel);
    }
    let purpose = || {
        format!(
            "the kernel {} of boot {} is not in the cache; to have it built, {}",
            short(&recorded.digest),
            boot.boot.number,
            remedy(file)
        )
    };
    let name = &boot.boot.variant;
    let variant = file.plan.variants.iter().find(|variant| variant.name == *name);
    let variant = variant.with_context(|| format!("the plan has no variant {name}"))?;
    let builder =
        Builder::new(sh, lab, &file.plan.kernel, std::slice::from_ref(variant)).with_context(purpose)?;
    let digest = builder.digest(0)?;
    if digest != recorded.digest {
        let changed = changed(boot, builder.series(0));
        bail!("{}: this checkout gives another one, {}, since {changed}", purpose(), short(&digest));
    }
    let kernel = builder.build(0)?;
    ensure!(
        kernel.metadata.bzimage_sha256 == recorded.bzimage_sha256,
        "the kernel of boot {} was built again from the same input, and is not the same: its SHA-256 is {}, then {}; the object \
         folder or the compiler's files were changed by hand: remove sources/*/builds in the cache and run again",
        boot.boot.number,
        short(&kernel.metadata.bzimage_sha256),
        short(&recorded.bzimage_sha256)
    );
    Ok(kernel)
}

/// Why a kernel is another one.
fn changed(boot: &Record, series: &[Series]) -> String {
    let then = &boot.kernel.series;
    let is_other =
        |(then, now): &(&AppliedSeries, &Series)| (&then.name, &then.digest) != (&now.name, &now.digest);
    match then.iter().zip(series).find(is_other) {
        Some((then, _)) => format!("the series {} was changed", then.name),
        None if then.len() != series.len() => "it has other series".to_owned(),
        None => "the source, the compiler or the configuration fragments are others".to_owned(),
    }
}

/// The image of a boot.
///
/// # Errors
/// If it is not in the cache, and this checkout gives another one.
pub(crate) fn image(sh: &Shell, lab: &Lab, file: &CampaignFile, boot: &Record) -> anyhow::Result<Image> {
    let recorded = &boot.setup.image_sha256;
    if let Some(image) = image::recorded(sh, &lab.cache, recorded) {
        return Ok(image);
    }
    let image = image::ensure(sh, &lab.cache, lab.checkout.root(), &Contents::of(&file.plan))?;
    ensure!(
        image.sha256 == *recorded,
        "the image {} of boot {} is not in the cache, and this checkout gives another one, {}; to have it built, {}",
        short(recorded),
        boot.boot.number,
        short(&image.sha256),
        remedy(file)
    );
    Ok(image)
}

/// What puts kernels and image of a campaign into the cache.
fn remedy(file: &CampaignFile) -> String {
    let (commit, command) = (&file.lab_commit, &file.command);
    match commit.strip_suffix("-dirty") {
        None => format!("run in a checkout of the lab at {commit}: {command}; then run this again"),
        Some(commit) => format!(
            "run in a checkout of the lab at {commit}, with the changes that it had then and that were not committed: {command}; \
             then run this again"
        ),
    }
}
