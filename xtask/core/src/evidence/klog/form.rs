//! How the lines of a log begin.

use serde::{Deserialize, Serialize};

/// How the lines of a log begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `[    1.234567] `, as printk writes it, wherever in the line.
    #[default]
    Printk,
    /// `[1.234567] `, `[ 1.234]`: a stamp that somebody wrote anew.
    Unpadded,
    /// `<4>` or `kern  :warn  : `, and no time.
    Level,
    /// `Nov  1 12:00:00 host kernel: `, `2026-11-01T12:00:00+00:00 host kernel: `.
    Syslog,
    /// What journalctl prints, where it differs from syslog.
    Journal,
    /// An object for each line, `journalctl -o json`.
    JournalJson,
    /// dmesg of util-linux with a time for people: `[Sun Nov  1 12:00:00 2026] `, `[Nov 1 12:00] `, ISO.
    Dmesg,
    /// `4,123,456789,-;`, as `/dev/kmsg` is read.
    Kmsg,
    /// Nothing that tells a line of the kernel from another one.
    Bare,
}

impl Form {
    /// The form in the words of a reader.
    pub fn words(self) -> &'static str {
        match self {
            Self::Printk => "printk",
            Self::Unpadded => "printk with other stamps",
            Self::Level => "levels without stamps",
            Self::Syslog => "syslog",
            Self::Journal => "journal",
            Self::JournalJson => "journal as JSON",
            Self::Dmesg => "dmesg with times of day",
            Self::Kmsg => "/dev/kmsg",
            Self::Bare => "no stamps",
        }
    }

    /// Whether only the kernel writes such lines. What others may have written counts with a body only.
    pub(super) fn is_the_kernels(self) -> bool {
        match self {
            Self::Printk | Self::Syslog | Self::Journal | Self::JournalJson | Self::Dmesg | Self::Kmsg => {
                true
            }
            Self::Unpadded | Self::Level | Self::Bare => false,
        }
    }

    /// Whether the log is the console of a machine, on which each start of a kernel shows, and what came before it.
    pub(super) fn is_of_console(self) -> bool {
        match self {
            Self::Printk | Self::Unpadded => true,
            Self::Level
            | Self::Syslog
            | Self::Journal
            | Self::JournalJson
            | Self::Dmesg
            | Self::Kmsg
            | Self::Bare => false,
        }
    }
}
