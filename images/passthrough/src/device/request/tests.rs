//! Requests as bytes: what is read from them, and that nothing too short is read.

use zerocopy::IntoBytes;

use super::*;

/// A request with this opcode and argument.
fn request(opcode: u32, argument: &[u8]) -> Vec<u8> {
    let len = (size_of::<InHeader>() + argument.len()) as u32;
    let header =
        InHeader { len, opcode, unique: 6, nodeid: 7, uid: 1000, gid: 100, pid: 42, ..InHeader::default() };
    [header.as_bytes(), argument].concat()
}

/// Numbers of 32 bits one after the other, as structures are made of them on this machine.
fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn longs(longs: &[u64]) -> Vec<u8> {
    longs.iter().flat_map(|long| long.to_ne_bytes()).collect()
}

fn text(text: &str) -> &OsStr {
    OsStr::new(text)
}

/// Asserts what a request says, and that it is malformed if it ends anywhere before its end.
fn check<'a>(opcode: u32, argument: &[u8], expected: impl Into<Body<'a>>) {
    let expected = expected.into();
    let bytes = request(opcode, argument);
    let found = parse(&bytes, Dialect::default()).unwrap();
    assert_eq!(found.body, expected);
    assert_eq!((found.header.unique, found.header.nodeid, found.header.uid), (6, 7, 1000));
    for length in 0..bytes.len() {
        let error = parse(&bytes[..length], Dialect::default()).unwrap_err();
        assert_eq!(error, Malformed::Length { bytes: length });
    }
    for length in 0..argument.len() {
        let expected = Malformed::Body { opcode };
        assert_eq!(
            parse(&request(opcode, &argument[..length]), Dialect::default()).unwrap_err(),
            expected,
            "{length}"
        );
    }
}

#[test]
fn names_end_with_a_zero() {
    check(1, b"file\0", Tree::Lookup { name: text("file") });
    check(1, b"\0", Tree::Lookup { name: text("") });
    check(10, b"a b\0", Tree::Unlink { name: text("a b") });
    check(11, b"d\0", Tree::Rmdir { name: text("d") });
    check(6, b"link\0../target\0", Tree::Symlink { name: text("link"), target: text("../target") });
    check(24, b"user.x\0", Tree::Removexattr { name: text("user.x") });
    let asked = Rename2In { newdir: 9, ..Rename2In::default() };
    let rename = |asked| Tree::Rename { asked, name: text("old"), new_name: text("new") };
    check(12, &[&longs(&[9])[..], b"old\0new\0"].concat(), rename(asked));
    let rename2 = [&longs(&[9])[..], &words(&[1, 0]), b"old\0new\0"].concat();
    check(45, &rename2, rename(Rename2In { flags: 1, ..asked }));
    check(13, &[&longs(&[9])[..], b"new\0"].concat(), Tree::Link { node: 9, name: text("new") });
}

#[test]
fn data_is_behind_its_structure() {
    let head = [longs(&[3, 8192]), words(&[5, 1]), longs(&[77]), words(&[2, 0])].concat();
    let asked = WriteIn {
        fh: 3,
        offset: 8192,
        size: 5,
        write_flags: 1,
        lock_owner: 77,
        flags: 2,
        ..WriteIn::default()
    };
    check(16, &[&head[..], b"bytes"].concat(), Body::Write { asked, data: b"bytes" });
    let retrieved = [longs(&[0, 8192]), words(&[5, 0]), longs(&[0, 0])].concat();
    check(41, &[&retrieved[..], b"bytes"].concat(), Body::NotifyReply { offset: 8192, data: b"bytes" });
    let value = [&words(&[3, 1])[..], b"user.x\0", b"abc"].concat();
    let asked = SetxattrIn { size: 3, flags: 1 };
    check(21, &value, Tree::Setxattr { asked, name: text("user.x"), value: b"abc" });
    let asked = GetxattrIn { size: 64, padding: 0 };
    check(22, &[&words(&[64, 0])[..], b"user.x\0"].concat(), Tree::Getxattr { asked, name: text("user.x") });
}

#[test]
fn structures_have_their_fields_in_order() {
    let read = [longs(&[3, 4096]), words(&[131_072, 2]), longs(&[77]), words(&[0o40000, 0])].concat();
    let asked = ReadIn {
        fh: 3,
        offset: 4096,
        size: 131_072,
        read_flags: 2,
        lock_owner: 77,
        flags: 0o40000,
        padding: 0,
    };
    check(15, &read, Body::Read(asked));
    check(28, &read, File::Readdir(asked));
    check(44, &read, File::Readdirplus(asked));
    check(14, &words(&[2, 0]), File::Open(OpenIn { flags: 2, open_flags: 0 }));
    let asked = CreateIn { flags: 1, mode: 0o100644, umask: 0o22, open_flags: 0 };
    let create = words(&[1, 0o100644, 0o22, 0]);
    check(35, &[&create[..], b"f\0"].concat(), File::Create { asked, name: text("f") });
    check(51, &create, File::Tmpfile(asked));
    let numbers: Vec<u32> = (1..=22).collect();
    let setattr = SetattrIn {
        valid: 1,
        padding: 2,
        fh: 4 << 32 | 3,
        size: 6 << 32 | 5,
        lock_owner: 8 << 32 | 7,
        atime: 10 << 32 | 9,
        mtime: 12 << 32 | 11,
        ctime: 14 << 32 | 13,
        atimensec: 15,
        mtimensec: 16,
        ctimensec: 17,
        mode: 18,
        unused4: 19,
        uid: 20,
        gid: 21,
        unused5: 22,
    };
    check(4, &words(&numbers), Tree::Setattr(setattr));
    let copy =
        CopyFileRangeIn { fh_in: 1, off_in: 2, nodeid_out: 3, fh_out: 4, off_out: 5, len: 6, flags: 7 };
    check(47, &longs(&[1, 2, 3, 4, 5, 6, 7]), File::CopyFileRange(copy));
    let lseek = LseekIn { fh: 1, offset: 2, whence: 3, padding: 0 };
    check(46, &[longs(&[1, 2]), words(&[3, 0])].concat(), File::Lseek(lseek));
    check(34, &words(&[4, 0]), Tree::Access(AccessIn { mask: 4, padding: 0 }));
    let statx = StatxIn { getattr_flags: 1, reserved: 0, fh: 3, sx_flags: 0x2000, sx_mask: 0xfff };
    check(52, &[words(&[1, 0]), longs(&[3]), words(&[0x2000, 0xfff])].concat(), Tree::Statx(statx));
    let asked = IoctlIn { fh: 3, flags: 16, cmd: 5, arg: 6, in_size: 4, out_size: 8 };
    let ioctl = [longs(&[3]), words(&[16, 5]), longs(&[6]), words(&[4, 8])].concat();
    check(39, &[&ioctl[..], b"data"].concat(), File::Ioctl { asked, data: b"data" });
}

#[test]
fn many_are_forgotten_at_once() {
    check(2, &longs(&[5]), Body::Forget { lookups: 5 });
    let pairs = longs(&[10, 1, 11, 2, 12, 3]);
    check(42, &[&words(&[3, 0])[..], &pairs].concat(), Body::BatchForget(Forgets(&pairs)));
    let forgotten: Vec<_> = Forgets(&pairs).map(|it| (it.nodeid, it.nlookup)).collect();
    assert_eq!(forgotten, [(10, 1), (11, 2), (12, 3)]);
    // More than there are, and so many that their size has no number.
    for count in [4, u32::MAX] {
        let bytes = request(42, &[&words(&[count, 0])[..], &pairs].concat());
        assert_eq!(parse(&bytes, Dialect::default()).unwrap_err(), Malformed::Body { opcode: 42 });
    }
}

#[test]
fn capabilities_have_32_or_64_bits() {
    let (old, new) = (1 << 15, 1 << 15 | 1 << 30);
    let asked = InitIn { major: 7, minor: 31, max_readahead: 131_072, flags: old };
    check(26, &words(&[7, 31, 131_072, old]), Body::Init { asked, capabilities: u64::from(old) });
    let asked = InitIn { minor: 41, flags: new, ..asked };
    let capabilities = u64::from(new) | 1 << 36;
    check(26, &words(&[7, 41, 131_072, new, 1 << 4]), Body::Init { asked, capabilities });
    // Structures grow: the rest is not looked at.
    let longer = request(26, &[words(&[7, 45, 131_072, new, 1 << 4]), vec![9; 44]].concat());
    assert!(
        matches!(parse(&longer, Dialect::default()).unwrap().body, Body::Init { capabilities: found, .. } if found == capabilities)
    );
}

#[test]
fn every_number_is_a_request_whatever_follows_it() {
    for opcode in (0..300).chain([4096, 1 << 20, u32::MAX]) {
        for length in 0..256 {
            // No panic, whichever it is.
            let _ = parse(&request(opcode, &vec![0xff; length]), Dialect::default());
            let _ = parse(&request(opcode, &vec![0; length]), Dialect::default());
        }
    }
    for (opcode, expected) in [
        (36, Body::Other(Operation::Interrupt)),
        (50, Body::Other(Operation::Syncfs)),
        (40, Body::Other(Operation::Poll)),
        (7, Body::Unknown),
        (54, Body::Unknown),
        (u32::MAX, Body::Unknown),
    ] {
        assert_eq!(
            parse(&request(opcode, b"anything"), Dialect::default()).unwrap().body,
            expected,
            "{opcode}"
        );
    }
}

#[test]
fn extensions_are_not_part_of_the_argument() {
    let mut bytes = request(1, b"name\0\0\0\0extended");
    let extensions = std::mem::offset_of!(InHeader, total_extlen);
    bytes[extensions..extensions + 2].copy_from_slice(&1u16.to_ne_bytes());
    assert_eq!(parse(&bytes, Dialect::default()).unwrap().body, Tree::Lookup { name: text("name") }.into());
    bytes[extensions..extensions + 2].copy_from_slice(&3u16.to_ne_bytes());
    assert_eq!(parse(&bytes, Dialect::default()).unwrap_err(), Malformed::Length { bytes: bytes.len() });
}

#[test]
fn the_head_of_a_write_is_known_without_its_data() {
    let head = [longs(&[3, 8192]), words(&[5, 1]), longs(&[77]), words(&[2, 0])].concat();
    let bytes = request(16, &[&head[..], b"bytes"].concat());
    let (header, asked) = parse_write_head(&bytes[..WRITE_HEAD]).unwrap();
    assert_eq!((header.unique, asked.offset, asked.size), (6, 8192, 5));
    assert_eq!(parse_write_head(&bytes[..WRITE_HEAD - 1]), None);
    assert_eq!(parse_write_head(&request(15, &head)), None);
}
