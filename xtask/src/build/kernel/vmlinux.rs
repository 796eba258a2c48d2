//! `vmlinux` for a debugger, made of what is stored of a kernel: exactly what boots, with the names of `System.map`.
//!
//! Why is it not stored when the kernel is built? It is five times as large as what boots, and of a thousand kernels one is
//! debugged. bzImage holds it without names; unpacking it takes half a second, and it cannot be another one than what boots.

mod unwind;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use lab_core::plan::Arch;
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSection as _};
use xshell::{Shell, cmd};

use super::Kernel;
use super::build_id::build_id;
use crate::build::target::Target;
use crate::lab::cache::Cache;
use crate::lab::process;

/// The name in the folder of the kernel.
const NAME: &str = "vmlinux";

/// `vmlinux` of a kernel that is stored, made if it is not there.
///
/// # Errors
/// If the kernel is packed in a way that the lab does not know, or a program that is needed is missing.
pub(crate) fn ensure(sh: &Shell, cache: &Cache, kernel: &Kernel) -> anyhow::Result<PathBuf> {
    let path = kernel.folder.join(NAME);
    if !path.is_file() {
        make(sh, cache, kernel, &path)
            .with_context(|| format!("making {NAME} of {}", kernel.kernel_image.display()))?;
    }
    Ok(path)
}

fn make(sh: &Shell, cache: &Cache, kernel: &Kernel, path: &Path) -> anyhow::Result<()> {
    let scratch = cache.temporary_folder("vmlinux-")?;
    let at = |name: &str| scratch.path().join(name);
    let map = fs::read_to_string(kernel.folder.join("System.map")).context("reading System.map")?;
    let target = Target::of(kernel.metadata.arch);
    let mut arguments = match target.arch {
        Arch::X86_64 => {
            let program = unpacked(sh, &kernel.kernel_image)?;
            let found = build_id(&program);
            ensure!(
                found == kernel.metadata.build_id,
                "its build id is {}, not that of the kernel",
                found.as_deref().unwrap_or("missing")
            );
            fs::write(at("program"), &program).context("writing what was unpacked")?;
            let mut arguments = symbols(&map, &sections(&program)?);
            if let Some(frames) = unwind::debug_frame(&program)? {
                fs::write(at("frames"), frames).context("writing how frames are unwound")?;
                let _ = writeln!(arguments, "--add-section .debug_frame={}", at("frames").display());
            }
            arguments
        }
        // Not packed: the kernel as it lies in memory.
        Arch::Arm64 => {
            fs::copy(&kernel.kernel_image, at("program")).context("copying the kernel")?;
            let start = address(&map, "_text").context("System.map has no _text")?;
            let size = fs::metadata(&kernel.kernel_image)?.len();
            let whole = Section { name: ".text".to_owned(), start, end: start + size };
            format!(
                "-I binary -O elf64-littleaarch64 -B aarch64 --rename-section .data=.text,alloc,load,code,contents\n\
                 --change-section-address .data={start:#x}\n{}",
                symbols(&map, &[whole])
            )
        }
    };
    arguments.push('\n');
    fs::write(at("arguments"), arguments).context("writing the arguments of objcopy")?;
    let (objcopy, file) = (format!("{}objcopy", target.prefix()?), format!("@{}", at("arguments").display()));
    let (from, to) = (at("program"), at(NAME));
    process::read(cmd!(sh, "{objcopy} {file} {from} {to}")).context("adding the names with objcopy")?;
    // Whole or not at all: the scratch folder is of the same file system.
    fs::rename(&to, path).with_context(|| format!("writing {}", path.display()))
}

/// Where bzImage says how many sectors its first part has, where behind that what is packed begins, and how long it is
/// (Documentation/arch/x86/boot.rst).
const SETUP_SECTORS: usize = 0x1f1;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;

/// How lz4 begins what it packs for kernels.
const LZ4: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// The program that bzImage holds.
fn unpacked(sh: &Shell, image: &Path) -> anyhow::Result<Vec<u8>> {
    let image = fs::read(image).context("reading it")?;
    let packed = payload(&image).context("it is no bzImage")?;
    ensure!(
        packed.starts_with(&LZ4),
        "it is not packed with lz4; CONFIG_KERNEL_LZ4=y in the configuration of the kernel makes it so"
    );
    // The size of what is unpacked stands behind it.
    let packed = &packed[..packed.len().saturating_sub(4)];
    let output = process::output_of_input(cmd!(sh, "lz4 -d -c -"), packed).context("unpacking it")?;
    ensure!(output.status.success(), "unpacking it with lz4: {}", process::messages(&output.stderr));
    Ok(output.stdout)
}

fn payload(image: &[u8]) -> Option<&[u8]> {
    let number = |at: usize| Some(u32::from_le_bytes(image.get(at..at + 4)?.try_into().ok()?) as usize);
    let setup_bytes = (usize::from(*image.get(SETUP_SECTORS)?) + 1) * 512;
    let start = setup_bytes.checked_add(number(PAYLOAD_OFFSET)?)?;
    image.get(start..start.checked_add(number(PAYLOAD_LENGTH)?)?)
}

/// Part of a kernel's memory.
struct Section {
    name: String,
    start: u64,
    end: u64,
}

fn sections(program: &[u8]) -> anyhow::Result<Vec<Section>> {
    let file = ElfFile64::<LittleEndian>::parse(program).context("what is packed is no 64-bit ELF file")?;
    let section = |section: object::read::elf::ElfSection64<'_, '_, LittleEndian>| {
        let (start, size) = (section.address(), section.size());
        Some(Section { name: section.name().ok()?.to_owned(), start, end: start.checked_add(size)? })
    };
    Ok(file.sections().filter_map(section).filter(|section| section.start > 0).collect())
}

/// The address of a name in System.map.
fn address(map: &str, name: &str) -> Option<u64> {
    entries(map).find(|(_, _, of)| *of == name).map(|(address, ..)| address)
}

/// Address, kind and name of each line.
fn entries(map: &str) -> impl Iterator<Item = (u64, char, &str)> {
    map.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        Some((address, words.next()?.chars().next()?, words.next()?))
    })
}

/// What objcopy is told to add: each name that lies in one of these sections.
fn symbols(map: &str, sections: &[Section]) -> String {
    let mut text = String::new();
    for (address, kind, name) in entries(map) {
        let Some(section) = sections.iter().find(|of| (of.start..of.end).contains(&address)) else {
            continue;
        };
        let what = if matches!(kind, 't' | 'T' | 'w' | 'W') { "function" } else { "object" };
        let scope = if kind.is_lowercase() { "local" } else { "global" };
        let offset = address - section.start;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "--add-symbol {name}={}:{offset:#x},{scope},{what}", section.name);
    }
    text
}
