//! What is done with a guest that hangs: it is asked where it is, by gentle means first, and then ended.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use lab_core::evidence::hang::{Came, Dump, Hang, Step, Tried};
use serde_json::Value;

use super::super::process::{By, Qemu};
use super::super::qmp;
use super::super::streams::Event;
use super::Watch;
use crate::lab::interrupt::Interrupt;

/// How long QEMU has for an answer. It gives one in milliseconds, but for a host that is busy.
const ANSWER: Duration = Duration::from_secs(5);

/// The time between the two looks at the registers.
const APART: Duration = Duration::from_secs(1);

/// How long the kernel has to begin to speak, and to go on.
const WORD: Duration = Duration::from_secs(5);

/// How long it may be silent in between; a dump of 40 KiB takes less than a second.
const PAUSE: Duration = Duration::from_secs(1);

/// How long it may speak.
const DUMP: Duration = Duration::from_secs(60);

/// How often is looked whether there is an answer.
const LOOK: Duration = Duration::from_millis(20);

/// Has the kernel print its tasks.
const TASKS: u8 = b't';

/// One way up: what was tried so far.
pub(super) struct Ladder<'a> {
    watch: &'a mut Watch,
    qemu: &'a mut Qemu,
    inbox: &'a Receiver<Event>,
    interrupt: &'a Interrupt,
    since: Instant,
    hang: Hang,
}

impl<'a> Ladder<'a> {
    /// At its foot: a limit has passed.
    pub(super) fn new(
        watch: &'a mut Watch,
        qemu: &'a mut Qemu,
        inbox: &'a Receiver<Event>,
        interrupt: &'a Interrupt,
    ) -> Self {
        Ladder { watch, qemu, inbox, interrupt, since: Instant::now(), hang: Hang::default() }
    }

    /// Takes every step that is due. Each has a limit of its own: neither QEMU nor the guest need answer.
    pub(super) fn climb(mut self) -> Hang {
        match self.step(Step::Status, Self::status) {
            Came::Answer { .. } => self.question(),
            Came::Nothing { .. } | Came::Refused { .. } | Came::NotTried { .. } => {
                for step in [Step::Registers, Step::RegistersAgain, Step::TaskDump, Step::Nmi] {
                    self.step(step, |_| not_tried("QEMU's monitor did not answer"));
                }
            }
        }
        self.end();
        self.hang
    }

    fn question(&mut self) {
        let mut registers = [None, None];
        let mut asked_at = Instant::now();
        for (step, registers) in [Step::Registers, Step::RegistersAgain].into_iter().zip(&mut registers) {
            if step == Step::RegistersAgain {
                self.watch.receive_for(APART.saturating_sub(asked_at.elapsed()), self.inbox);
                self.hang.apart_ms = ms(asked_at.elapsed());
            }
            asked_at = Instant::now();
            self.step(step, |ladder| {
                match ladder.ask(&qmp::in_words(qmp::REGISTERS, step.id()), step.id()) {
                    Ok(answer) => {
                        *registers = answer.as_str().map(str::to_owned);
                        Came::Answer { said: "kept in qmp.jsonl".to_owned() }
                    }
                    Err(came) => came,
                }
            });
        }
        let [first, later] = registers;
        self.hang.note_registers(&first.unwrap_or_default(), later.as_deref());
        match self.step(Step::TaskDump, Self::task_dump) {
            Came::Answer { .. } => {
                self.step(Step::Nmi, |_| not_tried("the kernel has answered; it would panic"));
            }
            Came::Nothing { .. } | Came::Refused { .. } | Came::NotTried { .. } => {
                self.step(Step::Nmi, Self::nmi);
            }
        }
    }

    fn step(&mut self, step: Step, take: impl FnOnce(&mut Self) -> Came) -> Came {
        let after_ms = ms(self.since.elapsed());
        let came = match self.interrupt.is_set() {
            true => not_tried("the user stopped the lab"),
            false => take(self),
        };
        self.hang.steps.push(Tried { step, after_ms, came: came.clone() });
        came
    }

    fn status(&mut self) -> Came {
        match self.ask(&qmp::command(qmp::STATUS, Step::Status.id()), Step::Status.id()) {
            Ok(answer) => {
                let status = answer.get("status").and_then(Value::as_str).unwrap_or("of an unknown kind");
                Came::Answer { said: status.chars().take(40).collect() }
            }
            Err(came) => came,
        }
    }

    /// The break and its key reach the guest at once: stopped, its time does not pass between them.
    fn task_dump(&mut self) -> Came {
        let id = Step::TaskDump.id();
        self.watch.received.provoke();
        let (stop, go) = (format!("{id}-stop"), format!("{id}-cont"));
        let broken = self.ask(&qmp::command(qmp::STOP, &stop), &stop).and_then(|_| {
            let answer = self.ask(&qmp::in_words(qmp::BREAK, id), id)?;
            // Of what it cannot do the monitor for people says a sentence.
            match answer.as_str().map(str::trim) {
                None | Some("") => Ok(()),
                Some(why) => Err(Came::Refused { why: why.chars().take(200).collect() }),
            }
        });
        if broken.is_ok() {
            self.qemu.press(TASKS);
            // QEMU takes the key when it comes to it.
            self.watch.receive_for(5 * LOOK, self.inbox);
        }
        if let Err(came) = broken.and(self.ask(&qmp::command(qmp::CONTINUE, &go), &go)) {
            return came;
        }
        self.hear(0, |dump| dump.is_by_sysrq || dump.tasks > 0)
    }

    fn nmi(&mut self) -> Came {
        let id = Step::Nmi.id();
        // The answer may be on the console before it is on the monitor.
        let before = self.watch.received.provoked_bytes();
        match self.ask(&qmp::command(qmp::NMI, id), id) {
            Ok(_) => self.hear(before, |dump| dump.lines > 0),
            Err(came) => came,
        }
    }

    /// Asks on the monitor, and waits for the answer.
    fn ask(&mut self, question: &str, id: &str) -> Result<Value, Came> {
        self.watch.received.ask(question);
        let asked = Instant::now();
        loop {
            if let Some(answer) = self.watch.received.answer(id) {
                return answer.map_err(|why| Came::Refused { why: why.chars().take(200).collect() });
            }
            if asked.elapsed() >= ANSWER || self.interrupt.is_set() {
                return Err(Came::Nothing { within_ms: ms(asked.elapsed()) });
            }
            self.watch.receive_for(LOOK, self.inbox);
        }
    }

    /// Listens until the console has said something beyond the first `before` bytes and is silent again; only what is an answer
    /// counts.
    fn hear(&mut self, before: u64, is_answer: impl Fn(&Dump) -> bool) -> Came {
        let (begun, mut last, mut seen) = (Instant::now(), Instant::now(), before);
        loop {
            self.watch.receive_for(LOOK, self.inbox);
            let now = self.watch.received.provoked_bytes();
            if now > seen {
                (last, seen) = (Instant::now(), now);
            }
            let patience = if seen > before { PAUSE } else { WORD };
            if last.elapsed() >= patience || begun.elapsed() >= DUMP || self.interrupt.is_set() {
                break;
            }
        }
        let dump = self.watch.received.provoked();
        match seen > before && is_answer(&dump) {
            true => Came::Answer { said: format!("{}, kept in task-dump.log", dump.words()) },
            false => Came::Nothing { within_ms: ms(begun.elapsed()) },
        }
    }

    /// This is done whether or not the user waits for it.
    fn end(&mut self) {
        let after_ms = ms(self.since.elapsed());
        let begun = Instant::now();
        let by = self.qemu.end();
        let answer = |said: &str| Came::Answer { said: said.to_owned() };
        let steps = match by {
            By::Itself => vec![(Step::Terminate, not_tried("QEMU had ended"))],
            By::Terminate => vec![(Step::Terminate, answer("QEMU ended"))],
            By::Kill => {
                let within_ms = ms(begun.elapsed());
                vec![(Step::Terminate, Came::Nothing { within_ms }), (Step::Kill, answer("QEMU ended"))]
            }
        };
        for (step, came) in steps {
            let waited_ms = if step == Step::Kill { ms(begun.elapsed()) } else { 0 };
            self.hang.steps.push(Tried { step, after_ms: after_ms + waited_ms, came });
        }
    }
}

fn not_tried(why: &str) -> Came {
    Came::NotTried { why: why.to_owned() }
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
