//! A hang in words: where the CPUs were, and how far the lab came with it.

use super::{Came, Cpu, Doing, Hang, Place, Step, Tried};
use crate::text::layout::{WIDTH, wrap};

/// The most CPUs that are named one by one.
const MOST_CPUS: usize = 8;

impl Hang {
    /// Where the CPUs were, then what the guest said when it was asked, then how QEMU ended; parts of one sentence.
    pub(crate) fn sentence(&self) -> String {
        let parts = [self.cpus(), self.asked(), self.ended()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// A line for each step.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.steps.iter().map(line).collect();
        lines.extend(self.cpus().map(|cpus| wrap("  ", &cpus, WIDTH, 4)));
        lines
    }

    fn cpus(&self) -> Option<String> {
        let (idle, busy): (Vec<&Cpu>, Vec<&Cpu>) = self.cpus.iter().partition(|cpu| is_idle(cpu));
        let apart = format!("{:.0} s", self.apart_ms as f64 / 1000.0);
        let mut parts: Vec<String> = busy
            .iter()
            .take(MOST_CPUS)
            .map(|cpu| format!("CPU {} is {}", cpu.cpu, place(cpu, &apart)))
            .collect();
        let numbers =
            |cpus: &[&Cpu]| cpus.iter().map(|cpu| cpu.cpu.to_string()).collect::<Vec<_>>().join(", ");
        parts.extend(
            (busy.len() > MOST_CPUS).then(|| format!("{} more are not idle", busy.len() - MOST_CPUS)),
        );
        match idle[..] {
            [] => {}
            [cpu] => parts.push(format!("CPU {} is idle", cpu.cpu)),
            _ => parts.push(format!("CPUs {} are idle", numbers(&idle))),
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The step that was reached.
    fn asked(&self) -> Option<String> {
        let answer = |step| match self.came(step) {
            Some(Came::Answer { said }) => Some(said.as_str()),
            Some(Came::Nothing { .. } | Came::Refused { .. } | Came::NotTried { .. }) | None => None,
        };
        if self.steps.is_empty() {
            None
        } else if answer(Step::Status).is_none() {
            Some("QEMU's monitor did not answer".to_owned())
        } else if let Some(said) = answer(Step::TaskDump) {
            Some(format!("the kernel told its tasks at sysrq: {said}"))
        } else if let Some(said) = answer(Step::Nmi) {
            Some(format!("the kernel did not answer sysrq, and told its trace at an NMI: {said}"))
        } else {
            Some("the kernel answered neither sysrq nor an NMI".to_owned())
        }
    }

    fn ended(&self) -> Option<String> {
        let by = |step| matches!(self.came(step), Some(Came::Answer { .. }));
        if by(Step::Kill) {
            Some("ended by SIGKILL".to_owned())
        } else {
            by(Step::Terminate).then(|| "ended by SIGTERM".to_owned())
        }
    }
}

fn is_idle(cpu: &Cpu) -> bool {
    let is = |place: &Place| place.doing == Doing::Idle;
    is(&cpu.first) && cpu.later.as_ref().is_none_or(is)
}

/// Where a CPU was, and whether it moved.
fn place(cpu: &Cpu, apart: &str) -> String {
    let Cpu { first, later, .. } = cpu;
    let at = at(first);
    match later {
        None => at,
        Some(later) if later == first => format!("{at}, did not move in {apart}"),
        Some(later) => format!("{at}, {apart} later {}", self::at(later)),
    }
}

fn at(place: &Place) -> String {
    match (place.doing, &place.function) {
        (Doing::Idle, _) => "idle".to_owned(),
        (Doing::Kernel, Some(function)) => format!("in {function}"),
        (Doing::Kernel, None) => format!("in code without a name at 0x{}", place.address),
        (Doing::Program, _) => format!("in a program at 0x{}", place.address),
    }
}

fn line(tried: &Tried) -> String {
    let step = match tried.step {
        Step::Status => "status",
        Step::Registers => "registers",
        Step::RegistersAgain => "registers again",
        Step::TaskDump => "task dump (sysrq)",
        Step::Nmi => "NMI",
        Step::Terminate => "SIGTERM",
        Step::Kill => "SIGKILL",
    };
    let came = match &tried.came {
        Came::Answer { said } => said.clone(),
        Came::Nothing { within_ms } => format!("nothing within {:.1} s", *within_ms as f64 / 1000.0),
        Came::Refused { why } => format!("refused: {why}"),
        Came::NotTried { why } => format!("not tried: {why}"),
    };
    let begun = format!("  after {:>4.1} s  {step:<17}  ", tried.after_ms as f64 / 1000.0);
    let indent = begun.chars().count();
    wrap(&begun, &came, WIDTH, indent)
}
