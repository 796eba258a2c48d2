//! `import-series` as a user runs it: from a folder of patches to one that the lab takes.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn lab(checkout: &Path, arguments: &[&str], input: Stdio) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchlab"));
    // What `cargo run` would set: it tells the lab which checkout it belongs to.
    command.env("CARGO_MANIFEST_DIR", checkout.join("xtask"));
    command.current_dir(checkout).args(arguments).stdin(input).output().expect("the lab starts")
}

#[test]
fn a_folder_is_imported_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checkout = folder.path();
    fs::create_dir(checkout.join("xtask")).expect("xtask");
    fs::create_dir(checkout.join("kernel-patches")).expect("kernel-patches");
    let series = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel-patches/sync-dio");
    let from = series.to_str().expect("a path in UTF-8");

    let first = lab(checkout, &["import-series", from, "--name", "copy"], Stdio::null());
    let printed = String::from_utf8_lossy(&first.stdout);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    assert!(printed.starts_with("imported 6 patches to kernel-patches/copy\n"), "{printed}");
    for entry in fs::read_dir(&series).expect("the series").flatten() {
        if entry.file_name() != "README.md" {
            let copy = fs::read(checkout.join("kernel-patches/copy").join(entry.file_name()));
            assert_eq!(copy.expect("the copy"), fs::read(entry.path()).expect("the patch"));
        }
    }

    let second = lab(checkout, &["import-series", from, "--name", "copy"], Stdio::null());
    let error = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(3), "{error}");
    assert!(error.contains("kernel-patches/copy is there already"), "{error}");
    assert_eq!(fs::read_dir(checkout.join("kernel-patches")).expect("the series").count(), 1);
}

#[test]
fn standard_input_is_imported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checkout = folder.path();
    fs::create_dir(checkout.join("xtask")).expect("xtask");
    fs::create_dir(checkout.join("kernel-patches")).expect("kernel-patches");
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/packed/date-iso.patch.xz");
    let input = File::open(packed).expect("the patch");

    let run = lab(checkout, &["import-series", "-"], input.into());
    let printed = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(printed.starts_with("imported 1 patch to kernel-patches/fuse-tab\n"), "{printed}");
}

/// Answers one request for a thread as an archive does; gives the path that was asked for.
fn serve(listener: &TcpListener, thread: &[u8]) -> String {
    let (mut connection, _) = listener.accept().expect("a request");
    let lines = BufReader::new(connection.try_clone().expect("a connection")).lines();
    let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", thread.len());
    // Whoever has gone does not get it, and says so.
    let _ = connection.write_all(answer.as_bytes()).and_then(|()| connection.write_all(thread));
    let _ = TcpStream::shutdown(&connection, std::net::Shutdown::Write);
    let _ = connection.read_to_end(&mut Vec::new());
    head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned()
}

/// The patches of a series, in two versions, as an archive keeps the mails of a thread, and packs it.
fn thread() -> Vec<u8> {
    let series = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel-patches/sync-dio");
    let files = fs::read_dir(series).expect("the series").flatten().map(|entry| entry.path());
    let mut patches: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "patch")).collect();
    patches.sort();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for (number, path) in (1..).zip(patches) {
        let text = fs::read_to_string(path).expect("a patch");
        let (_, mail) = text.split_once('\n').expect("a first line");
        for version in ["", "2"] {
            let mail =
                mail.replacen("[PATCH ", &format!("[PATCH v{version} "), 1).replace("[PATCH v ", "[PATCH ");
            let id = format!("Message-ID: <{version}{number}@example.org>");
            write!(
                packed,
                "From mboxrd@z Thu Jan  1 00:00:00 1970\n{id}\nReferences: <1@example.org>\n{mail}\n"
            )
            .expect("a mail");
        }
    }
    packed.finish().expect("a packed thread")
}

/// By b4, from an archive on this machine.
#[test]
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn a_thread_is_fetched_by_its_message_id() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checkout = folder.path();
    fs::create_dir(checkout.join("xtask")).expect("xtask");
    fs::create_dir(checkout.join("kernel-patches")).expect("kernel-patches");
    let packed = thread();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let archive = format!("http://{address}/all/%s");
    let lab = |id: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchlab"));
        command
            .env("CARGO_MANIFEST_DIR", checkout.join("xtask"))
            .env("HOME", checkout)
            .env("XDG_CACHE_HOME", checkout)
            .env("no_proxy", "127.0.0.1");
        command
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "b4.midmask")
            .env("GIT_CONFIG_VALUE_0", &archive);
        command
            .args(["import-series", id])
            .current_dir(checkout)
            .stdin(Stdio::null())
            .output()
            .expect("the lab starts")
    };
    let (run, asked) = std::thread::scope(|scope| {
        let server = scope.spawn(|| serve(&listener, &packed));
        let run = lab("<23@example.org>");
        // If nobody asked, the server waits no longer.
        drop(TcpStream::connect(address));
        (run, server.join().expect("a request"))
    });
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(asked, "/all/23%40example.org/t.mbox.gz");
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(printed.starts_with("imported 6 patches to kernel-patches/"), "{printed}");
    assert!(!printed.contains("`: version 2\n"), "{printed}");
    assert!(printed.contains("`: version 1\n"), "{printed}");
    drop(listener);
    let gone = lab("<3@example.org>");
    let error = String::from_utf8_lossy(&gone.stderr);
    assert!(gone.status.code() != Some(0) && error.contains("b4 does not give the thread: "), "{error}");
}
