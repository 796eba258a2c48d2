//! Whatever goes wrong is told, and the exit code is 1.

use lab_protocol::stamp::Stamp;
use std::fs::File;

use expect_test::expect;

use crate::harness::{fails, fails_behind, folder_with, run};

#[test]
fn what_goes_wrong_is_told() {
    let (folder, path) = folder_with(0);
    fails(
        &folder,
        "-s 8 -o 1 {file}",
        expect![
            "aio-stress: reading DIR/file: no data from offset 0 on; write the file first, e.g. with `-o 0`"
        ],
    );
    fails(
        &folder,
        "-s 8 -o 3 {file}",
        expect![
            "aio-stress: reading DIR/file: no data from offset 0 on; write the file first, e.g. with `-o 0`"
        ],
    );
    fails(
        &folder,
        "-s 8 -o 1 -c 2 -t 2 -x {file}",
        expect![
            "aio-stress: reading DIR/file: no data from offset 0 on; write the file first, e.g. with `-o 0`"
        ],
    );
    fails(
        &folder,
        "-s 8 -c 5 {file}",
        expect![
            "aio-stress: 8 MB are too small for 5 contexts of whole records; lower -c, -C or -r, or raise -s"
        ],
    );
    fails(&folder, "-s 8", expect!["aio-stress: no file was named; -h explains the arguments"]);
    fails(
        &folder,
        "-s 8 -o 0 {file}/nothing",
        expect!["aio-stress: opening DIR/file/nothing: Not a directory (os error 20)"],
    );
    File::options().write(true).open(&path).unwrap().set_len(8 << 20).unwrap();
    fails(
        &folder,
        "-s 8 -v -o 1 {file}",
        expect![
            "aio-stress: verifying DIR/file: wrong data at offset 0: zeros (was the file written with -v?)"
        ],
    );
}

#[test]
fn a_write_beyond_the_largest_file_fails() {
    // In KiB: the first request beyond it is cut in half, or has no room at all.
    fails_behind(
        &folder_with(0).0,
        "ulimit -f 2080;",
        "-s 4 -o 0 {file}",
        expect!["aio-stress: write on DIR/file: 32768 of 65536 bytes at offset 2097152"],
    );
    fails_behind(
        &folder_with(0).0,
        "ulimit -f 2048;",
        "-s 4 -o 0 {file}",
        expect!["aio-stress: write on DIR/file at offset 2097152: File too large (os error 27)"],
    );
    fails_behind(
        &folder_with(0).0,
        "ulimit -f 1024;",
        "-s 4 -r 16m -s 16m -o 2 {file}",
        expect!["aio-stress: random write on DIR/file: 1048576 of 16777216 bytes at offset 0"],
    );
}

#[test]
fn a_full_filesystem_fails() {
    let (folder, path) = folder_with(0);
    // A mount that ends with the program.
    let behind = "exec unshare --mount --map-root-user bash -c \
                  'mount -t tmpfs -o size=1m none {folder}; exec \"$@\"' -";
    fails_behind(
        &folder,
        behind,
        "-s 4 -b 1 -o 0 {file}",
        expect!["aio-stress: write on DIR/file at offset 1048576: No space left on device (os error 28)"],
    );
    fails_behind(
        &folder,
        behind,
        "-s 4 -r 48 -b 1 -o 0 {file}",
        expect!["aio-stress: write on DIR/file: 16384 of 49152 bytes at offset 1032192"],
    );
    assert_eq!(path.metadata().unwrap().len(), 0);
}

#[test]
fn what_is_no_file_fails() {
    let (folder, _) = folder_with(0);
    fails(&folder, "-s 1 -o 1 /", expect!["aio-stress: opening /: Is a directory (os error 21)"]);
    fails(
        &folder,
        "-s 1 -o 0 /dev/full",
        expect!["aio-stress: io_submit: write on /dev/full at offset 0: Invalid argument (os error 22)"],
    );
    fails(
        &folder,
        "-s 1 -o 1 /proc/nonexistent",
        expect!["aio-stress: opening /proc/nonexistent: No such file or directory (os error 2)"],
    );
}

#[test]
fn a_failed_fsync_fails() {
    let (folder, _) = folder_with(0);
    // Reading goes well, but there is nothing to sync.
    fails(
        &folder,
        "-s 1 -o 1 /dev/zero",
        expect!["aio-stress: fsync of /dev/zero: Invalid argument (os error 22)"],
    );
    let run = run(&folder, "-s 1 -o 1 -n /dev/zero");
    assert_eq!(run.code, Some(0), "{}", run.text);
}

#[test]
fn a_failed_unlink_fails() {
    let (folder, path) = folder_with(0);
    // The second time it is gone.
    fails(
        &folder,
        "-s 1 -o 0 -u {file} {file}",
        expect!["aio-stress: removing DIR/file: No such file or directory (os error 2)"],
    );
    assert!(!path.exists());
}

#[test]
fn wrong_data_fails_with_its_place() {
    let (folder, path) = folder_with(0);
    assert_eq!(run(&folder, "-s 2 -v -o 0 {file}").code, Some(0));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1_234_567] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let expected = format!(
        "aio-stress: verifying DIR/file: wrong data at offset 1234567: a wrong byte, {:#04x} (was the file written with -v?)",
        bytes[1_234_567]
    );
    for arguments in ["-s 2 -v -o 1 {file}", "-s 2 -v -o 1 -O -t 2 -c 2 -C 64k -x {file}"] {
        let run = run(&folder, arguments);
        assert_eq!((run.error().as_str(), run.code), (expected.as_str(), Some(1)), "{arguments}");
    }
}

#[test]
fn stamps_of_others_are_checked() {
    let (folder, path) = folder_with(0);
    let mut bytes = vec![0; 2 << 20];
    Stamp::Place.fill(&mut bytes, 0);
    std::fs::write(&path, &bytes).unwrap();
    for arguments in ["-s 2 --check-stamps -o 1 -o 3 {file}", "-s 2 --check-stamps -O -b 1 -o 1 {file}"] {
        assert_eq!(run(&folder, arguments).code, Some(0), "{arguments}");
    }
    bytes.copy_within(131_072..135_168, 65536);
    std::fs::write(&path, &bytes).unwrap();
    fails(
        &folder,
        "-s 2 --check-stamps -o 1 {file}",
        expect!["aio-stress: verifying DIR/file: wrong data at offset 65538: what belongs to offset 131072"],
    );
    // What is written is what is checked.
    assert_eq!(run(&folder, "-s 2 --check-stamps -o 0 {file}").code, Some(0));
    let mut expected = vec![0; 2 << 20];
    Stamp::Place.fill(&mut expected, 0);
    assert!(std::fs::read(&path).unwrap() == expected);
}
