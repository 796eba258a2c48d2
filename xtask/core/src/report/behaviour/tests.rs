//! Kernels that behave alike, differ as they should, and do not.

use expect_test::{Expect, expect};
use lab_protocol::{EndOfProgram, ProbeResult};

use super::*;
use crate::campaign::{Campaign, KernelBase};
use crate::comparison::compare;
use crate::fixtures::{arm, campaign, probe, probed};
use crate::plan::Clock;

const EIO: &str = "read of 2 MiB with EIO in chunk 5";
const SYNC: &str = "returns 640 KiB, 7 READs, one at a time";
const ASYNC: &str = "returns EIO, 16 READs, several at once";

/// Four kernels, each with the results of its first boot: what was seen, and what its table says.
fn four(results: [Vec<ProbeResult>; 4]) -> Campaign {
    let boots = [(0.6, 55.0), (0.6, 55.0)];
    let arms = [
        arm("original", &[], &boots, 1),
        arm("patched", &["async-dio"], &boots, 1),
        arm("by-kiocb", &["async-dio", "by-kiocb"], &boots, 1),
        arm("my-fix", &["my-fix"], &boots, 1),
    ];
    let mut campaign = campaign(Clock::Virtual, &arms);
    for (variant, table) in
        campaign.file.plan.variants.iter_mut().zip(["synchronous", "asynchronous", "for-aio"])
    {
        variant.behaviour = Some(table.to_owned());
    }
    for (place, results) in results.into_iter().enumerate() {
        probed(&mut campaign, 2 * place, results);
    }
    campaign
}

fn at_end(expected: &str) -> ProbeResult {
    probe("read-at-end", "read at the end of the file", "returns 0 bytes, no request", expected)
}

fn eio(observed: &str, expected: &str) -> ProbeResult {
    probe("read-eio", EIO, observed, expected)
}

fn check(campaign: &Campaign, width: usize, expected: Expect) {
    let text = render(&compare(campaign).unwrap(), width, Differences::All).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
    expected.assert_eq(&format!("{text}\n"));
}

#[test]
fn all_as_expected() {
    let results = |observed: &str| vec![at_end("returns 0 bytes, no request"), eio(observed, observed)];
    let campaign = four([results(SYNC), results(ASYNC), results(SYNC), results(ASYNC)]);
    check(
        &campaign,
        100,
        expect![[r#"
            Behaviour: 2 of 2 probes as expected in each of 4 variants; 1 expected difference from original.
            Expected differences, original, by-kiocb / patched, my-fix:
              read of 2 MiB with EIO in chunk 5: returns 640 KiB, 7 READs, one at a time / returns EIO, 16
                READs, several at once
        "#]],
    );
    check(
        &campaign,
        72,
        expect![[r#"
            Behaviour: 2 of 2 probes as expected in each of 4 variants; 1 expected
              difference from original.
            Expected differences, original, by-kiocb / patched, my-fix:
              read of 2 MiB with EIO in chunk 5: returns 640 KiB, 7 READs, one at a
                time / returns EIO, 16 READs, several at once
        "#]],
    );
    let same = [results(SYNC), results(SYNC), results(SYNC), results(SYNC)];
    check(
        &four(same),
        100,
        expect![[r#"
            Behaviour: 2 of 2 probes as expected in each of 4 variants.
        "#]],
    );
}

#[test]
fn differences_between_sources_are_listed() {
    let mut campaign = four([
        vec![at_end("returns 0 bytes, no request"), eio(SYNC, SYNC)],
        vec![at_end("returns 0 bytes, no request"), eio(ASYNC, "")],
        vec![at_end("returns 0 bytes, no request"), eio(SYNC, SYNC)],
        vec![at_end("returns 0 bytes, no request"), eio(ASYNC, "")],
    ]);
    for boot in &mut campaign.boots {
        let name = &boot.record.boot.variant;
        let source =
            if ["original", "by-kiocb"].contains(&name.as_str()) { "linux 6.12" } else { "linux 7.3" };
        let (source, config_sha256) = (source.to_owned(), "c0".repeat(32));
        boot.record.kernel.base = Some(KernelBase { source, config_sha256, compiler: "gcc".to_owned() });
    }
    check(
        &campaign,
        100,
        expect![[r#"
        Behaviour: nothing unexpected in 2 probes; 1 difference between sources, of which no table says
          anything.
        Differences between sources, original, by-kiocb / patched, my-fix:
          read of 2 MiB with EIO in chunk 5: returns 640 KiB, 7 READs, one at a time / returns EIO, 16
            READs, several at once
    "#]],
    );
}

#[test]
fn what_is_unexpected_comes_first() {
    let fault = Some("byte 4096 of the file is wrong".to_owned());
    let short = |observed: &str| {
        probe("read-short", "read of 2 MiB with a short reply in chunk 5", observed, "returns 641 KiB")
    };
    let campaign = four([
        vec![at_end(""), eio(SYNC, SYNC), short("returns 641 KiB")],
        vec![at_end(""), eio(ASYNC, ASYNC), short("returns 640 KiB")],
        vec![at_end(""), eio(SYNC, SYNC), ProbeResult { fault, ..short("returns 641 KiB") }],
        vec![
            ProbeResult { observed: "returns 1 byte".to_owned(), ..at_end("") },
            eio(ASYNC, ""),
            short("returns 641 KiB"),
        ],
    ]);
    check(
        &campaign,
        100,
        expect![[r#"
            Behaviour: UNEXPECTED in 3 of 3 probes; lab.toml states no `behaviour` of my-fix, so that each
              difference from the baseline counts.
            Unexpected (the requests of each probe are in report.json of its boot):
              read at the end of the file
                original, patched, by-kiocb: returns 0 bytes, no request
                my-fix: returns 1 byte [UNEXPECTED: differs from the baseline]
              read of 2 MiB with EIO in chunk 5
                original, by-kiocb: returns 640 KiB, 7 READs, one at a time
                patched: returns EIO, 16 READs, several at once
                my-fix: returns EIO, 16 READs, several at once [UNEXPECTED: differs from the baseline]
              read of 2 MiB with a short reply in chunk 5
                original, my-fix: returns 641 KiB
                patched: returns 640 KiB [UNEXPECTED: asynchronous says: returns 641 KiB]
                by-kiocb: returns 641 KiB; byte 4096 of the file is wrong [UNEXPECTED: no kernel may do this]
        "#]],
    );
}

/// The baseline's own failures, what was not reached, and boots that differ.
#[test]
fn what_is_no_verdict_about_a_variant_is_shown_too() {
    let mut campaign = four([
        vec![at_end("returns EIO"), eio(SYNC, SYNC)],
        vec![at_end("returns EIO"), eio(ASYNC, ASYNC)],
        vec![at_end("returns 0 bytes, no request")],
        vec![at_end(""), eio(SYNC, "")],
    ]);
    probed(
        &mut campaign,
        3,
        vec![at_end("returns EIO"), eio("returns 2 MiB", &format!("{ASYNC} | returns 2 MiB"))],
    );
    check(
        &campaign,
        100,
        expect![[r#"
            Behaviour: nothing unexpected in 2 probes.
            In original itself:
              read at the end of the file
                original: returns 0 bytes, no request [synchronous says: returns EIO]
                patched: returns 0 bytes, no request [asynchronous says: returns EIO]
                by-kiocb, my-fix: returns 0 bytes, no request
            Of these nothing can be said:
              read of 2 MiB with EIO in chunk 5
                original, my-fix: returns 640 KiB, 7 READs, one at a time
                patched: returns EIO, 16 READs, several at once in 1 of 2 boots, or returns 2 MiB in 1 of 2
                  boots
                by-kiocb: did not come to it
        "#]],
    );
    let report = campaign.boots[4].report.as_mut().unwrap().probes.as_mut().unwrap();
    report.unfinished = Some("read-eio".to_owned());
    report.end = EndOfProgram::TimedOut;
    check(
        &campaign,
        100,
        expect![[r#"
            Behaviour: UNEXPECTED in 1 of 2 probes.
            Unexpected (the requests of each probe are in report.json of its boot):
              read of 2 MiB with EIO in chunk 5
                original, my-fix: returns 640 KiB, 7 READs, one at a time
                patched: returns EIO, 16 READs, several at once in 1 of 2 boots, or returns 2 MiB in 1 of 2
                  boots
                by-kiocb: does not end in time [UNEXPECTED: it has to end]
            In original itself:
              read at the end of the file
                original: returns 0 bytes, no request [synchronous says: returns EIO]
                patched: returns 0 bytes, no request [asynchronous says: returns EIO]
                by-kiocb, my-fix: returns 0 bytes, no request
        "#]],
    );
}

/// Two kernels are a sentence.
#[test]
fn two_kernels() {
    let boots = [(0.6, 55.0), (0.6, 55.0)];
    let arms = [arm("original", &[], &boots, 1), arm("patched", &["s"], &boots, 1)];
    let mut campaign = campaign(Clock::Virtual, &arms);
    probed(&mut campaign, 0, vec![eio(SYNC, "")]);
    probed(&mut campaign, 2, vec![eio(ASYNC, "")]);
    check(
        &campaign,
        100,
        expect![[r#"
            Behaviour: UNEXPECTED in 1 of 1 probes; lab.toml states no `behaviour` of patched, so that each
              difference from the baseline counts.
            Unexpected (the requests of each probe are in report.json of its boot):
              read of 2 MiB with EIO in chunk 5: original returns 640 KiB, 7 READs, one at a time; patched
                returns EIO, 16 READs, several at once [UNEXPECTED: differs from the baseline]
        "#]],
    );
    for place in [0, 2] {
        campaign.boots[place].report.as_mut().unwrap().probes = None;
    }
    check(
        &campaign,
        100,
        expect![[r#"
        Behaviour: NOT PROBED, in no boot.
    "#]],
    );
}

/// Without workloads nothing speaks of figures.
#[test]
fn whole_reports_of_a_plan_that_only_probes() {
    let mut campaign =
        four([vec![eio(SYNC, SYNC)], vec![eio(ASYNC, ASYNC)], vec![eio(SYNC, SYNC)], vec![eio(ASYNC, "")]]);
    campaign.file.plan.workloads.clear();
    campaign.file.plan.boots.retain(|step| step.probes.is_some());
    campaign.boots.retain(|boot| boot.record.boot.probes.is_some());
    let comparison = compare(&campaign).unwrap();
    expect![[r#"
        campaign: 2026-01-02-built (plan built, begun 2026-01-02T03:04:05Z)
        source:   linux-source-6.12 6.12.117-1~deb12u1
        config:   c0c0c0c0c0c0, built with gcc 12.2.0
        image:    1a1a1a1a1a1a
        machine:  QEMU 7.2.22 -machine microvm, tcg, -cpu qemu64, 1 vCPU, 512 MiB
        clock:    virtual: counts instructions, not cycles; one vCPU; no caches, no parallel copying
        host:     some CPU, 2 CPUs, Debian 12
        variant:  original (baseline): 6.12.117; no series; bzImage e3b0c44298fc; 1 boot: 1 finished
        variant:  patched: 6.12.117; async-dio (6 patches, 5e5e5e5e5e5e); bzImage 08e675bee5fb; 1 boot: 1
                  finished
        variant:  by-kiocb: 6.12.117; async-dio (6 patches, 5e5e5e5e5e5e) + by-kiocb (6 patches,
                  5e5e5e5e5e5e); bzImage 2b3dfb1ca603; 1 boot: 1 finished
        variant:  my-fix: 6.12.117; my-fix (6 patches, 5e5e5e5e5e5e); bzImage b425610f95f0; 1 boot: 1
                  finished

        Behaviour: UNEXPECTED in 1 of 1 probes; lab.toml states no `behaviour` of my-fix, so that each
          difference from the baseline counts.
        Unexpected (the requests of each probe are in report.json of its boot):
          read of 2 MiB with EIO in chunk 5
            original, by-kiocb: returns 640 KiB, 7 READs, one at a time
            patched: returns EIO, 16 READs, several at once
            my-fix: returns EIO, 16 READs, several at once [UNEXPECTED: differs from the baseline]

        Kernel logs: no findings in any boot.

        Conclusion: WORSE than the baseline (exit code 1).
        patched against original: behaves as expected in 1 of 1 probes, 1 of them unlike original.
        by-kiocb against original: behaves as expected in 1 of 1 probes.
        my-fix against original: UNEXPECTED behaviour in 1 of 1 probes.
    "#]]
    .assert_eq(&crate::report::full::render(&comparison));
    expect![[r#"
        patched against original: behaves as expected in 1 of 1 probes, 1 of
          them unlike original.
        by-kiocb against original: behaves as expected in 1 of 1 probes.
        my-fix against original: UNEXPECTED behaviour in 1 of 1 probes.

        Setup:
          base            linux-source-6.12 6.12.117-1~deb12u1
          original        base
          patched         base + async-dio (6 patches)
          by-kiocb        base + async-dio (6 patches) + by-kiocb (6 patches)
          my-fix          base + my-fix (6 patches)
          machine         QEMU 7.2.22 (tcg, qemu64), 1 vCPU, 512 MiB
          lab             patchlab 0123456789ab
          $ cargo xtask run-lab --plan built

        Behaviour: UNEXPECTED in 1 of 1 probes; lab.toml states no `behaviour`
          of my-fix, so that each difference from the baseline counts.
        Unexpected (the requests of each probe are in report.json of its boot):
          read of 2 MiB with EIO in chunk 5
            original, by-kiocb: returns 640 KiB, 7 READs, one at a time
            patched: returns EIO, 16 READs, several at once
            my-fix: returns EIO, 16 READs, several at once [UNEXPECTED: differs
              from the baseline]

        No findings in any kernel log.

        What this cannot show:
        - clock virtual: counts instructions, not cycles; one vCPU; no caches,
          no parallel copying
        - no speed was measured
        - what the kernels did in none of 1 boots each may still happen in up to
          95 % of them
    "#]]
    .assert_eq(&crate::report::Format::Mail.render(&comparison).unwrap());
    let json = serde_json::to_string_pretty(&comparison.behaviour.unwrap().probes[0].cells[3]).unwrap();
    expect![[r#"
        {
          "variant": "my-fix",
          "seen": [
            {
              "observed": "returns EIO, 16 READs, several at once",
              "standing": "not-stated",
              "boots": 1,
              "first-boot": 7
            }
          ],
          "verdict": "unexpected"
        }"#]]
    .assert_eq(&json);
}
