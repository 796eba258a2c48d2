//! Names that are unsafe, unknown or there twice.

use super::*;

#[test]
fn unsafe_names() {
    let edits = [
        ("[variants.stock]", "[variants.\"../stock\"]"),
        ("[variants.stock]", "[variants.Stock]"),
        ("[variants.stock]", "[variants.\"\"]"),
        ("[variants.stock]", &format!("[variants.{}]", "x".repeat(41))),
        ("[scenarios.local]", "[scenarios.\"lo/cal\"]"),
        ("[workloads.dd-read]", "[workloads.-dd]"),
        ("[machines.wall]", "[machines.\"wall\\n\"]"),
        ("[plans.default]", "[plans.\"é\"]"),
        ("series = []", "series = [\"/etc\"]"),
        ("series = []", "series = [\"..\"]"),
        ("config = [\"base.config\"]", "config = [\"../../.config\"]"),
        ("config = [\"base.config\"]", "config = []"),
    ];
    check(
        &edits,
        expect![[r#"
            [variants."../stock"]
                lab.toml:9:11: variants: `../stock` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            [variants.Stock]
                lab.toml:9:11: variants: `Stock` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            [variants.""]
                lab.toml:9:11: variants: `` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            [variants.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]
                lab.toml:9:11: variants: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            [scenarios."lo/cal"]
                lab.toml:11:12: scenarios: `lo/cal` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            [workloads.-dd]
                lab.toml:59:12: workloads: `-dd` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            [machines."wall\n"]
                lab.toml:85:11: machines: `wall\n` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            [plans."é"]
                lab.toml:114:8: plans: `é` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            series = ["/etc"]
                lab.toml:10:11: variants.stock.series: `/etc` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            series = [".."]
                lab.toml:10:11: variants.stock.series: `..` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            config = ["../../.config"]
                lab.toml:4:11: kernel.config: `../../.config` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`
            config = []
                lab.toml:4:10: kernel.config: the list is empty; name at least one fragment
        "#]],
    );
}

#[test]
fn names_listed_twice() {
    let edits = [
        ("series = []", "series = [\"a\", \"b\", \"a\"]"),
        ("config = [\"base.config\"]", "config = [\"base.config\", \"base.config\"]"),
        ("scenarios = [\"local\", \"remote\"]", "scenarios = [\"local\", \"remote\", \"remote\"]"),
        ("workloads = [\"dd-read\"]", "workloads = [\"dd-read\", \"dd-read\"]"),
    ];
    check(
        &edits,
        expect![[r#"
            series = ["a", "b", "a"]
                lab.toml:10:21: variants.stock.series: `a` is listed twice; list it once
            config = ["base.config", "base.config"]
                lab.toml:4:26: kernel.config: `base.config` is listed twice; list it once
            scenarios = ["local", "remote", "remote"]
                lab.toml:118:33: plans.default.scenarios: `remote` is listed twice; list it once
            workloads = ["dd-read", "dd-read"]
                lab.toml:119:25: plans.default.workloads: `dd-read` is listed twice; list it once
        "#]],
    );
}

#[test]
fn unknown_names() {
    let edits = [
        ("machine = \"virtual\"", "machine = \"virtuel\""),
        ("baseline = \"original\"", "baseline = \"orignal\""),
        ("variants = [\"original\", \"stock\"]", "variants = [\"original\", \"stok\"]"),
        ("scenarios = [\"local\", \"remote\"]", "scenarios = [\"moon\"]"),
        ("workloads = [\"dd-read\"]", "workloads = [\"dd-write\"]"),
    ];
    check(
        &edits,
        expect![[r#"
            machine = "virtuel"
                lab.toml:115:11: plans.default.machine: there is no machine `virtuel`; did you mean `virtual`? there are: virtual, wall
            baseline = "orignal"
                lab.toml:116:12: plans.default.baseline: there is no variant `orignal`; did you mean `original`? there are: again, original, stock
            variants = ["original", "stok"]
                lab.toml:117:25: plans.default.variants: there is no variant `stok`; did you mean `stock`? there are: again, original, stock
            scenarios = ["moon"]
                lab.toml:118:14: plans.default.scenarios: there is no scenario `moon`; there are: local, remote
            workloads = ["dd-write"]
                lab.toml:119:14: plans.default.workloads: there is no workload `dd-write`; did you mean `dd-read`? there are: dd-read
        "#]],
    );
}
