//! Good files and bad ones. Each bad one is the good one with one edit.

use expect_test::{Expect, expect};

use super::*;

mod actions;
mod filesystems;
mod known;
mod mistakes;
mod names;
mod numbers;
mod scenarios;
mod servers;
mod sources;
mod sweeps;

/// The smallest file with one of everything.
pub(in crate::plan) const GOOD: &str = r#"version = 1
[kernel]
source = { debian = "linux-source-6.12" }
config = ["base.config"]
[variants.original]
series = ["sync-dio"]
[variants.again]
series = ["sync-dio"]
[variants.stock]
series = []
[scenarios.local]
threads = 16
clone-fd = true
splice = false
request-kib = 128
max-read-kib = 0
max-background = 12
congestion-threshold = 9
async-dio = true
direct-io = false
auto-inval-data = false
writeback-cache = false
init-flags = []
open-flags = []
request-timeout-s = 0
passthrough = false
transport = "dev-fuse"
ring-depth = 1
ring-buffers = "own"
allow-other = false
default-permissions = true
posix-acl = false
mount-options = ["nodev", "nosuid"]
entry-timeout-ms = "as-attributes"
negative-timeout-ms = 0
open = "kept"
attribute-timeout-ms = 1000
getxattr = "enosys"
request-log = 0
reply-order = "done"
reply-window-us = 0
seed = 1
work-dither-ns = 0
storage-null = false
storage-latency-us = 0
storage-distribution = "fixed"
storage-dither-permille = 0
storage-parallel = 0
storage-mib-per-s = 0
storage-jitter-us = 0
storage-disorder-us = 0
storage-merge-kib = 0
storage-plug-us = 0
actions = []
faults = []
[scenarios.remote]
like = "local"
storage-latency-us = 1000
[workloads.dd-read]
tool = "dd"
args = ["if={file}", "of=/dev/null"]
file-mib = 64
samples = 5
[machines.virtual]
arch = "x86-64"
clock = "virtual"
accel = "tcg"
cpu-model = "max,-erms"
kernel-parameters = ""
cpus = 1
memory-mib = 512
storage-mib = 128
workload-limit-s = 60
phase-us = 0
phase-range-us = 1000
warm-up-pairs = 0
pin = false
quiet-wait-s = 0
quiet-others-percent = 10
quiet-steal-percent = 2
quiet-memory-percent = 5
wall-limit-s = 600
silence-limit-s = 420
probe-delay-factor = 1
[machines.wall]
like = "virtual"
clock = "wall"
accel = "auto"
cpus = 2
[metrics]
throughput = 1.0
iops = 1.0
latency-mean = 2.0
latency-p50 = 2.0
latency-p90 = 2.0
latency-p99 = 5.0
latency-p999 = 5.0
tool-cpu = 2.0
tool-user = 2.0
tool-system = 2.0
server-cpu = 2.0
server-user = 2.0
server-system = 2.0
tool-switches = 5.0
server-switches = 5.0
server-memory = 2.0
slab = 1.0
requests = 0
other-requests = 0
copied = 0
most-in-flight = 0
mean-in-flight = 1.0
service-mean = 1.0
[plans.default]
machine = "virtual"
baseline = "original"
variants = ["original", "stock"]
scenarios = ["local", "remote"]
workloads = ["dd-read"]
boots = 2
precision-permille = 0
seed = 1
kernel-config = []
probes = "none"
"#;

/// Parses and gives the error, or an empty text.
fn error(text: &str) -> String {
    Config::parse("lab.toml", text).err().map(|err| err.to_string()).unwrap_or_default()
}

/// The good file with the only line `from` replaced.
fn edited(from: &str, to: &str) -> String {
    let line = format!("\n{from}\n");
    let text = format!("\n{GOOD}");
    // A section may repeat a key of another one: the last is meant.
    let at = text.rfind(&line).unwrap_or_else(|| panic!("no line `{from}`"));
    let text = format!("{}\n{to}\n{}", &text[..at], &text[at + line.len()..]);
    text[1..].to_owned()
}

/// Replaces a line of the good file (left) by another text (right), for each pair, and shows that text with the
/// message that it causes.
fn check(edits: &[(&str, &str)], expected: Expect) {
    let show = |(from, to): &(&str, &str)| shown_with_message(to, &error(&edited(from, to)));
    expected.assert_eq(&edits.iter().map(show).collect::<String>());
}

pub(super) fn shown_with_message(text: &str, message: &str) -> String {
    let message = if message.is_empty() { "accepted" } else { message };
    format!("{}\n    {message}\n", crate::text::suggest::shown(text))
}

fn server<'a>(config: &'a Config, scenario: &str) -> &'a lab_protocol::ServerSettings {
    config.scenarios[scenario].server.as_ref().unwrap()
}

#[test]
fn the_good_file_is_good() {
    let config = Config::parse("lab.toml", GOOD).unwrap();
    assert_eq!(config.variants["original"].series, ["sync-dio"]);
    let (local, remote) = (server(&config, "local"), server(&config, "remote"));
    assert_eq!((local.storage.latency_us, remote.storage.latency_us), (0, 1000));
    let mut remote = remote.clone();
    remote.storage.latency_us = 0;
    assert_eq!(*local, remote);
    assert_eq!(error(&GOOD.replace('\n', "\r\n")), "");
    assert_eq!(error(&format!("\u{feff}{GOOD}")), "");
}

#[test]
fn like_follows_a_chain_in_any_order() {
    let text = format!(
        "{GOOD}[scenarios.a]\nlike = 'b'\nthreads = 2\n[scenarios.b]\nlike = 'c'\nthreads = 3\nrequest-kib = 64\n\
         [scenarios.c]\nlike = 'remote'\nrequest-kib = 32\nmax-background = 1\n"
    );
    let config = Config::parse("lab.toml", &text).unwrap();
    let server = server(&config, "a");
    let found = (server.threads, server.request_kib, server.max_background, server.storage.latency_us);
    assert_eq!(found, (2, 64, 1, 1000));
}

/// What a record calls a value is what `lab.toml` calls it.
#[test]
fn words_are_those_of_the_records() {
    let check = |from: &str, key: &str, words: &[&str], section: fn(&Config) -> String| {
        for word in words {
            let text = edited(from, &format!("{key} = \"{word}\""));
            let record = section(&Config::parse("lab.toml", &text).unwrap());
            assert!(record.contains(&format!("\"{key}\":\"{word}\"")), "{key} = {word}: {record}");
        }
    };
    let scenario = |config: &Config| serde_json::to_string(&config.scenarios["local"]).unwrap();
    let workload = |config: &Config| serde_json::to_string(&config.workloads["dd-read"]).unwrap();
    let machine = |config: &Config| serde_json::to_string(&config.machines["wall"]).unwrap();
    check("open = \"kept\"", "open", &["kept", "per-request"], scenario);
    check("getxattr = \"enosys\"", "getxattr", &["enosys", "passthrough"], scenario);
    check("tool = \"dd\"", "tool", &["dd"], workload);
    check("accel = \"auto\"", "accel", &["auto", "kvm", "tcg"], machine);
    check("clock = \"wall\"", "clock", &["wall"], machine);
    let plan = |config: &Config| {
        let plan = crate::plan::resolve(config, "default", &crate::plan::Overrides::default()).unwrap();
        serde_json::to_string(&plan).unwrap()
    };
    check("probes = \"none\"", "probes", &["quick"], plan);
}

#[test]
fn how_a_kernel_is_to_behave_is_a_table_of_the_checkout() {
    let held = |behaviour: &str| {
        let text = GOOD.replace("series = []", &format!("series = []\n{behaviour}"));
        let inventory = Inventory {
            series: vec!["sync-dio".to_owned()],
            fragments: vec!["base.config".to_owned()],
            behaviours: vec!["linux-6.12".to_owned(), "synchronous".to_owned()],
        };
        let checked = Config::parse("lab.toml", &text).and_then(|config| {
            config.check_references(&inventory)?;
            Ok(config.variants["stock"].behaviour.clone())
        });
        format!("{behaviour}\n    {checked:?}\n")
    };
    let texts = [
        "behaviour = \"linux-6.12\"",
        "",
        "behaviour = \"linux-6.13\"",
        "behaviour = \"Synchronous\"",
        "behaviour = \"../expected/synchronous\"",
        "behaviour = []",
        "behavior = \"synchronous\"",
    ];
    expect![[r#"
        behaviour = "linux-6.12"
            Ok(Some("linux-6.12"))

            Ok(None)
        behaviour = "linux-6.13"
            Err(ConfigError { place: "lab.toml:11:13: variants.stock.behaviour", message: "there is no table of behaviour `linux-6.13`; did you mean `linux-6.12`? there are: linux-6.12, synchronous (in images/probe/expected/)" })
        behaviour = "Synchronous"
            Err(ConfigError { place: "lab.toml:11:13: variants.stock.behaviour", message: "there is no table of behaviour `Synchronous`; did you mean `synchronous`? there are: linux-6.12, synchronous (in images/probe/expected/)" })
        behaviour = "../expected/synchronous"
            Err(ConfigError { place: "lab.toml:11:13: variants.stock.behaviour", message: "there is no table of behaviour `../expected/synchronous`; there are: linux-6.12, synchronous (in images/probe/expected/)" })
        behaviour = []
            Err(ConfigError { place: "lab.toml:11:13: variants.stock.behaviour", message: "a list is of the wrong type; use a string" })
        behavior = "synchronous"
            Err(ConfigError { place: "lab.toml:11:1: variants.stock", message: "there is no key `behavior`; did you mean `behaviour`? there are: source, series, behaviour" })
    "#]].assert_eq(&texts.map(held).concat());
}

#[test]
fn what_the_checkout_holds() {
    let config = Config::parse("lab.toml", GOOD).unwrap();
    let show = |(what, series, fragments): (&str, &[&str], &[&str])| {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let inventory =
            Inventory { series: names(series), fragments: names(fragments), behaviours: Vec::new() };
        let message = config.check_references(&inventory).err().map(|err| err.to_string());
        shown_with_message(what, &message.unwrap_or_default())
    };
    expect![[r#"
        nothing
            lab.toml:4:11: kernel.config: there is no fragment `base.config`; there is none at all (in images/kernel/)
        no series
            lab.toml:6:11: variants.original.series: there is no series `sync-dio`; there is none at all (in kernel-patches/)
        another series
            lab.toml:6:11: variants.original.series: there is no series `sync-dio`; did you mean `sync-di0`? there are: sync-di0 (in kernel-patches/)
        both
            accepted
    "#]]
    .assert_eq(
        &[
            ("nothing", &[][..], &[][..]),
            ("no series", &[], &["base.config"]),
            ("another series", &["sync-di0"], &["base.config"]),
            ("both", &["sync-dio"], &["base.config"]),
        ]
        .map(show)
        .concat(),
    );
}
