//! What every command works with: the checkout, its `lab.toml`, the cache.

use std::path::PathBuf;

use anyhow::Context as _;
use xshell::Shell;

use crate::boot::Interrupt;
use crate::cache::Cache;
use crate::checkout::Checkout;
use crate::config::{self, Config, Inventory};

/// The lab as it lies on this machine.
#[derive(Debug)]
pub struct Lab {
    /// The checkout.
    pub checkout: Checkout,
    /// The cache.
    pub cache: Cache,
    /// Whether the user asked to stop.
    pub interrupt: Interrupt,
}

impl Lab {
    /// Opens checkout and cache.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub fn open() -> anyhow::Result<Self> {
        Ok(Lab {
            checkout: Checkout::open()?,
            cache: Cache::from_environment()?,
            interrupt: Interrupt::install()?,
        })
    }

    /// The checkout and the cache for a look at them: nothing is made.
    ///
    /// # Errors
    /// If the checkout is gone, or no place for a cache is known.
    pub(crate) fn to_look_at() -> anyhow::Result<Self> {
        Ok(Lab { checkout: Checkout::open()?, cache: Cache::to_look_at()?, interrupt: Interrupt::default() })
    }

    /// Reads `lab.toml` and the job files of its workloads, and checks that the checkout holds what it names.
    ///
    /// # Errors
    /// The first mistake in it, with its place and remedy.
    pub(crate) fn config(&self, sh: &Shell) -> anyhow::Result<Config> {
        let text = config::read(sh, &self.checkout.join("lab.toml"))?;
        let config = Config::parse("lab.toml", &text)?;
        config.check_references(&Inventory::read(sh, self.checkout.root())?)?;
        Ok(config.with_jobs(|file| config::read_job(sh, self.checkout.root(), file))?)
    }

    /// The folder of the campaigns.
    ///
    /// # Errors
    /// If it is not there and cannot be made.
    pub fn results(&self, sh: &Shell) -> anyhow::Result<PathBuf> {
        sh.create_dir(self.checkout.join("results")).context("making the folder for results")
    }
}
