//! What a planted slowdown must do to a figure: arithmetic.

use lab_protocol::StorageSettings;

use crate::comparison::Cell;
use crate::evidence::output::Unit;

/// What the baseline's boots showed of a workload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BaselineFigures {
    /// How long it took, seconds.
    pub(super) elapsed_s: f64,
    /// READ and WRITE requests.
    pub(super) requests: u64,
    /// The most of them in flight at one time.
    pub(super) most_in_flight: u32,
}

/// What is to be found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Throughput by that of the baseline; one if nothing was planted.
    pub ratio: f64,
    /// Whether it must be that.
    pub reach: Reach,
}

/// How much of what is planted shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of it: it comes on top of everything else.
    Whole,
    /// At most all of it: some can hide while other requests wait for storage, or run on another CPU.
    AtMost,
}

/// What was seen of a workload in the baseline; none if it has no figure.
pub(super) fn baseline(cell: &Cell, unit: Unit) -> Option<BaselineFigures> {
    let evidence = cell.evidence.as_ref()?;
    let bytes = cell.samples.first()?.bytes as f64;
    Some(BaselineFigures {
        elapsed_s: bytes / (cell.mean? * unit.bytes()),
        requests: evidence.requests.most,
        most_in_flight: u32::try_from(evidence.most_in_flight.most).unwrap_or(u32::MAX),
    })
}

/// With `T` the time without and `R` the requests: `T / (T + R x planted)`. All of it shows where requests come one at a
/// time, and where one CPU is all there is and nothing waits for storage.
pub(super) fn predict(
    seen: BaselineFigures,
    planted_ns: u64,
    cpus: u32,
    storage: Option<&StorageSettings>,
) -> Prediction {
    let planted_s = seen.requests as f64 * planted_ns as f64 / 1e9;
    let waits = storage.is_none_or(|storage| !storage.is_off());
    let reach = match (seen.most_in_flight, cpus, waits) {
        (0..=1, _, _) | (_, 1, false) => Reach::Whole,
        (_, _, _) => Reach::AtMost,
    };
    Prediction { ratio: seen.elapsed_s / (seen.elapsed_s + planted_s), reach }
}
