//! The title of a report: the same for the same fault, whatever the addresses and numbers.

use std::sync::LazyLock;

use regex::Regex;

use super::body::panics_for_a_place;
use super::frames::Frames;
use super::headers::Match;
use super::line::pattern;
use crate::text::digest;

/// Longer titles are cut; in characters.
const LONGEST: usize = 160;

/// What stands in a title before the caller for whom a CPU was busy.
const FROM: &str = " (from ";

/// The title of a report whose header is `found` in `message`.
pub(super) fn title(found: Match, message: &str, frames: &Frames) -> String {
    let header = found.header;
    let what = match header.title {
        "" => normalise(&without_task(&message[found.start..])),
        canonical => canonical.to_owned(),
    };
    let title = match frames.culprit(header.kind) {
        Some(function) if has_site(found, message) => {
            let from =
                frames.served(header.kind).map(|caller| format!("{FROM}{caller})")).unwrap_or_default();
            format!("{} in {function}{from}", without_site(&what))
        }
        _ => what,
    };
    title.chars().take(LONGEST).collect()
}

/// The id of a finding: the kind, to be read by people, and a digest over kind and title, without a second function.
pub(super) fn id(kind: super::Kind, title: &str) -> String {
    let title = title.split_once(FROM).map_or(title, |(fault, _)| fault);
    let digest = digest::Parts::default().with("kind", kind.to_string()).with("title", title).finish();
    format!("{kind}-{}", &digest[..8])
}

/// Whether the function on top of the stack says anything about the fault.
fn has_site(found: Match, message: &str) -> bool {
    use super::Kind::*;
    match found.header.kind {
        // Who asks for the last page, or panics, is an accident or in the message already.
        Oom | Reboot | WorkqueueLockup | MachineCheck | Irq => false,
        Panic => panics_for_a_place(message),
        // Both sides of a race stand in the message, in an order that print_report() of kernel/kcsan/ sorts.
        Kcsan => !message.contains(" / "),
        Oops | Kasan | Kmsan | Kfence | Ubsan | Lockdep | Warning | RcuStall | SoftLockup | HardLockup
        | HungTask | AllocationFailure | Leak | Refcount | ListCorruption | Slab | Cfi | Bug | Info => true,
    }
}

/// A message without what differs from boot to boot: offsets, addresses, numbers.
pub(crate) fn normalise(message: &str) -> String {
    static RULES: LazyLock<[(Regex, &str); 11]> = LazyLock::new(|| {
        [
            (pattern(r"([A-Za-z_][\w.$]*)\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?(?: \[\w+\])?"), "$1"),
            (pattern(r"\((?:Not tainted|Tainted:[^)]*)\)"), ""),
            // The code and the count of an exception, and what follows.
            (pattern(r"(?:: [0-9a-f]*)?(?: ilc:\d+)? ?\[#\d+\].*$"), ""),
            (pattern(r"\b[0-9a-f]{1,4}:(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{1,4}\b"), "ADDR"),
            (pattern(r"\b0x[0-9a-fA-F]+\b"), "ADDR"),
            (pattern(r"\b[0-9a-f]{8,16}\b"), "ADDR"),
            // A source line moves with each patch above it.
            (pattern(r"(\w\.[chS]|\w\.rs)(?::\d+)+"), "$1"),
            // Devices are numbered as they come.
            (
                pattern(
                    r"\b(loop|ram|zram|nbd|md|sr|dm-|nvme|mmcblk|eth|wlan|veth|tun|tap|bond|[hsv]d[a-z]|xvd[a-z])\d+(?:n\d+)?(?:p\d+)?\b",
                ),
                "${1}N",
            ),
            (pattern(r"\b\d+(?:\.\d+)?\b"), "N"),
            (pattern(r"\s+"), " "),
            (pattern(r" ([:,;])"), "$1"),
        ]
    });
    let text = RULES.iter().fold(message.to_owned(), |text, (rule, replacement)| {
        rule.replace_all(&text, *replacement).into_owned()
    });
    crate::text::escape::escape_for_terminal(text.trim().trim_end_matches(['.', '!', ':', ']', ' ']))
}

/// A message without the process that happened to be there, as in `... code: dd/12`, `... on CPU#1, dd/12`.
fn without_task(message: &str) -> String {
    // A place in the source, `in fs/fuse/dev.c:77`, is no process: its number goes first.
    static RULES: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
        [
            (pattern(r"(\w\.[chS]|\w\.rs)(?::\d+)+"), "$1"),
            // A name may have spaces: check_preemption_disabled() in lib/smp_processor_id.c, spin_dump() and rwlock_bug()
            // in kernel/locking/spinlock_debug.c.
            (pattern(r" in preemptible \[[0-9a-f]+\] code: .*$"), " in preemptible code"),
            (pattern(r" on CPU#\d+, .*$"), ""),
            (
                pattern(
                    r"(: |, | in | by | of )[A-Za-z(][^\s,]{0,24}[/:\[]\d+\]?(?:/0x[0-9a-f]{8})?([,. !]|$)",
                ),
                "${1}TASK$2",
            ),
        ]
    });
    RULES.iter().fold(message.to_owned(), |text, (rule, by)| rule.replace_all(&text, *by).into_owned())
}

/// Cuts ` in function` and ` in file` off the end: the function is found in the stack, past the machinery.
fn without_site(what: &str) -> String {
    static SITE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"^((?:BUG: K[A-Za-z]+|UBSAN): [\w-]+(?: [\w-]+){0,2}?) (?:in|on address) .*$")
    });
    SITE.replace(what, "$1").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_boots_is_taken_out() {
        for (message, expected) in [
            ("fuse_put+0x12/0x34 [fuse] failed", "fuse_put failed"),
            ("Bad page state in process dd  pfn:12345", "Bad page state in process dd pfn:N"),
            ("at address ffff888001234567, size 0x20", "at address ADDR, size ADDR"),
            ("kworker/0:1 on CPU#1, pid 77", "kworker/N:N on CPU#N, pid N"),
            ("BUG kmalloc-64 (Not tainted): Poison overwritten", "BUG kmalloc-N: Poison overwritten"),
            (
                "called from invalid context at fs/fuse/dev.c:123",
                "called from invalid context at fs/fuse/dev.c",
            ),
            ("ext4 and 9p2000.L keep theirs", "ext4 and 9p2000.L keep theirs"),
            ("took 1.25 s", "took N s"),
            ("colours \x1b[1m", "colours \\x1b[1m"),
        ] {
            assert_eq!(normalise(message), expected, "{message}");
        }
    }
}
