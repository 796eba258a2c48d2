//! The function that a line of a report names, in the form of each architecture.

use std::sync::LazyLock;

use regex::Regex;

use super::super::line::pattern;

/// How a line came to its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// From the registers: the CPU was in it.
    Registers,
    /// A frame of a stack, or the text of a header.
    Stack,
    /// An address that was found on a stack, ` ? f+0x1/0x2`.
    Guess,
}

/// A line of a list of held locks, lockdep_print_held_locks(): these locks are not what the report is about.
pub(super) fn is_held_lock(message: &str) -> bool {
    let digits = message
        .trim_start()
        .strip_prefix('#')
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    digits.is_some_and(|rest| rest.starts_with(": "))
}

/// What scripts/decode_stacktrace.sh puts in the place of the offset, also where it found no line: `f (fs/x.c:1`, `f (x.c:?)`,
/// `f (??:?)`.
const DECODED_PLACE: &str = r" \((?:\S+\.[chS]:(?:\d+|\?)|\?\?:\?)";

/// print_lock() of kernel/locking/lockdep.c: `ffff888001 (&a){+.+.}-{3:3}, at: f+0x1/0x2`.
pub(super) fn lock_site(message: &str) -> Option<String> {
    static SITE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&format!(r"\bat: (?:\[<[0-9a-f]+>\] ?)?\.?([A-Za-z_][\w.$]*)(?:\+0x|{DECODED_PLACE})"))
    });
    message.contains("at: ").then(|| SITE.captures(message)).flatten().map(|found| plain_name(&found[1]))
}

/// The function of a line. The register with the caller's address (`lr`, `ra`) gives none, nor does a function that a
/// decoder found to be inlined (`f fs/x.c:1 [inline]`): the title is the same before and after decoding.
pub(super) fn frame(message: &str) -> Option<(String, Source)> {
    if let Some(plain) = plain_frame(message) {
        return Some(plain);
    }
    // process_one_work() in kernel/workqueue.c, whose stack is always the same.
    if let Some((_, name)) = message.split_once("workfn=").or_else(|| message.split_once("last function: ")) {
        return Some((plain_name(name.split_whitespace().next()?), Source::Stack));
    }
    let raw = message.contains("+0x") || message.contains(") from [<");
    if raw { raw_frame(message) } else { decoded_frame(message) }
}

/// The function from which the one of the line was called, if the line says it. dump_backtrace_entry() of arch/arm: ` f
/// from g+0x1/0x2`, `[<c01>] (f [module]) from [<c02>] (g+0x1/0x2 [module])`, in old kernels without the second space.
pub(super) fn caller(message: &str) -> Option<String> {
    static CALLER: LazyLock<Regex> =
        LazyLock::new(|| pattern(r" from (?:\[<[0-9a-f]+>\] ?\()?([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/0x"));
    message.contains(" from ").then(|| CALLER.captures(message)).flatten().map(|found| plain_name(&found[1]))
}

/// The form that most frames have, ` f+0x1/0x2`: what [`raw_frame`] says of it, without a pattern.
fn plain_frame(message: &str) -> Option<(String, Source)> {
    let text = message.trim_start();
    let (text, source) = match text.strip_prefix("? ") {
        Some(rest) => (rest, Source::Guess),
        None => (text, Source::Stack),
    };
    let (name, rest) = text.split_at(text.find(|c: char| !is_of_name(c))?);
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let (offset, size) = rest.strip_prefix("+0x")?.split_once("/0x")?;
    let is_number = !offset.is_empty() && offset.bytes().all(is_hex);
    (begins && is_number && size.bytes().next().is_some_and(is_hex)).then(|| (plain_name(name), source))
}

/// Names of functions have `.` where the compiler made one of another; assemblers take `$` as well.
fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')
}

fn raw_frame(message: &str) -> Option<(String, Source)> {
    // show_ip() of arch/x86, in old kernels with `[<address>]` twice; show_regs() of arm64, arm and alpha (`PC is at`), riscv
    // and mips (`epc`), loongarch (`ERA`), s390 (`Krnl PSW`), sparc (`TPC`, and `Caller[address]: ` before each frame), m68k
    // (`PC: [<address>]`), csky (`PC: address (`), parisc (`IAOQ[0]`) and powerpc (`NIP`, and two addresses before each frame;
    // `--- interrupt`; `pc: ` from xmon); printk_stack_address() and its like, of s390 in parentheses. An address may be
    // hidden, `[<(ptrval)>]`, and the module of Linux 2.6.18 stands before its function. The first ABI of powerpc has a dot
    // before the function itself, beside its descriptor.
    static FRAME: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^(?:kmemleak:)?\s*(RIP: [0-9a-f]{4}:\s*|RIP\s+|E?IP: |E?IP is at |PC is at |pc : |epc\s*: (?:[0-9a-f]+ )?|[Ee][Rr][Aa]\s*: [0-9a-f]+ |Krnl PSW : [0-9a-f]+ [0-9a-f]+ |T?PC: ?<|TPC<|PC: (?:0x[0-9a-f]+ )?|pc is at |pc: [0-9a-f]+: |IAOQ\[0\]: |NIP |-{3,4} ?(?:interrupt|Exception): [0-9a-f]+ at )?\(?(?:(?:Caller)?\[(?:<[^>]{0,20}>|[0-9a-f]*)\]:?\s*)*(\? )?\(?(?::\w+:)?\.?([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/0x[0-9a-f]+",
        )
    });
    // dump_backtrace_entry() of arch/arm, see caller(); the address of the caller may be none of the kernel.
    static FROM: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^\s*(?:\[<[0-9a-f]+>\] ?\()?([A-Za-z_][\w.$]*)(?: \[\w+\])?\)? from (?:\[<[0-9a-f]+>\]|[A-Za-z_][\w.$]*\+0x)",
        )
    });
    static SITE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:WARNING:|[Kk]ernel BUG|CFI failure|KAS[Aa][Nn]|KMSAN|KFENCE|KCSAN).*? (?:at|in) (?:\S+:\d+ )?(?:at )?\.?([A-Za-z_][\w.$]*)\+0x",
        )
    });
    if let Some(found) = FRAME.captures(message) {
        let source = match (found.get(1), found.get(2)) {
            (_, Some(_)) => Source::Guess,
            (Some(_), None) => Source::Registers,
            (None, None) => Source::Stack,
        };
        return Some((plain_name(&found[3]), source));
    }
    let found = FROM.captures(message).or_else(|| SITE.captures(message))?;
    Some((plain_name(&found[1]), Source::Stack))
}

/// What scripts/decode_stacktrace.sh makes of a frame: ` f (fs/x.c:1 (discriminator 2)) module`.
fn decoded_frame(message: &str) -> Option<(String, Source)> {
    static DECODED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&format!(
            r"^\s*(RIP: [0-9a-f]{{4}}:|EIP: |pc : |epc : |PC is at )?(\? )?([A-Za-z_][\w.$]*){DECODED_PLACE}"
        ))
    });
    static SITE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&format!(
            r"(?:WARNING:|KASAN|KMSAN|KFENCE|KCSAN).*? (?:at|in) (?:\S+:\d+ )?(?:at )?([A-Za-z_][\w.$]*){DECODED_PLACE}"
        ))
    });
    if !message.contains(" (") {
        return None;
    }
    if let Some(found) = DECODED.captures(message) {
        let source = match (found.get(1), found.get(2)) {
            (_, Some(_)) => Source::Guess,
            (Some(_), None) => Source::Registers,
            (None, None) => Source::Stack,
        };
        return Some((plain_name(&found[3]), source));
    }
    SITE.captures(message).map(|found| (plain_name(&found[1]), Source::Stack))
}

/// The name as in the source: without what the compiler appended.
fn plain_name(name: &str) -> String {
    static SUFFIX: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.?\d+)*)+$"));
    if name.contains('.') { SUFFIX.replace(name, "").into_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The quick way and the pattern are one rule.
    #[test]
    fn a_plain_frame_is_what_the_pattern_says() {
        let mut quick = 0;
        for text in [
            " fuse_put+0x1/0x2",
            "fuse_put.isra.0.cold+0x1f/0x2a [fuse]",
            " ? fuse_put+0x1/0x2",
            "  ?  fuse_put+0x1/0x2",
            " 9p_put+0x1/0x2",
            " fuse_put+0x/0x2",
            " fuse_put+0x1/0x",
            " fuse_put+0xF/0x2",
            " fuse_put+0x1",
            " [<ffffffff>] fuse_put+0x1/0x2",
            " (fuse_put+0x1/0x2)",
            " fuse_put from fuse_get+0x1/0x2",
            "Workqueue: events fuse_put+0x1/0x2",
            " f\u{fc}se+0x1/0x2",
            "",
        ] {
            if let Some(frame) = plain_frame(text) {
                assert_eq!(Some(frame), raw_frame(text), "{text}");
                quick += 1;
            }
        }
        assert_eq!(quick, 3, "most frames are of this form");
    }
}
