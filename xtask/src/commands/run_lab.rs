//! The main job: from `lab.toml` to a comparison of booted kernels.

mod accelerator;
mod dry_run;
mod estimate;
mod fault_suite;
mod precision;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use lab_core::campaign::{Addition, CampaignFile, Host, Setup, Try, VERSION, missing};
use lab_core::comparison;
use lab_core::plan::config::Config;
use lab_core::plan::{self, Clock, Overrides, Plan, SideBySide, Variant};
use lab_core::series::placebos;
use lab_core::series::unbuilt::lines;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use crate::build::image::{self, Image, ImageOrigin};
use crate::build::kernel::Kernel;
use crate::build::kernels;
use crate::build::library;
use crate::build::profiler;
use crate::build::unbuilt;
use crate::campaign::execute::{self, BootContext, CampaignEnd};
use crate::campaign::profile::Profiler;
use crate::campaign::{self, CampaignFolder, Opened};
use crate::commands::{cli, compare, each_patch, preflight};
use crate::lab::interrupt::{Interrupted, command_text};
use crate::lab::stopwatch::{Stopwatch, seconds};
use crate::lab::{Lab, files, output};
use crate::machine::accelerator::Accelerator;
use crate::machine::boot::{Machine, kernel_command_line};
use crate::machine::{host, memory};

/// Runs a plan and prints the comparison.
///
/// # Errors
/// If there is no campaign to compare: bad input, something missing on this machine, an interruption.
pub fn run_lab(sh: &Shell, options: &cli::RunLab) -> anyhow::Result<ExitCode> {
    // What the machine lacks is said now, and not after the kernels are built.
    preflight::machine()?;
    if options.fault_suite {
        return fault_suite::run(sh, options);
    }
    if options.dry_run {
        return dry_run::show(sh, options);
    }
    let lab = Lab::open()?;
    let config = lab.config(sh)?;
    run(sh, &lab, &config, options)
}

/// Tests the lab with kernels that differ in nothing but what is known.
///
/// # Errors
/// As [`run_lab`].
pub fn self_test(sh: &Shell, options: &cli::SelfTest) -> anyhow::Result<ExitCode> {
    run_lab(sh, &options.as_run())
}

/// Runs a plan of `config` and prints the comparison. What the machine itself lacks was looked at before.
///
/// # Errors
/// As [`run_lab`].
pub(super) fn run(sh: &Shell, lab: &Lab, config: &Config, options: &cli::RunLab) -> anyhow::Result<ExitCode> {
    let mut watch = Stopwatch::start();
    let plan = resolve(sh, lab, config, options)?;
    preflight::plan(sh, lab, &plan)?;
    tell_beforehand(&plan, options);
    watch.step("packages", || preflight::packages(sh, lab, &plan))?;
    preflight::programs(sh, lab, &plan)?;
    image::check_jobs(sh, &plan.workloads)?;
    let kernels = watch.step("kernels", || kernels::ensure(sh, lab, &plan.kernel, &plan.variants))?;
    if options.each_patch.is_some() {
        output::tell(&format!("\n{}", each_patch::report(&plan.variants, &kernels)?));
    }
    let image = watch.step("image", || ensure_image(sh, lab, &plan))?;
    let host = host::this_host(sh);
    let (file, machine) =
        watch.step("machine", || campaign_and_machine(sh, lab, plan, host, &kernels, &image))?;
    let (opened, file) = open_campaign(sh, lab, file, options.add_boots, &image)?;
    let folder = opened.folder;
    let profiler = match options.profile {
        true => Some(
            watch.step("profiler", || profiler::ensure(sh, &lab.cache, lab.checkout.root(), &image.path))?,
        ),
        false => None,
    };
    let boots = Boots { machine, image: &image, kernels: &kernels, profiler };
    watch.step("boots", || {
        let run = |tries, file: &CampaignFile| run_boots(lab, &folder, tries, file, &boots);
        run(opened.tries, &file)?;
        precision::narrow(&folder, file, run)
    })?;
    let code = match options.profile {
        // One boot of each says where instructions go, and is too little for a verdict.
        true => {
            output::print(&compare::profile(folder.path())?)?;
            ExitCode::SUCCESS
        }
        false => compare::finish(&lab.checkout, folder.path(), options.choice.format)?,
    };
    output::tell(&format!("\n{}", watch.line()));
    Ok(code)
}

/// Says what the plan cannot tell, whatever its boots show.
fn tell_beforehand(plan: &Plan, options: &cli::RunLab) {
    // A profile has no verdict, and boots that are added are not all that there are.
    if options.profile || options.add_boots.is_some() {
        return;
    }
    comparison::beforehand(plan).iter().for_each(|line| output::warn(line));
}

fn resolve(sh: &Shell, lab: &Lab, config: &Config, options: &cli::RunLab) -> anyhow::Result<Plan> {
    let steps =
        options.each_patch.as_ref().map(|series| each_patch::steps(lab, config, series)).transpose()?;
    let overrides = overrides(options, steps);
    let mut plan = match options.subject {
        cli::Subject::Lab => self_test_plan(sh, lab, config, options, &overrides)?,
        cli::Subject::Kernels => plan::resolve(config, &options.plan, &overrides)?,
    };
    if options.profile {
        plan = plan::profiled(plan).map_err(anyhow::Error::msg)?;
    }
    config.check_host_cpus(&options.plan, host::cpus())?;
    Ok(plan)
}

/// The self-test with the placebos that the source has a place for. Nothing is fetched to look at a plan.
fn self_test_plan(
    sh: &Shell,
    lab: &Lab,
    config: &Config,
    options: &cli::RunLab,
    overrides: &Overrides,
) -> anyhow::Result<Plan> {
    let plan = plan::self_test(config, &options.plan, overrides, &[])?;
    if plan.machine.clock == Clock::Wall {
        return Ok(plan);
    }
    let base = plan.variants.first().context("a plan has at least one variant")?;
    let placebos = match options.dry_run {
        true => placebos::names(),
        false => kernels::placebos(sh, lab, &plan.kernel, base)?,
    };
    Ok(plan::self_test(config, &options.plan, overrides, &placebos)?)
}

fn overrides(options: &cli::RunLab, steps: Option<Vec<Variant>>) -> Overrides {
    let named = |names: &[String]| (!names.is_empty()).then(|| names.to_vec());
    Overrides {
        variants: named(&options.variants),
        baseline: options.baseline.clone(),
        steps,
        alone: None,
        scenarios: named(&options.choice.scenarios),
        workloads: named(&options.choice.workloads),
        boots: options.boots,
        precision_permille: options.precision,
    }
}

/// The image, built or found in the cache; says which.
pub(super) fn ensure_image(sh: &Shell, lab: &Lab, plan: &Plan) -> anyhow::Result<Image> {
    let image = image::ensure(sh, &lab.cache, lab.checkout.root(), &image::Contents::of(plan))?;
    let how = match &image.built {
        ImageOrigin::Cached => "cached".to_owned(),
        ImageOrigin::Built { seconds: time, replaced } => {
            let why = replaced.as_ref().map(|why| format!("; the one in the cache was damaged: {why}"));
            let time = seconds(std::time::Duration::from_secs_f64(*time));
            format!("built in {time}{}", why.unwrap_or_default())
        }
    };
    output::tell(&format!("image {}  {how}", crate::lab::digest::short(&image.sha256)));
    Ok(image)
}

/// Chooses the accelerator and writes down everything that the boots will have in common.
pub(super) fn campaign_and_machine(
    sh: &Shell,
    lab: &Lab,
    plan: Plan,
    host: Host,
    kernels: &[Kernel],
    image: &Image,
) -> anyhow::Result<(CampaignFile, Machine)> {
    let qemu_version = host::qemu_version(sh, plan.machine.arch)?;
    let is_baseline = |variant: &Variant| variant.name == plan.baseline;
    let place = plan.variants.iter().position(is_baseline);
    let base = place.and_then(|place| kernels.get(place)).context("the baseline is one of the variants")?;
    let choice = accelerator::choose(sh, lab, &plan, &host, &qemu_version, kernels, image)?;
    output::tell(&format!(
        "accelerator {}: {}",
        choice.accelerator.word(),
        escape_for_terminal(&choice.reason)
    ));
    if choice.accelerator == Accelerator::Tcg && plan.machine.clock == Clock::Wall {
        output::tell("the wall clock under emulation shows orders of magnitude only");
    }
    let machine = Machine::new(&plan.machine, choice.accelerator);
    let machine = library::with_turns(sh, &lab.cache, lab.checkout.root(), machine)?;
    let built = unbuilt::of_kernels(sh, lab, &plan.kernel, &plan.variants, kernels);
    lines(built.iter().flat_map(|built| &built.not_built))
        .iter()
        .for_each(|line| output::tell(&escape_for_terminal(line)));
    let identities = kernels::identities(sh, lab, &plan.kernel, (&plan.variants, kernels), built)?;
    let file = CampaignFile {
        version: VERSION,
        begun: jiff::Timestamp::now().to_string(),
        lab_commit: lab.checkout.commit(sh),
        command: command_text(),
        additions: Vec::new(),
        accelerator_reason: choice.reason,
        setup: setup(&machine, &host, &qemu_version, base, image),
        kernels: identities,
        host,
        plan,
    };
    Ok((file, machine))
}

fn setup(machine: &Machine, host: &Host, qemu_version: &str, base: &Kernel, image: &Image) -> Setup {
    Setup {
        arch: machine.arch,
        kernel_source: base.metadata.source.clone(),
        kernel_config_sha256: base.metadata.config_sha256.clone(),
        compiler: base.metadata.compiler.clone(),
        image_sha256: image.sha256.clone(),
        qemu_version: qemu_version.to_owned(),
        machine: machine.platform().machine_type(machine.clock).to_owned(),
        accelerator: machine.accelerator.word().to_owned(),
        clock: machine.clock,
        cpu_model: machine.cpu_model.clone(),
        host_cpu: match machine.clock {
            Clock::Virtual => String::new(),
            Clock::Wall => host.cpu.clone(),
        },
        cpus: machine.cpus,
        memory_mib: machine.memory_mib,
        kernel_command_line: kernel_command_line(machine),
    }
}

/// The campaign to run, and its file; that of an older campaign if boots are added to one.
fn open_campaign(
    sh: &Shell,
    lab: &Lab,
    file: CampaignFile,
    add_boots: Option<u32>,
    image: &Image,
) -> anyhow::Result<(Opened, CampaignFile)> {
    let results = lab.results(sh)?;
    lab.interrupt.check()?;
    let (opened, file) = match add_boots {
        Some(repetitions) => {
            let added = jiff::Timestamp::now().to_string();
            campaign::extend(&results, &file, Addition { added, repetitions, command: command_text() })?
        }
        None => {
            let opened = CampaignFolder::open(&results, &file)?;
            let file = opened.folder.file()?;
            (opened, file)
        }
    };
    for why in &opened.left_alone {
        output::tell(&format!(
            "a new campaign is begun: {why}, and real time of different hosts or days is not mixed"
        ));
    }
    begin_boots(&opened, &file, image)?;
    Ok((opened, file))
}

/// Keeps beside an opened campaign what its image is made of, and says what it has already.
///
/// # Errors
/// If that cannot be written.
pub(super) fn begin_boots(opened: &Opened, file: &CampaignFile, image: &Image) -> anyhow::Result<()> {
    let path = opened.folder.path();
    let manifest = toml::to_string_pretty(&image.manifest).context("writing the image's manifest as TOML")?;
    files::write_atomically(&path.join("image.toml"), manifest.as_bytes())?;
    let total = file.plan.boots.len();
    match total - missing(&file.plan, &opened.tries).len() {
        0 => output::tell(&format!("campaign {}  {total} boots", path.display())),
        done => output::tell(&format!("resuming {}  {done} of {total} boots are there", path.display())),
    }
    for damaged in &opened.damaged {
        let damaged = escape_for_terminal(damaged);
        output::warn(&format!(
            "a record cannot be read, and its boot is run again unless another try counts: {damaged}"
        ));
    }
    Ok(())
}

/// What boots need beside the plan.
pub(super) struct Boots<'a> {
    pub(super) machine: Machine,
    pub(super) image: &'a Image,
    pub(super) kernels: &'a [Kernel],
    pub(super) profiler: Option<Profiler>,
}

/// Runs the boots that a campaign lacks.
///
/// # Errors
/// If one cannot be run or written, or the user stops it.
pub(super) fn run_boots(
    lab: &Lab,
    folder: &CampaignFolder,
    tries: Vec<Try>,
    file: &CampaignFile,
    boots: &Boots<'_>,
) -> anyhow::Result<()> {
    let Boots { machine, image, kernels, profiler } = boots;
    let kernel_images: Vec<PathBuf> = kernels.iter().map(|kernel| kernel.kernel_image.clone()).collect();
    let side_by_side = boots_side_by_side(&file.plan)?;
    output::tell(&format!("boots  {}", side_by_side.line()));
    let context = BootContext {
        cache: &lab.cache,
        folder,
        file,
        machine: machine.clone(),
        side_by_side,
        typical: estimate::typical(&file.plan, &campaign::earlier_boots(&lab.checkout.join("results"))),
        pinning: execute::take_cpus(&lab.cache, &file.plan.machine, &lab.interrupt)?,
        image: image.path.clone(),
        kernel_images,
        profiler: profiler.clone(),
        enough_failures: None,
        again: None,
        failure: None,
        interrupt: &lab.interrupt,
    };
    match execute::run(&context, tries)? {
        CampaignEnd::Complete => Ok(()),
        CampaignEnd::Interrupted => bail!(Interrupted),
    }
}

/// How many boots run at a time here and now.
pub(super) fn boots_side_by_side(plan: &Plan) -> anyhow::Result<SideBySide> {
    plan::side_by_side(plan, memory::room()).map_err(anyhow::Error::msg)
}
