//! What real guests and real monitors said.

use expect_test::{Expect, expect};
use serde_json::Value;

use super::*;

const SILENT: &str = include_str!("../../../tests/data/hang/silent.jsonl");
const WAITING: &str = include_str!("../../../tests/data/hang/waiting.jsonl");
const ARM64: &str = include_str!("../../../tests/data/hang/arm64.jsonl");
const TASKS: &[u8] = include_bytes!("../../../tests/data/hang/tasks.log");
const TRACE: &[u8] = include_bytes!("../../../tests/data/hang/trace.log");

/// Lines of the `System.map` of that kernel.
const SYSTEM_MAP: &str = "ffffffff8128c4f0 T pv_native_safe_halt\nffffffff81a78430 T start_kernel\n";

/// What the monitor answered to a question.
fn answer(monitor: &str, step: Step) -> Option<String> {
    let lines = monitor.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["id"] == step.id()).find_map(|line| Some(line["return"].as_str()?.to_owned()))
}

/// A hang with the registers of a monitor; of the other steps with what came of them.
fn hang(monitor: &str, steps: &[(Step, Came)]) -> Hang {
    let mut hang = Hang { apart_ms: 1003, ..Hang::default() };
    let [first, later] = [Step::Registers, Step::RegistersAgain].map(|step| answer(monitor, step));
    hang.note_registers(&first.unwrap_or_default(), later.as_deref());
    hang.name(&Functions::parse(SYSTEM_MAP).unwrap());
    let tried = |(place, (step, came)): (usize, &(Step, Came))| Tried {
        step: *step,
        after_ms: 1500 * place as u64,
        came: came.clone(),
    };
    hang.steps = steps.iter().enumerate().map(tried).collect();
    hang
}

fn said(said: &str) -> Came {
    Came::Answer { said: said.to_owned() }
}

fn not_tried(why: &str) -> Came {
    Came::NotTried { why: why.to_owned() }
}

const NOTHING: Came = Came::Nothing { within_ms: 5001 };

/// The steps in lines, then the sentence. What is stored is read as it was.
#[track_caller]
fn check(hang: &Hang, expected: Expect) {
    expected.assert_eq(&format!("{}\n\n{}\n", hang.lines().join("\n"), hang.sentence()));
    let text = toml::to_string(hang).unwrap();
    assert_eq!(toml::from_str::<Hang>(&text).unwrap(), *hang, "{text}");
}

#[test]
fn a_kernel_that_spins_without_interrupts() {
    let hang = hang(
        SILENT,
        &[
            (Step::Status, said("running")),
            (Step::Registers, said("kept")),
            (Step::RegistersAgain, said("kept")),
            (Step::TaskDump, NOTHING),
            (Step::Nmi, NOTHING),
            (Step::Terminate, NOTHING),
            (Step::Kill, said("QEMU ended")),
        ],
    );
    check(
        &hang,
        expect![[r#"
          after  0.0 s  status             running
          after  1.5 s  registers          kept
          after  3.0 s  registers again    kept
          after  4.5 s  task dump (sysrq)  nothing within 5.0 s
          after  6.0 s  NMI                nothing within 5.0 s
          after  7.5 s  SIGTERM            nothing within 5.0 s
          after  9.0 s  SIGKILL            QEMU ended
          CPU 0 is in start_kernel+0x49, did not move in 1 s

        CPU 0 is in start_kernel+0x49, did not move in 1 s; the kernel answered neither sysrq nor an NMI; ended by SIGKILL
    "#]],
    );
    let mut moves = hang;
    moves.cpus[0].later.as_mut().unwrap().function = Some("cpu_relax+0x0".to_owned());
    moves.cpus.push(Cpu { cpu: 1, later: None, ..moves.cpus[0].clone() });
    moves.cpus[1].first.doing = Doing::Program;
    check(
        &Hang { steps: Vec::new(), ..moves },
        expect![[r#"
          CPU 0 is in start_kernel+0x49, 1 s later in cpu_relax+0x0; CPU 1 is in a program at
            0xffffffff81a78479

        CPU 0 is in start_kernel+0x49, 1 s later in cpu_relax+0x0; CPU 1 is in a program at 0xffffffff81a78479
    "#]],
    );
}

#[test]
fn a_kernel_that_waits() {
    let tasks = Dump::read(TASKS);
    let hang = hang(
        WAITING,
        &[
            (Step::Status, said("running")),
            (Step::TaskDump, said(&tasks.words())),
            (Step::Nmi, not_tried("the kernel has answered; it would panic")),
            (Step::Terminate, said("QEMU ended")),
        ],
    );
    check(
        &hang,
        expect![[r#"
          after  0.0 s  status             running
          after  1.5 s  task dump (sysrq)  26 tasks, 1 blocked (init in __wait_for_common)
          after  3.0 s  NMI                not tried: the kernel has answered; it would panic
          after  4.5 s  SIGTERM            QEMU ended
          CPU 0 is idle

        CPU 0 is idle; the kernel told its tasks at sysrq: 26 tasks, 1 blocked (init in __wait_for_common); ended by SIGTERM
    "#]],
    );
}

#[test]
fn a_qemu_that_does_not_answer() {
    let hang = hang(
        "",
        &[
            (Step::Status, NOTHING),
            (Step::Registers, not_tried("QEMU's monitor did not answer")),
            (Step::Terminate, NOTHING),
            (Step::Kill, said("QEMU ended")),
        ],
    );
    check(
        &hang,
        expect![[r#"
          after  0.0 s  status             nothing within 5.0 s
          after  1.5 s  registers          not tried: QEMU's monitor did not answer
          after  3.0 s  SIGTERM            nothing within 5.0 s
          after  4.5 s  SIGKILL            QEMU ended

        QEMU's monitor did not answer; ended by SIGKILL
    "#]],
    );
}

#[test]
fn a_kernel_that_hears_only_an_nmi() {
    let trace = Dump::read(TRACE);
    let refused = Came::Refused { why: "Error: Chardev 'console' not found".to_owned() };
    let hang = hang(
        ARM64,
        &[(Step::Status, said("running")), (Step::TaskDump, refused), (Step::Nmi, said(&trace.words()))],
    );
    check(
        &hang,
        expect![[r#"
          after  0.0 s  status             running
          after  1.5 s  task dump (sysrq)  refused: Error: Chardev 'console' not found
          after  3.0 s  NMI                34 lines, from pv_native_safe_halt+0xb/0x10
          CPU 0 is in code without a name at 0x0000000000000000; CPU 1 is in code without a name at
            0x0000000000000000

        CPU 0 is in code without a name at 0x0000000000000000; CPU 1 is in code without a name at 0x0000000000000000; the kernel did not answer sysrq, and told its trace at an NMI: 34 lines, from pv_native_safe_halt+0xb/0x10
    "#]],
    );
}

#[test]
fn many_cpus_are_not_named_one_by_one() {
    let one = |cpu: u32, doing| {
        let first = Place { address: format!("{cpu:08x}"), doing, function: None };
        Cpu { cpu, later: Some(first.clone()), first }
    };
    let busy = (0..10).map(|cpu| one(cpu, Doing::Kernel));
    let cpus = busy.chain((10..13).map(|cpu| one(cpu, Doing::Idle))).collect();
    let sentence = Hang { cpus, apart_ms: 1000, ..Hang::default() }.sentence();
    assert!(
        sentence.ends_with(
            "CPU 7 is in code without a name at 0x00000007, did not move in 1 s; 2 more are not idle; CPUs 10, 11, 12 are idle"
        ),
        "{sentence}"
    );
}

/// Whatever a monitor says, nothing is made of what has another form.
#[test]
fn registers_of_an_unknown_form_are_none() {
    for text in
        ["", "CPU#", "CPU#0", "CPU#x\r\nRIP=ffffffff8128c4fb", "CPU#0\r\nRIP=zz", "RIP=ffffffff8128c4fb"]
    {
        assert_eq!(places(text), [], "{text:?}");
    }
    assert_eq!(places(&"CPU#0\nRIP=ffffffff8128c4fb\n".repeat(1000)).len(), 64);
    assert_eq!(Dump::read(b"task:\nstate:D\ntask: state:").tasks, 0);
}

/// What the guest did when it was made to say where it is, is not its own.
#[test]
fn events_after_the_last_harmless_question_are_provoked() {
    let panicked = r#"{"event": "GUEST_PANICKED", "data": {"action": "run"}}"#.to_owned();
    let asked: Vec<String> = WAITING.lines().map(str::to_owned).chain([panicked.clone()]).collect();
    assert_eq!(unprovoked(&asked).len(), 2);
    let before: Vec<String> = [panicked].into_iter().chain(asked).collect();
    assert_eq!(unprovoked(&before)[0], before[0]);
    assert_eq!(unprovoked(&before[..1]), &before[..1]);
}
