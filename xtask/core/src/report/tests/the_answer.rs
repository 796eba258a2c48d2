//! The answer is short, whatever is said.

use super::*;

fn check(campaign: &Campaign, expected: Expect) {
    let text = Format::Table.render(&compare(campaign).unwrap()).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.lines().count() <= 45, "{text}");
    expected.assert_eq(&text);
}

#[test]
fn of_five_kernels() {
    check(
        &five_arms(),
        expect![[r#"
            Conclusion: WORSE than the baseline (exit code 1).
            patched against original: faster in 2 of 2 rows (x4.000 to x9.782).
            clean-up against original: faster in 1 of 2 rows (x9.819); no difference in 1 of 2 rows (within 0.3
              % dd-read).
            third-way against original: faster in 2 of 2 rows (x3.815 to x9.635).
            stock against original: SLOWER in 2 of 2 rows (x0.857 to x0.982).

                         original       patched           clean-up     third-way          stock
            dd-read    111.8 MB/s  x4.00 better  same within 0.3 %  x3.81 better  -14.3 % worse
            aio-read  55.00 MiB/s  x9.78 better       x9.82 better  x9.64 better   -1.8 % worse

            Kernel logs: no findings in any boot.

            Doubts:
            - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
              not that a change of some percent is owed to the patches; set phase-range-us in lab.toml
            What it rests on: cargo xtask compare 2026-01-02-built --evidence
        "#]],
    );
}

#[test]
fn with_troubles() {
    check(
        &troubled(),
        expect![[r#"
            Conclusion: WORSE than the baseline (exit code 1).
            patched against original: FAILS where the baseline does not in 1 of 2 rows; no statement possible in
              1 of 2 rows; BROKEN in 1 boot; HUNG in 1 boot; 1 NEW in the kernel log.

                         original         patched
            dd-read    111.8 MB/s      FAILED 1/2
            aio-read  55.00 MiB/s  +0.0 % too few

            Kernel logs (boots with the finding / boots read):
              warning: WARNING in fuse_aio_complete
                original 0/2, patched 1/2 NEW
                not seen in 2 boots of original; may still occur in up to 78 % of them
                first in boot-003, console line 3

            Workloads that failed:
              patched, slow, dd-read, boot 3: exit code 1: dd: error reading '/mnt/fuse/file':
              \x1b[31mInput/output error

            Boots that did not end well:
              patched, slow, boot 3: broken: WARNING in fuse_aio_complete
              patched, slow, boot 4: hung: no byte for 30 s; last: \x1b]0;x\x07Run /init

            Doubts:
            - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
              not that a change of some percent is owed to the patches; set phase-range-us in lab.toml
            What it rests on: cargo xtask compare 2026-01-02-built --evidence
        "#]],
    );
}

#[test]
fn of_the_wall_clock() {
    check(
        &wall(),
        expect![[r#"
            Conclusion: nothing speaks against a variant (exit code 0).
            again against original: no difference in 1 of 2 rows (equal aio-read); no statement possible in 1 of
              2 rows.
            patched against original: faster in 1 of 2 rows (x1.414); no difference in 1 of 2 rows (equal
              aio-read).

                         original           again         patched
            dd-read    65.47 MB/s  +0.2 % unclear  +41.4 % better
            aio-read  50.00 MiB/s           equal           equal

            Kernel logs: no findings in any boot.

            Doubts:
            - original and again are the same kernel under two labels: what differs between them is noise
            - emulated: order of magnitude only (real time under TCG measures the emulator)
            What it rests on: cargo xtask compare 2026-01-02-built --evidence
        "#]],
    );
}

#[test]
fn patch_after_patch() {
    check(
        &patch_by_patch(),
        expect![[r#"
            Conclusion: WORSE than the baseline (exit code 1).
            async-dio-1 against async-dio-0: faster in 2 of 2 rows (x4.000 to x9.782).
            async-dio-2 against async-dio-0: faster in 2 of 2 rows (x4.000 to x9.784).
            async-dio-3 against async-dio-0: faster in 1 of 2 rows (x9.782); no difference in 1 of 2 rows (equal
              dd-read); BROKEN in 1 boot; 1 NEW in the kernel log.

                      async-dio-0   async-dio-1   async-dio-2   async-dio-3
            dd-read    111.8 MB/s  x4.00 better  x4.00 better         equal
            aio-read  55.00 MiB/s  x9.78 better  x9.78 better  x9.78 better

            Patch by patch, each against the step before it:
            1 fuse: do what async-dio-1 says
                slow/dd-read: x4.00 better, most in flight 1 -> 12
                slow/aio-read: x9.78 better, most in flight 1 -> 12
            2 fuse: do what async-dio-2 says
                no change
            3 fuse: do what async-dio-3 says
                slow/dd-read: x0.250 worse, most in flight 12 -> 1
                slow/aio-read: as fast, most in flight 12 -> 1
                1 boot BROKEN or HUNG
                NEW in the kernel log: WARNING in fuse_aio_complete

            Kernel logs (boots with the finding / boots read):
              warning: WARNING in fuse_aio_complete
                async-dio-0 0/2, async-dio-1 0/2, async-dio-2 0/2, async-dio-3 1/2 NEW
                not seen in 2 boots of original; may still occur in up to 78 % of them
                first in boot-008, console line 3

            Boots that did not end well:
              async-dio-3, slow, boot 8: broken: WARNING in fuse_aio_complete

            Doubts:
            - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
              not that a change of some percent is owed to the patches; set phase-range-us in lab.toml
            What it rests on: cargo xtask compare 2026-01-02-built --evidence
        "#]],
    );
}

/// Of many only the first are shown, and of a long one only its beginning; it says so.
#[test]
fn many_doubts_are_cut() {
    let mut comparison = compare(&five_arms()).unwrap();
    comparison.doubts = (0..9).map(|number| format!("doubt {number} {}", "word ".repeat(60))).collect();
    let text = Format::Table.render(&comparison).unwrap();
    let doubts: Vec<&str> = text.lines().skip_while(|line| *line != "Doubts:").collect();
    assert_eq!(doubts.len(), 1 + 2 * 5 + 1 + 1, "{text}");
    assert!(doubts[2].ends_with("word ...") && doubts[2].len() <= 100, "{text}");
    assert_eq!(doubts[11], "- and 4 more");
}

/// Another metric is named, here and in the command that says more.
#[test]
fn of_another_metric() {
    let question = Question { metrics: vec![Metric::ToolCpu], ..Question::default() };
    let text = Format::Table.render(&answer(&five_arms(), &question).unwrap()).unwrap();
    assert!(text.contains("dd-read tool-cpu  "), "{text}");
    assert!(text.ends_with("cargo xtask compare 2026-01-02-built --metrics tool-cpu --evidence\n"), "{text}");
}

/// What the servers need is half of the answer, and nothing of it is a verdict.
#[test]
fn of_three_servers() {
    check(
        &three_servers(),
        expect![[r#"
            Conclusion: every scenario did its work (exit code 0).
            hp against own: faster in 2 of 2 rows (x1.018 to x1.200).
            ll against own: slower in 2 of 2 rows (x0.857 to x0.909).
            Scenarios are compared on one kernel: a slower one is no verdict about a series.

                              own              hp             ll
            dd-read    111.8 MB/s  +20.0 % better  -14.3 % worse
            aio-read  55.00 MiB/s   +1.8 % better   -9.1 % worse

                                            own             hp             ll
            dd-read server-cpu         50.00 ms  +20.0 % worse  +20.0 % worse
            aio-read server-cpu        50.00 ms  +20.0 % worse  +20.0 % worse
            dd-read server-switches   not given      not given      not given
            aio-read server-switches  not given      not given      not given
            dd-read server-memory     not given      not given      not given
            aio-read server-memory    not given      not given      not given

            Kernel logs: no findings in any boot.
            Costs that changed: server-cpu.

            Doubts:
            - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
              not that a change of some percent is owed to the patches; set phase-range-us in lab.toml
            What it rests on: cargo xtask compare 2026-01-02-built --evidence
        "#]],
    );
}
