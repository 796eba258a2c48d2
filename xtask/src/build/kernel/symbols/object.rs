//! From a relocatable object to symbols whose digests do not depend on where anything lies.
//!
//! `vmlinux.o` is everything that is linked into a kernel, with relocations still open: each place that will hold an
//! address is known, with what it refers to. Such places count by the name of their target, strings by their text.
//! Calls inside one section need no relocation if the compiler saw both ends; these are recognised by leading
//! to the very start of a function.

mod code;

use std::collections::BTreeMap;

use anyhow::Context as _;
use object::elf::{RelocationType, SHF_ALLOC, SHF_EXECINSTR, SHF_MERGE, SHF_STRINGS, SectionFlags};
use object::read::elf::{ElfFile64, ElfSection64, ElfSymbol64};
use object::{
    LittleEndian, Object as _, ObjectKind, ObjectSection as _, ObjectSymbol as _, RelocationFlags,
    RelocationTarget, SymbolKind,
};

use self::code::{Code, DISTANCE_BYTES};
use super::{Symbol, names};
use crate::lab::digest;

/// Hexadecimal digits of a hash that are kept: 64 bits, for some ten thousand symbols.
const HASH_DIGITS: usize = 16;

/// Sections that hold what the build does with a symbol, not the symbol: thrown away by the linker, or tables of
/// addresses and line numbers.
const NOISE: [&str; 5] = [".export_symbol", ".discard", "__ksymtab", "__bug_table", ".modinfo"];

type File<'a> = ElfFile64<'a, LittleEndian>;

/// The functions and named data of a relocatable object, sorted.
pub(super) fn symbols(bytes: &[u8]) -> anyhow::Result<Vec<Symbol>> {
    let file = File::parse(bytes).context("it is no 64-bit ELF file")?;
    let code = Code::of(file.architecture()).filter(|_| file.kind() == ObjectKind::Relocatable);
    let code = code.context("it is no relocatable object for x86-64 or arm64")?;
    let layout = Layout::read(&file, code)?;
    let mut found = Vec::new();
    for symbol in file.symbols() {
        let Some(index) = section_of(&symbol) else { continue };
        let name = symbol.name().unwrap_or_default();
        let has_content = matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown);
        if !has_content || symbol.size() == 0 || names::is_noise(name) {
            continue;
        }
        let Some(section) = layout.sections.get(&index) else { continue };
        if NOISE.iter().any(|start| section.name.starts_with(start)) {
            continue;
        }
        let range = Range {
            section: index,
            start: symbol.address(),
            end: symbol.address().saturating_add(symbol.size()),
        };
        found.push(Symbol { name: names::plain(name), size: symbol.size(), hash: layout.hash(&range) });
    }
    found.sort();
    Ok(found)
}

/// Part of a section.
struct Range {
    section: usize,
    start: u64,
    end: u64,
}

/// The sections that become part of the kernel, with what lies in them.
struct Layout<'a> {
    code: Code,
    sections: BTreeMap<usize, Section<'a>>,
}

struct Section<'a> {
    name: String,
    /// Empty for memory that starts as zeros.
    data: &'a [u8],
    flags: SectionFlags,
    entry_bytes: u64,
    /// By start, then by name.
    symbols: Vec<Extent>,
    /// By offset.
    relocations: Vec<Relocation>,
}

struct Extent {
    start: u64,
    size: u64,
    name: String,
}

struct Relocation {
    offset: u64,
    kind: RelocationType,
    target: Target,
    addend: i64,
}

enum Target {
    /// Goes by its name, wherever it is.
    Named(String),
    /// A place in a section, before the addend.
    Place(usize, u64),
}

impl<'a> Layout<'a> {
    fn read(file: &File<'a>, code: Code) -> anyhow::Result<Self> {
        let mut sections = BTreeMap::new();
        for section in file.sections() {
            if flags(&section).contains(SHF_ALLOC) {
                sections.insert(section.index().0, Section::read(file, &section)?);
            }
        }
        for symbol in file.symbols() {
            let name = symbol.name().unwrap_or_default();
            let is_place = matches!(
                symbol.kind(),
                SymbolKind::Text | SymbolKind::Data | SymbolKind::Unknown | SymbolKind::Label
            );
            let section = section_of(&symbol).and_then(|index| sections.get_mut(&index));
            if let Some(section) = section
                && is_place
                && !name.is_empty()
                && !name.starts_with('.')
                // Where the assembler for arm64 notes what is code and what data.
                && !name.starts_with('$')
                && !name.starts_with("__pfx_")
            {
                let name = names::plain(name);
                section.symbols.push(Extent { start: symbol.address(), size: symbol.size(), name });
            }
        }
        for section in sections.values_mut() {
            section.symbols.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
        }
        Ok(Layout { code, sections })
    }

    /// Over the content of a symbol.
    fn hash(&self, range: &Range) -> String {
        let section = &self.sections[&range.section];
        let mut parts = digest::Parts::default().with("section", &section.name);
        let (start, end) = (range.start as usize, range.end as usize);
        let Some(bytes) = section.data.get(start..end) else {
            return short(parts.with("zeros", (range.end - range.start).to_le_bytes()).finish());
        };
        let mut bytes = bytes.to_vec();
        for relocation in section.relocations_in(range.start, range.end) {
            let at = (relocation.offset - range.start) as usize;
            bytes.iter_mut().skip(at).take(self.code.width(relocation.kind)).for_each(|byte| *byte = 0);
            let target = self.reference_text(relocation, range);
            parts = parts.with("at", format!("{at} {} {target}", relocation.kind.0));
        }
        if section.has(SHF_EXECINSTR) {
            for (at, name) in section.direct_branches(self.code, range, &bytes) {
                self.code.without_distance(&mut bytes[at..at + DISTANCE_BYTES]);
                parts = parts.with("branch", format!("{at} {name}"));
            }
        }
        short(parts.with("bytes", bytes).finish())
    }

    /// What a relocation refers to, without an address.
    fn reference_text(&self, relocation: &Relocation, from: &Range) -> String {
        let (index, base) = match &relocation.target {
            Target::Named(name) => return format!("{name} {}", relocation.addend),
            Target::Place(index, base) => (index, base),
        };
        let Some(section) = self.sections.get(index) else { return "elsewhere".to_owned() };
        let value = base.wrapping_add_signed(relocation.addend);
        let ahead = self.code.ahead(relocation.kind);
        let place = value.wrapping_add(ahead[0]);
        if section.has(SHF_STRINGS) || section.has(SHF_MERGE) {
            return format!("{:?}", section.constant(place));
        }
        let starting = ahead.iter().find_map(|ahead| section.starting_at(value.wrapping_add(*ahead)));
        if let Some(symbol) = starting.or_else(|| section.containing(place)) {
            return format!("{} {}", symbol.name, value.wrapping_sub(symbol.start).cast_signed());
        }
        format!("unnamed in {} {:?}", section.name, self.jump_table(section, place, from))
    }

    /// Where in `from` the table of addresses at `place` leads to: what a `switch` is made into.
    fn jump_table(&self, section: &Section, place: u64, from: &Range) -> Vec<u64> {
        let mut offsets = Vec::new();
        let mut expected = place;
        for entry in section.relocations_in(place, u64::MAX) {
            let Target::Place(index, base) = entry.target else { break };
            let address = base.wrapping_add_signed(entry.addend);
            let leads_back = index == from.section && (from.start..from.end).contains(&address);
            if !self.code.is_address(entry.kind) || entry.offset != expected || !leads_back {
                break;
            }
            offsets.push(address - from.start);
            expected += 8;
        }
        offsets
    }
}

impl<'a> Section<'a> {
    fn read(file: &File<'a>, section: &ElfSection64<'a, '_, LittleEndian>) -> anyhow::Result<Self> {
        let name = section.name().context("reading the name of a section")?.to_owned();
        let data = section.data().with_context(|| format!("reading the section {name}"))?;
        let mut relocations = Vec::new();
        for (offset, relocation) in section.relocations() {
            let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
            let RelocationTarget::Symbol(index) = relocation.target() else { continue };
            let symbol = file.symbol_by_index(index).context("finding the symbol of a relocation")?;
            let target = target(&symbol);
            relocations.push(Relocation { offset, kind: r_type, target, addend: relocation.addend() });
        }
        relocations.sort_by_key(|relocation| relocation.offset);
        let entry_bytes = section.elf_section_header().sh_entsize.get(LittleEndian);
        Ok(Section { name, data, flags: flags(section), entry_bytes, symbols: Vec::new(), relocations })
    }

    fn has(&self, flag: SectionFlags) -> bool {
        self.flags.contains(flag)
    }

    fn relocations_in(&self, start: u64, end: u64) -> impl Iterator<Item = &Relocation> {
        let first = self.relocations.partition_point(|relocation| relocation.offset < start);
        self.relocations[first..].iter().take_while(move |relocation| relocation.offset < end)
    }

    fn starting_at(&self, address: u64) -> Option<&Extent> {
        let first = self.symbols.partition_point(|symbol| symbol.start < address);
        self.symbols.get(first).filter(|symbol| symbol.start == address)
    }

    /// The innermost symbol that holds `address`.
    fn containing(&self, address: u64) -> Option<&Extent> {
        // Few symbols lie inside others, and never deep.
        const LOOKED_AT: usize = 8;
        let behind = self.symbols.partition_point(|symbol| symbol.start <= address);
        let mut near = self.symbols[..behind].iter().rev().take(LOOKED_AT);
        near.find(|symbol| address - symbol.start < symbol.size)
    }

    /// The text or number at `place` of a section that holds only such.
    fn constant(&self, place: u64) -> &[u8] {
        let rest = self.data.get(place as usize..).unwrap_or_default();
        let len = if self.has(SHF_STRINGS) {
            rest.iter().position(|byte| *byte == 0)
        } else {
            usize::try_from(self.entry_bytes).ok().filter(|len| *len <= rest.len())
        };
        len.map_or(rest, |len| &rest[..len])
    }

    /// Calls and jumps of a function to the start of another one in its section: the place of their distance, and the name.
    fn direct_branches(&self, code: Code, range: &Range, bytes: &[u8]) -> Vec<(usize, &str)> {
        let branches = code.branches(bytes, range.start).into_iter().filter(|branch| {
            let field = range.start + branch.at as u64;
            self.relocations_in(field, field + DISTANCE_BYTES as u64).next().is_none()
        });
        let named = branches.filter_map(|branch| {
            let symbol = self.starting_at(branch.target)?;
            Some((branch.at, symbol.name.as_str()))
        });
        named.collect()
    }
}

fn target(symbol: &ElfSymbol64<'_, '_, LittleEndian>) -> Target {
    let name = symbol.name().unwrap_or_default();
    match section_of(symbol) {
        Some(index) if symbol.kind() == SymbolKind::Section || name.is_empty() || name.starts_with('.') => {
            Target::Place(index, symbol.address())
        }
        Some(_) | None => Target::Named(names::plain(name)),
    }
}

fn section_of(symbol: &ElfSymbol64<'_, '_, LittleEndian>) -> Option<usize> {
    symbol.section_index().map(|index| index.0)
}

fn flags(section: &ElfSection64<'_, '_, LittleEndian>) -> SectionFlags {
    section.elf_section_header().sh_flags.get(LittleEndian)
}

fn short(digest: String) -> String {
    digest.chars().take(HASH_DIGITS).collect()
}

#[cfg(test)]
mod tests;
