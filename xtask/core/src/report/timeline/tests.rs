//! Pictures of captures, and what cannot be drawn.

use expect_test::{Expect, expect};
use lab_protocol::log::{LogRecord, RequestLog, UNANSWERED};
use lab_protocol::{Operation, Tool, WorkloadTask};

use super::*;
use crate::campaign::StoredFile;
use crate::evidence::outcome::Outcome;
use crate::fixtures::{campaign as build, two_arms};
use crate::plan::{Clock, Scenario};

const CAPTURES: [(&str, &[u8]); 3] = [
    ("original", include_bytes!("../../../tests/data/requests/original.bin")),
    ("patched", include_bytes!("../../../tests/data/requests/patched.bin")),
    ("by-kiocb", include_bytes!("../../../tests/data/requests/by-kiocb.bin")),
];

/// The workloads of the captures.
fn tasks() -> Vec<WorkloadTask> {
    let task = |name: &str, tool, args: &str| WorkloadTask {
        name: name.to_owned(),
        tool,
        args: args.split(' ').map(str::to_owned).collect(),
        file_mib: 8,
        samples: 1,
        job: None,
    };
    vec![
        task("small-dd-read", Tool::Dd, "if={file} of=/dev/null bs=2M count=4 iflag=direct"),
        task("small-aio-read", Tool::AioStress, "-s 8 -a 4 -b 1 -c 1 -O -o 1 {file}"),
    ]
}

/// Two arms of two boots each in the scenario `slow`, of which these boots have a log.
fn campaign(logged: &[u32]) -> Campaign {
    let mut campaign = build(Clock::Virtual, &two_arms());
    let other = Scenario { name: "other".to_owned(), ..campaign.file.plan.scenarios[0].clone() };
    campaign.file.plan.scenarios.push(other);
    campaign.file.plan.workloads = tasks();
    let stored = StoredFile { received_bytes: 1, kept_bytes: 1, sha256: String::new() };
    for boot in &mut campaign.boots {
        boot.record.requests = logged.contains(&boot.record.boot.number).then(|| stored.clone());
    }
    campaign
}

/// The picture of logs, one of each variant.
fn picture(logs: &[(&str, &[u8])], task: &WorkloadTask, place: u32) -> String {
    let campaign = campaign(&[1]);
    let choice = TimelineSelection {
        scenario: "remote",
        task,
        place,
        boots: Vec::new(),
        without_log: vec!["stock", "other"],
        actions: &[],
    };
    let lanes = logs.iter().zip(1..).map(|((variant, bytes), number)| {
        let mut boot = campaign.boots[0].clone();
        boot.record.boot.variant = (*variant).to_owned();
        boot.record.boot.number = number;
        lane(&boot, bytes, &choice).unwrap()
    });
    draw::render(&Timeline {
        lead: lead(&campaign, &choice),
        scenario: choice.scenario.to_owned(),
        lanes: lanes.collect(),
        without_log: choice.without_log.iter().map(|&name| name.to_owned()).collect(),
    })
}

fn check(logs: &[(&str, &[u8])], task: &WorkloadTask, place: u32, expected: Expect) {
    let picture = picture(logs, task, place);
    assert!(picture.lines().all(|line| line.chars().count() <= 100 && line.trim_end() == line), "{picture}");
    expected.assert_eq(&picture);
}

fn read(offset_kib: u64, arrival_us: u64, answer_us: u64, in_flight: u32) -> LogRecord {
    LogRecord {
        arrival_ns: arrival_us * 1000,
        answer_ns: answer_us * 1000,
        offset: offset_kib << 10,
        inode: 2,
        size: 128 << 10,
        result: 128 << 10,
        in_flight,
        operation: Operation::Read,
        thread: 0,
    }
}

fn other(operation: Operation, arrival_us: u64, result: i32) -> LogRecord {
    let data = read(0, arrival_us, arrival_us + 30, 0);
    LogRecord { operation, offset: 0, inode: 0, size: 0, result, ..data }
}

fn log(records: &[LogRecord]) -> Vec<u8> {
    RequestLog { workload: 0, dropped: 0, base_ns: 0, records: records.to_vec() }.encode()
}

#[test]
fn one_read_of_dd() {
    check(
        &CAPTURES,
        &tasks()[0],
        0,
        expect![[r#"
        2026-01-02-built, scenario remote, workload small-dd-read: dd if={file} of=/dev/null bs=2M count=4
          iflag=direct

        Shown: the second I/O of 2048 KiB. A request counts as sent when the server has received it, and as
        back when the server answers it, in us of guest time since the first was sent. One scale for all: a
        column is 253.6 us.

        original, boot 1: 16 READs, at most 1 in flight, 17498 us in all
                 KiB    sent    back  |0                  |5000              |10000              |15000
        READ    2048       0    1004  |====
        READ    2176    1100    2104  |    ====
        READ    2304    2200    3203  |         ====
        READ    2432    3299    4303  |             ====
        READ    2560    4399    5403  |                 ====
        READ    2688    5498    6502  |                      ====
        READ    2816    6597    7601  |                          ====
        READ    2944    7697    8701  |                              ====
        READ    3072    8797    9801  |                                   ====
        READ    3200    9897   10900  |                                       ====
        READ    3328   10997   12000  |                                           ====
        READ    3456   12096   13101  |                                                ====
        READ    3584   13196   14200  |                                                    ====
        READ    3712   14295   15299  |                                                        ====
        READ    3840   15395   16399  |                                                             ====
        READ    3968   16495   17498  |                                                                 ====

        patched, boot 2: 16 READs, at most 12 in flight, 3085 us in all
                 KiB    sent    back  |0                  |5000              |10000              |15000
        READ    2048       0    1004  |====
        READ    2176      60    1084  |====
        READ    2304      94    1878  |=======
        READ    2432     137    1166  | ====
        READ    2560     171    1998  | =======
        READ    2688     215    1248  | ====
        READ    2816     258    1342  | ====
        READ    2944     302    1679  | ======
        READ    3072     345    1596  | =====
        READ    3200     388    1424  |  ====
        READ    3328     431    1510  |  ====
        READ    3456     558    2114  |  ======
        READ    3584    1804    2808  |       ====
        READ    3712    1844    2893  |       ====
        READ    3840    1964    2978  |        ====
        READ    3968    2081    3085  |        ====

        by-kiocb, boot 3: 16 READs, at most 1 in flight, 17498 us in all
                 KiB    sent    back  |0                  |5000              |10000              |15000
        READ    2048       0    1004  |====
        READ    2176    1100    2104  |    ====
        READ    2304    2200    3203  |         ====
        READ    2432    3299    4304  |             ====
        READ    2560    4399    5403  |                 ====
        READ    2688    5499    6502  |                      ====
        READ    2816    6598    7601  |                          ====
        READ    2944    7697    8701  |                              ====
        READ    3072    8797    9801  |                                   ====
        READ    3200    9897   10901  |                                       ====
        READ    3328   10997   12000  |                                           ====
        READ    3456   12096   13101  |                                                ====
        READ    3584   13196   14200  |                                                    ====
        READ    3712   14295   15299  |                                                        ====
        READ    3840   15395   16399  |                                                             ====
        READ    3968   16495   17498  |                                                                 ====

        Without a request log: stock, other.
    "#]],
    );
}

#[test]
fn the_beginning_of_aio() {
    check(
        &CAPTURES[..2],
        &tasks()[1],
        1,
        expect![[r#"
        2026-01-02-built, scenario remote, workload small-aio-read: aio-stress -s 8 -a 4 -b 1 -c 1 -O -o 1
          {file}

        Shown: the first requests of the workload. A request counts as sent when the server has received it,
        and as back when the server answers it, in us of guest time since the first was sent. One scale for
        all: a column is 244.8 us.

        original, boot 1: 16 READs, at most 1 in flight, 16893 us in all (the log was full: it has 100 of
          133 requests)
                 KiB    sent    back  |0                  |5000                |10000              |15000
        READ       0       0    1004  |====
        READ      64    1059    2062  |    ====
        READ     128    2118    3122  |         ====
        READ     192    3177    4181  |             ====
        READ     256    4236    5240  |                 ====
        READ     320    5295    6299  |                      ====
        READ     384    6355    7358  |                          ====
        READ     448    7413    8417  |                              ====
        READ     512    8472    9477  |                                   ====
        READ     576    9532   10536  |                                       ====
        READ     640   10591   11595  |                                           ====
        READ     704   11650   12654  |                                                ====
        READ     768   12712   13715  |                                                    ====
        READ     832   13771   14774  |                                                        ====
        READ     896   14830   15833  |                                                             ====
        READ     960   15889   16893  |                                                                 ====

        patched, boot 2: 16 READs, at most 12 in flight, 2349 us in all (the log was full: it has 100 of 133
          requests)
                 KiB    sent    back  |0                  |5000                |10000              |15000
        READ       0       0    1004  |====
        READ      64      19    1851  |========
        READ     128      39    1775  |=======
        READ     192      58    1699  |=======
        READ     256      78    1083  |====
        READ     320      97    1622  |=======
        READ     384     117    1540  |======
        READ     448     136    1163  | ====
        READ     512     156    1373  | =====
        READ     576     175    1446  | =====
        READ     640     194    1299  | ====
        READ     704     214    1226  | ====
        READ     768    1063    2067  |    ====
        READ     832    1143    2147  |     ====
        READ     896    1271    2274  |     ====
        READ     960    1345    2349  |     =====

        Without a request log: stock, other.
    "#]],
    );
}

#[test]
fn what_happens_meanwhile_and_what_fails_is_shown() {
    let failed = LogRecord { result: -5, operation: Operation::Write, ..read(128, 500, 900, 2) };
    let records = [
        other(Operation::Open, 10, 0),
        read(0, 100, 400, 1),
        other(Operation::Getxattr, 200, -95),
        failed,
        other(Operation::Release, 990, 0),
    ];
    let nothing = log(&records[..1]);
    check(
        &[("one", &log(&records)), ("none", &nothing), ("gone", &[])],
        &tasks()[0],
        0,
        expect![[r#"
        2026-01-02-built, scenario remote, workload small-dd-read: dd if={file} of=/dev/null bs=2M count=4
          iflag=direct

        Shown: the first I/O of 2048 KiB. A request counts as sent when the server has received it, and as
        back when the server answers it, in us of guest time since the first was sent. One scale for all: a
        column is 12.3 us. x: answered with an error.

        one, boot 1: 1 READ and 1 WRITE, at most 2 in flight, 800 us in all
                     KiB    sent    back  |0.0            |200.0           |400.0          |600.0
        READ           0     0.0   300.0  |========================
        GETXATTR           100.0   130.0  |        xxx
        WRITE        128   400.0   800.0  |                                 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx

        none, boot 2: no READ or WRITE was logged

        gone, boot 3: no READ or WRITE was logged

        Without a request log: stock, other.
    "#]],
    );
}

#[test]
fn the_second_read_is_shown_if_it_is_several_requests() {
    let reads = |offsets: &[u64]| -> Vec<LogRecord> {
        offsets.iter().zip(0..).map(|(kib, at)| read(*kib, at, at + 1, 1)).collect()
    };
    let check = |offsets: &[u64], io_kib: Option<u64>, kind: group::GroupKind, expected: &[u64]| {
        let group = group::pick(&reads(offsets), io_kib.map(|kib| kib << 10)).unwrap();
        let shown: Vec<u64> = group.requests.iter().map(|record| record.offset >> 10).collect();
        assert_eq!((group.kind, shown.as_slice()), (kind, expected), "{offsets:?} {io_kib:?}");
    };
    use group::GroupKind::{Beginning, FirstIo, SecondIo};
    check(&[0, 128, 256, 384, 512], Some(256), SecondIo(256 << 10), &[256, 384]);
    // Not where the file begins, and out of order.
    check(&[640, 512, 896, 768, 128], Some(256), SecondIo(256 << 10), &[896, 768]);
    check(&[0, 128], Some(256), FirstIo(256 << 10), &[0, 128]);
    check(&[0, 128], Some(128), Beginning, &[0, 128]);
    check(&[0, 128], Some(0), Beginning, &[0, 128]);
    let many: Vec<u64> = (0..40).map(|place| place * 128).collect();
    check(&many, None, Beginning, &many[..16]);
    check(&many, Some(512), SecondIo(512 << 10), &many[4..8]);
    assert_eq!(group::pick(&[], Some(512)), None);
    assert_eq!(group::pick(&[other(Operation::Open, 1, 0)], None), None);
}

#[test]
fn any_times_can_be_drawn() {
    for (arrival_ns, answer_ns) in [(0, 0), (7, 8), (0, UNANSWERED - 1), (UNANSWERED - 1, UNANSWERED - 1)] {
        let record = LogRecord { arrival_ns, answer_ns, ..read(0, 0, 0, 1) };
        let picture = picture(&[("one", &log(&[record; 50]))], &tasks()[0], 0);
        assert!(
            picture.contains("one, boot 1: 50 READs") && picture.contains("... and 10 more"),
            "{picture}"
        );
    }
}

#[test]
fn what_is_not_answered_is_not_drawn() {
    let unanswered = LogRecord { answer_ns: UNANSWERED, ..read(0, 0, 0, 1) };
    assert_eq!(group::pick(&[unanswered], None), None);
    let records = [read(0, 0, 5, 1), unanswered];
    assert_eq!(group::pick(&records, None).unwrap().requests, records[..1]);
}

#[test]
fn a_damaged_log_is_an_error() {
    let campaign = campaign(&[1]);
    let choice = select::choose(&campaign, &TimelineRequest::default()).unwrap();
    for cut in 1..CAPTURES[0].1.len() {
        let found = lane(choice.boots[0], &CAPTURES[0].1[..cut], &choice);
        // The first log of two is whole without the second.
        assert_eq!(found.is_ok(), cut == 32 + 70 * 48, "{cut}");
    }
}

fn chosen(campaign: &Campaign, wanted: &TimelineRequest) -> String {
    match select::choose(campaign, wanted) {
        Ok(choice) => {
            let boots: Vec<u32> = choice.boots.iter().map(|boot| boot.record.boot.number).collect();
            let (scenario, place) = (choice.scenario, choice.place);
            format!("{scenario} {} ({place}) {boots:?} {:?}", choice.task.name, choice.without_log)
        }
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn what_is_not_asked_for_is_chosen() {
    let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut shown = String::new();
    for (logged, scenario, workload, boot) in [
        (&[1, 2, 3, 4][..], "", "", None),
        (&[2, 3, 4], "slow", "small-aio-read", None),
        (&[3], "", "", None),
        (&[1, 2, 3, 4], "", "", Some(4)),
        (&[1, 2], "", "", Some(4)),
        (&[1, 2], "other", "", None),
        (&[1, 2], "slaw", "", None),
        (&[1, 2], "", "small-dd-raed", None),
        (&[], "", "", None),
    ] {
        let wanted = TimelineRequest { scenario: name(scenario), workload: name(workload), boot };
        shown += &format!("{logged:?} {wanted:?}\n    {}\n", chosen(&campaign(logged), &wanted));
    }
    let mut lost = campaign(&[1, 2]);
    lost.boots[0].record.outcome = Outcome::Lost { reason: "no memory".to_owned() };
    shown += &format!("1 is lost\n    {}\n", chosen(&lost, &TimelineRequest::default()));
    expect![[r#"
        [1, 2, 3, 4] TimelineRequest { scenario: None, workload: None, boot: None }
            slow small-dd-read (0) [1, 3] []
        [2, 3, 4] TimelineRequest { scenario: Some("slow"), workload: Some("small-aio-read"), boot: None }
            slow small-aio-read (1) [2, 3] []
        [3] TimelineRequest { scenario: None, workload: None, boot: None }
            slow small-dd-read (0) [3] ["original"]
        [1, 2, 3, 4] TimelineRequest { scenario: None, workload: None, boot: Some(4) }
            slow small-dd-read (0) [4] []
        [1, 2] TimelineRequest { scenario: None, workload: None, boot: Some(4) }
            boot 4 has no request log; those that have one: 1, 2
        [1, 2] TimelineRequest { scenario: Some("other"), workload: None, boot: None }
            --scenarios: other has no request log here; use one that has: slow
        [1, 2] TimelineRequest { scenario: Some("slaw"), workload: None, boot: None }
            --scenarios: there is no scenario `slaw`; did you mean `slow`? there are: slow, other
        [1, 2] TimelineRequest { scenario: None, workload: Some("small-dd-raed"), boot: None }
            --workloads: there is no workload `small-dd-raed`; did you mean `small-dd-read`? there are: small-dd-read, small-aio-read
        [] TimelineRequest { scenario: None, workload: None, boot: None }
            campaign 2026-01-02-built has no request log; set `request-log = 4096` in a scenario of lab.toml and run the plan again, or: cargo xtask run-lab --plan timeline
        1 is lost
            slow small-dd-read (0) [2] ["patched"]
    "#]].assert_eq(&shown);
}
