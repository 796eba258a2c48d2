//! How to do it again: kernels, machine, commands.

use lab_protocol::WorkloadTask;

use super::WIDTH;
use crate::comparison::{Comparison, VariantSummary};
use crate::plan::Clock;
use crate::report::html::Attached;
use crate::report::text;

/// Columns of a name, if it is not longer.
const NAME: usize = 15;

/// The kernels and the machine, each by its name; then commands, which run as they stand behind `$`.
pub(super) fn render(comparison: &Comparison, attached: &Attached) -> String {
    let Some(setup) = &comparison.setup else { return "No boot was recorded.".to_owned() };
    let mut lines: Vec<(&str, String)> = vec![("base", text::sources(comparison, setup).join(", "))];
    let named = comparison.variants.iter().filter(|variant| variant.prefix.is_none());
    lines.extend(named.map(|variant| (variant.name.as_str(), kernel(variant))));
    let machine = format!(
        "QEMU {} ({}, {}), {} vCPU, {} MiB",
        setup.qemu_version, setup.accelerator, setup.cpu_model, setup.cpus, setup.memory_mib
    );
    let lab = comparison.lab_commit.get(..12).unwrap_or(&comparison.lab_commit);
    lines.extend([("machine", machine), ("lab", format!("patchlab {lab}"))]);
    let mut parts = vec!["Setup:".to_owned()];
    parts.extend(lines.iter().map(|(name, text)| line(name, text)));
    parts.push(command(&comparison.command));
    for task in attached.workloads.iter().filter(|_| text::is_measured(comparison)) {
        parts.push(format!("  # {}, FILE of {} MiB:", task.name, task.file_mib));
        parts.push(command(&of_workload(task)));
    }
    let method = method(comparison, setup.clock);
    parts.extend((!method.is_empty()).then(|| format!("\n{}", text::wrap("", &method, WIDTH, 0))));
    parts.join("\n")
}

fn line(name: &str, text: &str) -> String {
    text::wrap(&format!("  {name:<NAME$} "), text, WIDTH, NAME + 3)
}

/// In lines that a shell puts together again.
fn command(command: &str) -> String {
    let wrapped = text::wrap("  $ ", command, WIDTH - 2, 6);
    wrapped.replace('\n', " \\\n")
}

/// On the file of the workload, which is on the file system that is measured.
fn of_workload(task: &WorkloadTask) -> String {
    let program = task.tool.guest_path();
    let program = program.rsplit('/').next().unwrap_or(program);
    match &task.job {
        Some(job) => format!("{program} {}", job.file),
        None => format!("{program} {}", task.args.join(" ").replace("{file}", "FILE")),
    }
}

fn kernel(variant: &VariantSummary) -> String {
    let Some(kernel) = &variant.kernel else { return "not booted".to_owned() };
    match kernel.series.is_empty() {
        true => "base".to_owned(),
        false => {
            let series = kernel.series.iter();
            let series = series.map(|series| format!("{} ({} patches)", series.name, series.patches));
            format!("base + {}", series.collect::<Vec<_>>().join(" + "))
        }
    }
}

/// How often, and what a change is.
fn method(comparison: &Comparison, clock: Clock) -> String {
    if !text::is_measured(comparison) {
        return String::new();
    }
    let cells = || comparison.rows.iter().flat_map(|row| &row.cells);
    let spread = cells().filter_map(|cell| cell.spread).reduce(f64::max);
    let counts = cells().map(|cell| cell.samples.len());
    let (least, most) = counts.fold((usize::MAX, 0), |(least, most), n| (least.min(n), most.max(n)));
    let count = if least >= most { most.to_string() } else { format!("{least} to {most}") };
    let spread = spread.map(|spread| format!(", which differ by at most {}", text::percent(spread)));
    let spread = spread.unwrap_or_default();
    match clock {
        Clock::Virtual => format!(
            "{count} samples of each{spread}. Values are means. A change is the mean ratio of equal samples, with its 95 % interval."
        ),
        Clock::Wall => format!(
            "{count} boots of each{spread}. Values are means. A change is the median ratio of all pairs of boots (Hodges-Lehmann), \
             with its 95 % interval and the {} p of the Mann-Whitney test, corrected for all cells (Holm).",
            if text::is_exact(comparison) { "exact" } else { "approximate" },
        ),
    }
}
