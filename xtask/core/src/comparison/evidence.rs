//! From what the server counted in several boots to ranges.

use lab_protocol::{RequestStats, ServiceTimes, Splicing, StorageStats};
use serde::Serialize;

use super::{Evidence, MinMax};

/// What the modelled storage did while the workload ran.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StorageEvidence {
    /// Operations.
    pub operations: MinMax,
    /// Operations for each MiB that was asked for.
    pub operations_per_mib: MinMax<f64>,
    /// Requests that became part of another one's operation.
    pub merged: MinMax,
    /// Bytes of the largest operation.
    pub largest_bytes: MinMax,
    /// The most operations that were served at one time.
    pub most_at_once: MinMax,
    /// Operations that did not begin where the one before ended.
    pub out_of_order: MinMax,
}

/// How long requests took in the server, from their arrival to their answer, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ServiceEvidence {
    /// The mean.
    pub mean_ns: MinMax,
    /// The shortest.
    pub min_ns: MinMax,
    /// Half took this long or less.
    pub p50_ns: MinMax,
    /// Nine tenths took this long or less.
    pub p90_ns: MinMax,
    /// 99 of 100 took this long or less.
    pub p99_ns: MinMax,
    /// The longest.
    pub max_ns: MinMax,
}

/// None without a boot.
pub(super) fn evidence(stats: &[&RequestStats]) -> Option<Evidence> {
    let largest = |stats: &RequestStats| {
        let sizes = stats.read_sizes.keys().chain(stats.write_sizes.keys());
        u64::from(sizes.copied().max().unwrap_or(0))
    };
    let counts = |of: &dyn Fn(&RequestStats) -> u64| range(stats.iter().map(|stats| of(stats)));
    let means: Option<Vec<u64>> = stats.iter().map(|stats| mean_service_ns(stats)).collect();
    Some(Evidence {
        requests: counts(&requests)?,
        most_in_flight: counts(&|stats| u64::from(stats.most_in_flight))?,
        mean_in_flight: range(stats.iter().map(|stats| stats.mean_in_flight))?,
        span_ns: counts(&|stats| stats.span_ns)?,
        read_service: service(stats.iter().map(|stats| stats.read_service)),
        write_service: service(stats.iter().map(|stats| stats.write_service)),
        mean_service_ns: means.and_then(|means| range(means.into_iter())),
        largest_bytes: counts(&largest)?,
        out_of_order: counts(&|stats| stats.out_of_order)?,
        failed: counts(&|stats| stats.failed)?,
        storage: stats
            .iter()
            .map(|stats| stats.storage.as_ref())
            .collect::<Option<Vec<_>>>()
            .and_then(storage),
    })
}

fn storage(stats: Vec<&StorageStats>) -> Option<StorageEvidence> {
    let counts = |of: &dyn Fn(&StorageStats) -> u64| range(stats.iter().map(|stats| of(stats)));
    // A workload that moved nothing has no operations either.
    let per_mib = |stats: &&StorageStats| stats.operations as f64 * MIB / (stats.bytes as f64).max(1.0);
    Some(StorageEvidence {
        operations: counts(&|stats| stats.operations)?,
        operations_per_mib: range(stats.iter().map(per_mib))?,
        merged: counts(&|stats| stats.merged)?,
        largest_bytes: counts(&|stats| stats.largest_bytes)?,
        most_at_once: counts(&|stats| u64::from(stats.most_at_once))?,
        out_of_order: counts(&|stats| stats.out_of_order)?,
    })
}

const MIB: f64 = 1_048_576.0;

/// None if there are no values.
fn range<T: Copy + PartialOrd>(values: impl Iterator<Item = T>) -> Option<MinMax<T>> {
    values.fold(None, |range, value| {
        let MinMax { least, most } = range.unwrap_or(MinMax { least: value, most: value });
        Some(MinMax {
            least: if value < least { value } else { least },
            most: if value > most { value } else { most },
        })
    })
}

/// None unless every boot has times.
fn service(times: impl Iterator<Item = Option<ServiceTimes>>) -> Option<ServiceEvidence> {
    let times: Vec<ServiceTimes> = times.collect::<Option<_>>()?;
    let of = |value: &dyn Fn(&ServiceTimes) -> u64| range(times.iter().map(value));
    Some(ServiceEvidence {
        mean_ns: of(&|times| times.mean_ns)?,
        min_ns: of(&|times| times.min_ns)?,
        p50_ns: of(&|times| times.p50_ns)?,
        p90_ns: of(&|times| times.p90_ns)?,
        p99_ns: of(&|times| times.p99_ns)?,
        max_ns: of(&|times| times.max_ns)?,
    })
}

/// READ and WRITE requests.
pub(super) fn requests(stats: &RequestStats) -> u64 {
    let count = |name: &str| stats.by_operation.get(name).copied().unwrap_or(0);
    count("READ").saturating_add(count("WRITE"))
}

/// All requests but READ and WRITE.
pub(super) fn other_requests(stats: &RequestStats) -> u64 {
    // A report may hold any numbers, even such as cannot be added.
    let all = stats.by_operation.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    all.saturating_sub(requests(stats))
}

/// The bytes of READs and WRITEs that went by copying: with splicing, which is counted by requests, the same share of all.
pub(super) fn copied_bytes(stats: &RequestStats) -> f64 {
    let sizes = stats.read_sizes.iter().chain(&stats.write_sizes);
    let bytes: f64 = sizes.map(|(size, count)| f64::from(*size) * *count as f64).sum();
    let share =
        |splicing: Splicing| splicing.copied as f64 / (splicing.spliced as f64 + splicing.copied as f64);
    let share = stats.splicing.map(share).filter(|share| share.is_finite()).unwrap_or(1.0);
    bytes * share
}

/// The mean over READs and WRITEs.
pub(super) fn mean_service_ns(stats: &RequestStats) -> Option<u64> {
    let times = || [stats.read_service, stats.write_service].into_iter().flatten();
    // A report may hold any numbers, even such as cannot be added.
    let sum = times()
        .fold(0, |sum: u128, times| sum.saturating_add(u128::from(times.mean_ns) * u128::from(times.count)));
    let count: u128 = times().map(|times| u128::from(times.count)).sum();
    u64::try_from(sum.checked_div(count)?).ok()
}
