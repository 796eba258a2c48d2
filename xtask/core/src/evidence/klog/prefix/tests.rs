//! From lines to messages, form by form.

use super::*;
use crate::evidence::klog::line::KEPT;

fn check(input: &[u8], expected: Option<(&str, &str)>) {
    let found = messages(input).next();
    let found = found.as_ref().map(|message| (&*message.caller, &*message.message));
    assert_eq!(found, expected, "{}", String::from_utf8_lossy(input));
}

#[test]
fn only_lines_with_a_printk_timestamp_are_messages() {
    check(b"[    0.000000] Linux version 6.12", Some(("", "Linux version 6.12")));
    check(b"[    1.234567][    T1] hello\r\n", Some(("T1", "hello")));
    check(b"[12345.678901][   C12] hello\n", Some(("C12", "hello")));
    check(b"[123456.678901][T12345] hello", Some(("T12345", "hello")));
    check(b"<4>[    1.234567] hello", Some(("", "hello")));
    check(b"[    1.234567][    T1]", Some(("T1", "")));
    check(b"BUG: no timestamp", None);
    check(b"[1.5] BUG: a program's own", None);
    check(b"[ 1.234567] BUG: not padded as printk does", None);
    check(b"[    1.234567]BUG: no space", None);
    check(b"[2024-01-01 00:00:00] BUG: a date", None);
    check(b"", None);
    check(b"[    5.000000] BUG: KAS** replaying previous printk message **", None);
    check(
        b"[    5.000000] BUG: KAS** replaying previous printk message **[    5.000000] BUG: KASAN: x",
        Some(("", "BUG: KASAN: x")),
    );
}

#[test]
fn what_stands_before_the_timestamp_does_not_hide_the_message() {
    check(
        b"\x1bc\x1b[?7l\x1b[2JBooting from ROM..\x1bc[    0.000000] Linux version",
        Some(("", "Linux version")),
    );
    check(b"host login: [    5.000000][   T10] BUG: x", Some(("T10", "BUG: x")));
    check(b"\0\0\xff\xfe[    5.000000] B\0UG: x", Some(("", "BUG: x")));
    // A quoted second one belongs to the message.
    check(b"[    5.000000] opt '[    6.000000] BUG: x'", Some(("", "opt '[    6.000000] BUG: x'")));
}

#[test]
fn of_a_long_line_the_ends_are_kept() {
    let mut long = vec![b'x'; 3 << 20];
    long.extend(b"[    5.000000] BUG: behind it\nnext");
    let whole: Vec<_> = messages(&long).collect();
    assert_eq!(whole.len(), 1);
    assert_eq!(whole[0].message, "BUG: behind it");
    for size in [1, 7, 4096, KEPT, KEPT + 1, 5 * KEPT, 1 << 20] {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for mut piece in long.chunks(size) {
            while !piece.is_empty() {
                let line = lines.next(&mut piece);
                found.extend(line.and_then(|line| parse(Form::Printk, &clean(&line.bytes), line.number)));
            }
        }
        assert_eq!(found, whole, "pieces of {size}");
    }
}

#[test]
fn lines_are_counted_from_one() {
    let numbers: Vec<_> = messages(b"junk\n[    5.000000] a\n\n[    5.000000] b").map(|m| m.line).collect();
    assert_eq!(numbers, [2, 4]);
}

#[test]
fn other_forms_have_their_message_behind_what_others_put_before() {
    for (form, line, expected) in [
        (Form::Syslog, " sept. 27 21:47:33 host kernel: text", Some(("", "text"))),
        (Form::Syslog, "sept. 27 21:47:33 host kernel: text", Some(("", "text"))),
        (Form::Syslog, "июл 27 14:08:04 host kernel: text", Some(("", "text"))),
        (Form::Syslog, "vas. 19 10:20:12 host kernel: text", Some(("", "text"))),
        (Form::Journal, "[21161.092614] kernel: text", Some(("", "text"))),
        (Form::Journal, "[21161.092614] host kernel: text", Some(("", "text"))),
        (Form::Journal, "[21161.092614] systemd[1]: text", None),
        (Form::Kmsg, "May 25 07:29:42 x 0,16627,40311380557,-,caller=C0;text", Some(("C0", "text"))),
        (
            Form::Printk,
            "[ 32.058803][ T1] ? fuse_put (fs/fuse/dev.c:77) fuse",
            Some(("T1", "? fuse_put (fs/fuse/dev.c:77) fuse")),
        ),
        (
            Form::Printk,
            "[ 144.117939] RIP: 0010:fuse_put (dev.c:?)",
            Some(("", "RIP: 0010:fuse_put (dev.c:?)")),
        ),
        (Form::Printk, "[ 1.234567] BUG: by a program (of somebody)", None),
        (Form::Unpadded, "[ 2107.239317 / 01-01 11:11:03.809][5] text", Some(("", "text"))),
        (Form::Bare, "kernel: text", Some(("", "text"))),
        (Form::Bare, "00034 text", Some(("", "text"))),
        (Form::Bare, "0034 text", Some(("", "0034 text"))),
        (Form::Bare, "12:00:00 text", Some(("", "text"))),
    ] {
        let found = parse(form, line, 1);
        let found = found.as_ref().map(|message| (&*message.caller, &*message.message));
        assert_eq!(found, expected, "{line}");
    }
}

/// The quick way and the pattern are one rule.
#[test]
fn a_plain_stamp_says_what_the_pattern_says() {
    let mut quick = 0;
    for text in [
        "[    1.234567] hello",
        "[    1.234567][    T1] hello  ",
        "[12345.678901][   C12] hello",
        "[12345.678901] [   C12] hello",
        "[123456.678901][T12345] hello",
        "[    1.234567][    T1]",
        "[    1.234567]",
        "[    1.234567]hello",
        "[    1.23456 ] hello",
        "[   1 .234567] hello",
        "[     .234567] hello",
        "[    1.234567][T] hello",
        "[    1.234567][caller] hello",
        "[    1.234567] [T1] hello",
        "[    1.234567] (0)[12:task] hello",
        "[    1.234567]-(0)[12:task] hello",
        "[    1.234567]  [<ffffffff>] hello",
        "[    1.234567] [ 2:  task:   12] hello",
        "[    1.234567] hello [    2.000000] again",
        "[\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}] x",
        "[    1.234567",
        "",
    ] {
        let by_pattern = of_pattern(&PRINTK, text, 7);
        if let Some(message) = of_stamp(text, 7) {
            assert_eq!(Some(message), by_pattern, "{text}");
            quick += 1;
        }
    }
    assert_eq!(quick, 6, "most lines are of this form");
}
