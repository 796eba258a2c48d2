//! Job files of fio and pjdfstest, read with a limit.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use xshell::Shell;

/// The largest job file that is read, bytes. It travels in each boot's assignment.
const LIMIT: u64 = 64 << 10;

/// The text of a job file below `root`.
///
/// # Errors
/// If there is none, it lies outside after all, or it is larger than 64 KiB or no UTF-8. Says which, with the remedy.
pub(super) fn read(sh: &Shell, root: &Path, file: &str) -> Result<String, String> {
    let unreadable = |error: std::io::Error| match error.kind() == std::io::ErrorKind::NotFound {
        true => "there is no such file; write one, or name another".to_owned(),
        false => format!("cannot be read: {error}"),
    };
    let root = sh.current_dir().join(root).canonicalize().map_err(unreadable)?;
    let path = root.join(file).canonicalize().map_err(unreadable)?;
    if !path.starts_with(&root) {
        return Err(format!("is a link to {}; put the file itself there", path.display()));
    }
    // Before it is opened: opening a pipe would wait for its other end.
    if !path.is_file() {
        return Err("is no file; name a file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|opened| opened.take(LIMIT + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT {
        return Err("is larger than 64 KiB; a job has a few lines".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|&byte| byte == b'\n').count();
        format!("line {line} is not UTF-8; save the file as UTF-8")
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
        let root = folder.path().join("lab");
        let write = |name: &str, bytes: &[u8]| sh.write_file(root.join(name), bytes).unwrap();
        write("below/good.fio", "[é]".as_bytes());
        write("latin-1.fio", b"# one\n[\xe9]\n");
        write("limit.fio", &vec![b'#'; 64 << 10]);
        write("above.fio", &vec![b'#'; (64 << 10) + 1]);
        sh.write_file(folder.path().join("outside.fio"), "[x]").unwrap();
        std::os::unix::fs::symlink("below/good.fio", root.join("link.fio")).unwrap();
        std::os::unix::fs::symlink("../outside.fio", root.join("outside.fio")).unwrap();
        let names =
            ["below/good.fio", "link.fio", "none.fio", "below", "latin-1.fio", "above.fio", "outside.fio"];
        let shown = names.map(|name| match super::read(&sh, &root, name) {
            Ok(text) => format!("{name} has: {text}\n"),
            Err(error) => {
                format!("{name}: {}\n", error.replace(&folder.path().display().to_string(), "FOLDER"))
            }
        });
        expect![[r#"
            below/good.fio has: [é]
            link.fio has: [é]
            none.fio: there is no such file; write one, or name another
            below: is no file; name a file
            latin-1.fio: line 2 is not UTF-8; save the file as UTF-8
            above.fio: is larger than 64 KiB; a job has a few lines
            outside.fio: is a link to FOLDER/outside.fio; put the file itself there
        "#]]
        .assert_eq(&shown.concat());
        assert_eq!(super::read(&sh, &root, "limit.fio").unwrap().len(), 64 << 10);
    }
}
