//! The forms for programs and for other people's pages.

use lab_protocol::{KernelMessage, KernelWarnings};

use super::*;
use crate::comparison::Status;
use crate::evidence::klog;
use crate::fixtures::{probe, probed};

/// What a guest or a series could be called or say, to act on whoever reads it.
const HOSTILE: &str = "=1+1|<script>alert(1)</script>\"'&\u{1}\u{fffe}]]>`**@all";

/// Every name and text that comes from elsewhere says what it should not.
fn hostile() -> Campaign {
    let mut campaign = troubled();
    campaign.name = HOSTILE.to_owned();
    campaign.file.command = HOSTILE.to_owned();
    campaign.file.plan.variants[1].name = HOSTILE.to_owned();
    campaign.file.plan.scenarios[0].name = HOSTILE.to_owned();
    campaign.file.plan.workloads[1].name = HOSTILE.to_owned();
    for step in &mut campaign.file.plan.boots {
        HOSTILE.clone_into(&mut step.scenario);
        if step.variant == "patched" {
            HOSTILE.clone_into(&mut step.variant);
        }
    }
    for (boot, step) in campaign.boots.iter_mut().zip(&campaign.file.plan.boots) {
        boot.record.boot = step.clone();
        boot.console.extend(format!("[    2.000000][    T7] BUG: {HOSTILE}\n").bytes());
        if let Some(report) = &mut boot.report {
            HOSTILE.clone_into(&mut report.kernel_release);
            HOSTILE.clone_into(&mut report.workloads[1].name);
            report.workloads.iter_mut().for_each(|workload| workload.argv = vec![HOSTILE.to_owned()]);
            report.problems = vec![HOSTILE.to_owned()];
            let warned =
                (step.variant == HOSTILE).then(|| KernelMessage { level: 4, text: HOSTILE.to_owned() });
            report.warnings = Some(KernelWarnings { messages: warned.into_iter().collect(), left_out: 0 });
        }
    }
    probed(&mut campaign, 0, vec![probe("read", HOSTILE, HOSTILE, HOSTILE)]);
    probed(&mut campaign, 2, vec![probe("read", HOSTILE, "otherwise", HOSTILE)]);
    campaign
}

fn text_of(campaign: &Campaign, format: Format) -> String {
    format.render(&compare(campaign).unwrap()).unwrap()
}

#[test]
fn markdown_of_what_went_wrong() {
    expect![[r#"
        ## 2026-01-02-built: Worse than the baseline

        - patched against original: FAILS where the baseline does not in 1 of 2 rows; no statement possible in 1 of 2 rows; BROKEN in 1 boot; HUNG in 1 boot; 1 NEW in the kernel log.

        ### Scenario slow

        | workload | unit  | original |                 patched |
        |----------|-------|---------:|------------------------:|
        | dd-read  | MB/s  |    111.8 |              FAILED 1/2 |
        | aio-read | MiB/s |    55.00 | 55.02<br>+0.0 % too few |

        A change, the mean ratio of equal samples, counts if it exceeds 1 % and its 95 % interval excludes 1.

        ### Costs

        ```text
        Costs: no change by more than the thresholds was found of tool-cpu, server-cpu,
          tool-switches, server-switches, server-memory, slab, requests, other-requests,
          copied.
        ```

        ### Kernel logs

        **WARNING in fuse\_aio\_complete** (warning): boots original 0 of 2; patched 1 of 2, new; first in boot-003, console line 3

        - not seen in 2 boots of original; may still occur in up to 78 % of them

        ```text
        ------------[ cut here ]------------
        WARNING: CPU: 0 PID: 7 at fs/fuse/file.c:1 fuse_aio_complete+0x1/0x2
        ```

        ### Doubts

        - all samples start at the same phase of the timer tick: that they agree says that figures repeat, not that a change of some percent is owed to the patches; set phase-range-us in lab.toml

        ### What was run

        - command: cargo xtask run-lab --plan built
        - source: linux-source-6.12 6.12.117-1\~deb12u1
        - machine: QEMU 7.2.22 (tcg, qemu64), 1 vCPU, 512 MiB
        - clock: virtual: counts instructions, not cycles; one vCPU; no caches, no parallel copying
        - scenario slow: 16 threads on cloned fds, 128 KiB requests, max\_background 12 (congested at 9), ASYNC\_DIO asked for, open kept, attr timeout 1000 ms, getxattr ENOSYS, storage latency 1000 us
        - variant original: no series; bzImage e3b0c44298fc; 2 boots: 2 finished
        - variant patched: async-dio (6 patches, 5e5e5e5e5e5e); bzImage 08e675bee5fb; 2 boots: 1 BROKEN, 1 HUNG
    "#]].assert_eq(&text_of(&troubled(), Format::Markdown));
}

#[test]
fn csv_of_two() {
    let text = text_of(&campaign(Clock::Virtual, &two_arms()), Format::Csv);
    let shown: Vec<&str> = text.lines().filter(|line| !line.contains(",no,")).collect();
    expect![[r#"
        campaign,begun,plan,scenario,workload,metric,unit,decides,variant,baseline,mean,spread,samples,failures,verdict,ratio,ratio_low,ratio_high,limit,p,p_corrected,release,values,setting,setting_value,expected
        2026-01-02-built,2026-01-02T03:04:05Z,built,slow,dd-read,throughput,MB/s,yes,original,original,111.82015162875948,0.0004999999999999449,2,0,,,,,,,,6.12.117,111.84810666666667 111.79221056138599,,,
        2026-01-02-built,2026-01-02T03:04:05Z,built,slow,dd-read,throughput,MB/s,yes,patched,original,447.24334555148283,0.0006666666666665932,2,0,better,3.9996668748692947,3.995436535329636,4.003901693462109,,,,6.12.117,447.39242666666667 447.094363757495,,,
        2026-01-02-built,2026-01-02T03:04:05Z,built,slow,aio-read,throughput,MiB/s,yes,original,original,55.00499954549586,0.00018181818181806086,2,0,,,,,,,,6.12.117,55 55.01,,,
        2026-01-02-built,2026-01-02T03:04:05Z,built,slow,aio-read,throughput,MiB/s,yes,patched,original,55.009998182148706,0.0003636363636363438,2,0,same,1.0000908884346345,0.9966317672326401,1.0035620155949811,0.0035620155949811494,,,6.12.117,55.02 55,,,
    "#]].assert_eq(&(shown.join("\n") + "\n"));
    assert!(text.lines().any(|line| line.contains(",requests,,no,original,")), "{text}");
}

#[test]
fn junit_of_what_went_wrong() {
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="2026-01-02-built" tests="9" failures="4" errors="1">
          <testsuite name="figures" tests="4" failures="1" errors="1" skipped="0">
            <testcase classname="slow" name="dd-read original">
              <system-out>111.8 MB/s</system-out>
            </testcase>
            <testcase classname="slow" name="dd-read patched">
              <failure message="FAILED 1/2" type="worse">FAILED 1/2 MB/s
        boot 3: exit code 1: dd: error reading &apos;/mnt/fuse/file&apos;: \x1b[31mInput/output error</failure>
            </testcase>
            <testcase classname="slow" name="aio-read original">
              <system-out>55.00 MiB/s</system-out>
            </testcase>
            <testcase classname="slow" name="aio-read patched">
              <error message="+0.0 % too few" type="cannot-tell">55.02 MiB/s
        +0.0 % too few</error>
            </testcase>
          </testsuite>
          <testsuite name="kernel log" tests="2" failures="1" errors="0" skipped="0">
            <testcase classname="kernel log original" name="WARNING in fuse_aio_complete">
            </testcase>
            <testcase classname="kernel log patched" name="WARNING in fuse_aio_complete">
              <failure message="in 1 of 2 boots" type="worse">first in boot-003, line 3
        ------------[ cut here ]------------
        WARNING: CPU: 0 PID: 7 at fs/fuse/file.c:1 fuse_aio_complete+0x1/0x2
        </failure>
            </testcase>
          </testsuite>
          <testsuite name="boots" tests="2" failures="1" errors="0" skipped="0">
            <testcase classname="boots" name="original">
            </testcase>
            <testcase classname="boots" name="patched">
              <failure message="2 boots: 1 BROKEN, 1 HUNG" type="worse">slow, boot 3: broken: WARNING in fuse_aio_complete
        slow, boot 4: hung: no byte for 30 s; last: \x1b]0;x\x07Run /init</failure>
            </testcase>
          </testsuite>
          <testsuite name="conclusion" tests="1" failures="1" errors="0" skipped="0">
            <testcase classname="conclusion" name="built">
              <failure message="Worse than the baseline" type="worse">patched against original: FAILS where the baseline does not in 1 of 2 rows; no statement possible in 1 of 2 rows; BROKEN in 1 boot; HUNG in 1 boot; 1 NEW in the kernel log.</failure>
            </testcase>
          </testsuite>
        </testsuites>
    "#]].assert_eq(&text_of(&troubled(), Format::Junit));
}

/// Whoever looks at the cases comes to the same as whoever looks at the exit code.
#[test]
fn junit_is_red_where_the_exit_code_is() {
    let mut probes = campaign(Clock::Virtual, &two_arms());
    probed(&mut probes, 0, vec![probe("read", "read", "returns 1", "returns 1")]);
    probed(&mut probes, 2, vec![probe("read", "read", "returns 2", "returns 1")]);
    for campaign in
        [campaign(Clock::Virtual, &two_arms()), troubled(), wall(), five_arms(), hostile(), probes]
    {
        let comparison = compare(&campaign).unwrap();
        let text = junit::render(&comparison).unwrap();
        let head = text.lines().nth(1).unwrap();
        let is_clean = head.contains("failures=\"0\" errors=\"0\"");
        assert_eq!(is_clean, comparison.conclusion.status == Status::NoFinding, "{head}");
        let has_failure = !head.contains("failures=\"0\"");
        assert_eq!(has_failure, comparison.conclusion.status == Status::Worse, "{head}");
    }
}

#[test]
fn nothing_that_a_guest_says_acts_on_a_reader() {
    let campaign = hostile();
    assert!(klog::findings(&campaign.boots[0].console).iter().any(|it| it.title.contains("script")));
    for (format, ..) in Format::ALL {
        let text = text_of(&campaign, format);
        let has_control = text.chars().any(|it| it.is_control() && !matches!(it, '\n' | '\t'));
        assert!(!has_control, "{format:?}");
        assert!(format == Format::Json || text.contains("alert(1)"), "{format:?} hides it");
        let is_markup = text.contains("<script");
        match format {
            Format::Html | Format::Junit | Format::Markdown => {}
            Format::Table | Format::Mail | Format::Csv | Format::Json => continue,
        }
        // In a block of code it stands as it is.
        let lines = text.lines().filter(|line| line.contains("<script"));
        let outside = lines.filter(|line| format != Format::Markdown || line.starts_with(['#', '-', '|']));
        assert_eq!(outside.count(), 0, "{format:?} {is_markup}");
    }
    let csv = text_of(&campaign, Format::Csv);
    assert!(!csv.contains(",=") && csv.contains("'=1+1"), "{csv}");
    let junit = text_of(&campaign, Format::Junit);
    assert!(!junit.contains(['\u{1}', '\u{fffe}', '\u{ffff}']), "{junit}");
    let html = text_of(&campaign, Format::Html);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"), "{html}");
}

#[test]
fn most_forms_are_of_one_campaign() {
    let two = campaign(Clock::Virtual, &two_arms());
    let across = crate::comparison::across::across([&two, &two], &Question::default()).unwrap();
    for (format, name, _) in Format::ALL {
        match (format.render_across(&across), format) {
            (Ok(_), Format::Table | Format::Mail | Format::Json) => {}
            (Err(error), _) => assert_eq!(
                error.to_string(),
                format!(
                    "--format {name} is of one campaign; name one, or use --format table, mail or json for two"
                )
            ),
            (Ok(text), _) => panic!("{name}: {text}"),
        }
    }
}
