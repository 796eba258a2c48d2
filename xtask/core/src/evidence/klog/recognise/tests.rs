//! Which form a log has.

use super::*;

fn check(line: &str, expected: Form) {
    assert_eq!(recognise(line.repeat(12).as_bytes()), expected, "{line}");
}

#[test]
fn a_line_tells_its_form() {
    for (line, expected) in [
        ("[    1.234567] usb 1-1: new device\n", Form::Printk),
        ("[    1.234567][    T1] usb 1-1: new device\r\n", Form::Printk),
        ("<6>[12345.678901] usb 1-1: new device\n", Form::Printk),
        ("kern  :info  : [    1.234567] usb 1-1: new device\n", Form::Printk),
        ("2026-11-01T12:00:00.123456 [    1.234567] usb 1-1: new device\n", Form::Printk),
        ("2026-11-01T12:00:00.123456 [12345.678901] usb: new device\n", Form::Printk),
        ("[console] [    1.234567] usb 1-1: new device\n", Form::Printk),
        ("\x1b[32m[    1.234567] \x1b[0m\x1b[33musb 1-1\x1b[0m: new device\n", Form::Printk),
        ("[1.234567] usb 1-1: new device\n", Form::Unpadded),
        ("12:00:00  [  1.234567] usb 1-1: new device\n", Form::Unpadded),
        ("[    1.234567@0] usb 1-1: new device\n", Form::Unpadded),
        ("<6>usb 1-1: new device\n", Form::Level),
        ("kern  :info  : usb 1-1: new device\n", Form::Level),
        ("Nov  1 12:00:00 host kernel: usb 1-1: new device\n", Form::Syslog),
        ("Nov  1 12:00:00 host kernel: [    1.234567] usb 1-1: new device\n", Form::Syslog),
        ("2026-11-01T12:00:00.123456+00:00 host kernel: [1.234567] usb 1-1: new device\n", Form::Syslog),
        ("<6>1 2026-11-01T12:00:00Z host kernel - - - usb 1-1: new device\n", Form::Syslog),
        ("Nov  1 12:00:00 host kern.info kernel: usb 1-1: new device\n", Form::Syslog),
        ("Sun Nov  1 12:00:00 2026 kern.info kernel: [    1.234567] usb 1-1: new device\n", Form::Syslog),
        ("Nov 01 12:00:00.123456 host kernel: usb 1-1: new device\n", Form::Journal),
        ("2026-11-01T12:00:00+0000 host kernel: usb 1-1: new device\n", Form::Journal),
        ("Sun 2026-11-01 12:00:00 UTC host kernel: usb 1-1: new device\n", Form::Journal),
        ("1793534400.123456 host kernel: usb 1-1: new device\n", Form::Journal),
        ("[    1.234567] host kernel: usb 1-1: new device\n", Form::Journal),
        ("[    1.234567] kernel: usb 1-1: new device\n", Form::Journal),
        ("sept. 27 21:47:33 host kernel: usb 1-1: new device\n", Form::Syslog),
        ("{\"__CURSOR\":\"s=1\",\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"usb 1-1\"}\n", Form::JournalJson),
        ("[Sun Nov  1 12:00:00 2026] usb 1-1: new device\n", Form::Dmesg),
        ("[So Nov  1 12:00:00 2026] usb 1-1: new device\n", Form::Dmesg),
        ("[Nov 1 12:00] usb 1-1: new device\n", Form::Dmesg),
        ("[  +0.001234] usb 1-1: new device\n", Form::Dmesg),
        ("[    1.234567 <    0.001234>] usb 1-1: new device\n", Form::Dmesg),
        ("2026-11-01T12:00:00,123456+00:00 usb 1-1: new device\n", Form::Dmesg),
        ("6,123,1234567,-;usb 1-1: new device\n", Form::Kmsg),
        ("6,123,1234567,-,caller=T1;usb 1-1: new device\n", Form::Kmsg),
        ("May 25 07:29:42 host 6,1,1234567,-,caller=C0;usb 1-1: new device\n", Form::Kmsg),
        ("[ 2107.239317 / 01-01 11:11:03.809][5] usb 1-1: new device\n", Form::Unpadded),
        ("usb 1-1: new device\n", Form::Bare),
        ("kernel: usb 1-1: new device\n", Form::Bare),
        ("{\"level\":\"info\",\"msg\":\"usb 1-1\"}\n", Form::Bare),
        ("2026-11-01T12:00:00Z usb 1-1: new device\n", Form::Bare),
        ("2026-11-01T12:00:00.123Z WARNING: a service says so\n", Form::Bare),
        ("Nov  1 12:00:00 host systemd[1]: Started a service.\n", Form::Bare),
        ("\n", Form::Bare),
    ] {
        check(line, expected);
    }
}

#[test]
fn what_stands_around_the_kernels_lines_does_not_hide_their_form() {
    let other = "  CC      fs/fuse/dev.o\n[12.5] a program's own\n".repeat(5000);
    let kernel = "[    1.234567] usb 1-1: new device\n".repeat(10);
    assert_eq!(recognise(format!("{other}{kernel}").as_bytes()), Form::Printk);
    let services = "Nov  1 12:00:00 host systemd[1]: Started a service.\n".repeat(500);
    let kernel = "Nov  1 12:00:00 host kernel: usb 1-1: new device\n".repeat(3);
    assert_eq!(recognise(format!("{services}{kernel}").as_bytes()), Form::Syslog);
    let few = "[    1.234567] quoted\n".repeat(3);
    assert_eq!(recognise(format!("{}{few}", "a line of a build\n".repeat(1000)).as_bytes()), Form::Bare);
    assert_eq!(recognise(few.as_bytes()), Form::Printk);
}
