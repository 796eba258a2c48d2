//! Mails as they come, and what is read from them.

use super::*;

const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

fn mails(text: &[u8]) -> Vec<Mail> {
    read("mail 1", text, Quoting::AsMarked, &Paths::default())
}

fn mail(text: &[u8]) -> Mail {
    let [mail] = &mails(text)[..] else { panic!("not one mail: {}", String::from_utf8_lossy(text)) };
    mail.clone()
}

#[test]
fn headers() {
    let mail = mail(
        b"Message-ID: <2@x>\r\nFrom: \"Doe, J. R.\" <j@x>\r\nDate: Sat, 5 Jan 2013 01:08:09 -0130\r\n\
          References: <0@x>\r\n <1@x>\r\nIn-Reply-To: <1@x>\r\n\
          Subject: =?utf-8?q?=5BPATCH_1/2=5D_fuse=3A_gr=C3=B6=C3=9Fer?=\r\n =?utf-8?b?ZSBS4oKs?=\r\n\r\nx\r\n",
    );
    assert_eq!(mail.full_subject, "[PATCH 1/2] fuse: größere R€");
    assert_eq!(mail.author.as_deref(), Some("\"Doe, J. R.\" <j@x>"));
    assert_eq!(mail.date.as_deref(), Some("Sat, 5 Jan 2013 01:08:09 -0130"));
    assert_eq!((mail.id.as_deref(), mail.root()), (Some("2@x"), Some("0@x")));
    assert_eq!(mail.message, "x\n");
}

#[test]
fn texts() {
    let check = |header: &[u8], text: &[u8], expected: &[u8]| {
        let mail = mail(&[b"From: a@b\n", header, b"\n\n", text].concat());
        let text = [mail.message.as_bytes(), &mail.diff].concat();
        let header = String::from_utf8_lossy(header);
        assert_eq!(mail.damage.map_or(text, String::into_bytes), expected, "{header}");
    };
    check(b"X: y", "größer \n \n".as_bytes(), "größer \n".as_bytes());
    let typed = |charset: &str| format!("Content-Type: text/plain; charset={charset}").into_bytes();
    check(&typed("us-ascii"), "größer\n".as_bytes(), "größer\n".as_bytes());
    check(&typed("iso-8859-15"), b"\xa4 gr\xf6\xdfer\n", "€ größer\n".as_bytes());
    check(&typed("gb2312"), b"\xc4\xe3\n", "你\n".as_bytes());
    // What is patched keeps its bytes.
    let mixed = ["€\n---\n ".as_bytes(), b"\xa4\n"].concat();
    check(&typed("iso-8859-15"), b"\xa4\n---\n \xa4\n", &mixed);
    check(b"Content-Transfer-Encoding: quoted-printable", b"a=3D=20\nb=\nc=09\n", b"a= \nbc\t\n");
    check(b"Content-Transfer-Encoding: base64", b"YSAKYg0KCg==\n", b"a \nb\n");
    check(b"Content-Type: text/plain; format=flowed", b"a \n  b\n", b"a  b\n");
    check(b"X: y", b"gr\xf6\xdfer\n", "größer\n".as_bytes());
    let broken = b"its base64 or quoted-printable text is broken: fetch it again";
    check(b"Content-Transfer-Encoding: base64", b"this is {not} base64!\n", broken);
}

#[test]
fn parts() {
    let mail = mail(
        b"From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nwhy\n\n--b\nContent-Type: text/html\n\n<p>why\n--b\n\
          Content-Type: application/octet-stream; name=x.patch\nContent-Transfer-Encoding: base64\n\n\
          LS0tIGEveAo=\n--b\nContent-Type: application/pdf\n\nz\n--b--\n",
    );
    assert_eq!((mail.message.as_str(), mail.diff.as_slice()), ("why\n", b"--- a/x\n".as_slice()));
    assert_eq!(mail.form, Form::Other);
}

/// A mail with these attachments: headers and contents.
fn with_attachments(subject: &str, attachments: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!(
        "From: A <a@x>\nMessage-ID: <0@x>\nSubject: {subject}\nContent-Type: multipart/mixed; boundary=b\n\n\
         --b\n\nSee there.\n"
    );
    for (header, content) in attachments {
        text += &format!("\n--b\n{header}\n\n{content}\n");
    }
    (text + "--b--\n").into_bytes()
}

#[test]
fn attached_patches_have_their_own_authors() {
    let patch = |number: u32| {
        format!(
            "From 1 Mon Sep 17 00:00:00 2001\nFrom: J <j@x>\nDate: 2024-01-05\n\
             Subject: [PATCH {number}/2] fuse: x\n\nWhy.\n---\n{DIFF}"
        )
    };
    let header = "Content-Type: text/x-patch; name=1.patch";
    let (one, two) = (patch(1), patch(2));
    let attached = [(header, one.as_str()), ("Content-Type: message/rfc822", two.as_str())];
    let read = mails(&with_attachments("[PATCH 0/2] two", &attached));
    let named: Vec<_> = read.iter().map(|mail| (mail.place.as_str(), mail.author.as_deref())).collect();
    assert_eq!(
        named,
        [
            ("mail 1", Some("A <a@x>")),
            ("mail 1, 1.patch", Some("J <j@x>")),
            ("mail 1, a mail", Some("J <j@x>")),
        ]
    );
    let is_whole = |mail: &Mail| mail.has_diff() && mail.message == "Why.\n" && mail.root() == Some("0@x");
    assert!(read[1..].iter().all(is_whole), "{read:?}");
    // Diffs alone are the patch of the mail.
    let read = mails(&with_attachments("[PATCH] one", &[(header, DIFF)]));
    assert_eq!((read.len(), read[0].has_diff(), read[0].message.as_str()), (1, true, "See there.\n"));
    let read = mails(&with_attachments("x", &[("Content-Type: application/gzip; name=x.patch.gz", "z")]));
    let expected = "its attachment `x.patch.gz` is compressed: save it and import it";
    assert_eq!(read[0].damage.as_deref(), Some(expected));
}

#[test]
fn charsets_of_whole_files() {
    let text = format!("From: Jörg <j@x>\nDate: 2024-01-05\nSubject: [PATCH] x\n\n---\n{DIFF}");
    let expected = mail(text.as_bytes());
    assert_eq!((expected.author.as_deref(), expected.form), (Some("Jörg <j@x>"), Form::Plain));
    let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    for bytes in [
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [b"\xff\xfe".as_slice(), &utf16(u16::to_le_bytes)].concat(),
        [b"\xfe\xff".as_slice(), &utf16(u16::to_be_bytes)].concat(),
        utf16(u16::to_le_bytes),
    ] {
        assert_eq!(mail(&bytes), Mail { form: Form::Other, ..expected.clone() });
    }
    let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let read = mail(&latin1);
    assert_eq!((&read.author, read.notes.len()), (&expected.author, 1));
}

#[test]
fn what_is_missing_is_said() {
    let bare = mail(DIFF.as_bytes());
    let expected = ["no author found, patchlab is used", "no date found, 1 January 2000 is used"];
    assert_eq!((bare.notes.as_slice(), bare.form), (expected.map(str::to_owned).as_slice(), Form::Bare));
    let strange = mail(format!("From: a@b\nDate: soon\nSubject: x\n\n{DIFF}").as_bytes());
    assert!(strange.damage.is_some_and(|why| why.starts_with("its date `soon` has none of the known forms")));
}

#[test]
fn paths_are_brought_to_gits_form() {
    let mail = mail(DIFF.replace("a/x", "fs/x").replace("b/x", "fs/x").as_bytes());
    assert_eq!(mail.diff, DIFF.replace("a/x", "a/fs/x").replace("b/x", "b/fs/x").as_bytes());
    let expected = "paths were those of -p0, a/ and b/ are put in front";
    assert!(mail.notes.iter().any(|note| note == expected), "{:?}", mail.notes);
}
