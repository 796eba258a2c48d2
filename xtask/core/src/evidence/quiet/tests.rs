//! Readings of hosts, and what they come to.

use expect_test::expect;

use super::*;

fn boot(s: u64) -> OwnTime {
    OwnTime { lab: Duration::ZERO, children: Duration::from_secs(s) }
}

fn readings(stat: &str) -> Readings {
    Readings {
        stat: stat.to_owned(),
        load_average: "1.25 0.50 0.25 1/180 4321\n".to_owned(),
        memory:
            "some avg10=7.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=0\n"
                .to_owned(),
        governors: "powersave\nperformance\npowersave\n".to_owned(),
        lab: String::new(),
    }
}

#[test]
fn what_others_used_is_without_the_boot() {
    let then = readings("cpu  1000 0 500 8000 100 0 0 10 0 0\ncpu0 1 2 3\n");
    // 2000 ticks of two CPUs in ten seconds: 400 busy, 40 stolen; the boot itself had 3 s.
    let now = readings("cpu  1200 20 660 9500 160 10 10 50 0 0\n");
    let load = now.load_since(&then, boot(3), &[]).unwrap();
    expect!["load average 1.25, others 5 %, steal 2 %, memory pressure 8 %, governor performance+powersave"]
        .assert_eq(&load.to_string());
    let limits = QuietLimits { others_percent: 5, steal_percent: 1, memory_percent: 7 };
    expect![[r#"
        [
            "the host's host takes 2.0 % of the time (limit 1 %)",
            "tasks wait for memory for 7.5 % of the time (limit 7 %)",
        ]
    "#]]
    .assert_debug_eq(&load.disturbances(&limits));
    let limits = QuietLimits { others_percent: 4, steal_percent: 2, memory_percent: 8 };
    expect![[r#"
        [
            "other processes use 5.0 % of the time (limit 4 %)",
        ]
    "#]]
    .assert_debug_eq(&load.disturbances(&limits));
}

#[test]
fn a_host_that_does_not_tell() {
    let good = readings("cpu  1 0 0 0 0 0 0 0 0 0\n");
    assert_eq!(good.load_since(&good, boot(0), &[]), None);
    for stat in ["", "cpu", "cpu  1 2 3", "cpu  a b c d e f g h", "intr 1"] {
        assert_eq!(good.load_since(&readings(stat), boot(0), &[]), None, "{stat}");
    }
    let before =
        Readings { memory: String::new(), governors: String::new(), ..readings("cpu  0 0 0 0 0 0 0 0\n") };
    let now = Readings { stat: "cpu  0 0 0 10 0 0 0 0\n".to_owned(), ..before.clone() };
    let load = now.load_since(&before, boot(9), &[1]).unwrap();
    assert_eq!((load.others_percent, load.memory_percent, load.governor), (0.0, None, None));
    assert_eq!(load.own_cpus, None, "there is no line of CPU 1");
}

#[test]
fn own_time_is_that_of_the_lab_and_its_children() {
    let lab = |text: &str| Readings { lab: text.to_owned(), ..readings("") };
    let then = lab("7 (x) y) S 1 7 7 0 -1 4194304 95 0 0 0 10 20 300 4000 20 0 1 0 99\n");
    for (now, expected_ms) in [
        ("7 (x) y) S 1 7 7 0 -1 4194304 95 0 0 0 11 22 303 4004 20 0 1 0 99\n", 100),
        ("7 (x) y) S 1 7 7 0 -1 4194304 95 0 0 0 10 20 300 4000 20 0 1 0 99\n", 0),
        ("7 (x) y) S 1 7 7", 0),
        ("", 0),
    ] {
        assert_eq!(lab(now).own_since(&then).total(), Duration::from_millis(expected_ms), "{now}");
    }
}

/// What `/proc/stat` says of 20 CPUs after ten seconds in which those named were busy for so many ticks.
fn twenty(busy: &[(usize, u64)]) -> Readings {
    let of = |cpu| busy.iter().find(|(named, _)| *named == cpu).map_or(0, |(_, ticks)| *ticks);
    let all: u64 = (0..20).map(of).sum();
    let each: String =
        (0..20).map(|cpu| format!("cpu{cpu} {} 0 0 {} 0 0 0 0 0 0\n", of(cpu), 1000 - of(cpu))).collect();
    readings(&format!("cpu  {all} 0 0 {} 0 0 0 0 0 0\n{each}intr 1\n", 20_000 - all))
}

/// Of 20 CPUs a second guest on two of them uses 5 % at most, and all of what this one needs.
#[test]
fn a_second_guest_on_the_same_cpus_is_no_quiet_host() {
    let zero: String = (0..20).map(|cpu| format!("cpu{cpu} 0 0 0 0 0 0 0 0 0 0\n")).collect();
    let then = readings(&format!("cpu  0 0 0 0 0 0 0 0 0 0\n{zero}"));
    let limits = QuietLimits { others_percent: 10, steal_percent: 2, memory_percent: 100 };
    let disturbances = |now: &Readings, own: OwnTime, bound: &[u32]| {
        now.load_since(&then, own, bound).unwrap().disturbances(&limits).join("; ")
    };
    // The two share the CPUs: each gets half of 20 s.
    let shared = twenty(&[(1, 1000), (2, 1000)]);
    assert_eq!(disturbances(&shared, boot(10), &[]), "");
    expect!["other processes use 33.3 % of the time of the CPUs that the boot is bound to (limit 10 %)"]
        .assert_eq(&disturbances(&shared, boot(10), &[1, 2, 3]));
    assert_eq!(disturbances(&shared, boot(20), &[1, 2, 3]), "", "it was the boot itself");
    assert_eq!(disturbances(&shared, boot(0), &[3, 4, 5]), "", "it is elsewhere");
    // Before a boot one busy CPU of three is enough. CPU 10 to 19 are not CPU 1.
    let one = twenty(&[(1, 150), (12, 1000)]);
    expect!["other processes use 15.0 % of the time of the CPUs that the boot is bound to (limit 10 %)"]
        .assert_eq(&disturbances(&one, boot(0), &[1, 2, 3]));
    expect!["load average 1.25, others 6 %, steal 0 %, on own CPUs 15 % and 0 %, memory pressure 8 %, governor performance+powersave"]
        .assert_eq(&one.load_since(&then, boot(0), &[1, 2, 3]).unwrap().to_string());
    let stolen = readings(&twenty(&[]).stat.replace("cpu2 0 0 0 1000 0 0 0 0", "cpu2 0 0 0 900 0 0 0 100"));
    expect!["the host's host takes 10.0 % of the time of the CPUs that the boot is bound to (limit 2 %)"]
        .assert_eq(&disturbances(&stolen, boot(0), &[1, 2, 3]));
}

/// A record of a lab that knew none of this is read, and what it said is written again.
#[test]
fn an_older_record_keeps_its_form() {
    let text = "waited-s = 0.0\npinned-cpus = [1, 2]\nbusy-before = []\ndisturbed = []\n\n[during]\nload-average = 1.0\n\
                others-percent = 2.0\nsteal-percent = 0.0\n";
    let state: HostState = toml::from_str(text).unwrap();
    assert_eq!(toml::to_string(&state).unwrap(), text);
}
