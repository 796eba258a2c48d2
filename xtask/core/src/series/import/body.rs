//! The text of a mail, freed from what its way did to it.

/// Whether a mail's lines may have been broken on the way (RFC 3676).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// The lines are as they were written.
    Fixed,
    /// `format=flowed`: a line that ends with a space goes on in the next one.
    Flowed,
    /// `format=flowed; delsp=yes`: and that space was not in the text.
    FlowedDeletingSpaces,
}

/// The text with the line ends that it had before it was sent, and one at its end.
pub(super) fn restore(text: &[u8], flow: Flow) -> Vec<u8> {
    let mut text = without_added_returns(text);
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    match flow {
        Flow::Fixed => text,
        Flow::Flowed | Flow::FlowedDeletingSpaces if is_stuffed(&text) => unflow(&text, flow),
        Flow::Flowed | Flow::FlowedDeletingSpaces => text,
    }
}

/// Mail adds a CR to every line. Where some lines have none, those that are there belong to a patched file.
fn without_added_returns(text: &[u8]) -> Vec<u8> {
    let added = lines(text).all(|line| line.ends_with(b"\r\n") || !line.ends_with(b"\n"));
    if !added {
        return text.to_vec();
    }
    let without = |line: &[u8]| match line.strip_suffix(b"\r\n") {
        Some(line) => [line, b"\n"].concat(),
        None => line.to_vec(),
    };
    lines(text).flat_map(without).collect()
}

/// Whether the sender kept to the form that it names: then no line has one space in front, since each that had one got a
/// second one.
fn is_stuffed(text: &[u8]) -> bool {
    lines(text).all(|line| !matches!(line, [b' ', next, ..] if !matches!(next, b' ' | b'\n' | b'\r')))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

fn unflow(text: &[u8], flow: Flow) -> Vec<u8> {
    let mut whole = Vec::with_capacity(text.len());
    for line in lines(text) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        // The mark of a signature ends with a space and is a line for all that.
        if line == b"-- " {
            whole.extend_from_slice(b"-- \n");
            continue;
        }
        // A space in front protects lines on their way, those of a diff's context as well.
        let line = line.strip_prefix(b" ").unwrap_or(line);
        match line.strip_suffix(b" ") {
            Some(shorter) if flow == Flow::FlowedDeletingSpaces => whole.extend_from_slice(shorter),
            Some(_) => whole.extend_from_slice(line),
            None => {
                whole.extend_from_slice(line);
                whole.push(b'\n');
            }
        }
    }
    if !whole.ends_with(b"\n") && !whole.is_empty() {
        whole.push(b'\n');
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends() {
        let check = |text: &str, expected: &str| {
            assert_eq!(restore(text.as_bytes(), Flow::Fixed), expected.as_bytes(), "{text:?}");
        };
        check("", "");
        check("a", "a\n");
        check("a\r\nb\r\n", "a\nb\n");
        check("a\r\nb", "a\nb\n");
        check("a\r\r\nb\r\n", "a\r\nb\n");
        check("@@ -1 +1 @@\n-a\r\n+b\r\n", "@@ -1 +1 @@\n-a\r\n+b\r\n");
        check("a \n b\n", "a \n b\n");
    }

    #[test]
    fn flowed_lines() {
        let check = |text: &str, flow: Flow, expected: &str| {
            assert_eq!(restore(text.as_bytes(), flow), expected.as_bytes(), "{text:?}");
        };
        check("one \r\ntwo\r\n", Flow::Flowed, "one two\n");
        check("one \ntwo\n", Flow::FlowedDeletingSpaces, "onetwo\n");
        check("  context\n-a\n+b\n\n", Flow::Flowed, " context\n-a\n+b\n\n");
        check("x\n-- \n2.47\n", Flow::Flowed, "x\n-- \n2.47\n");
        check("last ", Flow::Flowed, "last \n");
        // A context line with one space in front: this sender only says that it flows.
        check("@@ -1,2 +1,2 @@\n context \n-a\n+b\n", Flow::Flowed, "@@ -1,2 +1,2 @@\n context \n-a\n+b\n");
    }
}
