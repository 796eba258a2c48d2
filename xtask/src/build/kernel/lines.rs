//! The lines of the source of a kernel: kept when it is built, if it is built with debug information, and looked up for findings.
//!
//! Kept is `vmlinux` as it was linked, packed: a debugger reads it as well, and the lines of a configuration such as
//! `images/kernel/lines.config` are most of it. A kernel without debug information has none, and takes no more room.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use gimli::{EndianArcSlice, LittleEndian as Little};
use lab_core::evidence::source_lines::{Place, Site, SiteKind, SourceLines};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind};

/// The name in the folder of the kernel.
pub(super) const NAME: &str = "vmlinux.debug.gz";

/// A larger one is refused: it has 34 MiB with reduced debug information, and some hundred with all.
const LIMIT_BYTES: u64 = 1 << 30;

/// Where the lines are.
const SECTION: &str = ".debug_line";

/// A file whose place in the source is the same in each kernel. What stands before it in its path is where the source was.
const LANDMARK: &str = "/init/main.c";

type Reader = EndianArcSlice<Little>;

/// Keeps the lines of a kernel that was built, if it has any, in its `folder`.
///
/// # Errors
/// If they cannot be written.
pub(super) fn keep(vmlinux: &[u8], folder: &Path) -> anyhow::Result<()> {
    let file = ElfFile64::<LittleEndian>::parse(vmlinux);
    if !file.is_ok_and(|file| file.section_by_name(SECTION).is_some()) {
        return Ok(());
    }
    let keep = || {
        let mut packed = GzEncoder::new(File::create_new(folder.join(NAME))?, Compression::fast());
        packed.write_all(vmlinux)?;
        packed.finish()?.sync_all()
    };
    keep().context("keeping the lines of the source")
}

/// The lines of a kernel, ready to be looked up.
pub(crate) struct LineTable {
    lines: addr2line::Context<Reader>,
    /// Where the functions of each name begin, with the bytes up to the next symbol.
    functions: BTreeMap<String, Vec<(u64, u64)>>,
    /// What stands in front of the files of the source.
    top: String,
}

impl LineTable {
    /// That of the kernel in `folder`; none if none was kept.
    ///
    /// # Errors
    /// If it cannot be read, or is that of another kernel.
    pub(crate) fn open(folder: &Path, build_id: Option<&str>) -> anyhow::Result<Option<LineTable>> {
        let path = folder.join(NAME);
        if !path.is_file() {
            return Ok(None);
        }
        let read = || {
            let mut vmlinux = Vec::new();
            GzDecoder::new(File::open(&path)?).take(LIMIT_BYTES + 1).read_to_end(&mut vmlinux)?;
            ensure!(vmlinux.len() as u64 <= LIMIT_BYTES, "it has more than {LIMIT_BYTES} bytes");
            let found = super::build_id::build_id(&vmlinux);
            ensure!(found.as_deref() == build_id, "its build id is not that of the kernel");
            LineTable::of(&vmlinux)
        };
        read().with_context(|| format!("reading {}", path.display())).map(Some)
    }

    fn of(vmlinux: &[u8]) -> anyhow::Result<LineTable> {
        let file = ElfFile64::<LittleEndian>::parse(vmlinux).context("it is no 64-bit ELF file")?;
        let section = |id: gimli::SectionId| -> anyhow::Result<Reader> {
            let Some(section) = file.section_by_name(id.name()) else {
                return Ok(Reader::new(Arc::from([]), Little));
            };
            let is_packed = section.compressed_file_range()?.format != object::CompressionFormat::None;
            if is_packed {
                bail!(
                    "its debug information is packed; CONFIG_DEBUG_INFO_COMPRESSED_NONE=y leaves it as it is"
                );
            }
            Ok(Reader::new(Arc::from(section.data()?), Little))
        };
        let dwarf = gimli::Dwarf::load(section)?;
        let top = top(&dwarf)?;
        let lines = addr2line::Context::from_dwarf(dwarf)?;
        Ok(LineTable { lines, functions: functions(&file), top })
    }

    /// The address of a site; none if nothing has this name, or several things of this size.
    fn address(&self, site: &Site<'_>) -> Option<u64> {
        let of_name = self.functions.get(site.function)?;
        let of_size: Vec<(u64, u64)> =
            of_name.iter().copied().filter(|(_, size)| *size == site.size).collect();
        let (start, size) = match (&of_name[..], &of_size[..]) {
            ([one], _) | (_, [one]) => *one,
            _ => return None,
        };
        let address = start.checked_add(site.offset).filter(|_| site.offset <= size)?;
        match site.kind {
            SiteKind::Instruction => Some(address),
            SiteKind::Return => address.checked_sub(1),
        }
    }

    fn frames(&self, address: u64) -> Option<Vec<Place>> {
        let mut frames = self.lines.find_frames(address).skip_all_loads().ok()?;
        let mut places = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let location = frame.location?;
            let function = frame.function.and_then(|name| Some(name.raw_name().ok()?.into_owned()));
            places.push(Place {
                function: function.unwrap_or_default(),
                file: self.below_top(location.file?),
                line: location.line?,
            });
        }
        Some(places)
    }

    /// A file as the kernel's developers name it.
    fn below_top(&self, file: &str) -> String {
        let file = file.strip_prefix(&self.top).unwrap_or(file);
        let parts = file.split('/').filter(|part| *part != ".");
        parts.collect::<Vec<_>>().join("/")
    }
}

impl SourceLines for LineTable {
    fn places(&self, site: &Site<'_>) -> Vec<Place> {
        self.address(site).and_then(|address| self.frames(address)).unwrap_or_default()
    }
}

/// Where the source was when the kernel was built, with a slash; empty if nothing tells.
fn top(dwarf: &gimli::Dwarf<Reader>) -> anyhow::Result<String> {
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        let Some(name) = &unit.name else { continue };
        let name = String::from_utf8_lossy(name.bytes());
        if let Some(top) = name.strip_suffix(LANDMARK) {
            return Ok(format!("{top}/"));
        }
    }
    Ok(String::new())
}

/// The functions by name. How long one is, the kernel says as the distance to the next symbol.
fn functions(file: &ElfFile64<'_, LittleEndian>) -> BTreeMap<String, Vec<(u64, u64)>> {
    let code: Vec<(u64, u64)> = file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .map(|section| (section.address(), section.address().saturating_add(section.size())))
        .collect();
    let end_of = |address: u64| code.iter().find(|(start, end)| (*start..*end).contains(&address));
    let symbols = file.symbols().filter_map(|symbol| {
        let name = symbol.name().ok().filter(|name| !name.is_empty())?;
        let (_, end) = end_of(symbol.address())?;
        Some((symbol.address(), *end, name.to_owned()))
    });
    let mut symbols: Vec<_> = symbols.collect();
    symbols.sort_unstable();
    let mut functions: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    for (place, (address, end, name)) in symbols.iter().enumerate() {
        let next = symbols[place..].iter().map(|(next, ..)| *next).find(|next| next > address);
        let size = next.map_or(*end, |next| next.min(*end)) - address;
        functions.entry(name.clone()).or_default().push((*address, size));
    }
    functions
}

/// Whether a configuration asks for lines.
pub(crate) fn is_asked_for(config: &str) -> bool {
    config.lines().any(|line| line == "CONFIG_DEBUG_INFO=y")
}

#[cfg(test)]
mod tests {
    use xshell::{Shell, cmd};

    use super::*;

    /// Two functions with the same name in different files, and one that is inlined.
    const FILES: [(&str, &str); 2] = [
        (
            "init/main.c",
            "static inline __attribute__((always_inline)) int inner(volatile int *at)\n{\n\treturn *at + 1;\n}\n\n\
             int outer(volatile int *at)\n{\n\treturn inner(at) * 3;\n}\n\n\
             static __attribute__((noinline, used)) int twice(volatile int *at)\n{\n\treturn *at * 2;\n}\n",
        ),
        (
            "fs/file.c",
            "static __attribute__((noinline, used)) int twice(volatile int *at)\n{\n\t*at += 5;\n\t*at += 6;\n\treturn *at;\n}\n\
             void _start(void)\n{\n}\n",
        ),
    ];

    /// What the real compiler makes of these files, which lie in `folder`.
    fn vmlinux(folder: &Path, option: &str) -> Vec<u8> {
        let sh = Shell::new().unwrap();
        for (name, text) in FILES {
            sh.write_file(folder.join(name), text).unwrap();
        }
        let files = FILES.map(|(name, _)| folder.join(name));
        let program = folder.join("vmlinux");
        cmd!(sh, "gcc -O1 -fcf-protection=none -nostdlib -static {option} -o {program} {files...}")
            .run()
            .unwrap();
        sh.read_binary_file(program).unwrap()
    }

    fn shown(table: &LineTable, function: &str, offset: u64, size: u64, kind: SiteKind) -> Vec<String> {
        let places = table.places(&Site { function, offset, size, kind });
        places.iter().map(|place| format!("{} {}:{}", place.function, place.file, place.line)).collect()
    }

    #[test]
    fn lines_by_function_and_offset() {
        let folder = tempfile::tempdir().unwrap();
        let program = vmlinux(folder.path(), "-g");
        keep(&program, folder.path()).unwrap();
        let build_id = super::super::build_id::build_id(&program);
        let table = LineTable::open(folder.path(), build_id.as_deref()).unwrap().unwrap();
        let (_, size) = table.functions["outer"][0];
        let inlined = ["inner init/main.c:3", "outer init/main.c:8"];
        assert_eq!(shown(&table, "outer", 0, size, SiteKind::Instruction), inlined);
        assert_eq!(
            shown(&table, "outer", 1, 0, SiteKind::Return),
            inlined,
            "one of a name is meant, whatever its size"
        );
        let sizes: Vec<u64> = table.functions["twice"].iter().map(|(_, size)| *size).collect();
        assert_eq!(sizes.len(), 2);
        assert_ne!(sizes[0], sizes[1]);
        let mut all: Vec<_> = sizes
            .iter()
            .map(|size| shown(&table, "twice", 0, *size, SiteKind::Instruction).concat())
            .collect();
        all.sort();
        assert_eq!(all, ["twice fs/file.c:3", "twice init/main.c:13"]);
        for (function, offset, size) in
            [("twice", 0, 0), ("nothing", 0, 1), ("outer", size + 1, size), ("outer", u64::MAX, size)]
        {
            assert!(
                shown(&table, function, offset, size, SiteKind::Instruction).is_empty(),
                "{function} {offset}"
            );
        }
        let error = LineTable::open(folder.path(), Some("ab")).err().unwrap();
        assert!(format!("{error:#}").ends_with("its build id is not that of the kernel"), "{error:#}");
    }

    #[test]
    fn a_program_without_debug_information_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        keep(&vmlinux(folder.path(), "-g0"), folder.path()).unwrap();
        assert!(LineTable::open(folder.path(), None).unwrap().is_none());
        keep(b"no program", folder.path()).unwrap();
        assert!(!folder.path().join(NAME).exists());
    }
}
