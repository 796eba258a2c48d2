//! The setting that a plan varies.

use super::*;
use crate::plan::{Overrides, resolve};

/// The good file with this sweep in its plan and one more scenario and workload.
fn swept(sweep: &str) -> String {
    let plan = format!("[plans.default]\nsweep = {sweep}\n");
    let more = "[scenarios.ext4]\nfilesystem = \"tmpfs\"\nmount-options = \"\"\n\
                [scenarios.a-name-that-is-rather-long]\nlike = \"remote\"\n\
                [workloads.read]\ntool = \"fio\"\njob = \"read.fio\"\nfile-mib = 64\nsamples = 5\n";
    GOOD.replace("[plans.default]\n", &format!("{more}{plan}"))
}

fn mistakes(sweeps: &[&str], expected: Expect) {
    let show = |sweep: &&str| {
        let message = Some(error(&swept(sweep))).filter(|message| !message.is_empty());
        format!("{sweep}\n    {}\n", message.as_deref().unwrap_or("accepted"))
    };
    expected.assert_eq(&sweeps.iter().map(show).collect::<String>());
}

#[test]
fn settings_and_values() {
    let many = format!("{{ threads = {:?} }}", (1..=51).collect::<Vec<_>>());
    mistakes(
        &[
            "{}",
            "{ storage-latency-us = [0, 50] }",
            "[0, 50]",
            "50",
            "{ storage-latency = [0, 50] }",
            "{ clone-fd = [true, false] }",
            "{ threads = [1, 2], request-kib = [4, 8] }",
            "{ threads = 4 }",
            "{ threads = [] }",
            "{ threads = [4] }",
            "{ threads = [4, \"8\"] }",
            "{ threads = [4, 8.5] }",
            "{ threads = [4, 0] }",
            "{ threads = [4, -8] }",
            "{ threads = [4, 8, 4] }",
            "{ threads = [4, 257] }",
            "{ request-kib = [4, 6] }",
            "{ storage-latency-us = [0, 10000001] }",
            "{ storage-plug-us = [0, 50] }",
            "{ device-queues = [1, 2] }",
            "{ iodepth = [1, 4] }",
            &many,
        ],
        expect![[r#"
            {}
                accepted
            { storage-latency-us = [0, 50] }
                accepted
            [0, 50]
                lab.toml:125:9: plans.default.sweep: a list is of the wrong type; use a table such as { storage-latency-us = [0, 50, 1000] }
            50
                lab.toml:125:9: plans.default.sweep: the number `50` is of the wrong type; use a table such as { storage-latency-us = [0, 50, 1000] }
            { storage-latency = [0, 50] }
                lab.toml:125:11: plans.default.sweep: there is no setting to vary `storage-latency`; did you mean `storage-latency-us`? there are: threads, request-kib, max-read-kib, max-background, congestion-threshold, ring-depth, entry-timeout-ms, negative-timeout-ms, attribute-timeout-ms, reply-window-us, work-dither-ns, storage-latency-us, storage-dither-permille, storage-parallel, storage-mib-per-s, storage-jitter-us, storage-disorder-us, storage-merge-kib, storage-plug-us, device-completion-ns and 5 more
            { clone-fd = [true, false] }
                lab.toml:125:11: plans.default.sweep: there is no setting to vary `clone-fd`; there are: threads, request-kib, max-read-kib, max-background, congestion-threshold, ring-depth, entry-timeout-ms, negative-timeout-ms, attribute-timeout-ms, reply-window-us, work-dither-ns, storage-latency-us, storage-dither-permille, storage-parallel, storage-mib-per-s, storage-jitter-us, storage-disorder-us, storage-merge-kib, storage-plug-us, device-completion-ns and 5 more
            { threads = [1, 2], request-kib = [4, 8] }
                lab.toml:125:29: plans.default.sweep: a plan varies one setting; remove it, or make a plan of its own for it
            { threads = 4 }
                lab.toml:125:21: plans.default.sweep.threads: the number `4` is of the wrong type; use a list of numbers such as [0, 50, 1000]
            { threads = [] }
                lab.toml:125:21: plans.default.sweep.threads: a sweep compares values; give at least two
            { threads = [4] }
                lab.toml:125:21: plans.default.sweep.threads: a sweep compares values; give at least two
            { threads = [4, "8"] }
                lab.toml:125:25: plans.default.sweep.threads: the string `8` is of the wrong type; use a whole number from 1 to 256
            { threads = [4, 8.5] }
                lab.toml:125:25: plans.default.sweep.threads: the number `8.5` is of the wrong type; use a whole number from 1 to 256
            { threads = [4, 0] }
                lab.toml:125:25: plans.default.sweep.threads: 0 is out of range; use 1 to 256
            { threads = [4, -8] }
                lab.toml:125:25: plans.default.sweep.threads: -8 is out of range; use 1 to 256
            { threads = [4, 8, 4] }
                lab.toml:125:28: plans.default.sweep.threads: 4 is listed twice; list it once
            { threads = [4, 257] }
                lab.toml:125:25: plans.default.sweep.threads: 257 is out of range; use 1 to 256
            { request-kib = [4, 6] }
                lab.toml:125:29: plans.default.sweep.request-kib: 6 is not a whole number of pages; use a multiple of 4
            { storage-latency-us = [0, 10000001] }
                lab.toml:125:36: plans.default.sweep.storage-latency-us: 10000001 is out of range; use 0 to 10000000
            { storage-plug-us = [0, 50] }
                lab.toml:125:33: plans.default.sweep.storage-plug-us: without merging there is nothing to wait for; use 0, or set storage-merge-kib
            { device-queues = [1, 2] }
                lab.toml:125:11: plans.default.sweep: the scenario `local` has a FUSE server, so it has no device-queues; use scenarios without one
            { iodepth = [1, 4] }
                lab.toml:125:11: plans.default.sweep: `dd-read` is no workload of fio, so it has no iodepth; use only workloads with tool = "fio"
            { threads = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51] }
                lab.toml:125:21: plans.default.sweep.threads: 51 values are too many; use at most 50
        "#]],
    );
}

/// Whoever varies the latency wants storage without one, too; what scenarios say of how theirs is distributed does not
/// stand in the way.
#[test]
fn no_latency_is_a_value() {
    let text = swept("{ storage-latency-us = [0, 50] }").replace(
        "storage-latency-us = 1000\n",
        "storage-latency-us = 1000\nstorage-dither-permille = 20\nstorage-distribution = \"uniform\"\n",
    );
    let plan = resolve(&Config::parse("lab.toml", &text).unwrap(), "default", &Overrides::default()).unwrap();
    let storage = plan.scenarios.iter().map(|scenario| {
        let storage = &scenario.server.as_ref().unwrap().storage;
        format!("{} {} {:?}\n", scenario.name, storage.dither_permille, storage.distribution)
    });
    expect![[r#"
        local.storage-latency-us.0 0 Fixed
        local.storage-latency-us.50 0 Fixed
        remote.storage-latency-us.0 0 Fixed
        remote.storage-latency-us.50 20 Uniform
    "#]]
    .assert_eq(&storage.collect::<String>());
}

#[test]
fn scenarios_without_the_setting() {
    let ext4 = |sweep: &str| {
        error(&swept(sweep).replace("scenarios = [\"local\", \"remote\"]", "scenarios = [\"ext4\"]"))
    };
    expect!["lab.toml:125:11: plans.default.sweep: the scenario `ext4` has no FUSE server, so it has no threads; use scenarios with one"].assert_eq(&ext4("{ threads = [1, 2] }"));
    let long = swept("{ storage-latency-us = [0, 50] }")
        .replace("scenarios = [\"local\", \"remote\"]", "scenarios = [\"a-name-that-is-rather-long\"]");
    expect!["lab.toml:125:33: plans.default.sweep.storage-latency-us: `a-name-that-is-rather-long.storage-latency-us.0` is no name of a folder (1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`); give `a-name-that-is-rather-long` a shorter name"].assert_eq(&error(&long));
}

#[test]
fn as_many_boots_as_a_night_has() {
    let text = swept("{ threads = [1, 2] }").replace("boots = 2", "boots = 200");
    expect!["lab.toml:125:21: plans.default.sweep.threads: 1600 boots (2 variants, 4 scenarios with their values, 200 each) are too many; use at most 1000"].assert_eq(&error(&text));
}

#[test]
fn probes_have_nothing_to_vary() {
    let text = swept("{ threads = [1, 2] }")
        .replace("workloads = [\"dd-read\"]", "workloads = []")
        .replace("probes = \"none\"", "probes = \"all\"")
        .replace("scenarios = [\"local\", \"remote\"]", "scenarios = [\"local\"]");
    expect!["lab.toml:125:11: plans.default.sweep: the plan has no workloads, so there is no figure to vary; remove it, or use {}"].assert_eq(&error(&text));
}

#[test]
fn options_of_jobs() {
    let job = "[read]\nfilename=${LAB_FILE}\nrw=read\niodepth=16\n";
    let with = |sweep: &str, job: &str| {
        let text = swept(sweep).replace("workloads = [\"dd-read\"]", "workloads = [\"read\"]");
        let config =
            Config::parse("lab.toml", &text).and_then(|config| config.with_jobs(|_| Ok(job.to_owned())));
        let plan = config.and_then(|config| resolve(&config, "default", &Overrides::default()));
        match plan {
            Ok(plan) => {
                let jobs = plan.workloads.iter().map(|workload| {
                    format!("{}: {:?}\n", workload.name, workload.job.as_ref().map(|job| job.text.as_str()))
                });
                jobs.collect()
            }
            Err(error) => format!("{error}\n"),
        }
    };
    let cases = [
        with("{ iodepth = [1, 4] }", job),
        with("{ iodepth = [0, 4] }", job),
        with("{ numjobs = [1, 4] }", job),
    ];
    expect![[r#"
        read.iodepth.1: Some("[read]\nfilename=${LAB_FILE}\nrw=read\niodepth=1\n")
        read.iodepth.4: Some("[read]\nfilename=${LAB_FILE}\nrw=read\niodepth=4\n")
        lab.toml:125:22: plans.default.sweep.iodepth: 0 is out of range; use 1 to 1024
        lab.toml:125:21: plans.default.sweep.numjobs: `read.fio`: it sets no numjobs; add a line `numjobs=1` to the jobs that are to have it
    "#]].assert_eq(&cases.concat());
}
