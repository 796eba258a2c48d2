//! Job files that are taken, and those that are refused.

use expect_test::{Expect, expect};

use crate::plan::config::Config;

/// A `lab.toml` with one workload that has a job.
fn lab(job: &str) -> String {
    let good = crate::plan::config::tests::GOOD;
    let (head, tail) = good.split_once("[machines.virtual]").unwrap();
    format!(
        "{head}[workloads.fio-read]\ntool = \"fio\"\n{job}\nfile-mib = 64\nsamples = 1\n[machines.virtual]{tail}"
    )
}

/// Shows what is said of each job of a workload with a file of 64 MiB; lines are separated by ` | `.
fn check(jobs: &[&str], expected: Expect) {
    let show = |job: &&str| {
        let text = job.replace(" | ", "\n");
        let message = super::text::check(&text, 64).err().unwrap_or("accepted".to_owned());
        format!("{}\n    {message}\n", crate::text::suggest::shown(job))
    };
    expected.assert_eq(&jobs.iter().map(show).collect::<String>());
}

#[test]
fn names_of_job_files() {
    let names = [
        "job = \"images/fio/randread.fio\"",
        "job = \"r.fio\"",
        "",
        "job = 3",
        "job = \"\"",
        "job = \"/etc/r.fio\"",
        "job = \"../r.fio\"",
        "job = \"images/../../r.fio\"",
        "job = \".\"",
        "job = \"r\\n.fio\"",
        "job = \"r.fio\"\nargs = []",
    ];
    let show = |name: &&str| {
        let message = Config::parse("lab.toml", &lab(name)).err().map(|error| error.to_string());
        format!("{}\n    {}\n", crate::text::suggest::shown(name), message.unwrap_or("accepted".to_owned()))
    };
    expect![[r#"
        job = "images/fio/randread.fio"
            accepted
        job = "r.fio"
            accepted

            lab.toml:64:1: workloads.fio-read.job: missing; fio needs a job file, e.g. job = "images/fio/randread.fio"
        job = 3
            lab.toml:66:7: workloads.fio-read.job: the number `3` is of the wrong type; use a string
        job = ""
            lab.toml:66:7: workloads.fio-read.job: `` is no file beside or below lab.toml; name one, e.g. "images/fio/randread.fio"
        job = "/etc/r.fio"
            lab.toml:66:7: workloads.fio-read.job: `/etc/r.fio` is no file beside or below lab.toml; name one, e.g. "images/fio/randread.fio"
        job = "../r.fio"
            lab.toml:66:7: workloads.fio-read.job: `../r.fio` is no file beside or below lab.toml; name one, e.g. "images/fio/randread.fio"
        job = "images/../../r.fio"
            lab.toml:66:7: workloads.fio-read.job: `images/../../r.fio` is no file beside or below lab.toml; name one, e.g. "images/fio/randread.fio"
        job = "."
            lab.toml:66:7: workloads.fio-read.job: `.` is no file beside or below lab.toml; name one, e.g. "images/fio/randread.fio"
        job = "r\n.fio"
            lab.toml:66:7: workloads.fio-read.job: `r\n.fio` holds a control character; remove it
        job = "r.fio"\nargs = []
            lab.toml:67:8: workloads.fio-read.args: fio takes no arguments here; put options into the job file
    "#]].assert_eq(&names.iter().map(show).collect::<String>());
}

#[test]
fn mistakes_have_a_place_in_both_files() {
    let config = |job: &str| {
        let config = Config::parse("lab.toml", &lab("job = \"r.fio\"")).unwrap();
        config.with_jobs(|file| if file == "r.fio" { Ok(job.to_owned()) } else { Err("another".to_owned()) })
    };
    let good = "[r]\nfilename=${LAB_FILE}\n";
    let workload = config(good).unwrap().workloads["fio-read"].clone();
    assert_eq!(workload.job.unwrap().text, good);
    assert!(workload.args.is_empty());
    expect!["lab.toml:66:7: workloads.fio-read.job: `r.fio`: line 2: `filename=x` is not the workload's file; use `filename=${LAB_FILE}`"].assert_eq(&config("[r]\nfilename=x\n").unwrap_err().to_string());
}

#[test]
fn fio_needs_memory() {
    let plan = "workloads = [\"dd-read\", \"fio-read\"]";
    let lab = lab("job = \"r.fio\"").replace("workloads = [\"dd-read\"]", plan);
    let error = |memory: &str| {
        let text = lab.replace("memory-mib = 512", memory);
        Config::parse("lab.toml", &text).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(error("memory-mib = 448"), "");
    expect!["lab.toml:124:25: plans.default.workloads: `fio-read` needs fio, which is large: beside 128 MiB of storage machine `virtual` needs memory-mib = 448 or more, which is 447; raise it or lower storage-mib"].assert_eq(&error("memory-mib = 447"));
}

#[test]
fn the_form_of_a_job() {
    let jobs = [
        "[r] | filename=${LAB_FILE}",
        "# why |  | [global] | filename = ${LAB_FILE} ; the file | direct | [r]# first | rw=read | [w] | rw=write",
        "[r] | filename=${LAB_FILE} | [global-2] | bs=8k",
        "",
        "# [r] | ;filename=${LAB_FILE}",
        "[global] | filename=${LAB_FILE}",
        "bs=4k | [r] | filename=${LAB_FILE}",
        "[r | filename=${LAB_FILE}",
        "[] | filename=${LAB_FILE}",
        "[r] filename=${LAB_FILE}",
        "[r] | filename=${LAB_FILE} | description=\u{1b}[31m",
        &format!("[r] | filename=${{LAB_FILE}} | description={}", "x".repeat(1000)),
    ];
    check(
        &jobs,
        expect![[r#"
        [r] | filename=${LAB_FILE}
            accepted
        # why |  | [global] | filename = ${LAB_FILE} ; the file | di…
            accepted
        [r] | filename=${LAB_FILE} | [global-2] | bs=8k
            accepted

            it has no job; add one, e.g. a line `[read]` with options below it
        # [r] | ;filename=${LAB_FILE}
            it has no job; add one, e.g. a line `[read]` with options below it
        [global] | filename=${LAB_FILE}
            it has no job; add one, e.g. a line `[read]` with options below it
        bs=4k | [r] | filename=${LAB_FILE}
            line 1: `bs=4k` stands in no section; put `[global]` above it
        [r | filename=${LAB_FILE}
            line 1: `[r` is no section; write it as `[NAME]`, alone on its line
        [] | filename=${LAB_FILE}
            line 1: `[]` is no section; write it as `[NAME]`, alone on its line
        [r] filename=${LAB_FILE}
            line 1: `[r] filename=${LAB_FILE}` is no section; write it as `[NAME]`, alone on its line
        [r] | filename=${LAB_FILE} | description=\u{1b}[31m
            line 3: it holds a control character; remove it
        [r] | filename=${LAB_FILE} | description=xxxxxxxxxxxxxxxxxxx…
            line 3: it is longer than 1000 bytes; make it shorter
    "#]],
    );
}

#[test]
fn a_job_stays_on_its_file() {
    let jobs = [
        "[r] | rw=read",
        "[r] | filename=/dev/sda",
        "[r] | filename=${LAB_FILE}:/storage/x",
        "[r] | filename=${LAB_FILE}.$jobnum",
        "[global] | filename=${LAB_FILE} | [r] | filename=x | filename=${LAB_FILE}",
        "[r] | filename=${LAB_FILE} | [global] | bs=4k | [w] | rw=write",
        "[r] | filename=${LAB_FILE} | directory=/storage",
        "[r] | filename=${LAB_FILE} | include other.fio",
        "[r] | filename=${LAB_FILE} | nr_files = 2",
        "[r] | filename=${LAB_FILE} | size=${LAB_SIZE}",
        "[r] | filename=${LAB_FILE} | size=64m | offset=0",
        "[r] | filename=${LAB_FILE} | size=65M",
        "[global] | size=1g | [r] | filename=${LAB_FILE}",
        "[global] | size=1g | [r] | filename=${LAB_FILE} | size=1m",
        "[r] | filename=${LAB_FILE} | size=${LAB_SIZE} | fileoffset=4k",
        "[r] | filename=${LAB_FILE} | filesize=67108865",
        "[r] | filename=${LAB_FILE} | size=50% | offset=50% | io_size=10g | loops=9",
        "[r] | filename=${LAB_FILE} | unlink=1",
        "[r] | filename=${LAB_FILE} | file_append",
        "[r] | filename=${LAB_FILE} | allow_file_create=1",
        "[r] | filename=${LAB_FILE} | bs=${BS}",
        "[r] | filename=${LAB_FILE} | bs=${",
    ];
    check(
        &jobs,
        expect![[r#"
        [r] | rw=read
            line 1: job `r`: it names no file; add `filename=${LAB_FILE}`
        [r] | filename=/dev/sda
            line 2: `filename=/dev/sda` is not the workload's file; use `filename=${LAB_FILE}`
        [r] | filename=${LAB_FILE}:/storage/x
            line 2: `filename=${LAB_FILE}:/storage/x` is not the workload's file; use `filename=${LAB_FILE}`
        [r] | filename=${LAB_FILE}.$jobnum
            line 2: `filename=${LAB_FILE}.$jobnum` is not the workload's file; use `filename=${LAB_FILE}`
        [global] | filename=${LAB_FILE} | [r] | filename=x | filenam…
            line 4: `filename=x` is not the workload's file; use `filename=${LAB_FILE}`
        [r] | filename=${LAB_FILE} | [global] | bs=4k | [w] | rw=wri…
            line 5: job `w`: it names no file; add `filename=${LAB_FILE}`
        [r] | filename=${LAB_FILE} | directory=/storage
            line 3: `directory` would use other files than the workload's; remove it
        [r] | filename=${LAB_FILE} | include other.fio
            line 3: `include` would use other files than the workload's; remove it
        [r] | filename=${LAB_FILE} | nr_files = 2
            line 3: `nr_files` would use other files than the workload's; remove it
        [r] | filename=${LAB_FILE} | size=${LAB_SIZE}
            accepted
        [r] | filename=${LAB_FILE} | size=64m | offset=0
            accepted
        [r] | filename=${LAB_FILE} | size=65M
            line 3: job `r`: it asks for a file of 65 MiB and gets one of 64 MiB; ask for less (io_size and loops do not count) or raise file-mib
        [global] | size=1g | [r] | filename=${LAB_FILE}
            line 2: job `r`: it asks for a file of 1024 MiB and gets one of 64 MiB; ask for less (io_size and loops do not count) or raise file-mib
        [global] | size=1g | [r] | filename=${LAB_FILE} | size=1m
            accepted
        [r] | filename=${LAB_FILE} | size=${LAB_SIZE} | fileoffset=4…
            line 3: job `r`: it asks for a file of 65 MiB and gets one of 64 MiB; ask for less (io_size and loops do not count) or raise file-mib
        [r] | filename=${LAB_FILE} | filesize=67108865
            line 3: job `r`: it asks for a file of 65 MiB and gets one of 64 MiB; ask for less (io_size and loops do not count) or raise file-mib
        [r] | filename=${LAB_FILE} | size=50% | offset=50% | io_size…
            accepted
        [r] | filename=${LAB_FILE} | unlink=1
            line 3: `unlink` would change which file there is, or its size, which is that of file-mib; remove it
        [r] | filename=${LAB_FILE} | file_append
            line 3: `file_append` would change which file there is, or its size, which is that of file-mib; remove it
        [r] | filename=${LAB_FILE} | allow_file_create=1
            line 3: `allow_file_create` would change which file there is, or its size, which is that of file-mib; remove it
        [r] | filename=${LAB_FILE} | bs=${BS}
            line 3: `${BS}` is not set in the guest; use `${LAB_FILE}`, `${LAB_SIZE}`, or the value itself
        [r] | filename=${LAB_FILE} | bs=${
            line 3: `${}` is not set in the guest; use `${LAB_FILE}`, `${LAB_SIZE}`, or the value itself
    "#]],
    );
}

#[test]
fn a_job_measures_one_thing_inside_the_guest() {
    let jobs = [
        "[r] | filename=${LAB_FILE} | ioengine=libaio",
        "[r] | filename=${LAB_FILE} | ioengine=io_uring",
        "[r] | filename=${LAB_FILE} | ioengine=null",
        "[r] | filename=${LAB_FILE} | ioengine=external:/tmp/x.so",
        "[r] | filename=${LAB_FILE} | ioengine=",
        "[r] | filename=${LAB_FILE} | rw = randtrim",
        "[global] | filename=${LAB_FILE} | stonewall | [r] | numjobs=4",
        "[global] | filename=${LAB_FILE} | stonewall | [r] | [w]",
        "[global] | filename=${LAB_FILE} | [r] | [w] | wait_for_previous",
        "[global] | filename=${LAB_FILE} | [r] | [w] | new_group=1",
        "[global] | filename=${LAB_FILE} | [r] | [w] | stonewall=0",
        "[global] | filename=${LAB_FILE} | [r] | [w] | startdelay=3",
        "[r] | filename=${LAB_FILE} | verify_only=1",
        "[r] | filename=${LAB_FILE} | unified_rw_reporting=both",
        "[r] | filename=${LAB_FILE} | write_lat_log=x",
        "[r] | filename=${LAB_FILE} | exec_prerun=rm -rf /",
        "[r] | filename=${LAB_FILE} | continue_on_error=io",
        "[r] | filename=${LAB_FILE} | clocksource=cpu",
        "[r] | filename=${LAB_FILE} | thread=0",
        "[r] | filename=${LAB_FILE} | client=192.0.2.1",
        "[r] | filename=${LAB_FILE} | server",
        "[r] | filename=${LAB_FILE} | output=x",
    ];
    check(
        &jobs,
        expect![[r#"
            [r] | filename=${LAB_FILE} | ioengine=libaio
                accepted
            [r] | filename=${LAB_FILE} | ioengine=io_uring
                line 3: the engine `io_uring` does not work in the guest, or not on the file; use one of libaio, psync, sync, vsync, pvsync, pvsync2, posixaio, mmap
            [r] | filename=${LAB_FILE} | ioengine=null
                line 3: the engine `null` does not work in the guest, or not on the file; use one of libaio, psync, sync, vsync, pvsync, pvsync2, posixaio, mmap
            [r] | filename=${LAB_FILE} | ioengine=external:/tmp/x.so
                line 3: the engine `external:/tmp/x.so` does not work in the guest, or not on the file; use one of libaio, psync, sync, vsync, pvsync, pvsync2, posixaio, mmap
            [r] | filename=${LAB_FILE} | ioengine=
                line 3: the engine `` does not work in the guest, or not on the file; use one of libaio, psync, sync, vsync, pvsync, pvsync2, posixaio, mmap
            [r] | filename=${LAB_FILE} | rw = randtrim
                line 3: `rw=randtrim` needs a device, and this is a file; read or write
            [global] | filename=${LAB_FILE} | stonewall | [r] | numjobs=…
                accepted
            [global] | filename=${LAB_FILE} | stonewall | [r] | [w]
                line 3: job `w`: stonewall would make it another measurement; make it a workload of its own
            [global] | filename=${LAB_FILE} | [r] | [w] | wait_for_previ…
                line 5: job `w`: wait_for_previous would make it another measurement; make it a workload of its own
            [global] | filename=${LAB_FILE} | [r] | [w] | new_group=1
                line 5: job `w`: new_group would make it another measurement; make it a workload of its own
            [global] | filename=${LAB_FILE} | [r] | [w] | stonewall=0
                accepted
            [global] | filename=${LAB_FILE} | [r] | [w] | startdelay=3
                line 5: `startdelay` would have jobs run at different times, which have no rate in common; make each a workload of its own
            [r] | filename=${LAB_FILE} | verify_only=1
                line 3: `verify_only` would count bytes that are not the load, or count them twice; remove it
            [r] | filename=${LAB_FILE} | unified_rw_reporting=both
                line 3: `unified_rw_reporting` would count bytes that are not the load, or count them twice; remove it
            [r] | filename=${LAB_FILE} | write_lat_log=x
                line 3: `write_lat_log` would write a log that is lost with the guest; remove it, fio's figures are kept
            [r] | filename=${LAB_FILE} | exec_prerun=rm -rf /
                line 3: `exec_prerun` would run a shell, and the guest has none; remove it
            [r] | filename=${LAB_FILE} | continue_on_error=io
                line 3: `continue_on_error` would let a failed transfer pass for a good one; remove it
            [r] | filename=${LAB_FILE} | clocksource=cpu
                line 3: `clocksource` is not for a job: the lab starts fio, and says how it runs and reports; remove it
            [r] | filename=${LAB_FILE} | thread=0
                line 3: `thread` is not for a job: the lab starts fio, and says how it runs and reports; remove it
            [r] | filename=${LAB_FILE} | client=192.0.2.1
                line 3: `client` is not for a job: the lab starts fio, and says how it runs and reports; remove it
            [r] | filename=${LAB_FILE} | server
                line 3: `server` is not for a job: the lab starts fio, and says how it runs and reports; remove it
            [r] | filename=${LAB_FILE} | output=x
                line 3: `output` is not for a job: the lab starts fio, and says how it runs and reports; remove it
        "#]],
    );
}

#[test]
fn pjdfstest_needs_a_scenario_for_all_users() {
    let lab = lab("job = \"p.toml\"")
        .replace("tool = \"fio\"", "tool = \"pjdfstest\"")
        .replace("workloads = [\"dd-read\"]", "workloads = [\"dd-read\", \"fio-read\"]");
    let error = |edit: (&str, &str)| {
        let text = lab.replace(edit.0, edit.1);
        Config::parse("lab.toml", &text).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(error(("allow-other = false", "allow-other = true")), "");
    expect!["lab.toml:124:25: plans.default.workloads: `fio-read` acts as several users, and the scenario `local` lets only root in; use one with allow-other = true"].assert_eq(&error(("", "")));
    let open = lab.replace("allow-other = false", "allow-other = true");
    let error = |edit: (&str, &str)| {
        Config::parse("lab.toml", &open.replace(edit.0, edit.1)).unwrap_err().to_string()
    };
    expect![[r#"lab.toml:64:1: workloads.fio-read.job: missing; pjdfstest needs a job file, e.g. job = "images/pjdfstest/pjdfstest.toml""#]].assert_eq(&error(("job = \"p.toml\"\n", "")));
    expect!["lab.toml:66:8: workloads.fio-read.args: pjdfstest takes no arguments here; put settings into the job file"].assert_eq(&error(("job = \"p.toml\"", "args = []")));
}
