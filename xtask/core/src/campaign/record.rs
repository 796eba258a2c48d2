//! What is kept of a boot: a record in TOML with, beside it, the report, the console and the request log as
//! they came.

use anyhow::{Context as _, bail, ensure};
use lab_protocol::{Nonce, Report};
use serde::{Deserialize, Serialize};

use crate::evidence::capture::Watched;
use crate::evidence::outcome::Outcome;
use crate::evidence::quiet::HostState;
use crate::plan::{Arch, BootStep, Clock};
use crate::text::digest;

/// The version of the record's form; a record of another version is not read.
pub const VERSION: u32 = 2;

/// One boot. The last file of the boot to be written, so that its presence says that the others are whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Record {
    /// [`VERSION`].
    pub version: u32,
    /// Which try this is, from 1: lost boots are tried again, and with the wall clock disturbed ones.
    pub attempt: u32,
    /// The nonce of the boot.
    pub nonce: Nonce,
    /// When QEMU was started, RFC 3339 in UTC.
    pub started: String,
    /// From QEMU's start to its end, seconds of real time.
    pub wall_s: f64,
    /// From QEMU's start to the first frame of process 1, seconds of real time.
    pub to_init_s: Option<f64>,
    /// QEMU's command line.
    pub command: String,
    /// How the boot ended, by the rules of the lab that ran it. Whoever reads a boot judges it anew.
    pub outcome: Outcome,
    /// How the watch over the boot ended; none if QEMU never ran, and in records of labs that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Watched>,
    /// Place in the plan.
    pub boot: BootStep,
    /// The kernel that was booted.
    pub kernel: KernelIdentity,
    /// What must be equal in boots that are compared.
    pub setup: Setup,
    /// The console as received (`console.log`).
    pub console: StoredFile,
    /// What the console said after a kernel that hung was made to say where it is (`task-dump.log`); none if it was not, and in
    /// records of labs that did not keep it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_dump: Option<StoredFile>,
    /// The guest's report as received (`report.json`), if a whole one came.
    pub report: Option<StoredFile>,
    /// QMP events as received (`qmp.jsonl`), one a line.
    pub qmp: StoredFile,
    /// The request logs as received (`requests.bin`), see [`lab_protocol::log`]; none if nothing was logged.
    pub requests: Option<StoredFile>,
    /// Where its instructions went (`profile.folded`), see [`crate::evidence::profile`]; none if it was not profiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<StoredFile>,
    /// The host around the boot; none with the virtual clock, where it does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostState>,
}

/// The first line of a record; the digest of all that follows it comes after.
const HEADER: &str = "# patchlab boot record; sha256 of what follows this line: ";

impl Record {
    /// The text of `record.toml`: the digest of what follows, then the record.
    ///
    /// # Errors
    /// If it cannot be written as TOML.
    pub fn to_text(&self) -> anyhow::Result<String> {
        let body = toml::to_string_pretty(self).context("writing a record as TOML")?;
        Ok(format!("{HEADER}{}\n{body}", digest::of_bytes(body.as_bytes())))
    }

    /// Reads the text of a `record.toml`, checked against its digest.
    ///
    /// # Errors
    /// If it is of another version, or not what was written.
    pub fn parse(bytes: &[u8]) -> anyhow::Result<Record> {
        let text = std::str::from_utf8(bytes).context("not UTF-8")?;
        let (header, body) = text.split_once('\n').context("the file has no second line")?;
        let expected = header.strip_prefix(HEADER).context("the first line is not that of a record")?;
        ensure!(
            digest::of_bytes(body.as_bytes()) == expected,
            "the text was changed or cut: its digest differs"
        );
        let table: toml::Table = body.parse()?;
        check_version(&table)?;
        Ok(table.try_into()?)
    }

    /// What disturbed it from outside; nothing if the host was quiet or does not matter.
    pub fn disturbances(&self) -> Vec<String> {
        self.host.as_ref().map(|host| host.disturbed.clone()).unwrap_or_default()
    }

    /// Whether the host was too busy with other things while it ran.
    pub fn is_disturbed(&self) -> bool {
        !self.disturbances().is_empty()
    }
}

/// What tells one kernel from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KernelIdentity {
    /// The digest under which it is stored: over source, patches, configuration and compiler.
    pub digest: String,
    /// SHA-256 of what is booted: bzImage, on arm64 Image.
    pub bzimage_sha256: String,
    /// GNU build id, hexadecimal; the guest reports the same of the kernel that it runs on.
    pub build_id: Option<String>,
    /// The series that were applied, with the digest of each.
    pub series: Vec<AppliedSeries>,
    /// What they were applied to, and how it was built, if the kernels of the campaign have several sources; none if the setup
    /// says it of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<KernelBase>,
}

/// What a kernel is built from beside its series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KernelBase {
    /// The source with its exact version, e.g. `linux-source-6.1 6.1.192-2`.
    pub source: String,
    /// SHA-256 of the resolved configuration.
    pub config_sha256: String,
    /// The compiler, its version line.
    pub compiler: String,
}

/// A series and the digest over its patches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AppliedSeries {
    /// Folder below `kernel-patches/`.
    pub name: String,
    /// Number of patches.
    pub patches: u32,
    /// Digest over the patches, in order.
    pub digest: String,
}

/// Everything but the variant that shapes a measurement. Boots that differ in any of it are not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Setup {
    /// What the kernels and the image are built for.
    #[serde(default)]
    pub arch: Arch,
    /// The source with its exact version, e.g. `linux-source-6.12 6.12.117-1~deb12u1`; of the baseline, if the kernels have several
    /// ([`KernelBase`]).
    pub kernel_source: String,
    /// SHA-256 of the resolved kernel configuration, of the baseline.
    pub kernel_config_sha256: String,
    /// The compiler, its version line, of the baseline.
    pub compiler: String,
    /// SHA-256 of the image.
    pub image_sha256: String,
    /// QEMU's version, e.g. `7.2.22`.
    pub qemu_version: String,
    /// QEMU's machine type.
    pub machine: String,
    /// The accelerator that was chosen: `kvm` or `tcg`.
    pub accelerator: String,
    /// How guest time passes.
    pub clock: Clock,
    /// QEMU's CPU model.
    pub cpu_model: String,
    /// The host's CPU; empty with the virtual clock, where it does not matter.
    pub host_cpu: String,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Guest memory, MiB.
    pub memory_mib: u32,
    /// The kernel command line.
    pub kernel_command_line: String,
}

/// A file beside the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StoredFile {
    /// Bytes that were received. More than `kept_bytes` if the middle was cut.
    pub received_bytes: u64,
    /// Bytes in the file.
    pub kept_bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl StoredFile {
    /// What is recorded of a file of which `kept` was stored.
    pub fn new(kept: &[u8], received_bytes: u64) -> Self {
        StoredFile { received_bytes, kept_bytes: kept.len() as u64, sha256: digest::of_bytes(kept) }
    }
}

/// Checks that a record or a campaign file has the form that this lab reads.
///
/// # Errors
/// If it is of another version, with what to do then.
pub fn check_version(table: &toml::Table) -> anyhow::Result<()> {
    match table.get("version").and_then(toml::Value::as_integer) {
        Some(version) if version == i64::from(VERSION) => Ok(()),
        Some(version) => bail!(
            "its form is version {version}, and this lab reads version {VERSION}; run the plan again to get new \
             records, or read these with the lab that wrote them (`lab-commit` in campaign.toml)"
        ),
        None => bail!("it has no version"),
    }
}

/// A boot as read back from a campaign.
#[derive(Clone, Debug)]
pub struct BootData {
    /// The folder's name in the campaign.
    pub folder: String,
    /// The record, with the outcome by the rules of this lab.
    pub record: Record,
    /// The outcome as recorded, if it is of another kind than that of `record`.
    pub recorded: Option<Outcome>,
    /// The report, if a whole one came.
    pub report: Option<Report>,
    /// The console, raw.
    pub console: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_another_version_says_what_to_do() {
        for (version, expected) in [
            (
                "version = 1",
                "its form is version 1, and this lab reads version 2; run the plan again to get new records, or \
                 read these with the lab that wrote them (`lab-commit` in campaign.toml)",
            ),
            ("attempt = 1", "it has no version"),
        ] {
            let body = format!("{version}\n");
            let text = format!("{HEADER}{}\n{body}", digest::of_bytes(body.as_bytes()));
            assert_eq!(Record::parse(text.as_bytes()).unwrap_err().to_string(), expected);
        }
    }
}
