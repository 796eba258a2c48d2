//! Several files as one text, as `head` and `tail` print them: `==> NAME <==` in a line, then the file.

const BEFORE: &str = "==> ";
const BEHIND: &str = " <==";

/// The files as one.
pub fn join<Content: AsRef<[u8]>>(files: impl IntoIterator<Item = (String, Content)>) -> Vec<u8> {
    let mut all = Vec::new();
    for (name, content) in files {
        if all.last().is_some_and(|last| *last != b'\n') {
            all.push(b'\n');
        }
        all.extend(format!("{BEFORE}{name}{BEHIND}\n").bytes());
        all.extend_from_slice(content.as_ref());
    }
    all
}

/// The files again. What stands before the first name has none.
pub fn split(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match (name(line), files.last_mut()) {
            (Some(name), _) => files.push((name.to_owned(), Vec::new())),
            (None, Some((_, content))) => content.extend_from_slice(line),
            (None, None) => files.push((String::new(), line.to_vec())),
        }
    }
    files
}

/// The text of a part.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn name(line: &[u8]) -> Option<&str> {
    let line = line.strip_prefix(BEFORE.as_bytes())?.trim_ascii_end();
    std::str::from_utf8(line.strip_suffix(BEHIND.trim_end().as_bytes())?).ok().map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_again() {
        let files = vec![("a b".to_owned(), b"one\n".to_vec()), ("c/d".to_owned(), b"\xfftwo\n".to_vec())];
        assert_eq!(split(&join(files.clone())), files);
        assert_eq!(
            split(b"x\n==> y <==\n"),
            [(String::new(), b"x\n".to_vec()), ("y".to_owned(), Vec::new())]
        );
        assert!(split(b"").is_empty());
    }
}
