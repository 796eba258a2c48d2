//! Logs read from files, packed and broken ones too.

use std::fs;
use std::io::Write as _;

use super::*;

const CRASH: &[u8] = include_bytes!("../../../core/tests/data/console/debug-bug.log");
const CLEAN: &[u8] = include_bytes!("../../../core/tests/data/console/lab-clean.log");

fn judged(bytes: &[u8]) -> Judged {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, bytes).unwrap();
    let mut room = MOST_TEXT;
    let found = log(&Interrupt::of_process(), &path.display().to_string(), &mut room).unwrap();
    let error = found.error.map(|error| error.replace(&path.display().to_string(), "FILE"));
    Judged { error, ..found }
}

fn titles(judged: &Judged) -> Vec<&str> {
    judged.findings.iter().map(|finding| finding.title.as_str()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn what_is_packed_says_the_same() {
    let plain = judged(CRASH);
    assert_eq!(titles(&plain).len(), 1);
    let (first, second) = CRASH.split_at(CRASH.len() / 2);
    let skipped = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    for (form, packed) in [
        ("gzip", gzip(CRASH)),
        ("two members of gzip", [gzip(first), gzip(second)].concat()),
        ("zstd", zstd(CRASH)),
        ("two frames of zstd", [skipped.clone(), zstd(first), skipped, zstd(second)].concat()),
        ("xz", include_bytes!("../../../tests/data/packed/debug-bug.log.xz").to_vec()),
    ] {
        let found = judged(&packed);
        assert_eq!((&found.findings, found.seen, found.error), (&plain.findings, plain.seen, None), "{form}");
    }
}

#[test]
fn what_cannot_be_read_says_what_to_do() {
    let mut archive = vec![0; 512];
    archive[257..262].copy_from_slice(b"ustar");
    for (bytes, expected) in [
        (
            &b"BZh91AY"[..],
            "it is packed with bzip2, which is not read here: bzip2 -dc FILE | cargo xtask judge -",
        ),
        (b"PK\x03\x04", "it is packed with zip, which is not read here: unzip -p FILE | cargo xtask judge -"),
        (
            &gzip(&archive),
            "it is packed with tar, which is not read here: tar -xOf FILE | cargo xtask judge -",
        ),
        (&[0x1f, 0x8b, 9, 9], "): fetch it again, or see what gzip, xz or zstd -t says of FILE"),
        (&[0x28, 0xb5, 0x2f, 0xfd, 0xff], "): fetch it again, or see what gzip, xz or zstd -t says of FILE"),
        (b"\xfd7zXZ\0\0\0\0\0\0\0\0", "): fetch it again, or see what gzip, xz or zstd -t says of FILE"),
    ] {
        let found = judged(bytes);
        let error = found.error.unwrap_or_default();
        assert!(error.ends_with(expected), "{error}");
    }
}

/// The findings of what came before the cut are worth having.
#[test]
fn a_broken_archive_gives_what_it_has() {
    let long = [CRASH, &CLEAN.repeat(20)].concat();
    let packed = gzip(&long);
    let found = judged(&packed[..packed.len() * 9 / 10]);
    assert_eq!(titles(&found), titles(&judged(CRASH)));
    assert!(found.error.is_some());
    assert_eq!(code(&[judged(CLEAN)]), 0);
    assert_eq!(code(&[judged(CLEAN), judged(CRASH)]), FOUND);
    assert_eq!(code(&[judged(CRASH), found]), FAILED);
}

#[test]
fn texts_have_a_limit_and_findings_have_not() {
    let finding = |size: usize| Finding { text: "é".repeat(size), ..judged(CRASH).findings[0].clone() };
    let mut room = 5000;
    assert_eq!(shortened(finding(2000), &mut room).text.len(), 4000);
    let cut = shortened(finding(2000), &mut room).text;
    assert!(cut.len() < 600 && cut.ends_with("too long to keep\n"), "{cut}");
    assert_eq!(shortened(finding(10), &mut room).text.len(), 20);
}
