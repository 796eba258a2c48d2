//! Knobs of a connection: where their files are, and what can be written there.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

macro_rules! knobs {
    ($($variant:ident $name:literal $place:ident $file:literal $range:expr, $about:literal;)*) => {
        /// What can be set of a connection while it is there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Knob {
            $(#[doc = $about] $variant,)*
        }

        impl Knob {
            /// All of them.
            pub const ALL: &[Knob] = &[$(Knob::$variant,)*];

            /// The name in settings.
            pub const fn name(self) -> &'static str {
                match self { $(Knob::$variant => $name,)* }
            }

            /// Where its file is, and what it is called.
            pub const fn file(self) -> (KnobPlace, &'static str) {
                match self { $(Knob::$variant => (KnobPlace::$place, $file),)* }
            }

            /// What it can be set to.
            pub const fn range(self) -> RangeInclusive<u64> {
                match self { $(Knob::$variant => $range,)* }
            }
        }
    };
}

/// The folder of a knob's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnobPlace {
    /// That of the connection in the file system fusectl.
    Connection,
    /// That of the mount's backing device below `/sys/class/bdi`.
    BackingDevice,
}

knobs! {
    MaxBackground "max-background" Connection "max_background" 1..=65_535,
        "The most asynchronous requests in flight. With 0 none would ever be sent.";
    CongestionThreshold "congestion-threshold" Connection "congestion_threshold" 0..=65_535,
        "From how many of them on the file system is congested.";
    ReadAheadKb "read-ahead-kb" BackingDevice "read_ahead_kb" 0..=1_048_576,
        "The most that is read ahead, KiB.";
    MinRatio "min-ratio" BackingDevice "min_ratio" 0..=100,
        "Percent of the memory for dirty pages that it has at least.";
    MinRatioFine "min-ratio-fine" BackingDevice "min_ratio_fine" 0..=1_000_000,
        "The same in parts of a million; not in Linux 6.1.";
    MaxRatio "max-ratio" BackingDevice "max_ratio" 0..=100,
        "Percent of it that it has at most.";
    MaxRatioFine "max-ratio-fine" BackingDevice "max_ratio_fine" 0..=1_000_000,
        "The same in parts of a million; not in Linux 6.1.";
    MinBytes "min-bytes" BackingDevice "min_bytes" 0..=1_099_511_627_776,
        "Dirty bytes that it has room for at least; not in Linux 6.1.";
    MaxBytes "max-bytes" BackingDevice "max_bytes" 0..=1_099_511_627_776,
        "Dirty bytes that it has room for at most; not in Linux 6.1.";
    StrictLimit "strict-limit" BackingDevice "strict_limit" 0..=1,
        "Whether it is held to its share although there is memory left; not in Linux 6.1.";
}
