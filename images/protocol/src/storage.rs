//! The model of the storage behind the server.

use serde::{Deserialize, Serialize};

/// A model of the storage behind the server: how long READ and WRITE take. All zero: as long as the backing file takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StorageSettings {
    /// Time that an operation takes from its begin, or from the end of its transfer if bandwidth is limited, to its end,
    /// microseconds; the mean, if it is random.
    pub latency_us: u64,
    /// How the latency is distributed.
    pub distribution: Distribution,
    /// By how much each latency that was drawn is longer or shorter at most, thousandths of it; drawn evenly, so that the mean
    /// stays. It keeps requests from falling into step.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dither_permille: u32,
    /// How many operations are served at once; 0 for no limit. The others wait in the order of their arrival.
    pub parallel: u32,
    /// Bandwidth that all operations share, MiB/s; 0 for no limit. They are transferred one after the other, in the order
    /// in which they begin.
    pub mib_per_s: u32,
    /// How long a request is on its way to the storage at most, microseconds; drawn evenly. Requests overtake each other on
    /// it.
    pub jitter_us: u64,
    /// What an operation takes longer that does not begin where the one before it, of the same file and direction, ended,
    /// microseconds.
    pub disorder_us: u64,
    /// The largest operation that adjacent requests are merged to while they wait, KiB; 0 for no merging. Without `parallel`
    /// and `plug_us` nothing waits, and so nothing merges.
    pub merge_kib: u32,
    /// How long an operation waits for adjacent requests before it begins, microseconds from its first request on.
    pub plug_us: u64,
}

impl StorageSettings {
    /// Nothing to model.
    pub const OFF: StorageSettings = StorageSettings {
        latency_us: 0,
        distribution: Distribution::Fixed,
        dither_permille: 0,
        parallel: 0,
        mib_per_s: 0,
        jitter_us: 0,
        disorder_us: 0,
        merge_kib: 0,
        plug_us: 0,
    };

    /// Whether there is nothing to model.
    pub fn is_off(&self) -> bool {
        let StorageSettings {
            latency_us,
            distribution: _,
            dither_permille: _,
            parallel,
            mib_per_s,
            jitter_us,
            disorder_us,
            merge_kib,
            plug_us,
        } = self;
        *latency_us == 0
            && *parallel == 0
            && *mib_per_s == 0
            && *jitter_us == 0
            && *disorder_us == 0
            && *merge_kib == 0
            && *plug_us == 0
    }

    /// Makes the latency longer by this share of it.
    pub fn lengthen(&mut self, permille: u32) {
        self.latency_us += (self.latency_us * u64::from(permille) + 500) / 1000;
    }
}

/// The distribution of the storage's latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Always the same.
    Fixed,
    /// Between nothing and twice the mean, all equally likely.
    Uniform,
    /// Exponential: most are short, few are long.
    Exponential,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
