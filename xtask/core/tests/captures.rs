//! The rules for kernel logs against consoles of real boots.

#![expect(
    clippy::disallowed_methods,
    reason = "a folder of captures is read; what is tested gets their text"
)]

use std::fs;
use std::path::PathBuf;

use expect_test::expect_file;
use lab_core::evidence::klog::{Finding, Scanner, findings};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/console")
}

/// Consoles of real boots by name.
fn captures() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder()).expect("the folder of the captures");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("its entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    assert!(paths.len() >= 30, "captures are missing: {paths:?}");
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("the capture"))
    };
    paths.into_iter().map(read).collect()
}

/// Each capture gives the findings in the text beside it - console line, kind, title -, below what says where it comes
/// from.
#[test]
fn captures_give_what_stands_beside_them() {
    for (name, console) in captures() {
        let path = folder().join(format!("{name}.txt"));
        let text = fs::read_to_string(&path).expect("nothing says where a capture comes from");
        let source: String = text.split_inclusive('\n').take_while(|line| line.starts_with('#')).collect();
        for key in ["kernel", "qemu", "provoked"] {
            assert!(source.contains(&format!("# {key}: ")), "{name}: no {key}: {source}");
        }
        let line = |found: &Finding| format!("{}: {}: {}\n", found.line, found.kind, found.title);
        let found: String = findings(&console).iter().map(line).collect();
        expect_file![path].assert_eq(&format!("{source}\n{found}"));
    }
}

fn in_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Finding> {
    let mut scanner = Scanner::default();
    let mut found: Vec<_> = pieces.flat_map(|piece| scanner.push(piece)).collect();
    found.extend(scanner.finish());
    found.sort_by_key(|finding| finding.line);
    found
}

#[test]
fn every_capture_gives_the_same_in_any_pieces() {
    for (name, console) in captures() {
        let whole = findings(&console);
        for size in [1, 7, 1000] {
            assert_eq!(in_pieces(console.chunks(size)), whole, "{name} in pieces of {size}");
        }
    }
}

/// The lines around the first header, cut in two at each byte of the header and of its line feed.
#[test]
fn every_capture_gives_the_same_cut_in_two_anywhere_around_a_header() {
    for (name, console) in captures() {
        let Some(first) = findings(&console).first().map(|finding| finding.line) else { continue };
        let lines: Vec<_> = console.split_inclusive(|&byte| byte == b'\n').collect();
        let excerpt = lines[first.saturating_sub(4)..lines.len().min(first + 8)].concat();
        let whole = findings(&excerpt);
        assert_eq!(
            whole.is_empty(),
            name == "unexpected-reboot",
            "{name}: the first start is not in the excerpt"
        );
        let header: usize = lines[first.saturating_sub(4)..first - 1].iter().map(|line| line.len()).sum();
        for cut in header..=header + lines[first - 1].len() {
            let (left, right) = excerpt.split_at(cut);
            assert_eq!(in_pieces([left, right].into_iter()), whole, "{name} cut at {cut}");
        }
    }
}
