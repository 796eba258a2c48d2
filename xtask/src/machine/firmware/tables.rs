//! The ACPI tables: interrupts, power-off, the PCI bus, the serial port of the console, and the device for panics.
//!
//! There is no HPET in them: that of QEMU 7.2 interrupts some nanoseconds later than that of 10.0.

use acpi_tables::aml::{
    AddressSpace, AddressSpaceCacheable, Device, EISAName, IO, Interrupt, Name, Package, ResourceTemplate,
    Scope,
};
use acpi_tables::facs::FACS;
use acpi_tables::rsdp::Rsdp;
use acpi_tables::sdt::Sdt;
use acpi_tables::{Aml, aml};

use super::{PAGE, TABLES_ADDRESS};

const OEM: [u8; 6] = *b"PATCHL";
const OEM_TABLE: [u8; 8] = *b"PATCHLAB";
const HEADER_BYTES: u32 = 36;

/// The interrupt of the ACPI ports.
const SCI: u8 = 9;
/// That of the device in slot 2, pin A, as [`super::code`] sets it up.
const SLOT_2: u8 = 10;

/// The page with all tables, the root pointer first.
pub(super) fn page(cpus: u32) -> Vec<u8> {
    let mut page = Page(vec![0; Rsdp::len()]);
    let facs = page.add(&bytes(&FACS::new()));
    let dsdt = page.add(table(*b"DSDT", 2, &description()).as_slice());
    let fadt = page.add(table(*b"FACP", 1, &fixed(facs, dsdt)).as_slice());
    let madt = page.add(table(*b"APIC", 1, &interrupts(cpus)).as_slice());
    let listed: Vec<u8> = [fadt, madt].iter().flat_map(|table| u64::from(*table).to_le_bytes()).collect();
    let root = page.add(table(*b"XSDT", 1, &listed).as_slice());
    let Page(mut page) = page;
    page.splice(..Rsdp::len(), bytes(&Rsdp::new(OEM, root.into())));
    page.resize(PAGE, 0);
    page
}

/// What is in the page so far.
struct Page(Vec<u8>);

impl Page {
    /// Adds a table, and returns its address.
    fn add(&mut self, table: &[u8]) -> u32 {
        // The FACS has to be aligned so.
        self.0.resize(self.0.len().next_multiple_of(64), 0);
        let address = (TABLES_ADDRESS..).zip(&self.0).count();
        self.0.extend_from_slice(table);
        TABLES_ADDRESS + u32::try_from(address).unwrap_or(u32::MAX)
    }
}

fn bytes(table: &dyn Aml) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.to_aml_bytes(&mut bytes);
    bytes
}

fn table(signature: [u8; 4], revision: u8, body: &[u8]) -> Sdt {
    let mut table = Sdt::new(signature, HEADER_BYTES, revision, OEM, OEM_TABLE, 1);
    table.append_slice(body);
    table
}

/// The fixed description: ports of the chipset, as QEMU has them.
fn fixed(facs: u32, dsdt: u32) -> Vec<u8> {
    let mut body = Vec::new();
    let mut put = |bytes: &[u8]| body.extend_from_slice(bytes);
    put(&facs.to_le_bytes());
    put(&dsdt.to_le_bytes());
    // Interrupts by the I/O APIC; no profile; the SCI.
    put(&[1, 0, SCI, 0]);
    // The port by which ACPI is switched on and off, and the two values; neither S4 nor the state of the processor.
    put(&0xb2_u32.to_le_bytes());
    put(&[0xf1, 0xf0, 0, 0]);
    // Events A and B, control A and B, control 2, timer, general events 0 and 1.
    for port in [0x600_u32, 0, 0x604, 0, 0, 0x608, 0xafe0, 0] {
        put(&port.to_le_bytes());
    }
    // Their lengths; no events 1; no C states.
    put(&[4, 2, 0, 4, 4, 0, 0, 0]);
    // Latencies of C2 and C3 that say that there is neither; nothing of caches and duty.
    put(&[0xff, 0x0f, 0xff, 0x0f, 0, 0, 0, 0, 0, 0]);
    // No alarm of days and months; the century's place in the clock; no boot flags.
    put(&[0, 0, 0x32, 0, 0, 0]);
    // WBINVD works, C1 is there, no sleep button, the clock does not wake from S4, the timer is the platform's.
    put(&0x80a5_u32.to_le_bytes());
    body
}

/// The APICs.
fn interrupts(cpus: u32) -> Vec<u8> {
    let mut body = Vec::new();
    let mut put = |bytes: &[u8]| body.extend_from_slice(bytes);
    put(&0xfee0_0000_u32.to_le_bytes());
    // There is an 8259 too.
    put(&1_u32.to_le_bytes());
    for cpu in (0..=u8::MAX).zip(0..cpus).map(|(cpu, _)| cpu) {
        put(&[0, 8, cpu, cpu, 1, 0, 0, 0]);
    }
    put(&[1, 12, 0, 0]);
    put(&0xfec0_0000_u32.to_le_bytes());
    put(&0_u32.to_le_bytes());
    // ISA interrupt 0 comes in at pin 2; those of PCI and ACPI are active high and level triggered.
    put(&[2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
    for irq in [SCI, SLOT_2, 11] {
        put(&[2, 10, 0, irq, irq, 0, 0, 0, 0x0d, 0]);
    }
    // The NMI is at pin 1 of each CPU.
    put(&[4, 6, 0xff, 0, 0, 1]);
    body
}

/// The description of devices.
fn description() -> Vec<u8> {
    let slot_2 = Package::new(vec![&0x2_ffff_u32, &aml::ZERO, &aml::ZERO, &SLOT_2]);
    let pci_ports = AddressSpace::new_io(0x1000_u16, 0xffff, None);
    let pci_memory = AddressSpace::new_memory(
        AddressSpaceCacheable::NotCacheable,
        true,
        0xe000_0000_u32,
        0xfebf_ffff,
        None,
    );
    let buses = AddressSpace::new_bus_number(0_u16, 0xff);
    let pci_resources = ResourceTemplate::new(vec![&buses, &pci_ports, &pci_memory]);
    let console_ports = IO::new(0x3f8, 0x3f8, 0, 8);
    let console_interrupt = Interrupt::new(true, true, false, false, 4);
    let console_resources = ResourceTemplate::new(vec![&console_ports, &console_interrupt]);
    let panic_port = IO::new(0x505, 0x505, 1, 1);
    let panic_resources = ResourceTemplate::new(vec![&panic_port]);

    let pci = [
        Name::new("_HID".into(), &EISAName::new("PNP0A03")),
        Name::new("_UID".into(), &aml::ZERO),
        Name::new("_CRS".into(), &pci_resources),
        Name::new("_PRT".into(), &Package::new(vec![&slot_2])),
    ];
    let console = [
        Name::new("_HID".into(), &EISAName::new("PNP0501")),
        Name::new("_UID".into(), &aml::ONE),
        Name::new("_CRS".into(), &console_resources),
    ];
    let panic = [Name::new("_HID".into(), &"QEMU0001"), Name::new("_CRS".into(), &panic_resources)];
    let device = |name: &str, names: &[Name]| {
        bytes(&Device::new(name.into(), names.iter().map(|name| name as &dyn Aml).collect()))
    };
    let devices = [device("PCI0", &pci), device("COM1", &console), device("PEVT", &panic)].concat();
    let scope = Scope::raw("\\_SB_".into(), devices);
    let off = Package::new(vec![&aml::ZERO, &aml::ZERO, &aml::ZERO, &aml::ZERO]);
    [scope, bytes(&Name::new("_S5_".into(), &off))].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signature, length and sum of each table that the root lists, from the bytes alone.
    fn listed(page: &[u8]) -> Vec<(String, usize)> {
        let at = |address: u64| usize::try_from(address - u64::from(TABLES_ADDRESS)).unwrap();
        let table = |start: usize| {
            let length = u32::from_le_bytes(page[start + 4..start + 8].try_into().unwrap()) as usize;
            let table = &page[start..start + length];
            assert_eq!(table.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)), 0);
            table
        };
        let root = table(at(u64::from_le_bytes(page[24..32].try_into().unwrap())));
        let addresses = root[36..].chunks(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        let found = addresses.map(|address| table(at(address)));
        found.map(|table| (String::from_utf8(table[..4].to_vec()).unwrap(), table.len())).collect()
    }

    #[test]
    fn the_root_leads_to_whole_tables() {
        let page = page(1);
        assert_eq!(page[..8], *b"RSD PTR ");
        assert_eq!(listed(&page), [("FACP".to_owned(), 116), ("APIC".to_owned(), 110)]);
    }

    #[test]
    fn each_cpu_has_an_entry() {
        assert_eq!(listed(&page(4))[1].1 - listed(&page(1))[1].1, 3 * 8);
    }

    #[test]
    fn the_fixed_table_knows_the_two_without_a_list() {
        let page = page(1);
        let fadt = page.windows(4).position(|window| window == b"FACP").unwrap();
        let address =
            |offset: usize| u32::from_le_bytes(page[fadt + offset..fadt + offset + 4].try_into().unwrap());
        let signature = |address: u32| &page[(address - TABLES_ADDRESS) as usize..][..4];
        assert_eq!((signature(address(36)), signature(address(40))), (&b"FACS"[..], &b"DSDT"[..]));
    }
}
