//! The firmware of an x86-64 guest with the virtual clock: what runs before the kernel, and what it tells the kernel.
//!
//! Why not the one that comes with QEMU? It is a package of its own, and QEMU makes the ACPI tables that it passes on.
//! Both differ from version to version, in what the kernel has to work through at boot. From then on each figure differs,
//! because one nanosecond can change an order. This firmware and these tables are the same with each QEMU.

mod code;
mod parameters;
mod tables;

/// Whether it can be made here: the compiler of this program assembles its instructions.
pub(crate) const IS_THERE: bool = cfg!(target_arch = "x86_64");

/// QEMU takes whole multiples of this.
const ROM_BYTES: usize = 0x1_0000;
/// The CPU starts here, in real mode.
const RESET_OFFSET: usize = 0xfff0;
/// Where [`code`] finds what it copies to the guest's memory, a page each.
const PARAMETERS_OFFSET: usize = 0x1000;
const TABLES_OFFSET: usize = 0x2000;
const PAGE: usize = 0x1000;

/// Where the tables are in the guest's memory.
const TABLES_ADDRESS: u32 = 0x9_f000;

/// The ROM for a guest with so much memory, MiB, and so many CPUs.
pub(crate) fn rom(memory_mib: u32, cpus: u32) -> Vec<u8> {
    let parts = [
        (0, code::BYTES.to_vec()),
        (PARAMETERS_OFFSET, parameters::page(memory_mib)),
        (TABLES_OFFSET, tables::page(cpus)),
        (RESET_OFFSET, code::jump_from(RESET_OFFSET).to_vec()),
    ];
    let mut rom = vec![0; ROM_BYTES];
    for (offset, bytes) in parts {
        rom.splice(offset..offset + bytes.len(), bytes);
    }
    rom
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_instruction_leads_to_the_start() {
        let rom = rom(768, 1);
        assert_eq!(rom.len(), ROM_BYTES);
        let distance = u16::from_le_bytes([rom[RESET_OFFSET + 1], rom[RESET_OFFSET + 2]]);
        assert_eq!(rom[RESET_OFFSET], 0xe9);
        assert_eq!((RESET_OFFSET as u16 + 3).wrapping_add(distance), 0);
        // Interrupts are off before anything else.
        assert_eq!(rom[0], 0xfa);
    }

    #[test]
    fn parts_do_not_overlap() {
        assert!(code::BYTES.len() <= PARAMETERS_OFFSET);
        for (memory_mib, cpus) in [(512, 1), (8192, 16)] {
            assert_eq!(parameters::page(memory_mib).len(), PAGE);
            assert_eq!(tables::page(cpus).len(), PAGE);
        }
    }
}
