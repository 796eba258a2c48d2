//! What one run of a workload came to, by itself.

use lab_protocol::{WorkloadReport, WorkloadTask};

use super::{cells, suites};
use crate::evidence::output;
use crate::text::escape::escape_for_terminal;

/// What a workload reported: its rate, or that it passed.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn came_to(workload: &WorkloadReport, task: &WorkloadTask) -> Result<String, String> {
    if task.is_suite() {
        return suites::verdict(workload, task).map(|()| "passed".to_owned()).map_err(|(_, reason)| reason);
    }
    if let Some(trouble) = cells::trouble(workload) {
        return Err(trouble);
    }
    let throughput = output::throughput(task.tool, output::figures(task.tool, workload));
    let throughput = throughput.map_err(|error| escape_for_terminal(&format!("{error:#}")))?;
    Ok(match task.counts_round_trips() {
        true => format!("{} bytes there and back", throughput.bytes),
        false => format!("{:.1} {}", throughput.value, throughput.unit),
    })
}
