//! A whole `lab.toml`, and overrides of its plans.

use std::fmt::Write as _;

use expect_test::expect;
use lab_protocol::Tool;

use super::*;
use crate::fixtures::lab;

fn list(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn boots(plan: &Plan) -> String {
    plan.boots.iter().fold(String::new(), |mut text, boot| {
        let (number, repetition) = (boot.number, boot.repetition);
        let kind = if boot.is_warm_up() { " warm-up" } else { "" };
        let probes = boot.probes.map(|set| format!(" probes {}", set.word())).unwrap_or_default();
        writeln!(text, "{number} {} {} {repetition}{kind}{probes}", boot.scenario, boot.variant).unwrap();
        text
    })
}

#[test]
fn every_plan_resolves() {
    let config = lab();
    for name in config.plans.keys() {
        let plan = resolve(&config, name, &Overrides::default()).unwrap();
        assert_eq!(plan.name, *name);
        let mut boots = plan.variants.len() * plan.scenarios.len() * plan.repetitions as usize;
        if plan.machine.clock == Clock::Virtual && !plan.workloads.is_empty() {
            // One of each kernel is repeated.
            boots += plan.variants.len();
        }
        let counted = plan.boots.iter().filter(|step| !step.is_warm_up());
        assert_eq!(counted.count(), boots, "{name}");
        // The order of the plan, not that of the alphabet.
        let workloads: Vec<&String> = plan.workloads.iter().map(|workload| &workload.name).collect();
        assert_eq!(workloads, config.plans[name].workloads.iter().collect::<Vec<_>>());
        for workload in &plan.workloads {
            assert_eq!(workload.job.is_some(), workload.tool == Tool::Fio, "{}", workload.name);
        }
        let text = toml::to_string_pretty(&plan).unwrap();
        assert_eq!(toml::from_str::<Plan>(&text).unwrap(), plan);
    }
    assert_eq!(
        config.plans.keys().collect::<Vec<_>>(),
        ["behaviour", "ci", "default", "fio", "in-order", "mail", "merging", "storage-model", "timeline"]
    );
}

#[test]
fn the_default_plan() {
    let plan = resolve(&lab(), "default", &Overrides::default()).unwrap();
    expect![[r#"
        1 local original 1 probes quick
        2 local stock 1 probes quick
        3 local patched 1 probes quick
        4 local by-kiocb 1 probes quick
        5 local marked-kiocb 1 probes quick
        6 remote original 1
        7 remote stock 1
        8 remote patched 1
        9 remote by-kiocb 1
        10 remote marked-kiocb 1
        11 local original 1
        12 remote stock 1
        13 local patched 1
        14 remote by-kiocb 1
        15 local marked-kiocb 1
        16 local marked-kiocb 2
        17 local by-kiocb 2
        18 local patched 2
        19 local stock 2
        20 local original 2
        21 remote marked-kiocb 2
        22 remote by-kiocb 2
        23 remote patched 2
        24 remote stock 2
        25 remote original 2
        26 local stock 3
        27 local patched 3
        28 local by-kiocb 3
        29 local marked-kiocb 3
        30 local original 3
        31 remote stock 3
        32 remote patched 3
        33 remote by-kiocb 3
        34 remote marked-kiocb 3
        35 remote original 3
        36 local original 4
        37 local marked-kiocb 4
        38 local by-kiocb 4
        39 local patched 4
        40 local stock 4
        41 remote original 4
        42 remote marked-kiocb 4
        43 remote by-kiocb 4
        44 remote patched 4
        45 remote stock 4
    "#]]
    .assert_eq(&boots(&plan));
    expect![[r#"
        arch = "x86-64"
        clock = "virtual"
        accel = "tcg"
        cpu-model = "max,-erms,-fsrm,-rdrand,-rdseed"
        cpus = 1
        memory-mib = 768
        storage-mib = 320
        workload-limit-s = 60
        phase-us = 0
        phase-range-us = 4000
        warm-up-pairs = 0
        pin = false
        quiet-wait-s = 0
        wall-limit-s = 900
        silence-limit-s = 420
        probe-delay-factor = 1

        [quiet]
        others-percent = 10
        steal-percent = 2
        memory-percent = 5
    "#]]
    .assert_eq(&toml::to_string(&plan.machine).unwrap());
    expect![[r#"
        name = "remote"

        [server]
        threads = 16
        clone-fd = true
        splice = false
        request-kib = 128
        max-background = 12
        congestion-threshold = 9
        async-dio = true
        direct-io = false
        auto-inval-data = false
        writeback-cache = false
        open = "kept"
        attribute-timeout-ms = 1000
        getxattr = "enosys"
        request-log = 0
        reply-order = "done"
        reply-window-us = 0
        seed = 1
        burn-ns = 0
        faults = []

        [server.storage]
        latency-us = 1000
        distribution = "fixed"
        parallel = 0
        mib-per-s = 0
        jitter-us = 0
        disorder-us = 0
        merge-kib = 0
        plug-us = 0
    "#]]
    .assert_eq(&toml::to_string(&plan.scenarios[1]).unwrap());
}

#[test]
fn the_mail_plan_is_balanced() {
    let plan = resolve(&lab(), "mail", &Overrides::default()).unwrap();
    expect![[r#"
        1 fusexmp original 1 warm-up
        2 fusexmp original-again 1 warm-up
        3 fusexmp original 1 probes quick
        4 fusexmp stock 1 probes quick
        5 fusexmp original-again 1 probes quick
        6 fusexmp original-again 2
        7 fusexmp stock 2
        8 fusexmp original 2
        9 fusexmp stock 3
        10 fusexmp original-again 3
        11 fusexmp original 3
        12 fusexmp original 4
        13 fusexmp original-again 4
        14 fusexmp stock 4
        15 fusexmp original-again 5
        16 fusexmp original 5
        17 fusexmp stock 5
        18 fusexmp stock 6
        19 fusexmp original 6
        20 fusexmp original-again 6
    "#]]
    .assert_eq(&boots(&plan));
}

#[test]
fn all_probes_run_in_every_boot() {
    let overrides =
        Overrides { boots: Some(2), variants: list(&["original", "stock"]), ..Overrides::default() };
    expect![[r#"
        1 local original 1 probes all
        2 local stock 1 probes all
        3 local stock 2 probes all
        4 local original 2 probes all
    "#]]
    .assert_eq(&boots(&resolve(&lab(), "behaviour", &overrides).unwrap()));
}

/// The boots of an older campaign, of a time before probes, are what they were.
#[test]
fn a_plan_without_probes_is_written_as_before_there_were_any() {
    let plan = resolve(&lab(), "default", &Overrides::default()).unwrap();
    let old = Plan { probes: None, ..plan }.with_repetitions(1);
    let text = toml::to_string(&Plan { variants: Vec::new(), ..old.clone() }).unwrap();
    assert!(!text.contains("probes"), "{text}");
    assert!(old.boots.iter().all(|step| step.probes.is_none()));
}

#[test]
fn overrides_replace_lists() {
    let overrides = Overrides {
        alone: None,
        variants: list(&["stock", "original-again", "original"]),
        baseline: None,
        steps: None,
        scenarios: list(&["fusexmp"]),
        workloads: list(&["aio-write", "small-dd-read"]),
        precision_permille: None,
        boots: Some(1),
    };
    let plan = resolve(&lab(), "default", &overrides).unwrap();
    expect![[r#"
        1 fusexmp stock 1 probes quick
        2 fusexmp original-again 1 probes quick
        3 fusexmp original 1 probes quick
        4 fusexmp stock 1
        5 fusexmp original-again 1
        6 fusexmp original 1
    "#]]
    .assert_eq(&boots(&plan));
    let workloads: Vec<&str> = plan.workloads.iter().map(|workload| workload.name.as_str()).collect();
    assert_eq!(workloads, ["aio-write", "small-dd-read"]);
}

#[test]
fn another_variant_of_the_run_is_the_baseline() {
    let of = |plan, variants: &[&str], baseline: &str| {
        let baseline = Some(baseline.to_owned());
        resolve(&lab(), plan, &Overrides { variants: list(variants), baseline, ..Overrides::default() })
    };
    let plan = of("default", &["stock", "patched"], "stock").unwrap();
    assert_eq!((plan.baseline.as_str(), plan.variants.len()), ("stock", 2));
    // The kernel of this baseline is in the plan once.
    expect!["--baseline: the wall clock needs the kernel of `stock` twice, to measure the noise; add a variant with the same source and series under another name"]
        .assert_eq(&of("mail", &["original", "original-again", "stock"], "stock").unwrap_err().to_string());
}

#[test]
fn steps_replace_the_variants() {
    let variant = |name: &str| Variant::new(name, vec![name.into()]);
    let overrides = Overrides {
        steps: Some(vec![variant("dio-0"), variant("dio-1")]),
        boots: Some(1),
        ..Overrides::default()
    };
    let shown = |plan: &str| {
        let plan = resolve(&lab(), plan, &overrides).unwrap();
        format!("baseline {}\n{}", plan.baseline, boots(&plan))
    };
    expect![[r#"
        baseline dio-0
        1 local dio-0 1
        2 local dio-1 1
        3 remote dio-0 1
        4 remote dio-1 1
        5 local dio-0 1
        6 remote dio-1 1
    "#]]
    .assert_eq(&shown("default"));
    expect![[r#"
        baseline dio-0
        1 fusexmp dio-0 1 warm-up
        2 fusexmp dio-0-again 1 warm-up
        3 fusexmp dio-0 1
        4 fusexmp dio-1 1
        5 fusexmp dio-0-again 1
    "#]]
    .assert_eq(&shown("mail"));
}

#[test]
fn variants_as_older_campaigns_have_them() {
    let variant: Variant = serde_json::from_str(r#"{"name": "v", "series": ["s"]}"#).unwrap();
    assert_eq!(variant, Variant::new("v", vec!["s".into()]));
    assert_eq!(serde_json::to_string(&variant).unwrap(), r#"{"name":"v","series":["s"]}"#);
}

#[test]
fn wrong_overrides() {
    let config = lab();
    let none = Overrides::default;
    let message =
        |plan: &str, overrides: Overrides| format!("{}\n", resolve(&config, plan, &overrides).unwrap_err());
    let variants = |plan: &str, names: &[&str]| message(plan, Overrides { variants: list(names), ..none() });
    let baseline = |names: &[&str], name: &str| {
        let baseline = Some(name.to_owned());
        message("default", Overrides { variants: list(names), baseline, ..none() })
    };
    let scenarios = |names: &[&str]| message("default", Overrides { scenarios: list(names), ..none() });
    let workloads = |names: &[&str]| message("default", Overrides { workloads: list(names), ..none() });
    let boots = |boots| message("default", Overrides { boots: Some(boots), ..none() });
    let messages = [
        message("defualt", none()),
        message("", none()),
        variants("default", &[]),
        variants("default", &["stock"]),
        variants("default", &["stok", "original"]),
        variants("default", &["stock", "stock"]),
        variants("default", &["stock", "original-again"]),
        variants("mail", &["original", "stock"]),
        scenarios(&[]),
        scenarios(&["remove"]),
        workloads(&["dd-read", "dd-read"]),
        workloads(&["mail-dd-read"]),
        boots(0),
        boots(1_000_000_000),
        message("behaviour", Overrides { workloads: list(&["dd-read"]), ..none() }),
        message("behaviour", Overrides { scenarios: list(&["local", "remote"]), ..none() }),
        message("behaviour", Overrides { steps: Some(vec![config.variants["stock"].clone()]), ..none() }),
        message("default", Overrides { workloads: list(&[]), ..none() }),
        baseline(&["stock", "patched"], "original"),
        baseline(&["stock", "patched"], "stok"),
        format!("{}\n", crate::plan::self_test(&config, "behaviour", &none(), &[]).unwrap_err()),
    ];
    expect![[r#"
        --plan: there is no plan `defualt`; did you mean `default`? there are: behaviour, ci, default, fio, in-order, mail, merging, storage-model, timeline
        --plan: there is no plan ``; there are: behaviour, ci, default, fio, in-order, mail, merging, storage-model, timeline
        --variants: the list is empty; name the baseline and at least one other variant
        --variants: there is nothing to compare `stock` with; name at least two variants
        --variants: there is no variant `stok`; did you mean `stock`? there are: by-kiocb, marked-kiocb, original, original-again, patched, stock
        --variants: `stock` is listed twice; list it once
        --variants: the baseline `original` is not among the variants (stock, original-again); add it to them
        --variants: the wall clock needs the kernel of `original` twice, to measure the noise; add a variant with the same source and series under another name
        --scenarios: the list is empty; name at least one scenario
        --scenarios: there is no scenario `remove`; did you mean `remote`? there are: fusexmp, in-order, latency-1ms, latency-20ms, latency-5ms, local, merging, queue, remote, remote-logged
        --workloads: `dd-read` is listed twice; list it once
        --workloads: the file of `mail-dd-read` has 512 MiB, the storage of machine `virtual` only 320 MiB; lower file-mib or raise storage-mib
        --boots: 0 is out of range; use 1 to 1000
        --boots: 1000000000 is out of range; use 1 to 1000
        --workloads: all probes run without workloads; use [] here, or probes = "quick"
        --scenarios: all probes start servers of their own, so that they say the same in each scenario; name one
        --plan: it probes instead of measuring, and neither the steps of a series nor the arms of a self-test are probed; use a plan with workloads
        --workloads: the list is empty; name at least one workload, or run probes = "all" instead
        --baseline: the baseline `original` is not among the variants (stock, patched); add it to them
        --baseline: there is no variant `stok`; did you mean `stock`? there are: stock, patched
        --plan: it probes instead of measuring, and neither the steps of a series nor the arms of a self-test are probed; use a plan with workloads
    "#]].assert_eq(&messages.concat());
}

/// What a plan with this sweep has of each value, with these overrides.
fn swept(sweep: &str, overrides: &Overrides) -> String {
    let text = crate::plan::config::tests::GOOD
        .replace("[plans.default]\n", &format!("[plans.default]\nsweep = {sweep}\n"));
    let config = Config::parse("lab.toml", &text).unwrap();
    match resolve(&config, "default", overrides) {
        Ok(plan) => {
            let points = plan.sweep.iter().flat_map(|sweep| &sweep.points);
            points.fold(String::new(), |mut text, point| {
                writeln!(text, "{} is {} with {}", point.name, point.of, point.value).unwrap();
                text
            })
        }
        Err(error) => format!("{error}\n"),
    }
}

#[test]
fn a_value_is_a_scenario_of_its_own() {
    let sweep = "{ storage-latency-us = [50, 0] }";
    let scenarios = |names: &[&str]| Overrides { scenarios: list(names), ..Overrides::default() };
    expect![[r#"
        local.storage-latency-us.50 is local with 50
        local.storage-latency-us.0 is local with 0
        remote.storage-latency-us.50 is remote with 50
        remote.storage-latency-us.0 is remote with 0
    "#]]
    .assert_eq(&swept(sweep, &Overrides::default()));
    expect![[r#"
        local.storage-latency-us.50 is local with 50
        local.storage-latency-us.0 is local with 0
    "#]]
    .assert_eq(&swept(sweep, &scenarios(&["local"])));
    expect![[r#"
        remote.storage-latency-us.0 is remote with 0
        local.storage-latency-us.50 is local with 50
        local.storage-latency-us.0 is local with 0
    "#]]
    .assert_eq(&swept(sweep, &scenarios(&["remote.storage-latency-us.0", "local"])));
    expect![[r#"
        --scenarios: `local.storage-latency-us.0` is listed twice; list it once
    "#]]
    .assert_eq(&swept(sweep, &scenarios(&["local", "local.storage-latency-us.0"])));
    expect![[r#"
        --scenarios: there is no scenario `remote.storage-latency-us.7`; did you mean `remote`? there are: local, remote
    "#]].assert_eq(&swept(sweep, &scenarios(&["remote.storage-latency-us.7"])));
    let boots = Overrides { boots: Some(1000), ..Overrides::default() };
    expect![[r#"
        --boots: 8000 boots (2 variants, 4 scenarios with their values, 1000 each) are too many; use at most 1000
    "#]].assert_eq(&swept(sweep, &boots));
}

/// The boots of a plan that compares scenarios, with these overrides.
fn compared(overrides: &Overrides) -> String {
    let table = "[plans.scenarios]\nlike = 'default'\nbaseline = 'stock'\nvariants = ['stock']\nbaseline-scenario = 'local'\n";
    let config = Config::parse("lab.toml", &(crate::plan::config::tests::GOOD.to_owned() + table)).unwrap();
    match resolve(&config, "scenarios", overrides) {
        Ok(plan) => {
            let head = format!("{} on {}\n", plan.baseline_scenario.as_deref().unwrap(), plan.baseline);
            head + &boots(&plan)
        }
        Err(error) => format!("{error}\n"),
    }
}

#[test]
fn scenarios_are_compared_on_one_kernel() {
    // Each of them once more, to see that it repeats.
    expect![[r#"
        local on stock
        1 local stock 1
        2 remote stock 1
        3 local stock 1
        4 remote stock 1
        5 remote stock 2
        6 local stock 2
    "#]]
    .assert_eq(&compared(&Overrides::default()));
    let other = Overrides {
        variants: list(&["original"]),
        baseline: Some("remote".to_owned()),
        ..Overrides::default()
    };
    assert!(compared(&other).starts_with("remote on original\n"), "{}", compared(&other));
    let wrong = [
        Overrides { baseline: Some("stock".to_owned()), ..Overrides::default() },
        Overrides { variants: list(&["stock", "original"]), ..Overrides::default() },
        Overrides { scenarios: list(&["local"]), ..Overrides::default() },
        Overrides { steps: Some(vec![Variant::new("a", Vec::new())]), ..Overrides::default() },
    ];
    expect![[r#"
        --baseline: the baseline `stock` is not among the scenarios (local, remote); add it to them
        --variants: with a baseline-scenario the plan compares scenarios on one kernel; name one variant, not 2
        --scenarios: there is nothing to compare `local` with; name at least two scenarios
        --plan: the plan `scenarios` compares scenarios on one kernel, and not kernels; use one without baseline-scenario
    "#]].assert_eq(&wrong.iter().map(compared).collect::<String>());
}
