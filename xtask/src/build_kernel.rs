//! The kernels of a plan, each built or found in the cache.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use xshell::Shell;

use crate::campaign::CampaignKernel;
use crate::config::Config;
use crate::kernel::{self, Fragment, Kernel, KernelRequest};
use crate::lab::Lab;
use crate::plan::{KernelSettings, Source, Variant};
use crate::series::{self, Series};
use crate::stopwatch::Stopwatch;
use crate::{cli, host, source, suggest};

/// `cargo xtask build-kernel`.
///
/// # Errors
/// If a variant is unknown, its series does not apply, or it does not build.
pub fn build_kernel(sh: &Shell, options: &cli::BuildKernel) -> anyhow::Result<ExitCode> {
    let lab = Lab::open()?;
    let mut watch = Stopwatch::start();
    let config = lab.config(sh)?;
    let variants = select(&config, &options.variants)?;
    watch.step("packages", || host::require(sh))?;
    if options.refresh_source {
        refresh(&lab, &config.kernel)?;
    }
    watch.step("kernels", || ensure(sh, &lab, &config.kernel, &variants))?;
    eprintln!("\n{}", watch.line());
    Ok(ExitCode::SUCCESS)
}

fn select(config: &Config, names: &[String]) -> anyhow::Result<Vec<Variant>> {
    if names.is_empty() {
        return Ok(config.variants.values().cloned().collect());
    }
    let known: Vec<&str> = config.variants.keys().map(String::as_str).collect();
    let find = |name: &String| {
        config.variants.get(name).cloned().with_context(|| suggest::unknown("variant", name, &known))
    };
    names.iter().map(find).collect()
}

fn refresh(lab: &Lab, settings: &KernelSettings) -> anyhow::Result<()> {
    match &settings.source {
        Source::Debian(package) => source::refresh(&lab.cache, package),
        Source::Tarball { .. } | Source::Git { .. } | Source::Tree(_) => {
            bail!(
                "--refresh-source is for Debian packages; lab.toml names the exact source, so change it there"
            )
        }
    }
}

/// The kernels of `variants`, in their order. Every series is read and checked before anything is built.
///
/// # Errors
/// If a series cannot be used, a kernel does not build, or one is configured otherwise than the first.
pub(crate) fn ensure(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
) -> anyhow::Result<Vec<Kernel>> {
    let tell = |line: &str| eprintln!("{line}");
    let series =
        variants.iter().map(|variant| load_series(lab, variant)).collect::<anyhow::Result<Vec<_>>>()?;
    let fragments = read_fragments(sh, lab, settings)?;
    let identity = source::identify(sh, &lab.cache, &settings.source, &tell)?;
    let mut kernels: Vec<Kernel> = Vec::new();
    for (variant, series) in variants.iter().zip(&series) {
        let request = KernelRequest {
            source: &settings.source,
            identity: &identity,
            variant: &variant.name,
            series,
            fragments: &fragments,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
        };
        let kernel = kernel::ensure(sh, &lab.cache, request, &tell)?;
        eprintln!("kernel {}", kernel.line(&variant.name));
        if let Some(first) = kernels.first() {
            kernel::ensure_comparable(first, &kernel, &variant.name, series)?;
        }
        for (other, twin) in variants.iter().zip(&kernels) {
            if other.series != variant.series && kernel::same(twin, &kernel) {
                eprintln!(
                    "kernel {} is the same as {}: their series change nothing that is built",
                    variant.name, other.name
                );
            }
        }
        kernels.push(kernel);
    }
    Ok(kernels)
}

fn load_series(lab: &Lab, variant: &Variant) -> anyhow::Result<Vec<Series>> {
    let folder = lab.checkout.join("kernel-patches");
    let load = |name: &String| {
        let series = series::load(&folder, name)?;
        series::scan(&series)?;
        Ok(series)
    };
    variant.series.iter().map(load).collect()
}

fn read_fragments(sh: &Shell, lab: &Lab, settings: &KernelSettings) -> anyhow::Result<Vec<Fragment>> {
    let folder = lab.checkout.join("images/kernel");
    let read = |name: &String| {
        let text = sh.read_file(folder.join(name)).context("reading a configuration fragment")?;
        Ok(Fragment { name: name.clone(), text })
    };
    settings.config.iter().map(read).collect()
}

/// What a campaign keeps of its kernels.
pub(crate) fn identities(variants: &[Variant], kernels: &[Kernel]) -> Vec<CampaignKernel> {
    let identity = |(variant, kernel): (&Variant, &Kernel)| CampaignKernel {
        variant: variant.name.clone(),
        kernel: kernel.metadata.identity(),
    };
    variants.iter().zip(kernels).map(identity).collect()
}
