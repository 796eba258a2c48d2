//! The bytes of `lab.toml`, read with a limit.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of I/O errors are many, and grow with the standard library"
)]

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use lab_core::plan::config::error::{ConfigError, Document};
use lab_core::text::suggest::quoted;
use xshell::Shell;

/// The largest file that is read, bytes. A full `lab.toml` has some ten thousand.
const LIMIT: u64 = 1 << 20;

/// Reads a configuration file; a relative path starts at the shell's folder. Gives its text.
///
/// # Errors
/// If there is no such file, it is none, it is larger than 1 MiB, or it is not UTF-8.
pub(super) fn read(sh: &Shell, path: &Path) -> Result<String, ConfigError> {
    let file = path.display().to_string();
    let wrong = |message: &str| ConfigError::new(&file, message);
    let path = sh.current_dir().join(path);
    let unreadable = |err: std::io::Error| match err.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            wrong("there is no such file; run the command in the lab's checkout")
        }
        ErrorKind::PermissionDenied => wrong("permission denied; make the file readable for this user"),
        _ => wrong(&format!("cannot be read: {err}")),
    };
    // Before it is opened: opening a pipe would wait for its other end.
    let kind = std::fs::metadata(&path).map_err(unreadable)?;
    if kind.is_dir() {
        return Err(wrong("is a folder; name a file"));
    }
    if !kind.is_file() {
        return Err(wrong("is neither a file nor a link to one; name a file"));
    }
    let mut bytes = Vec::new();
    // The size that the file system reports is not trusted: the file may grow.
    File::open(&path)
        .and_then(|opened| opened.take(LIMIT + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    decode(&file, bytes)
}

/// The text of the bytes of a file, if they are not too many.
fn decode(file: &str, bytes: Vec<u8>) -> Result<String, ConfigError> {
    if bytes.len() as u64 > LIMIT {
        return Err(ConfigError::new(file, "is larger than 1 MiB; name a lab.toml, which has a few KiB"));
    }
    String::from_utf8(bytes).map_err(|err| {
        let at = err.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&err.as_bytes()[..at]);
        let place = Document { file, text: &text }.place(at);
        let found = quoted(&format!("0x{:02x}", err.as_bytes()[at]));
        ConfigError::new(place, format!("the byte {found} is not UTF-8; save the file as UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_is_read_and_what_is_not() {
        let sh = Shell::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        sh.change_dir(folder.path());
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("good.toml", "version = 1 # é".as_bytes());
        write("latin-1.toml", b"version = 1\n# caf\xe9\n");
        write("utf-16.toml", b"\xff\xfev\0e\0r\0");
        write("limit.toml", &vec![b'#'; 1 << 20]);
        write("above.toml", &vec![b'#'; (1 << 20) + 1]);
        std::os::unix::fs::symlink("good.toml", folder.path().join("link.toml")).unwrap();
        // Sparse: it has 1 TiB and no content, so only reading it all would be noticed.
        File::create(folder.path().join("huge.toml")).unwrap().set_len(1 << 40).unwrap();

        let names = [
            "good.toml",
            "link.toml",
            "none.toml",
            "good.toml/lab.toml",
            ".",
            "/dev/zero",
            "latin-1.toml",
            "utf-16.toml",
            "above.toml",
            "huge.toml",
        ];
        let found = names.map(|name| match read(&sh, Path::new(name)) {
            Ok(text) => format!("{name} has: {text}\n"),
            Err(err) => format!("{err}\n"),
        });
        expect![[r#"
            good.toml has: version = 1 # é
            link.toml has: version = 1 # é
            none.toml: there is no such file; run the command in the lab's checkout
            good.toml/lab.toml: there is no such file; run the command in the lab's checkout
            .: is a folder; name a file
            /dev/zero: is neither a file nor a link to one; name a file
            latin-1.toml:2:6: the byte `0xe9` is not UTF-8; save the file as UTF-8
            utf-16.toml:1:1: the byte `0xff` is not UTF-8; save the file as UTF-8
            above.toml: is larger than 1 MiB; name a lab.toml, which has a few KiB
            huge.toml: is larger than 1 MiB; name a lab.toml, which has a few KiB
        "#]]
        .assert_eq(&found.concat());
        assert_eq!(read(&sh, Path::new("limit.toml")).unwrap().len(), 1 << 20);
    }
}
