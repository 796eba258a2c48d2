//! The firmware's instructions.
//!
//! They switch the CPU to 32-bit mode, set up the two chips that the kernel expects to find set up, copy the pages of the
//! host, fetch kernel, initramfs and command line from QEMU's `fw_cfg` device, and start the kernel by the 32-bit protocol of
//! Documentation/arch/x86/boot.rst. The kernel assigns PCI resources by itself.

#[cfg(target_arch = "x86_64")]
use std::arch::global_asm;

const CODE_BYTES: usize = 0x400;

#[cfg(target_arch = "x86_64")]
global_asm!(
    r#"
    .pushsection .rodata.patchlab_firmware, "a", @progbits
    .globl patchlab_firmware
    .set patchlab_firmware.rom, 0xffff0000
    .set patchlab_firmware.parameters, 0x90000
    .set patchlab_firmware.request, 0x8f00
patchlab_firmware:
    .code16
    cli
    cld
    // lgdt, with a base of 32 bits
    .byte 0x2e, 0x66, 0x0f, 0x01, 0x16
    .word 60f - patchlab_firmware
    mov eax, cr0
    or al, 1
    mov cr0, eax
    // jmp to 32-bit code
    .byte 0x66, 0xea
    .long 20f - patchlab_firmware + patchlab_firmware.rom
    .word 0x10

    .code32
20:
    mov eax, 0x18
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov esp, 0x8e00

    // The power management of the chipset: its ports begin at 0x600, and are on.
    mov edx, 0xcf8
    mov eax, 0x80000b40
    out dx, eax
    mov edx, 0xcfc
    mov eax, 0x601
    out dx, eax
    mov edx, 0xcf8
    mov eax, 0x80000b80
    out dx, eax
    mov edx, 0xcfc
    mov al, 1
    out dx, al
    // PCI interrupts A and B go to 10, C and D to 11; 9, 10 and 11 are level triggered.
    mov edx, 0xcf8
    mov eax, 0x80000860
    out dx, eax
    mov edx, 0xcfc
    mov eax, 0x0b0b0a0a
    out dx, eax
    mov edx, 0x4d1
    mov al, 0x0e
    out dx, al

    // The pages of the host.
    mov esi, 0xffff1000
    mov edi, offset patchlab_firmware.parameters
    mov ecx, 1024
    rep movsd
    mov esi, 0xffff2000
    mov edi, 0x9f000
    mov ecx, 1024
    rep movsd

    // The kernel's setup code is not run, but has the header that QEMU filled in.
    mov ebx, 0x18
    mov ebp, 0x17
    mov edi, 0x10000
    call 30f
    mov esi, 0x101f1
    mov edi, 0x901f1
    movzx ecx, byte ptr [0x10201]
    add ecx, 0x11
    rep movsb
    // The command line, to where the header says; so the initramfs.
    mov ebx, 0x15
    mov ebp, 0x14
    mov edi, dword ptr [0x90228]
    call 30f
    mov ebx, 0x12
    mov ebp, 0x0b
    mov edi, dword ptr [0x90218]
    call 30f
    // The kernel.
    mov ebx, 0x11
    mov ebp, 0x08
    mov edi, 0x100000
    call 30f
    mov esi, offset patchlab_firmware.parameters
    xor ebx, ebx
    xor ebp, ebp
    xor edi, edi
    mov eax, 0x100000
    jmp eax

    // Item ebx of fw_cfg, whose size is item ebp, to edi.
30:
    push edi
    mov eax, ebp
    mov edi, 0x8f10
    mov ecx, 4
    call 40f
    mov ecx, dword ptr [0x8f10]
    mov eax, ebx
    pop edi
    // Item eax, ecx bytes of it, to edi: select and read, all in big endian.
40:
    shl eax, 16
    or eax, 0x0a
    bswap eax
    mov dword ptr [0x8f00], eax
    bswap ecx
    mov dword ptr [0x8f04], ecx
    mov dword ptr [0x8f08], 0
    bswap edi
    mov dword ptr [0x8f0c], edi
    mov edx, 0x514
    xor eax, eax
    out dx, eax
    mov edx, 0x518
    mov eax, offset patchlab_firmware.request
    bswap eax
    out dx, eax
50:
    mov eax, dword ptr [0x8f00]
    bswap eax
    and eax, 0xfffffffe
    jnz 50b
    ret

    // The segments that the protocol asks for: 0x10 and 0x18, flat.
    .p2align 3
55:
    .quad 0, 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
60:
    .word 31
    .long 55b - patchlab_firmware + patchlab_firmware.rom

    .org {bytes}, 0
    .code64
    .popsection
    "#,
    bytes = const CODE_BYTES,
);

// SAFETY: the label above is followed by so many bytes, which nobody writes.
#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    #[link_name = "patchlab_firmware"]
    pub(super) safe static BYTES: [u8; CODE_BYTES];
}

/// Nothing: no guest gets it ([`super::IS_THERE`]).
#[cfg(not(target_arch = "x86_64"))]
pub(super) static BYTES: [u8; CODE_BYTES] = [0; CODE_BYTES];

/// A jump from an offset of the ROM to its begin, in 16-bit code.
pub(super) fn jump_from(offset: usize) -> [u8; 3] {
    const LENGTH: usize = 3;
    let [low, high, ..] = (offset + LENGTH).wrapping_neg().to_le_bytes();
    [0xe9, low, high]
}
