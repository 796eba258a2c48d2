//! Consoles of the suite as test data: what a kernel said of a fault, without what it said while it came up.

use std::path::Path;

use anyhow::Context as _;
use lab_core::campaign::BootData;
use lab_core::comparison::fault_suite::Booted;
use lab_core::evidence::klog;
use xshell::Shell;

use super::bed::Bed;

/// Lines before this one are of a boot like any other.
const BEGIN: &[u8] = b"patchlab: this boot is to fail";

/// The most lines before it that are kept: version and command line.
const FIRST_LINES: usize = 2;

/// Larger ones are no test data.
const LARGEST_BYTES: usize = 96 << 10;

/// Writes the console of a boot that has one to `folder`, with where it comes from and its findings beside it.
///
/// # Errors
/// If it cannot be written.
pub(super) fn keep(
    sh: &Shell,
    folder: &Path,
    bed: &Bed,
    booted: &Booted,
    boot: &BootData,
) -> anyhow::Result<()> {
    let console = trimmed(&boot.console);
    if console.is_empty() || console.len() > LARGEST_BYTES {
        return Ok(());
    }
    let source = &bed.kernel.metadata.source;
    let version = source.split(' ').next().and_then(|name| name.strip_prefix("linux-source-"));
    let name = format!("faults-{}-{}", version.unwrap_or("other"), booted.fault.name);
    let findings: String = klog::findings(&console)
        .iter()
        .map(|found| format!("{}: {}: {}\n", found.line, found.kind, found.title))
        .collect();
    let text = format!(
        "# kernel: {source}, kernel-patches/fault-triggers, {} kernel of the fault suite\n# qemu: {}\n# provoked: {:?}; \
         without what the kernel said while it came up\n\n{findings}",
        booted.fault.kernel.word(),
        boot.record.command,
        booted.fault.guest
    );
    sh.create_dir(folder).context("making the folder of the captures")?;
    sh.write_file(folder.join(format!("{name}.log")), &console)?;
    sh.write_file(folder.join(format!("{name}.txt")), text)?;
    Ok(())
}

/// The first lines, and all from process 1's first word on; all of it if process 1 never ran.
fn trimmed(console: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = console.split_inclusive(|&byte| byte == b'\n').collect();
    let has = |line: &&[u8]| line.windows(BEGIN.len()).any(|part| part == BEGIN);
    match lines.iter().position(has) {
        Some(place) if place > FIRST_LINES => [&lines[..FIRST_LINES], &lines[place..]].concat().concat(),
        Some(_) | None => console.to_vec(),
    }
}
