//! The tables of `lab.toml`: their keys, and what each value may be.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use lab_protocol::{ProbeSet, Tool, WorkloadTask};
use toml::de::DeTable;

use super::error::{ConfigError, Document};
use super::inventory::{CheckoutPart, Reference, refer};
use super::job::{self, JobFile};
use super::kernel::{kernel, plan_fragments};
use super::known::known;
use super::named::section;
use super::reader::{Field, Table, Text};
use super::{Config, PlanEntry, args, check, scenario, source, sweep};
use crate::evidence::metric::{Metric, Thresholds};
use crate::evidence::quiet::QuietLimits;
use crate::plan::{AccelChoice, Clock, MachineSettings, Scenario, Variant};
use crate::text::arch::Arch;
use crate::text::suggest::quoted;

/// The only version of the format so far.
const VERSION: u32 = 1;

/// Limits of time, seconds: at most a day.
const LIMIT_S: RangeInclusive<u32> = 1..=86_400;

/// The largest sizes, MiB: 1 TiB, more than a machine that runs the lab has.
const LARGEST_MIB: u32 = 1 << 20;

/// How often a boot may run a workload.
const SAMPLES: RangeInclusive<u32> = 1..=1000;

const SECTIONS: [&str; 9] =
    ["version", "kernel", "variants", "scenarios", "workloads", "machines", "metrics", "known", "plans"];

/// Reads the whole text; see [`Config::parse`].
pub(super) fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
    let document = Document { file, text };
    let tables = DeTable::parse(text).map_err(|err| syntax_error(document, &err))?;
    let root = Table::root(document, tables.get_ref());
    check_version(&root)?;
    let root = root.only(&SECTIONS)?;
    let mut references = Vec::new();
    let kernel = kernel(&root, &mut references)?;
    let variants = section(&root, "variants", |name, table| variant(name, table, &mut references))?;
    let mut tables = BTreeMap::new();
    let scenarios = section(&root, "scenarios", |name, table| {
        tables.insert(name.to_owned(), table.clone());
        scenario::parse(name, table)
    })?;
    let mut jobs = BTreeMap::new();
    let workloads = section(&root, "workloads", |name, table| workload(name, table, &mut jobs))?;
    let mut cpus = BTreeMap::new();
    let machines = section(&root, "machines", |name, table| {
        cpus.insert(name.to_owned(), table.field("cpus").place());
        machine(table)
    })?;
    let thresholds = metrics(&root)?;
    let mut config = Config {
        kernel,
        thresholds,
        known: known(&root)?,
        variants,
        scenarios,
        workloads,
        machines,
        plans: BTreeMap::new(),
        references,
        jobs,
        cpus,
        timed: BTreeMap::new(),
        file: file.to_owned(),
        text: text.to_owned(),
    };
    let (mut references, mut timed) = (Vec::new(), BTreeMap::new());
    config.plans = section(&root, "plans", |name, table| {
        timed.insert(name.to_owned(), table.field("workloads").place());
        plan(table, &config, &tables, &mut references)
    })?;
    config.references.extend(references);
    config.timed = timed;
    Ok(config)
}

fn syntax_error(document: Document<'_>, err: &toml::de::Error) -> ConfigError {
    let span = err.span().unwrap_or_default();
    let found = document.text.get(span.clone()).unwrap_or_default().trim();
    let message = err.message().replace('\n', " ");
    let message = match (message.as_str(), found) {
        ("duplicate key", _) => format!("{} is defined twice; remove one of the two", quoted(found)),
        (_, "") => format!("not TOML: {message}; correct this line"),
        _ => format!("not TOML at {}: {message}; correct this line", quoted(found)),
    };
    document.error(&span, "", message)
}

/// First, so that a file for another version of the lab is not blamed for keys that are unknown here.
fn check_version(root: &Table<'_>) -> Result<(), ConfigError> {
    let field = root.field("version");
    if root.optional("version").is_none() {
        return Err(field.error(format!("missing; add `version = {VERSION}` as the first line")));
    }
    let version = field.number(0..=999)?;
    if version == VERSION {
        return Ok(());
    }
    Err(field.error(format!(
        "this lab reads version {VERSION} of the format, not {version}; use the checkout that the file belongs to"
    )))
}

fn variant(name: &str, table: &Table<'_>, references: &mut Vec<Reference>) -> Result<Variant, ConfigError> {
    let table = table.clone().only(&["source", "series", "behaviour"])?;
    let source = table.optional("source").map(|field| source::parse(&field)).transpose()?;
    let series = table.field("series").names()?;
    let behaviour = table.optional("behaviour").map(|field| field.text()).transpose()?;
    let behaviour = refer(CheckoutPart::Behaviour, behaviour.as_slice(), references);
    let series = refer(CheckoutPart::Series, &series, references);
    Ok(Variant { source, behaviour: behaviour.into_iter().next(), ..Variant::new(name, series) })
}

fn workload(
    name: &str,
    table: &Table<'_>,
    jobs: &mut BTreeMap<String, JobFile>,
) -> Result<WorkloadTask, ConfigError> {
    let table = table.clone().only(&["like", "tool", "args", "job", "file-mib", "samples"])?;
    let tool = table.field("tool").choice(&[
        ("dd", Tool::Dd),
        ("aio-stress", Tool::AioStress),
        ("fio", Tool::Fio),
        ("stress-ng", Tool::StressNg),
        ("fsx", Tool::Fsx),
        ("pjdfstest", Tool::Pjdfstest),
        ("socket", Tool::Socket),
    ])?;
    let args = match (tool, table.optional("args"), table.optional("job")) {
        (Tool::Fio, Some(args), _) => {
            return Err(args.error("fio takes no arguments here; put options into the job file"));
        }
        (Tool::Pjdfstest, Some(args), _) => {
            return Err(args.error("pjdfstest takes no arguments here; put settings into the job file"));
        }
        (Tool::Fio | Tool::Pjdfstest, None, _) => {
            jobs.insert(name.to_owned(), job::parse(tool, &table)?);
            Vec::new()
        }
        (Tool::Dd | Tool::AioStress | Tool::StressNg | Tool::Fsx | Tool::Socket, _, Some(job)) => {
            return Err(job
                .error("only fio and pjdfstest take a job; use tool = \"fio\", or args instead of the job"));
        }
        (Tool::Dd | Tool::AioStress | Tool::StressNg | Tool::Fsx | Tool::Socket, _, None) => {
            owned(&table.field("args").texts()?)
        }
    };
    let file_mib = match (tool, table.optional("file-mib")) {
        (Tool::Socket, None) => 0,
        (Tool::Socket, Some(file_mib)) => return Err(file_mib.error("sockets need no file; remove it")),
        (_, _) => table.field("file-mib").number(1..=LARGEST_MIB)?,
    };
    args::check(tool, &args, file_mib).map_err(|message| table.field("args").error(message))?;
    let samples = table.field("samples").number(SAMPLES)?;
    Ok(WorkloadTask { name: name.to_owned(), tool, args, file_mib, samples, job: None })
}

fn machine(table: &Table<'_>) -> Result<MachineSettings, ConfigError> {
    let table = table.clone().only(&[
        "like",
        "arch",
        "clock",
        "accel",
        "cpu-model",
        "kernel-parameters",
        "cpus",
        "memory-mib",
        "storage-mib",
        "workload-limit-s",
        "phase-us",
        "phase-range-us",
        "warm-up-pairs",
        "pin",
        "quiet-wait-s",
        "quiet-others-percent",
        "quiet-steal-percent",
        "quiet-memory-percent",
        "wall-limit-s",
        "silence-limit-s",
        "probe-delay-factor",
    ])?;
    let clock = table.field("clock").choice(&[("virtual", Clock::Virtual), ("wall", Clock::Wall)])?;
    let machine = MachineSettings {
        arch: table.field("arch").choice(&Arch::ALL.map(|arch| (arch.name(), arch)))?,
        clock,
        accel: table.field("accel").choice(&[
            ("auto", AccelChoice::Auto),
            ("kvm", AccelChoice::Kvm),
            ("tcg", AccelChoice::Tcg),
        ])?,
        cpu_model: cpu_model(&table.field("cpu-model").text()?)?,
        kernel_parameters: kernel_parameters(&table.field("kernel-parameters").text()?)?,
        cpus: cpus(&table.field("cpus"), clock)?,
        memory_mib: table.field("memory-mib").number(256..=LARGEST_MIB)?,
        storage_mib: table.field("storage-mib").number(1..=LARGEST_MIB)?,
        workload_limit_s: table.field("workload-limit-s").number(LIMIT_S)?,
        phase_us: table.field("phase-us").number(PHASE_US)?,
        phase_range_us: table.field("phase-range-us").number(PHASE_US)?,
        phase_step_us: 0,
        warm_up_pairs: table.field("warm-up-pairs").number(0..=10)?,
        pin: table.field("pin").boolean()?,
        quiet_wait_s: table.field("quiet-wait-s").number(0..=86_400)?,
        quiet: QuietLimits {
            others_percent: table.field("quiet-others-percent").number(PERCENT)?,
            steal_percent: table.field("quiet-steal-percent").number(PERCENT)?,
            memory_percent: table.field("quiet-memory-percent").number(PERCENT)?,
        },
        wall_limit_s: table.field("wall-limit-s").number(LIMIT_S)?,
        silence_limit_s: table.field("silence-limit-s").number(LIMIT_S)?,
        probe_delay_factor: table.field("probe-delay-factor").number(1..=1000)?,
    };
    if machine.clock == Clock::Virtual && machine.accel != AccelChoice::Tcg {
        return Err(table.field("accel").error("the virtual clock needs emulation; use \"tcg\""));
    }
    check::storage_fits_memory(&machine).map_err(|message| table.field("storage-mib").error(message))?;
    Ok(machine)
}

/// With how many CPUs two boots under the virtual clock were seen to be alike.
const VIRTUAL_CPUS: [u32; 3] = [1, 2, 4];

fn cpus(field: &Field<'_>, clock: Clock) -> Result<u32, ConfigError> {
    match clock {
        Clock::Wall => field.number(1..=255),
        Clock::Virtual => match field.number(0..=u32::MAX)? {
            cpus if VIRTUAL_CPUS.contains(&cpus) => Ok(cpus),
            cpus => Err(field
                .error(format!("the virtual clock works with 1, 2 or 4 CPUs, not {cpus}; use one of these"))),
        },
    }
}

/// Shares of the host's time, percent.
const PERCENT: RangeInclusive<u32> = 0..=100;

/// Where in a tenth of a second a workload may be told to start, microseconds.
const PHASE_US: std::ops::RangeInclusive<u32> = 0..=99_999;

/// It becomes QEMU's `-cpu`: a model with features, never another option's value.
fn cpu_model(model: &Text<'_>) -> Result<String, ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-+,._=".contains(&byte);
    let starts_well = model.text.starts_with(|first: char| first.is_ascii_alphanumeric());
    if starts_well && model.text.len() <= 400 && model.text.bytes().all(allowed) {
        return Ok(model.text.to_owned());
    }
    Err(model.error(format!("{} is no CPU model; use one such as `max,-rdrand`", quoted(model.text))))
}

/// What is added to the kernel's command line: words, of which none ends the lab's own.
fn kernel_parameters(parameters: &Text<'_>) -> Result<String, ConfigError> {
    let is_word = |byte: u8| byte.is_ascii_graphic() && !b"\"'\\".contains(&byte);
    let words: Vec<&str> = parameters.text.split(' ').filter(|word| !word.is_empty()).collect();
    let is_good = |word: &&str| word.bytes().all(is_word) && **word != *"--";
    if parameters.text.len() <= 400 && words.iter().all(is_good) {
        return Ok(words.join(" "));
    }
    Err(parameters.error(format!(
        "{} is no list of kernel parameters; use words such as init_on_free=1, without quotes and with spaces between",
        quoted(parameters.text)
    )))
}

fn metrics(root: &Table<'_>) -> Result<Thresholds, ConfigError> {
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let table = root.field("metrics").table("[metrics]")?.only(&names)?;
    let threshold = |metric: &Metric| Ok((*metric, table.field(metric.name()).percent()?));
    Ok(Thresholds::new(Metric::ALL.iter().map(threshold).collect::<Result<_, ConfigError>>()?))
}

fn plan(
    table: &Table<'_>,
    config: &Config,
    tables: &BTreeMap<String, Table<'_>>,
    references: &mut Vec<Reference>,
) -> Result<PlanEntry, ConfigError> {
    let table = table.clone().only(&[
        "like",
        "machine",
        "source",
        "kernel-config",
        "baseline",
        "baseline-scenario",
        "variants",
        "scenarios",
        "workloads",
        "sweep",
        "probes",
        "boots",
        "precision-permille",
        "seed",
    ])?;
    let at = |key: &'static str| {
        let field = table.field(key);
        move |message: String| field.error(message)
    };
    let workloads = table.field("workloads").names()?;
    let (kernel_config, options) = plan_fragments(&table.field("kernel-config"), config, references)?;
    let mut plan = PlanEntry {
        machine: one_of(&table.field("machine").text()?, "machine", &config.machines)?,
        source: table.optional("source").map(|field| source::parse(&field)).transpose()?,
        kernel_config,
        options,
        debug: None,
        baseline: one_of(&table.field("baseline").text()?, "variant", &config.variants)?,
        baseline_scenario: table
            .optional("baseline-scenario")
            .map(|field| one_of(&field.text()?, "scenario", &config.scenarios))
            .transpose()?,
        variants: some_of(&table.field("variants").names()?, "variant", &config.variants)?,
        scenarios: some_of(&table.field("scenarios").names()?, "scenario", &config.scenarios)?,
        workloads: some_of(&workloads, "workload", &config.workloads)?,
        sweep: None,
        probes: table.field("probes").choice(&[
            ("none", None),
            ("quick", Some(ProbeSet::Quick)),
            ("all", Some(ProbeSet::All)),
        ])?,
        boots: table.field("boots").number(check::BOOTS)?,
        precision_permille: table.field("precision-permille").number(check::PRECISION_PERMILLE)?,
        seed: table.field("seed").number(0..=u64::from(u32::MAX))?,
    };
    if plan.baseline_scenario.is_none() {
        check::enough_variants(&plan.variants).map_err(at("variants"))?;
    }
    check::baseline_among_variants(&plan.baseline, &plan.variants).map_err(at("baseline"))?;
    let variants: Vec<&Variant> = plan.variants.iter().map(|name| &config.variants[name]).collect();
    let machine = &config.machines[&plan.machine];
    if plan.baseline_scenario.is_none() {
        check::control_arm(machine.clock, &config.kernel_of(&plan), &plan.baseline, &variants)
            .map_err(at("variants"))?;
    }
    if config.kernel_of(&plan).auto.is_some() && machine.arch != Arch::X86_64 {
        let message = "`auto` reads the build files as kernels of x86-64 take them; name fragments here and in [kernel], or another machine";
        return Err(at("kernel-config")(message.to_owned()));
    }
    check::precision_fits(machine.clock, plan.precision_permille).map_err(at("precision-permille"))?;
    check::not_empty("scenario", &plan.scenarios).map_err(at("scenarios"))?;
    check::probes_fit(plan.probes, plan.workloads.len(), plan.scenarios.len())
        .map_err(|(key, message)| at(key)(message))?;
    let scenarios: Vec<&Scenario> = plan.scenarios.iter().map(|name| &config.scenarios[name]).collect();
    if let Some(baseline) = &plan.baseline_scenario {
        check::compared_scenarios(baseline, &plan.variants, &scenarios, machine.clock, plan.probes)
            .map_err(|(key, message)| at(key)(message))?;
    }
    check::probes_have_a_server(plan.probes, &scenarios).map_err(at("probes"))?;
    for name in &workloads {
        let workload = &config.workloads[name.text];
        check::workload_fits(workload, &plan.machine, machine)
            .and_then(|()| check::workload_suits(workload, &scenarios))
            .and_then(|()| check::users_are_let_in(workload, &scenarios))
            .and_then(|()| check::data_is_kept(workload, &scenarios))
            .map_err(|message| name.error(message))?;
    }
    plan.sweep = sweep::parse(&table, tables, config, &plan)?;
    if plan.sweep.is_some() && plan.baseline_scenario.is_some() {
        let message = "a plan with a baseline-scenario compares scenarios as they are; remove it, or use {}";
        return Err(at("sweep")(message.to_owned()));
    }
    Ok(plan)
}

fn one_of<T>(name: &Text<'_>, kind: &str, known: &BTreeMap<String, T>) -> Result<String, ConfigError> {
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    name.check_known(kind, &known)?;
    Ok(name.text.to_owned())
}

fn some_of<T>(
    names: &[Text<'_>],
    kind: &str,
    known: &BTreeMap<String, T>,
) -> Result<Vec<String>, ConfigError> {
    names.iter().map(|name| one_of(name, kind, known)).collect()
}

fn owned(texts: &[Text<'_>]) -> Vec<String> {
    texts.iter().map(|text| text.text.to_owned()).collect()
}
