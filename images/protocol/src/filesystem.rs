//! A file system of the guest's own kernel, on which workloads have their files where there is no FUSE server.

use serde::{Deserialize, Serialize};

use crate::random::{below, splitmix64};

/// How it is made and mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LocalFilesystem {
    /// Which one.
    pub kind: FilesystemKind,
    /// Options of mount(8), with commas between; empty for none.
    pub mount_options: String,
    /// What it lies on; none if it needs no device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<NullBlock>,
}

/// A file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilesystemKind {
    /// On a block device.
    Ext4,
    /// In memory, without a device.
    Tmpfs,
}

impl FilesystemKind {
    /// Its name in `lab.toml` and for mount(2).
    pub fn name(self) -> &'static str {
        match self {
            FilesystemKind::Ext4 => "ext4",
            FilesystemKind::Tmpfs => "tmpfs",
        }
    }

    /// The path of the program in the guest that makes it, from the host; none if it needs none.
    pub fn maker(self) -> Option<&'static str> {
        match self {
            FilesystemKind::Ext4 => Some("/bin/mkfs.ext4"),
            FilesystemKind::Tmpfs => None,
        }
    }
}

/// A block device in the guest's memory: `null_blk`, which keeps what is written to it. What the fields mean stands in
/// `Documentation/block/null_blk.rst` of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NullBlock {
    /// How it completes a request.
    pub completion: Completion,
    /// With a timer: how long after it has come, nanoseconds.
    pub completion_ns: u64,
    /// By how much that is longer or shorter at most, thousandths of it: drawn once for each sample of a workload.
    pub dither_permille: u32,
    /// Requests in each queue.
    pub queue_depth: u32,
    /// Queues.
    pub queues: u32,
    /// Bytes of a block.
    pub block_bytes: u32,
}

/// How a request is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completion {
    /// By whoever submits it, at once.
    Inline,
    /// In a soft interrupt, at once.
    Softirq,
    /// In the interrupt of a timer.
    Timer,
}

impl Completion {
    /// `irqmode` of `null_blk`.
    pub fn irqmode(self) -> u32 {
        match self {
            Completion::Inline => 0,
            Completion::Softirq => 1,
            Completion::Timer => 2,
        }
    }

    /// Its name in `lab.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Completion::Inline => "inline",
            Completion::Softirq => "softirq",
            Completion::Timer => "timer",
        }
    }
}

impl NullBlock {
    /// How long requests take in a sample with this seed, nanoseconds; without one what is set.
    pub fn completion_ns_with(&self, seed: Option<u64>) -> u64 {
        let range = self.completion_ns / 1000 * u64::from(self.dither_permille)
            + self.completion_ns % 1000 * u64::from(self.dither_permille) / 1000;
        let drawn = seed.map_or(range, |seed| below(2 * range + 1, splitmix64(seed, 0)));
        self.completion_ns - range + drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(completion_ns: u64, dither_permille: u32) -> NullBlock {
        let completion = Completion::Timer;
        NullBlock {
            completion,
            completion_ns,
            dither_permille,
            queue_depth: 64,
            queues: 1,
            block_bytes: 4096,
        }
    }

    #[test]
    fn completion_times_fill_their_range_and_follow_from_the_seed() {
        let device = device(10_000, 20);
        assert_eq!(device.completion_ns_with(None), 10_000);
        let drawn: Vec<u64> = (0..500).map(|seed| device.completion_ns_with(Some(seed))).collect();
        assert!(drawn.iter().all(|ns| (9_800..=10_200).contains(ns)));
        assert!(drawn.iter().any(|ns| *ns < 9_850) && drawn.iter().any(|ns| *ns > 10_150));
        assert_eq!(device.completion_ns_with(Some(7)), device.completion_ns_with(Some(7)));
    }

    #[test]
    fn without_dither_every_sample_takes_the_same_time() {
        for (ns, permille) in [(10_000, 0), (0, 1000), (0, 0)] {
            assert_eq!(device(ns, permille).completion_ns_with(Some(9)), ns);
        }
    }
}
