//! The arguments of `import-series`.

use std::path::PathBuf;

use clap::Args;
use lab_core::series::import::numbers::Numbers;

/// Arguments of `import-series`.
#[derive(Clone, Debug, Args)]
pub struct ImportSeries {
    /// A mailbox (mbox), a maildir, a patch, a folder of patches, the output of git log -p, or - for standard input; a range
    /// of commits, A..B, of the repository that you stand in or --git names; or the Message-ID or address of a mail on a list,
    /// which b4 fetches with its thread.
    pub from: PathBuf,
    /// The repository of the range.
    #[arg(long, value_name = "REPO")]
    pub git: Option<PathBuf>,
    /// The series' name below kernel-patches/, instead of one made of the cover letter's subject.
    #[arg(long)]
    pub name: Option<String>,
    /// Which version of the series, if there are several.
    #[arg(long, value_name = "N")]
    pub version: Option<u32>,
    /// Which series, if there are several: the one with a subject that holds this text.
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
    /// Only these patches of the series, by their numbers, e.g. 3,5-7.
    #[arg(long, value_name = "NUMBERS")]
    pub patches: Option<Numbers>,
    /// Only the mail with this Message-ID; of a cover letter its patches.
    #[arg(long, value_name = "ID")]
    pub message_id: Option<String>,
    /// The folder of the kernel's source in which the paths of the diffs begin, where they do not say so.
    #[arg(long, value_name = "DIR", conflicts_with = "git")]
    pub directory: Option<String>,
}
