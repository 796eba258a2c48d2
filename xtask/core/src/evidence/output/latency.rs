//! How long requests of a load tool took, whichever tool told it.

use serde::{Deserialize, Serialize};

/// The requests of a tool, reads and writes together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Requests {
    /// How many a second.
    pub iops: f64,
    /// From submission to completion; none if it was not measured.
    pub completion: Option<Latency>,
}

/// How long transfers took, nanoseconds. A percentile is missing if the job asks for others, or if there are several
/// jobs without `group_reporting`: theirs cannot be put together. fio rounds percentiles by up to 0.8 % (FIO_IO_U_PLAT_BITS).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Latency {
    /// Mean.
    pub mean_ns: f64,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90 % took at most this.
    pub p90_ns: Option<u64>,
    /// 99 % did.
    pub p99_ns: Option<u64>,
    /// 99.9 % did.
    pub p99_9_ns: Option<u64>,
}
