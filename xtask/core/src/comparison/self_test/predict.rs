//! What a planted slowdown must do to a figure: arithmetic.

use lab_protocol::StorageSettings;

use crate::comparison::Cell;
use crate::evidence::output::Unit;
use crate::plan::Planted;

/// What the baseline's boots showed of a workload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BaselineFigures {
    /// How long it took, seconds.
    pub(super) elapsed_s: f64,
    /// READ and WRITE requests.
    pub(super) requests: u64,
    /// The most of them in flight at one time.
    pub(super) most_in_flight: u32,
    /// How many of them were in flight on average.
    pub(super) mean_in_flight: f64,
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
        mean_in_flight: evidence.mean_in_flight.most,
    })
}

/// With `T` the time without, `R` the requests, `N` of them in flight on average and `P` what is planted in each of them:
/// `T / (T + R x P)` for work, of which one CPU does one piece at a time, and `T / (T + R x P / N)` for latency, in which `N`
/// wait together. All of it shows where requests come one at a time. Where several are in flight, work hides while others wait
/// for storage, and latency while others have the CPU.
pub(super) fn predict(
    seen: BaselineFigures,
    planted: Option<Planted>,
    cpus: u32,
    storage: &StorageSettings,
) -> Prediction {
    let requests = seen.requests as f64;
    let is_alone = seen.most_in_flight <= 1;
    let (planted_s, is_whole) = match planted {
        None => (0.0, true),
        Some(Planted::WorkNs(ns)) => (requests * ns as f64 / 1e9, is_alone || cpus == 1 && storage.is_off()),
        Some(Planted::LatencyPermille(permille)) => {
            let mut longer = storage.clone();
            longer.lengthen(permille);
            let planted_us = (longer.latency_us - storage.latency_us) as f64;
            let at_once = seen.mean_in_flight.max(1.0);
            (requests * planted_us / 1e6 / at_once, is_alone || planted_us == 0.0)
        }
    };
    let reach = if is_whole { Reach::Whole } else { Reach::AtMost };
    Prediction { ratio: seen.elapsed_s / (seen.elapsed_s + planted_s), reach }
}
