//! The machine that the lab runs on: what it is, which programs it has, and how to get those that are missing.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use lab_core::campaign::Host;
use lab_core::plan::{Arch, Carried, Clock};
use lab_protocol::{FilesystemKind, Tool};
use xshell::{Shell, cmd};

use crate::lab::process::path::find_program;
use crate::lab::{digest, process};
use crate::machine::install::install;
use crate::machine::need::{Need, What, need};
use crate::machine::packages::System;
use crate::machine::platform::Platform;

/// Everything that the lab needs, beside what belongs to the architecture of the boots ([`Platform::needs`]).
pub const NEEDS: &[Need] = &[
    need(What::Program("git"), "git", "patches are applied with it"),
    need(What::Program("make"), "make", "the kernel build"),
    need(What::Program("gcc"), "gcc", "the kernel build"),
    need(What::Program("ld"), "binutils", "the kernel build"),
    need(What::Program("flex"), "flex", "the kernel's configuration"),
    need(What::Program("bison"), "bison", "the kernel's configuration"),
    need(What::Program("bc"), "bc", "the kernel build"),
    need(What::Program("perl"), "perl", "the kernel build"),
    need(What::Program("lz4"), "lz4", "the kernel image is packed with it"),
    need(What::Header("libelf.h"), "libelf-dev", "objtool in the kernel build"),
    need(What::Program("xz"), "xz-utils", "the source package"),
    need(What::Program("tar"), "tar", "the source package"),
    need(What::Program("curl"), "curl", "a source that is named by URL"),
    need(What::Program("bwrap"), "bubblewrap", "the kernel build runs in a sandbox"),
    need(What::Program("dd"), "coreutils", "a load tool of the image"),
];

/// What only plans need that have a workload with one tool, or a scenario with one file system or one server.
pub(crate) const OPTIONAL: &[(Carried, Need)] = &[
    (Carried::Tool(Tool::Fio), need(What::Program("fio"), "fio", "workloads with the tool fio")),
    (
        Carried::Tool(Tool::StressNg),
        need(What::Program("stress-ng"), "stress-ng", "workloads with the tool stress-ng"),
    ),
    (
        Carried::Maker(FilesystemKind::Ext4),
        need(What::Program("mkfs.ext4"), "e2fsprogs", "scenarios with filesystem = \"ext4\""),
    ),
    (
        Carried::Libfuse,
        need(What::Header("fuse3/fuse_lowlevel.h"), "libfuse3-dev", "servers of libfuse, and bench"),
    ),
    (Carried::Libfuse, need(What::Program("pkg-config"), "pkg-config", "servers of libfuse, and bench")),
    (Carried::Libfuse, need(What::Program("g++"), "g++", "servers of libfuse, and bench")),
];

/// Makes sure that everything needed for boots of `arch` is there, that for `programs` included: on Debian as root, what is missing is
/// installed, if the user does not say no.
///
/// # Errors
/// If something is missing and cannot be installed here; the error ends with the command that does it.
pub fn require(sh: &Shell, arch: Arch, programs: &[Carried]) -> anyhow::Result<()> {
    require_all(sh, &needed(arch, programs)?)
}

/// Fails as [`require`] would, and installs nothing.
///
/// # Errors
/// If something is missing that [`require`] cannot install here; the error ends with what does.
pub(crate) fn ensure_installable(sh: &Shell, arch: Arch, programs: &[Carried]) -> anyhow::Result<()> {
    ensure_installable_all(sh, &needed(arch, programs)?)
}

fn ensure_installable_all(sh: &Shell, needs: &[Need]) -> anyhow::Result<()> {
    let missing = missing_packages(needs);
    if missing.is_empty() || can_install() {
        return Ok(());
    }
    let absent = needs.iter().filter(|need| need.what.find().is_none());
    let absent = absent.map(|need| need.what.name()).collect::<Vec<_>>().join(", ");
    bail!("missing on this machine: {absent}; {}", system(sh).remedy(&missing));
}

/// Whether [`require`] installs what is missing.
pub(crate) fn can_install() -> bool {
    find_program("apt-get").is_some() && rustix::process::geteuid().is_root()
}

/// The packages that [`require`] would install.
///
/// # Errors
/// If this machine is of no architecture that the lab knows.
pub(crate) fn missing(arch: Arch, programs: &[Carried]) -> anyhow::Result<BTreeSet<&'static str>> {
    Ok(missing_packages(&needed(arch, programs)?))
}

fn needed(arch: Arch, programs: &[Carried]) -> anyhow::Result<Vec<Need>> {
    let own = self::arch()?;
    let needs = NEEDS.iter().copied().chain(Platform::of(arch).needs(own));
    // Those of another architecture do not come from this machine.
    let optional = OPTIONAL.iter().filter(|(program, _)| arch == own && programs.contains(program));
    Ok(needs.chain(optional.map(|(_, need)| *need)).collect())
}

/// What this machine is.
///
/// # Errors
/// If the lab does not know it.
pub fn arch() -> anyhow::Result<Arch> {
    let name = rustix::system::uname().machine().to_string_lossy().into_owned();
    Arch::of_machine(&name).with_context(|| {
        let known = Arch::ALL.map(Arch::machine).join(" and ");
        format!("this machine is {name}, and the lab builds kernels and programs on {known}; run it on one of these")
    })
}

/// The same as [`require`] for what a single command needs.
///
/// # Errors
/// As [`require`].
pub fn require_all(sh: &Shell, needs: &[Need]) -> anyhow::Result<()> {
    let missing = missing_packages(needs);
    if missing.is_empty() {
        return Ok(());
    }
    ensure_installable_all(sh, needs)?;
    install(sh, &missing)?;
    let still = missing_packages(needs);
    if !still.is_empty() {
        let names = still.into_iter().collect::<Vec<_>>().join(" ");
        bail!("installed, and yet not found: {names}; look at PATH and at `cargo xtask doctor`");
    }
    Ok(())
}

fn missing_packages(needs: &[Need]) -> BTreeSet<&'static str> {
    needs.iter().filter(|need| need.what.find().is_none()).map(|need| need.package).collect()
}

/// The version of the QEMU for an architecture, e.g. `7.2.22`.
///
/// # Errors
/// If it is missing or says something else.
pub(crate) fn qemu_version(sh: &Shell, arch: Arch) -> anyhow::Result<String> {
    let qemu = Platform::of(arch).qemu;
    let text = process::read(cmd!(sh, "{qemu} --version")).context("asking QEMU for its version")?;
    parse_qemu_version(&text).with_context(|| format!("QEMU calls its version `{}`", text.trim()))
}

fn parse_qemu_version(text: &str) -> Option<String> {
    let rest = text.lines().next()?.strip_prefix("QEMU emulator version ")?;
    Some(rest.split_whitespace().next()?.to_owned())
}

/// Makes sure that QEMU has the machine type of an architecture and a clock.
///
/// # Errors
/// If it does not. Versions before it have none, and those of six years later have it no more.
pub(crate) fn require_machine_type(sh: &Shell, arch: Arch, clock: Clock) -> anyhow::Result<()> {
    let platform = Platform::of(arch);
    let (qemu, machine) = (platform.qemu, platform.machine_type(clock));
    let known =
        process::read(cmd!(sh, "{qemu} -machine help")).context("asking QEMU for its machine types")?;
    let name = machine.split(',').next().unwrap_or_default();
    if known.lines().any(|line| line.split_whitespace().next() == Some(name)) {
        return Ok(());
    }
    bail!(
        "QEMU {} has no -machine {name}, with which figures of the virtual clock are the same in each version; install a QEMU \
         that lists it in `{qemu} -machine help`, or take a machine with `clock = \"wall\"` in lab.toml",
        qemu_version(sh, arch)?
    )
}

/// The system by its `/etc/os-release`.
pub(crate) fn system(sh: &Shell) -> System {
    System::of(&sh.read_file("/etc/os-release").unwrap_or_default())
}

/// How many CPUs the lab may use.
pub(crate) fn cpus() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u32)
}

/// What this machine is.
pub fn this_host(sh: &Shell) -> Host {
    let cpuinfo = sh.read_file("/proc/cpuinfo").unwrap_or_default();
    let meminfo = sh.read_file("/proc/meminfo").unwrap_or_default();
    let release = sh.read_file("/etc/os-release").unwrap_or_default();
    let uname = rustix::system::uname();
    // The id itself is not to be given away (machine-id(5)).
    let id = sh.read_file("/etc/machine-id").unwrap_or_default();
    let id = Some(id.trim()).filter(|id| !id.is_empty());
    let digest = id.map(|id| digest::Parts::default().with("machine of a campaign", id).finish());
    Host {
        machine: digest.map(|digest| digest::short(&digest).to_owned()),
        cpu: field(&cpuinfo, "model name", ':').unwrap_or("unknown").to_owned(),
        cpus: cpus(),
        memory_mib: field(&meminfo, "MemTotal", ':')
            .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
            .map_or(0, |kib| kib / 1024),
        kernel: format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()),
        system: field(&release, "PRETTY_NAME", '=').unwrap_or("unknown").trim_matches('"').to_owned(),
    }
}

/// The value in the first line of `text` that starts with `key`.
fn field<'a>(text: &'a str, key: &str, separator: char) -> Option<&'a str> {
    text.lines().find(|line| line.starts_with(key))?.split_once(separator).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_qemu() {
        // As Debian 12 and Debian 13 print it.
        for (text, expected) in [
            (
                "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003-2022 ...",
                Some("7.2.22"),
            ),
            ("QEMU emulator version 10.0.2\n", Some("10.0.2")),
            ("bash: not found", None),
        ] {
            assert_eq!(parse_qemu_version(text).as_deref(), expected);
        }
    }

    #[test]
    fn fields_of_proc_files() {
        assert_eq!(field("MemTotal:       24689512 kB\nMemFree: 1 kB", "MemTotal", ':'), Some("24689512 kB"));
        assert_eq!(field("NAME=\"x\"\nPRETTY_NAME=\"Debian\"", "PRETTY_NAME", '='), Some("\"Debian\""));
        assert_eq!(field("", "MemTotal", ':'), None);
    }

    #[test]
    fn a_tool_is_needed_only_where_it_is_used() {
        let packages = |programs: &[Carried]| {
            needed(arch().unwrap(), programs).unwrap().iter().map(|need| need.package).collect::<Vec<_>>()
        };
        let of_tools = |tools: [Tool; 2]| packages(&tools.map(Carried::Tool));
        assert!(!of_tools([Tool::Dd, Tool::AioStress]).contains(&"fio"));
        assert!(of_tools([Tool::Dd, Tool::Fio]).contains(&"fio"));
        assert!(!of_tools([Tool::Dd, Tool::Fio]).contains(&"e2fsprogs"));
        assert!(packages(&[Carried::Maker(FilesystemKind::Ext4)]).contains(&"e2fsprogs"));
    }

    #[test]
    fn each_missing_package_is_named_once() {
        let lacks = |name: &'static str, package| need(What::Program(name), package, "a test");
        let needs = [
            lacks("no-such-program-b", "xz-utils"),
            lacks("no-such-program-a", "gcc"),
            need(What::Header("no-such-header.h"), "gcc", "a test"),
            need(What::Program("sh"), "dash", "a test"),
        ];
        assert_eq!(missing_packages(&needs), BTreeSet::from(["gcc", "xz-utils"]));
    }
}
