//! What a build log says: warnings, and the errors that stopped it.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::Context as _;
use regex::Regex;

/// The compiler's, the assembler's, the linker's and make's own forms of a warning.
#[expect(clippy::unwrap_used, reason = "a constant pattern, compiled in the tests")]
static WARNING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(^|[ :])[Ww]arning: ").unwrap());

/// What a build says when it stops, before make's own `Error 1` lines.
#[expect(clippy::unwrap_used, reason = "a constant pattern, compiled in the tests")]
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(^|[ :])(fatal error|[Ee]rror|ERROR): |: undefined reference to |No rule to make target|No such file or directory|No space left on device|(?i)not found$")
        .unwrap()
});

/// What a line says when it is the machine that fails and not the source. Of quoted source nothing counts, which has
/// ` | ` in front.
#[expect(clippy::unwrap_used, reason = "a constant pattern, compiled in the tests")]
static NO_ROOM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[^|]*(No space left on device|Disk quota exceeded|echo: I/O error)'?$|^Error 42 : Write error",
    )
    .unwrap()
});

/// See [`NO_ROOM`]. make names the signal that ended a command; a shell gives it as 128 and its number.
#[expect(clippy::unwrap_used, reason = "a constant pattern, compiled in the tests")]
static ENDED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^[^|]*(Killed|Terminated|Hangup|Interrupt)\ signal\ terminated\ program
        | ^make(\[\d+\])?:\ \*\*\*\ .*\ (Killed|Terminated|Hangup|Interrupt|Error\ (129|130|137|143))$
        | ^[^|]*(Cannot\ allocate\ memory|Resource\ temporarily\ unavailable|Too\ many\ open\ files|Input/output\ error)$
        | ^[^|]*:\ (out\ of\ memory\ allocating\ |memory\ exhausted)
        | ^Out\ of\ memory!
        | ^bwrap:\ ",
    )
    .unwrap()
});

/// Why a build ended that says nothing about its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The disk is full: what was written may be cut, too.
    NoRoom(String),
    /// A program was ended from outside, or found no memory.
    Ended(String),
}

/// The first line of a failed build that says that the machine is at fault.
pub(super) fn cut(text: &str) -> Option<Cut> {
    let first = |pattern: &Regex| text.lines().map(str::trim_end).find(|line| pattern.is_match(line));
    first(&NO_ROOM)
        .map(|line| Cut::NoRoom(line.to_owned()))
        .or_else(|| first(&ENDED).map(|line| Cut::Ended(line.to_owned())))
}

/// Reads a log, with paths in the source tree relative to it.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read(path: &Path, tree: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).replace(&format!("{}/", tree.display()), ""))
}

/// The warnings, one a line, in order, without repetitions.
pub(super) fn warnings(text: &str) -> Vec<String> {
    matching(text, &WARNING)
}

/// The first errors; the last lines if nothing looks like one.
pub(super) fn errors(text: &str) -> Vec<String> {
    const SHOWN: usize = 5;
    let mut errors = matching(text, &ERROR);
    errors.truncate(SHOWN);
    if errors.is_empty() {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        errors.extend(lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| (*line).to_owned()));
    }
    errors
}

/// The objects that have been compiled so far, e.g. `fs/fuse/file.o`.
pub(super) fn compiled(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines
        .filter_map(|line| line.strip_prefix("CC ").or_else(|| line.strip_prefix("AS ")))
        .map(str::trim_start)
}

fn matching(text: &str, pattern: &Regex) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| pattern.is_match(line)) {
        if found.last().is_none_or(|last| last != line) && !found.iter().any(|known| known == line) {
            found.push(line.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warning_lines() {
        let check = |text: &str, expected: &[&str]| assert_eq!(warnings(text), expected);
        check("", &[]);
        check("  CC      fs/fuse/file.o\n  LD      vmlinux\n", &[]);
        check(
            "/x/fs/fuse/file.c:10:5: warning: unused variable 'x' [-Wunused-variable]\n   10 | int x;\n",
            &["/x/fs/fuse/file.c:10:5: warning: unused variable 'x' [-Wunused-variable]"],
        );
        check("ld: warning: a\nld: warning: a\n", &["ld: warning: a"]);
        check("Warning: foo\n", &["Warning: foo"]);
        check("  CC  drivers/warning.o\n", &[]);
    }

    #[test]
    fn error_lines() {
        let check = |text: &str, expected: &[&str]| assert_eq!(errors(text), expected);
        check(
            "  CC x.o\nfs/x.c:1:1: error: unknown type name 'foo'\nmake[1]: *** [Makefile:1: x.o] Error 1\n",
            &["fs/x.c:1:1: error: unknown type name 'foo'"],
        );
        check(
            "ld: x.o: in function `f':\nx.c:(.text+0x1): undefined reference to `g'\n",
            &["x.c:(.text+0x1): undefined reference to `g'"],
        );
        check("a.c:1:10: fatal error: b.h: No such file\n", &["a.c:1:10: fatal error: b.h: No such file"]);
        check("/bin/sh: 1: flex: not found\n", &["/bin/sh: 1: flex: not found"]);
        check("one\n\ntwo\n", &["one", "two"]);
        check("  CC fs/error.o\nmake: *** [x] Error 2\n", &["  CC fs/error.o", "make: *** [x] Error 2"]);
        assert_eq!(errors(&(0..9).map(|n| format!("a: error: {n}\n")).collect::<String>()).len(), 5);
    }

    /// As gcc 12, binutils 2.40, GNU make 4.3, dash and lz4 1.9 said it, on a full tmpfs and after `kill -9`.
    #[test]
    fn lines_of_a_machine_that_fails() {
        for line in [
            "/tmp/ccTCH7PT.s: Fatal error: can't fill 256 bytes in section .data of big.o: 'No space left on device'",
            "big.c:201:1: fatal error: error writing to /tmp/ccv8w3GB.s: No space left on device",
            "ld: final link failed: No space left on device",
            "ar: x.a: No space left on device",
            "cat: write error: No space left on device",
            "objcopy: zz.o[.text]: No space left on device",
            "Error 42 : Write error : failed writing single-block compressed frame ",
            "sh: 1: echo: echo: I/O error",
        ] {
            assert_eq!(
                cut(&format!("  CC a.o\n{line}\n")),
                Some(Cut::NoRoom(line.trim_end().to_owned())),
                "{line}"
            );
        }
        for line in [
            "gcc: fatal error: Killed signal terminated program cc1",
            "make: *** [build-mk2:2: all] Killed",
            "make[2]: *** [build-mk2:4: b] Terminated",
            "make[3]: *** [scripts/Makefile.build:229: fs/fuse/file.o] Error 137",
            "virtual memory exhausted: Cannot allocate memory",
            "cc1: out of memory allocating 65536 bytes after a total of 1396736 bytes",
        ] {
            assert_eq!(cut(&format!("  CC a.o\n{line}\n")), Some(Cut::Ended(line.to_owned())), "{line}");
        }
        for line in [
            "fs/x.c:1:1: error: unknown type name 'foo'",
            "  201 | pr_err(\"no room: No space left on device",
            "make[3]: *** [scripts/Makefile.build:229: fs/fuse/file.o] Error 1",
            "make: *** [Makefile:1: x] Error 2",
            "touch: cannot touch '/x': Read-only file system",
        ] {
            assert_eq!(cut(line), None, "{line}");
        }
    }

    #[test]
    fn compiled_files() {
        let log = "  HOSTCC  scripts/x\n  CC      a.o\n  AS      b/c.o\n  AR      c.a\n";
        assert_eq!(compiled(log).collect::<Vec<_>>(), ["a.o", "b/c.o"]);
    }
}
