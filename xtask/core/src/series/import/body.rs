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
pub(super) fn restore(text: &str, flow: Flow) -> String {
    let mut text = without_added_returns(text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    match flow {
        Flow::Fixed => text,
        Flow::Flowed | Flow::FlowedDeletingSpaces => unflow(&text, flow),
    }
}

/// Mail adds a CR to every line. Where some lines have none, those that are there belong to a patched file.
fn without_added_returns(text: &str) -> String {
    let added = text.split_inclusive('\n').all(|line| line.ends_with("\r\n") || !line.ends_with('\n'));
    if added { text.replace("\r\n", "\n") } else { text.to_owned() }
}

fn unflow(text: &str, flow: Flow) -> String {
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        // The mark of a signature ends with a space and is a line for all that.
        if line == "-- " {
            whole.push_str("-- \n");
            continue;
        }
        // A space in front protects lines on their way, those of a diff's context as well.
        let line = line.strip_prefix(' ').unwrap_or(line);
        match line.strip_suffix(' ') {
            Some(shorter) if flow == Flow::FlowedDeletingSpaces => whole.push_str(shorter),
            Some(_) => whole.push_str(line),
            None => {
                whole.push_str(line);
                whole.push('\n');
            }
        }
    }
    if !whole.ends_with('\n') && !whole.is_empty() {
        whole.push('\n');
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends() {
        let check = |text: &str, expected: &str| assert_eq!(restore(text, Flow::Fixed), expected, "{text:?}");
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
        let check =
            |text: &str, flow: Flow, expected: &str| assert_eq!(restore(text, flow), expected, "{text:?}");
        check("one \r\ntwo\r\n", Flow::Flowed, "one two\n");
        check("one \ntwo\n", Flow::FlowedDeletingSpaces, "onetwo\n");
        check("  context\n-a\n+b\n\n", Flow::Flowed, " context\n-a\n+b\n\n");
        check("x\n-- \n2.47\n", Flow::Flowed, "x\n-- \n2.47\n");
        check("last ", Flow::Flowed, "last \n");
    }
}
