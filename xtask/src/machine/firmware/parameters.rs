//! The boot parameters that firmware passes to the kernel: where memory is, and the tables. QEMU adds the rest.

use super::{PAGE, TABLES_ADDRESS};

/// Offsets in the kernel's `struct boot_params`.
const RSDP: usize = 0x70;
const RANGES: usize = 0x1e8;
const RANGE_TABLE: usize = 0x2d0;

const USABLE: u32 = 1;
const RESERVED: u32 = 2;

const MIB: u64 = 1 << 20;
/// Memory below 4 GiB ends here at the latest, and at the second if there is more than fits.
const MOST_LOW: u64 = 0xe000_0000;
const LOW_OF_MORE: u64 = 0xc000_0000;

/// The page.
pub(super) fn page(memory_mib: u32) -> Vec<u8> {
    let ranges = ranges(u64::from(memory_mib) * MIB);
    let mut page = vec![0; PAGE];
    let mut put = |offset: usize, bytes: &[u8]| {
        page.splice(offset..offset + bytes.len(), bytes.iter().copied());
    };
    put(RSDP, &TABLES_ADDRESS.to_le_bytes());
    put(RANGES, &[ranges.len().to_le_bytes()[0]]);
    let entries = ranges.iter().flat_map(|(start, end, kind)| {
        [&start.to_le_bytes()[..], &(end - start).to_le_bytes(), &kind.to_le_bytes()].concat()
    });
    put(RANGE_TABLE, &entries.collect::<Vec<_>>());
    page
}

/// Start, end and kind.
fn ranges(memory: u64) -> Vec<(u64, u64, u32)> {
    let tables = u64::from(TABLES_ADDRESS);
    let low = if memory < MOST_LOW { memory } else { LOW_OF_MORE };
    let mut ranges = vec![(0, tables, USABLE), (tables, 0xa_0000, RESERVED), (MIB, low, USABLE)];
    if memory > low {
        ranges.push((1 << 32, (1 << 32) + memory - low, USABLE));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usable_mib(memory_mib: u64) -> u64 {
        let usable = ranges(memory_mib * MIB).into_iter().filter(|(.., kind)| *kind == USABLE);
        usable.map(|(start, end, _)| end - start).sum::<u64>() / MIB
    }

    #[test]
    fn all_memory_is_there_but_for_the_hole_below_one_mib() {
        for memory_mib in [192, 768, 3583, 3584, 8192] {
            assert_eq!(usable_mib(memory_mib), memory_mib - 1, "{memory_mib}");
        }
    }

    #[test]
    fn what_does_not_fit_below_4_gib_is_above() {
        assert_eq!(ranges(3583 * MIB).len(), 3);
        assert_eq!(ranges(4096 * MIB)[2..], [(MIB, 3 << 30, USABLE), (4 << 30, 5 << 30, USABLE)]);
    }

    #[test]
    fn the_kernel_finds_them() {
        let page = page(768);
        assert_eq!(page[RANGES], 3);
        assert_eq!(page[RSDP..RSDP + 8], 0x9_f000_u64.to_le_bytes());
        assert_eq!(page[RANGE_TABLE + 40..RANGE_TABLE + 48], MIB.to_le_bytes());
    }
}
