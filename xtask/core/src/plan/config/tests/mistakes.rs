//! Keys, types, TOML and rules between keys.

use super::*;

#[test]
fn toml() {
    let edits = [
        ("threads = 16", "threads = 16\nthreads = 17"),
        ("[variants.stock]", "[variants.original]"),
        ("[variants.stock]", "[variants.stock"),
        ("threads = 16", "threads == 16"),
        ("threads = 16", "threads = sixteen"),
        ("threads = 16", "threads"),
        ("threads = 16", "threads = 016"),
        ("threads = 16", "threads = \"16"),
        ("threads = 16", "threads = 1\0"),
        ("version = 1", "\u{1b}[31m"),
        ("version = 1", "= 1"),
        ("version = 1", &format!("version = {}", "[".repeat(100_000))),
        ("version = 1", &format!("{} = 1", "a.".repeat(50_000))),
    ];
    check(
        &edits,
        expect![[r#"
        threads = 16\nthreads = 17
            lab.toml:13:1: `threads` is defined twice; remove one of the two
        [variants.original]
            lab.toml:9:11: `original` is defined twice; remove one of the two
        [variants.stock
            lab.toml:9:16: not TOML: unclosed table, expected `]`; correct this line
        threads == 16
            lab.toml:12:10: not TOML at `=`: extra `=`, expected nothing; correct this line
        threads = sixteen
            lab.toml:12:11: not TOML at `sixteen`: string values must be quoted, expected literal string; correct this line
        threads
            lab.toml:12:8: not TOML: key with no value, expected `=`; correct this line
        threads = 016
            lab.toml:12:11: not TOML at `0`: unexpected leading zero, expected nothing; correct this line
        threads = "16
            lab.toml:12:14: not TOML: invalid basic string, expected `"`; correct this line
        threads = 1\0
            lab.toml:12:11: not TOML at `1\0`: string values must be quoted, expected literal string; correct this line
        \u{1b}[31m
            lab.toml:1:2: not TOML: key with no value, expected `=`; correct this line
        = 1
            lab.toml:1:1: not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`; correct this line
        version = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
            lab.toml:1:91: not TOML at `[`: cannot recurse further; max recursion depth met; correct this line
        a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.…
            lab.toml:1:100002: not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`; correct this line
    "#]],
    );
}

#[test]
fn versions() {
    let edits = ["version = 2\nnew-key = 3", "version = 0", "version = \"1\"", "version = -1", ""];
    check(
        &edits.map(|to| ("version = 1", to)),
        expect![[r#"
        version = 2\nnew-key = 3
            lab.toml:1:11: version: this lab reads version 1 of the format, not 2; use the checkout that the file belongs to
        version = 0
            lab.toml:1:11: version: this lab reads version 1 of the format, not 0; use the checkout that the file belongs to
        version = "1"
            lab.toml:1:11: version: the string `1` is of the wrong type; use a whole number from 0 to 999
        version = -1
            lab.toml:1:11: version: -1 is out of range; use 0 to 999

            lab.toml:1:1: version: missing; add `version = 1` as the first line
    "#]],
    );
    expect!["lab.toml:1:1: version: missing; add `version = 1` as the first line"].assert_eq(&error(""));
}

#[test]
fn unknown_keys() {
    let edits = [
        ("version = 1", "version = 1\ncolour = 1"),
        ("[plans.default]", "[plan.default]"),
        ("config = [\"base.config\"]", "configs = [\"base.config\"]"),
        ("source = { debian = \"linux-source-6.12\" }", "source = { deb = \"linux\" }"),
        ("series = []", "series = []\nlike = \"original\""),
        ("threads = 16", "thread = 16"),
        ("request-kib = 128", "request_kib = 128"),
        ("file-mib = 64", "file-mb = 64"),
        ("cpus = 2", "cpu = 2"),
        ("boots = 2", "boots = 2\n\"a\\nb\" = 1"),
    ];
    check(
        &edits,
        expect![[r#"
            version = 1\ncolour = 1
                lab.toml:2:1: there is no key `colour`; there are: version, kernel, variants, scenarios, workloads, machines, metrics, known, plans
            [plan.default]
                lab.toml:114:2: there is no key `plan`; did you mean `plans`? there are: version, kernel, variants, scenarios, workloads, machines, metrics, known, plans
            configs = ["base.config"]
                lab.toml:4:1: kernel: there is no key `configs`; did you mean `config`? there are: source, config
            source = { deb = "linux" }
                lab.toml:3:12: kernel.source: there is no key `deb`; did you mean `debian`? there are: debian, tarball, git, tree, suite, sha256, commit
            series = []\nlike = "original"
                lab.toml:11:1: variants.stock: there is no key `like`; there are: source, series, behaviour
            thread = 16
                lab.toml:12:1: scenarios.local: there is no key `thread`; did you mean `threads`? there are: like, threads, clone-fd, splice, request-kib, max-read-kib, max-background, congestion-threshold, async-dio, direct-io, auto-inval-data, writeback-cache, init-flags, open-flags, request-timeout-s, passthrough, transport, ring-depth, ring-buffers, allow-other and 27 more
            request_kib = 128
                lab.toml:15:1: scenarios.local: there is no key `request_kib`; did you mean `request-kib`? there are: like, threads, clone-fd, splice, request-kib, max-read-kib, max-background, congestion-threshold, async-dio, direct-io, auto-inval-data, writeback-cache, init-flags, open-flags, request-timeout-s, passthrough, transport, ring-depth, ring-buffers, allow-other and 27 more
            file-mb = 64
                lab.toml:62:1: workloads.dd-read: there is no key `file-mb`; did you mean `file-mib`? there are: like, tool, args, job, file-mib, samples
            cpu = 2
                lab.toml:89:1: machines.wall: there is no key `cpu`; did you mean `cpus`? there are: like, arch, clock, accel, cpu-model, kernel-parameters, cpus, memory-mib, storage-mib, workload-limit-s, phase-us, phase-range-us, warm-up-pairs, pin, quiet-wait-s, quiet-others-percent, quiet-steal-percent, quiet-memory-percent, wall-limit-s, silence-limit-s and 1 more
            boots = 2\n"a\nb" = 1
                lab.toml:121:1: plans.default: there is no key `a\nb`; there are: like, machine, source, kernel-config, baseline, baseline-scenario, variants, scenarios, workloads, sweep, probes, boots, precision-permille, seed
        "#]],
    );
}

#[test]
fn missing_tables() {
    expect!["lab.toml:1:1: kernel: missing; add a table such as [kernel]"].assert_eq(&error("version = 1"));
    let edits = [
        ("[kernel]", "[variants.kernel]"),
        ("[workloads.dd-read]", "[scenarios.dd-read]"),
        ("[machines.wall]", "[machines]"),
    ];
    check(
        &edits,
        expect![[r#"
            [variants.kernel]
                lab.toml:1:1: kernel: missing; add a table such as [kernel]
            [scenarios.dd-read]
                lab.toml:60:1: scenarios.dd-read: there is no key `tool`; there are: like, threads, clone-fd, splice, request-kib, max-read-kib, max-background, congestion-threshold, async-dio, direct-io, auto-inval-data, writeback-cache, init-flags, open-flags, request-timeout-s, passthrough, transport, ring-depth, ring-buffers, allow-other and 27 more
            [machines]
                lab.toml:86:8: machines.like: the string `virtual` is of the wrong type; use a table such as [machines.like]
        "#]],
    );
    let (before_plans, _) = GOOD.split_once("[plans").unwrap();
    expect!["lab.toml:1:1: plans: missing; add a table such as [plans.NAME]"].assert_eq(&error(before_plans));
    assert_eq!(error(&format!("{before_plans}[plans]")), "");
}

#[test]
fn missing_keys() {
    let lines = [
        "series = []",
        "threads = 16",
        "clone-fd = true",
        "open = \"kept\"",
        "cpu-model = \"max,-erms\"",
        "args = [\"if={file}\", \"of=/dev/null\"]",
        "baseline = \"original\"",
    ];
    let edits = lines.map(|line| (line, format!("# {line}")));
    let edits: Vec<(&str, &str)> = edits.iter().map(|(from, to)| (*from, to.as_str())).collect();
    check(
        &edits,
        expect![[r##"
            # series = []
                lab.toml:9:1: variants.stock.series: missing; set it to a list of strings
            # threads = 16
                lab.toml:11:1: scenarios.local.threads: missing; set it to a whole number from 1 to 256
            # clone-fd = true
                lab.toml:11:1: scenarios.local.clone-fd: missing; set it to true or false
            # open = "kept"
                lab.toml:11:1: scenarios.local.open: missing; set it to "kept" or "per-request"
            # cpu-model = "max,-erms"
                lab.toml:64:1: machines.virtual.cpu-model: missing; set it to a string
            # args = ["if={file}", "of=/dev/null"]
                lab.toml:59:1: workloads.dd-read.args: missing; set it to a list of strings
            # baseline = "original"
                lab.toml:114:1: plans.default.baseline: missing; set it to a string
        "##]],
    );
}

/// No key has a default: without any one line that sets a key, the file is refused and the key is named.
#[test]
fn every_key_is_needed() {
    let mut keys = 0;
    let mut section = "";
    for (at, line) in GOOD.lines().enumerate() {
        section = if line.starts_with('[') { line } else { section };
        let Some((key, _)) = line.split_once(" = ") else { continue };
        // What `like` gives again is not missing.
        if ["[scenarios.remote]", "[machines.wall]"].contains(&section) {
            continue;
        }
        let others = GOOD.lines().enumerate().filter(|(i, _)| *i != at);
        let text: String = others.map(|(_, line)| format!("{line}\n")).collect();
        assert!(error(&text).contains(&format!("{key}: missing; ")), "{line}: {}", error(&text));
        keys += 1;
    }
    assert_eq!(keys, 107);
}

#[test]
fn wrong_types() {
    let edits = [
        ("[kernel]", "kernel = 1\n[variants.x]"),
        ("source = { debian = \"linux-source-6.12\" }", "source = \"linux-source-6.12\""),
        ("config = [\"base.config\"]", "config = \"base.config\""),
        ("config = [\"base.config\"]", "config = [\"base.config\", 1]"),
        ("[variants.stock]", "[[variants.stock]]"),
        ("clone-fd = true", "clone-fd = \"true\""),
        ("clone-fd = true", "clone-fd = 1"),
        ("open = \"kept\"", "open = true"),
        ("open = \"kept\"", "open = \"keep\""),
        ("cpus = 2", "cpus = [2]"),
        ("cpus = 2", "cpus = 1979-05-27"),
        ("baseline = \"original\"", "baseline = { name = \"original\" }"),
        ("like = \"local\"", "like = [\"local\"]"),
    ];
    check(
        &edits,
        expect![[r#"
            kernel = 1\n[variants.x]
                lab.toml:2:10: kernel: the number `1` is of the wrong type; use a table such as [kernel]
            source = "linux-source-6.12"
                lab.toml:3:10: kernel.source: the string `linux-source-6.12` is of the wrong type; use a table such as { debian = "linux-source-6.12" }
            config = "base.config"
                lab.toml:4:10: kernel.config: the string `base.config` is of the wrong type; use a list of strings
            config = ["base.config", 1]
                lab.toml:4:26: kernel.config: the number `1` is of the wrong type; use a list of strings
            [[variants.stock]]
                lab.toml:9:1: variants.stock: a list is of the wrong type; use a table such as [variants.stock]
            clone-fd = "true"
                lab.toml:13:12: scenarios.local.clone-fd: the string `true` is of the wrong type; use true or false
            clone-fd = 1
                lab.toml:13:12: scenarios.local.clone-fd: the number `1` is of the wrong type; use true or false
            open = true
                lab.toml:36:8: scenarios.local.open: true is of the wrong type; use "kept" or "per-request"
            open = "keep"
                lab.toml:36:8: scenarios.local.open: `keep` is none of its values; use "kept" or "per-request"
            cpus = [2]
                lab.toml:89:8: machines.wall.cpus: a list is of the wrong type; use a whole number from 1 to 255
            cpus = 1979-05-27
                lab.toml:89:8: machines.wall.cpus: a date is of the wrong type; use a whole number from 1 to 255
            baseline = { name = "original" }
                lab.toml:116:12: plans.default.baseline: a table is of the wrong type; use a string
            like = ["local"]
                lab.toml:57:8: scenarios.remote.like: a list is of the wrong type; use a string
        "#]],
    );
}

#[test]
fn sources() {
    let sha256 = format!("sha256 = \"{}\"", "0".repeat(64));
    let commit = format!("commit = \"{}\"", "aB".repeat(20));
    let sources = [
        &format!("{sha256}, tarball = \"https://example.org/linux.tar.xz\""),
        "tarball = \"../linux.tar.xz\"",
        &format!("git = \"ssh://git@example.org/linux\", {commit}"),
        "tree = \"../linux\"",
        "",
        "tree = \"a\", debian = \"linux\"",
        &sha256,
        &format!("debian = \"linux\", {sha256}"),
        "tree = \"../linux\", commit = \"\"",
        "debian = \"linux; rm -rf /\"",
        "debian = \"-o=x\"",
        "tarball = \"https://example.org/linux.tar.xz\"",
        "tarball = \"https://example.org/linux.tar.xz\", sha256 = \"0123\"",
        "tarball = \"ftp://example.org/linux.tar.xz\"",
        "git = \"/src/linux\"",
        "git = \"/src/linux\", commit = \"v6.12\"",
        &format!("git = \"--upload-pack=x\", {commit}"),
        &format!("git = \"ext::sh -c x\", {commit}"),
        "tree = \"~/linux\"",
        "tree = \"\"",
        "tree = \"a\\u0000b\"",
        "debian = \"linux-source-7.3\", suite = \"trixie-backports\"",
        "debian = \"linux\", suite = \"sid main # \"",
        "debian = \"linux\", suite = \"\"",
        "tree = \"../linux\", suite = \"sid\"",
    ];
    let edits = sources.map(|source| format!("source = {{ {source} }}"));
    let edits: Vec<_> =
        edits.iter().map(|to| ("source = { debian = \"linux-source-6.12\" }", to.as_str())).collect();
    check(
        &edits,
        expect![[r#"
        source = { sha256 = "000000000000000000000000000000000000000…
            accepted
        source = { tarball = "../linux.tar.xz" }
            accepted
        source = { git = "ssh://git@example.org/linux", commit = "aB…
            accepted
        source = { tree = "../linux" }
            accepted
        source = {  }
            lab.toml:3:10: kernel.source: no source; name one of debian, tarball, git, tree
        source = { tree = "a", debian = "linux" }
            lab.toml:3:10: kernel.source: more than one source; name one of debian, tarball, git, tree
        source = { sha256 = "000000000000000000000000000000000000000…
            lab.toml:3:10: kernel.source: no source; name one of debian, tarball, git, tree
        source = { debian = "linux", sha256 = "000000000000000000000…
            lab.toml:3:39: kernel.source.sha256: belongs to a tarball source; remove it
        source = { tree = "../linux", commit = "" }
            lab.toml:3:40: kernel.source.commit: belongs to a git source; remove it
        source = { debian = "linux; rm -rf /" }
            lab.toml:3:21: kernel.source.debian: `linux; rm -rf /` is no name of a Debian package; use one such as `linux-source-6.12`
        source = { debian = "-o=x" }
            lab.toml:3:21: kernel.source.debian: `-o=x` is no name of a Debian package; use one such as `linux-source-6.12`
        source = { tarball = "https://example.org/linux.tar.xz" }
            lab.toml:3:10: kernel.source.sha256: missing; set it to a string
        source = { tarball = "https://example.org/linux.tar.xz", sha…
            lab.toml:3:67: kernel.source.sha256: `0123` is no SHA-256 digest; use 64 hexadecimal digits
        source = { tarball = "ftp://example.org/linux.tar.xz" }
            lab.toml:3:22: kernel.source.tarball: `ftp://example.org/linux.tar.xz` is not accepted; use a path or a URL with http://, https://
        source = { git = "/src/linux" }
            lab.toml:3:10: kernel.source.commit: missing; set it to a string
        source = { git = "/src/linux", commit = "v6.12" }
            lab.toml:3:41: kernel.source.commit: `v6.12` is no full commit id; use 40 hexadecimal digits
        source = { git = "--upload-pack=x", commit = "aBaBaBaBaBaBaB…
            lab.toml:3:18: kernel.source.git: `--upload-pack=x` is not accepted; use a path or a URL with http://, https://, git://, ssh://, file://
        source = { git = "ext::sh -c x", commit = "aBaBaBaBaBaBaBaBa…
            lab.toml:3:18: kernel.source.git: `ext::sh -c x` is not accepted; use a path or a URL with http://, https://, git://, ssh://, file://
        source = { tree = "~/linux" }
            lab.toml:3:19: kernel.source.tree: `~/linux`: `~` is not expanded here; write the whole path
        source = { tree = "" }
            lab.toml:3:19: kernel.source.tree: empty; use a path
        source = { tree = "a\u0000b" }
            lab.toml:3:19: kernel.source.tree: `a\0b` holds a control character; remove it
        source = { debian = "linux-source-7.3", suite = "trixie-back…
            accepted
        source = { debian = "linux", suite = "sid main # " }
            lab.toml:3:38: kernel.source.suite: `sid main # ` is no name of a suite of Debian's; use one such as `trixie-backports`
        source = { debian = "linux", suite = "" }
            lab.toml:3:38: kernel.source.suite: `` is no name of a suite of Debian's; use one such as `trixie-backports`
        source = { tree = "../linux", suite = "sid" }
            lab.toml:3:39: kernel.source.suite: belongs to a debian source; remove it
    "#]],
    );
}

#[test]
fn circles() {
    let edits = [
        ("like = \"local\"", "like = \"remote\""),
        ("threads = 16", "threads = 16\nlike = \"remote\""),
        ("like = \"local\"", "like = \"locale\""),
    ];
    check(
        &edits,
        expect![[r#"
            like = "remote"
                lab.toml:57:8: scenarios.remote.like: a circle: remote -> remote; remove one `like`
            threads = 16\nlike = "remote"
                lab.toml:58:8: scenarios.remote.like: a circle: local -> remote -> local; remove one `like`
            like = "locale"
                lab.toml:57:8: scenarios.remote.like: there is no scenario `locale`; did you mean `local`? there are: local, remote
        "#]],
    );
}

#[test]
fn workloads() {
    let args = "args = [\"if={file}\", \"of=/dev/null\"]";
    let edits = [
        (args, "args = [\"if=/dev/zero\", \"of=/dev/sda\"]"),
        (args, "args = []"),
        (args, "args = [\n  \"if={file}\",\n  \"of=/dev/null\\n\",\n]"),
        ("tool = \"dd\"", "tool = \"fio\""),
        ("tool = \"dd\"", "tool = \"fio2\""),
        (args, "args = [\"if={file}\", \"of=/dev/null\"]\njob = \"x.fio\""),
        (args, "job = \"x.fio\""),
        ("tool = \"dd\"", "tool = \"aio-stress\""),
        ("file-mib = 64", "file-mib = 129"),
        ("file-mib = 64", "file-mib = 128"),
    ];
    check(
        &edits,
        expect![[r#"
            args = ["if=/dev/zero", "of=/dev/sda"]
                lab.toml:61:8: workloads.dd-read.args: `of=/dev/sda` is not the workload's file; use `of={file}` or `of=/dev/null`
            args = []
                lab.toml:61:8: workloads.dd-read.args: no `if=`; add `if={file}` or `if=/dev/zero`
            args = [\n  "if={file}",\n  "of=/dev/null\n",\n]
                lab.toml:63:3: workloads.dd-read.args: `of=/dev/null\n` holds a control character; remove it
            tool = "fio"
                lab.toml:61:8: workloads.dd-read.args: fio takes no arguments here; put options into the job file
            tool = "fio2"
                lab.toml:60:8: workloads.dd-read.tool: `fio2` is none of its values; use "dd" or "aio-stress" or "fio" or "stress-ng" or "fsx" or "pjdfstest" or "socket"
            args = ["if={file}", "of=/dev/null"]\njob = "x.fio"
                lab.toml:62:7: workloads.dd-read.job: only fio and pjdfstest take a job; use tool = "fio", or args instead of the job
            job = "x.fio"
                lab.toml:61:7: workloads.dd-read.job: only fio and pjdfstest take a job; use tool = "fio", or args instead of the job
            tool = "aio-stress"
                lab.toml:61:8: workloads.dd-read.args: `if={file}` is not the workload's file; use `{file}`
            file-mib = 129
                lab.toml:119:14: plans.default.workloads: the file of `dd-read` has 129 MiB, the storage of machine `virtual` only 128 MiB; lower file-mib or raise storage-mib
            file-mib = 128
                accepted
        "#]],
    );
}

#[test]
fn machines() {
    let edits = [
        ("accel = \"auto\"", "accel = \"kvm\""),
        ("clock = \"wall\"", "clock = \"virtual\""),
        ("accel = \"tcg\"", "accel = \"auto\""),
        ("accel = \"tcg\"", "accel = \"kvm\""),
        ("cpus = 1", "cpus = 2"),
        ("cpus = 1", "cpus = 4"),
        ("cpus = 1", "cpus = 3"),
        ("cpus = 1", "cpus = 300"),
        ("storage-mib = 128", "storage-mib = 320"),
        ("storage-mib = 128", "storage-mib = 321"),
        ("cpu-model = \"max,-erms\"", "cpu-model = \"max -device x\""),
        ("cpu-model = \"max,-erms\"", "cpu-model = \"-erms\""),
        ("cpu-model = \"max,-erms\"", "cpu-model = \"\""),
        ("kernel-parameters = \"\"", "kernel-parameters = \"init_on_free=1  quiet\""),
        ("kernel-parameters = \"\"", "kernel-parameters = \"a=\\\"b c\\\"\""),
        ("kernel-parameters = \"\"", "kernel-parameters = \"quiet -- single\""),
    ];
    check(
        &edits,
        expect![[r#"
            accel = "kvm"
                accepted
            clock = "virtual"
                lab.toml:88:9: machines.wall.accel: the virtual clock needs emulation; use "tcg"
            accel = "auto"
                lab.toml:67:9: machines.virtual.accel: the virtual clock needs emulation; use "tcg"
            accel = "kvm"
                lab.toml:67:9: machines.virtual.accel: the virtual clock needs emulation; use "tcg"
            cpus = 2
                accepted
            cpus = 4
                accepted
            cpus = 3
                lab.toml:70:8: machines.virtual.cpus: the virtual clock works with 1, 2 or 4 CPUs, not 3; use one of these
            cpus = 300
                lab.toml:70:8: machines.virtual.cpus: the virtual clock works with 1, 2 or 4 CPUs, not 300; use one of these
            storage-mib = 320
                accepted
            storage-mib = 321
                lab.toml:72:15: machines.virtual.storage-mib: 321 MiB of storage need memory-mib = 513 or more, which is 512; raise it or lower storage-mib
            cpu-model = "max -device x"
                lab.toml:68:13: machines.virtual.cpu-model: `max -device x` is no CPU model; use one such as `max,-rdrand`
            cpu-model = "-erms"
                lab.toml:68:13: machines.virtual.cpu-model: `-erms` is no CPU model; use one such as `max,-rdrand`
            cpu-model = ""
                lab.toml:68:13: machines.virtual.cpu-model: `` is no CPU model; use one such as `max,-rdrand`
            kernel-parameters = "init_on_free=1  quiet"
                accepted
            kernel-parameters = "a=\"b c\""
                lab.toml:69:21: machines.virtual.kernel-parameters: `a="b c"` is no list of kernel parameters; use words such as init_on_free=1, without quotes and with spaces between
            kernel-parameters = "quiet -- single"
                lab.toml:69:21: machines.virtual.kernel-parameters: `quiet -- single` is no list of kernel parameters; use words such as init_on_free=1, without quotes and with spaces between
        "#]],
    );
}

#[test]
fn plans() {
    let variants = "variants = [\"original\", \"stock\"]";
    let edits = [
        (variants, "variants = []"),
        (variants, "variants = [\"original\"]"),
        (variants, "variants = [\"stock\", \"again\"]"),
        (variants, "variants = [\"original\", \"stock\",\n  \"original\"]"),
        ("scenarios = [\"local\", \"remote\"]", "scenarios = []"),
        ("workloads = [\"dd-read\"]", "workloads = []"),
        ("probes = \"none\"", ""),
        ("probes = \"none\"", "probes = \"some\""),
        ("probes = \"none\"", "probes = \"all\""),
        ("machine = \"virtual\"", "machine = \"wall\""),
        ("kernel-config = []", "kernel-config = [\"debug.config\"]"),
        ("kernel-config = []", "kernel-config = [\"debug.config\", \"debug.config\"]"),
        ("kernel-config = []", "kernel-config = [\"debug.config\", \"base.config\"]"),
        ("kernel-config = []", "kernel-config = \"debug.config\""),
        ("kernel-config = []", "kernel-config = \"auto\""),
        ("kernel-config = []", "kernel-config = [\"debug.config\", \"auto\"]"),
        ("kernel-config = []", "kernel-config = [\"auto\", \"auto\"]"),
    ];
    check(
        &edits,
        expect![[r#"
            variants = []
                lab.toml:117:12: plans.default.variants: the list is empty; name the baseline and at least one other variant
            variants = ["original"]
                lab.toml:117:12: plans.default.variants: there is nothing to compare `original` with; name at least two variants
            variants = ["stock", "again"]
                lab.toml:116:12: plans.default.baseline: the baseline `original` is not among the variants (stock, again); add it to them
            variants = ["original", "stock",\n  "original"]
                lab.toml:118:3: plans.default.variants: `original` is listed twice; list it once
            scenarios = []
                lab.toml:118:13: plans.default.scenarios: the list is empty; name at least one scenario
            workloads = []
                lab.toml:119:13: plans.default.workloads: the list is empty; name at least one workload, or run probes = "all" instead

                lab.toml:114:1: plans.default.probes: missing; set it to "none" or "quick" or "all"
            probes = "some"
                lab.toml:124:10: plans.default.probes: `some` is none of its values; use "none" or "quick" or "all"
            probes = "all"
                lab.toml:119:13: plans.default.workloads: all probes run without workloads; use [] here, or probes = "quick"
            machine = "wall"
                lab.toml:117:12: plans.default.variants: the wall clock needs the kernel of `original` twice, to measure the noise; add a variant with the same source and series under another name
            kernel-config = ["debug.config"]
                accepted
            kernel-config = ["debug.config", "debug.config"]
                lab.toml:123:34: plans.default.kernel-config: `debug.config` is listed twice; list it once
            kernel-config = ["debug.config", "base.config"]
                lab.toml:123:34: plans.default.kernel-config: `base.config` is part of every kernel, by [kernel]; remove it here
            kernel-config = "debug.config"
                lab.toml:123:17: plans.default.kernel-config: the string `debug.config` is of the wrong type; use a list of strings, or "auto"
            kernel-config = "auto"
                accepted
            kernel-config = ["debug.config", "auto"]
                accepted
            kernel-config = ["auto", "auto"]
                lab.toml:123:26: plans.default.kernel-config: `auto` is listed twice; list it once
        "#]],
    );
    let all = edited("probes = \"none\"", "probes = \"all\"").replace("[\"dd-read\"]", "[]");
    let message = error(&all);
    expect!["lab.toml:118:13: plans.default.scenarios: all probes start servers of their own, so that they say the same in each scenario; name one"].assert_eq(&message);
    assert_eq!(error(&all.replace("[\"local\", \"remote\"]", "[\"remote\"]")), "");
    let with_control = edited("machine = \"virtual\"", "machine = \"wall\"")
        .replace("[\"original\", \"stock\"]", "[\"original\", \"again\", \"stock\"]");
    assert_eq!(error(&with_control), "");
}
