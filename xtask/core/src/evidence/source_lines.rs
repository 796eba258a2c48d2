//! Which lines of the source the functions on a kernel's stack stand for.
//!
//! A frame is `function+0xOFFSET/0xSIZE`: it does not depend on where the kernel lies in memory, so that an address that was drawn at
//! boot (KASLR) does not matter.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::klog::pattern;

/// An address as the kernel prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site<'a> {
    /// The function, as kallsyms has it.
    pub function: &'a str,
    /// Bytes from its begin.
    pub offset: u64,
    /// Bytes up to the next symbol.
    pub size: u64,
    /// What stands there.
    pub kind: SiteKind,
}

/// What an address on a stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// The instruction itself.
    Instruction,
    /// Where a call returns to: the call is the instruction before it.
    Return,
}

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The function; of one that was inlined its own name.
    pub function: String,
    /// The file, from the top of the source.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// What a kernel knows of its source.
pub trait SourceLines {
    /// The places of an address, the innermost inlined function first, and the function that is named last; none if it is not known.
    fn places(&self, site: &Site<'_>) -> Vec<Place>;
}

/// The lines of a kernel, if there are any.
pub enum Lines<'a> {
    /// They are there.
    Known(&'a dyn SourceLines),
    /// Why there are none, and what gives them.
    Missing(String),
}

impl std::fmt::Debug for Lines<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lines::Known(_) => write!(formatter, "Known"),
            Lines::Missing(why) => write!(formatter, "Missing({why:?})"),
        }
    }
}

impl Lines<'_> {
    /// The text of a report with a place behind each address, and above it the functions that were inlined there.
    ///
    /// # Errors
    /// Why there are no lines.
    pub fn written_into(&self, text: &str) -> Result<String, &str> {
        match self {
            Lines::Known(lines) => Ok(with_places(text, *lines)),
            Lines::Missing(why) => Err(why),
        }
    }
}

/// `f+0x1/0x2`. What a module has is no address of the kernel's own.
static SITE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"([A-Za-z_][\w.$]*)\+0x([0-9a-f]+)/0x([0-9a-f]+)(?P<module> \[\w+\])?"));

/// A line of a stack, and nothing else: `? f+0x1/0x2`, with the mark of a guess or of a register.
static FRAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?P<indent>(?:kmemleak:)?\s*)(?P<mark>\? )?(?:RIP: [0-9a-f]{4}:|pc : |lr : |epc : |(?:\[<[0-9a-f]+>\] )+)?[A-Za-z_][\w.$]*\+0x[0-9a-f]+/0x[0-9a-f]+(?: \([A-Z]+\))?$",
    )
});

/// What stands in front of an instruction: registers, and the header of a WARN().
static INSTRUCTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:RIP: [0-9a-f]{4}:|\bpc : |PC is at |\bepc : |\bNIP |WARNING: .*\s)(?P<site>[A-Za-z_][\w.$]*\+0x[0-9a-f]+/0x[0-9a-f]+)",
    )
});

/// Whether a text has addresses at all.
pub fn has_sites(text: &str) -> bool {
    SITE.is_match(text)
}

fn with_places(text: &str, lines: &dyn SourceLines) -> String {
    // A stack names again what the registers have named.
    let exact: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| INSTRUCTION.captures(line)?.name("site").map(|site| site.as_str()))
        .collect();
    let mut shown = String::new();
    for line in text.lines() {
        let places = |found: &Captures<'_>| {
            if found.name("module").is_some() {
                return Vec::new();
            }
            let number = |group: usize| u64::from_str_radix(&found[group], 16).unwrap_or(u64::MAX);
            let kind = if exact.contains(&found[0]) { SiteKind::Instruction } else { SiteKind::Return };
            lines.places(&Site { function: &found[1], offset: number(2), size: number(3), kind })
        };
        if let (Some(frame), Some(found)) = (FRAME.captures(line), SITE.captures(line)) {
            let part = |name: &str| frame.name(name).map_or("", |part| part.as_str());
            let places = places(&found);
            for Place { function, file, line } in places.iter().rev().skip(1).rev() {
                // Writing to a string cannot fail.
                let _ =
                    writeln!(shown, "{}{}{function} {file}:{line} [inline]", part("indent"), part("mark"));
            }
        }
        let replaced = SITE.replace_all(line, |found: &Captures<'_>| match places(found).last() {
            Some(Place { file, line, .. }) => format!("{} {file}:{line}", &found[0]),
            None => found[0].to_owned(),
        });
        shown += &replaced;
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::evidence::klog;

    /// Says of each address what it was asked.
    struct Asked;

    impl SourceLines for Asked {
        fn places(&self, site: &Site<'_>) -> Vec<Place> {
            let place = |function: &str, file: &str, line| Place {
                function: function.to_owned(),
                file: file.to_owned(),
                line,
            };
            let line = site.offset as u32;
            let kind = match site.kind {
                SiteKind::Instruction => "exact.c",
                SiteKind::Return => "return.c",
            };
            match site.function {
                "vfs_write" => {
                    vec![place("inner", "a.h", 1), place("outer", "b.h", 2), place("vfs_write", kind, line)]
                }
                "full_proxy_write" => Vec::new(),
                function => vec![place(function, kind, line)],
            }
        }
    }

    #[test]
    fn the_report_of_a_warning() {
        let log = include_bytes!("../../tests/data/console/debug-warning.log");
        let text = klog::findings(log).swap_remove(0).text;
        assert!(has_sites(&text));
        let shown = Lines::Known(&Asked).written_into(&text).unwrap();
        expect![[r#"
            ------------[ cut here ]------------
            WARNING: CPU: 0 PID: 29 at drivers/misc/lkdtm/bugs.c:112 lkdtm_WARNING+0xa/0x10 exact.c:10
            CPU: 0 UID: 0 PID: 29 Comm: init Not tainted 6.12.117 #1
            Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2-debian-1.16.2-1 04/01/2014
            RIP: 0010:lkdtm_WARNING+0xa/0x10 exact.c:10
            Code: 00 00 00 75 8f 48 c7 c7 60 3e 95 81 e8 2f ec be ff eb ac 66 66 2e 0f 1f 84 00 00 00 00 00 66 90 83 05 19 1d c7 01 01 75 01 c3 <0f> 0b c3 0f 1f 00 41 55 48 c7 c7 40 50 a5 81 48 b8 00 00 00 00 00
            RSP: 0018:ffffc900001dfd28 EFLAGS: 00000202
            RAX: ffffffff81531ca0 RBX: ffffffff81f8eab0 RCX: ffffffff815311a2
            RDX: dffffc0000000000 RSI: 0000000000000004 RDI: ffffffff81f8eab8
            RBP: 0000000000000007 R08: 0000000000000000 R09: fffffbfff0395440
            R10: 0000000000000003 R11: 0000000000000001 R12: ffffffff81f8eab0
            R13: ffffc900001dfee0 R14: ffffc900001dfee0 R15: ffff888000412468
            FS:  00000000004f0380(0000) GS:ffff88801b000000(0000) knlGS:0000000000000000
            CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033
            CR2: 000000000042b9a0 CR3: 0000000003c09000 CR4: 00000000003506b0
            Call Trace:
             <TASK>
             lkdtm_do_action+0x1d/0x30 return.c:29
             direct_entry+0xa1/0xf0 return.c:161
             full_proxy_write+0x8c/0xb0
             inner a.h:1 [inline]
             outer b.h:2 [inline]
             vfs_write+0x18c/0x660 return.c:396
             ? kernel_write+0x3d0/0x3d0 return.c:976
             ? find_held_lock+0x83/0xa0 return.c:131
             ? lock_release+0x1d1/0x3b0 return.c:465
             ? do_user_addr_fault+0x5d3/0x850 return.c:1491
             ? reacquire_held_locks+0x270/0x270 return.c:624
             ksys_write+0xaa/0x130 return.c:170
             ? __x64_sys_read+0x40/0x40 return.c:64
             ? lockdep_hardirqs_on_prepare+0x12d/0x1f0 return.c:301
             do_syscall_64+0x54/0xf0 return.c:84
             entry_SYSCALL_64_after_hwframe+0x4b/0x53 return.c:75
            RIP: 0033:0x4326d0
            Code: 40 00 48 c7 c2 b8 ff ff ff f7 d8 64 89 02 48 c7 c0 ff ff ff ff eb b7 0f 1f 00 80 3d 91 59 07 00 00 74 17 b8 01 00 00 00 0f 05 <48> 3d 00 f0 ff ff 77 58 c3 0f 1f 80 00 00 00 00 48 83 ec 28 48 89
            RSP: 002b:00007fffffffe298 EFLAGS: 00000202 ORIG_RAX: 0000000000000001
            RAX: ffffffffffffffda RBX: 0000000000000005 RCX: 00000000004326d0
            RDX: 0000000000000007 RSI: 00007fffffffe460 RDI: 0000000000000005
            RBP: 00007fffffffe460 R08: 0000000000000000 R09: 00000000004eeaa0
            R10: 0000000000000000 R11: 0000000000000202 R12: 000000000047b116
            R13: 00007fffffffe460 R14: 000000000047b11b R15: 0000000000000001
             </TASK>
            irq event stamp: 469
            hardirqs last  enabled at (477): [<ffffffff81120c3d>] __up_console_sem+0x4d/0x50 return.c:77
            hardirqs last disabled at (486): [<ffffffff81120c22>] __up_console_sem+0x32/0x50 return.c:50
            softirqs last  enabled at (214): [<ffffffff8108941d>] irq_exit_rcu+0x7d/0xa0 return.c:125
            softirqs last disabled at (207): [<ffffffff8108941d>] irq_exit_rcu+0x7d/0xa0 return.c:125
            ---[ end trace 0000000000000000 ]---
        "#]].assert_eq(&shown);
        assert_eq!(Lines::Missing("no".into()).written_into(&text), Err("no"));
    }

    #[test]
    fn forms_of_addresses() {
        let shown = |line: &str| Lines::Known(&Asked).written_into(line).unwrap();
        for (line, expected) in [
            (
                " ? vfs_write+0x10/0x20",
                " ? inner a.h:1 [inline]\n ? outer b.h:2 [inline]\n ? vfs_write+0x10/0x20 return.c:16\n",
            ),
            ("pc : f+0x10/0x20", "pc : f+0x10/0x20 exact.c:16\n"),
            ("lr : f+0x10/0x20", "lr : f+0x10/0x20 return.c:16\n"),
            (" f+0x10/0x20 (P)", " f+0x10/0x20 return.c:16 (P)\n"),
            (" f+0x10/0x20 [fuse]", " f+0x10/0x20 [fuse]\n"),
            (
                "WARNING: fs/x.c:1 at f+0x10/0x20, CPU#0: dd/12",
                "WARNING: fs/x.c:1 at f+0x10/0x20 exact.c:16, CPU#0: dd/12\n",
            ),
            (
                "BUG: KASAN: slab-use-after-free in vfs_write+0x10/0x20",
                "BUG: KASAN: slab-use-after-free in vfs_write+0x10/0x20 return.c:16\n",
            ),
            ("RIP: 0033:0x7f0012345678", "RIP: 0033:0x7f0012345678\n"),
            ("", ""),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
        assert!(!has_sites("RIP: 0033:0x7f0012345678"));
    }
}
