//! One commit measured: its kernel built, and booted in a campaign of its own.

use anyhow::{Context as _, ensure};
use lab_core::campaign::{Watched, WatchedCommit};
use lab_core::evidence::build::BuildFailed;
use lab_core::plan::config::{Config, EXPECTED_DIR};
use lab_core::plan::{self, Clock, Overrides, Plan, Revision, Source, Variant};
use lab_core::text::digest::short;
use lab_core::text::suggest::unknown;
use xshell::Shell;

use super::series::SeriesFolder;
use crate::build::{image, kernels};
use crate::campaign;
use crate::commands::preflight;
use crate::commands::run_lab::{Boots, begin_boots, campaign_and_machine, ensure_image, run_boots};
use crate::lab::Lab;
use crate::machine::host;

/// What came of a commit.
pub(super) enum Came {
    /// A campaign, from the folder of the series on.
    Campaign(String),
    /// No kernel: the first errors.
    DoesNotBuild(String),
}

/// Checks that the plan can be run for each commit.
///
/// # Errors
/// If not, with what to do.
pub(super) fn check(sh: &Shell, lab: &Lab, config: &Config, watched: &Watched) -> anyhow::Result<()> {
    let plan = resolve(config, watched, Variant::new("commit", Vec::new()))?;
    ensure!(
        plan.machine.clock == Clock::Virtual,
        "--plan: plan {} has the wall clock, and real time of different days is not compared; give a plan with the virtual clock",
        watched.plan
    );
    let Some(wanted) = &watched.behaviour else { return Ok(()) };
    let tables = sh.read_dir(lab.checkout.join(EXPECTED_DIR)).context("listing the tables of behaviour")?;
    let name =
        |path: &std::path::PathBuf| Some(path.file_name()?.to_str()?.strip_suffix(".toml")?.to_owned());
    let tables: Vec<String> = tables.iter().filter_map(name).collect();
    let names: Vec<&str> = tables.iter().map(String::as_str).collect();
    ensure!(
        names.contains(&wanted.as_str()),
        "--behaviour: {}",
        unknown("table of behaviour", wanted, &names)
    );
    Ok(())
}

/// The plan for one kernel. How narrow intervals become is a matter of two kernels, so that the number of boots is fixed.
fn resolve(config: &Config, watched: &Watched, variant: Variant) -> anyhow::Result<Plan> {
    let named = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
    let overrides = Overrides {
        alone: Some(variant),
        scenarios: named(&watched.scenarios),
        workloads: named(&watched.workloads),
        boots: Some(
            watched.boots.unwrap_or_else(|| config.plans.get(&watched.plan).map_or(1, |plan| plan.boots)),
        ),
        ..Overrides::default()
    };
    Ok(plan::resolve(config, &watched.plan, &overrides)?)
}

/// Where commits are measured. What the machine lacks is looked for when the first one is.
pub(super) struct TestBed<'a> {
    sh: &'a Shell,
    lab: &'a Lab,
    config: &'a Config,
    is_prepared: bool,
}

impl<'a> TestBed<'a> {
    /// Nothing is done yet.
    pub(super) fn new(sh: &'a Shell, lab: &'a Lab, config: &'a Config) -> Self {
        TestBed { sh, lab, config, is_prepared: false }
    }

    /// Builds and boots the kernel of a commit, as far as that was not done before.
    ///
    /// # Errors
    /// If the lab fails, or the user stops it.
    pub(super) fn measure(&mut self, folder: &SeriesFolder, commit: &WatchedCommit) -> anyhow::Result<Came> {
        let (sh, lab) = (self.sh, self.lab);
        let plan = resolve(self.config, &folder.file.watched, variant(folder, commit))?;
        self.prepare(&plan)?;
        let kernels = match kernels::ensure(sh, lab, &plan.kernel, &plan.variants) {
            Ok(kernels) => kernels,
            Err(error) => {
                let failed = error.downcast::<BuildFailed>()?;
                return Ok(Came::DoesNotBuild(failed.errors.join("; ")));
            }
        };
        let image = ensure_image(sh, lab, &plan)?;
        let (file, machine) = campaign_and_machine(sh, lab, plan, host::this_host(sh), &kernels, &image)?;
        let (place, name) = folder.point(&commit.commit);
        std::fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
        let opened = campaign::open_again(&place, &file)?;
        begin_boots(&opened, &file, &image)?;
        let boots = Boots { machine, image: &image, kernels: &kernels, profiler: None };
        run_boots(lab, &opened.folder, opened.tries, &file, &boots)?;
        let campaign = opened.folder.path().file_name().and_then(|name| name.to_str());
        Ok(Came::Campaign(format!("{name}/{}", campaign.context("a campaign has a name")?)))
    }

    fn prepare(&mut self, plan: &Plan) -> anyhow::Result<()> {
        if !self.is_prepared {
            let (sh, lab) = (self.sh, self.lab);
            preflight::plan(sh, lab, plan)?;
            preflight::packages(sh, lab, plan)?;
            preflight::programs(sh, lab, plan)?;
            image::check_jobs(sh, &plan.workloads)?;
            self.is_prepared = true;
        }
        Ok(())
    }
}

/// The kernel of a commit: that with which the series begins is the source of all, so that each of the others is built with its
/// objects.
fn variant(folder: &SeriesFolder, commit: &WatchedCommit) -> Variant {
    let file = &folder.file;
    let source = Source::Git { repository: file.watched.tree.clone(), commit: file.base.clone() };
    let of_base = file.commit(&file.base).map(|base| &base.tree);
    let revision = Revision { commit: commit.commit.clone(), tree: commit.tree.clone() };
    Variant {
        source: Some(source),
        // Files that are those of the source are the source.
        behaviour: file.watched.behaviour.clone(),
        revision: Some(revision).filter(|revision| Some(&revision.tree) != of_base),
        ..Variant::new(short(&commit.commit), Vec::new())
    }
}
