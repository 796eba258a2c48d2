//! Mails made of patches, as different mail programs send them.

use super::originals;

/// A mail of the series before it is sent: header lines without those about the text, and the text.
pub(super) struct Letter {
    header: String,
    text: String,
}

/// The cover letter and the patches of `sync-dio`, threaded, each sent by `send`.
pub(super) fn thread(send: impl Fn(&Letter) -> String) -> Vec<String> {
    let cover = Letter {
        header: "From: Cover <cover@x>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n\
                 Subject: [PATCH 0/6] fuse: one direct request at a time\nMessage-ID: <0@x>\n"
            .to_owned(),
        text: "What it is about.\n\n fs/fuse/file.c | 300 +----\n".to_owned(),
    };
    let patches = originals().into_iter().zip(1..).map(|((_, patch), number)| {
        let (header, text) = patch.split_once("\n\n").unwrap();
        let (_, header) = header.split_once('\n').unwrap();
        let header = format!("{header}\nMessage-ID: <{number}@x>\nIn-Reply-To: <0@x>\nReferences: <0@x>\n");
        Letter { header, text: text.to_owned() }
    });
    std::iter::once(cover).chain(patches).map(|letter| send(&letter)).collect()
}

/// Mails one after the other, with a line in front of each and an empty one behind.
pub(super) fn mailbox(mails: &[String]) -> String {
    mails.iter().map(|mail| format!("From a@b Thu Jan  1 00:00:00 2026\n{mail}\n")).collect()
}

impl Letter {
    pub(super) fn plain(&self) -> String {
        format!("{}\n{}", self.header, self.text)
    }

    pub(super) fn base64(&self) -> String {
        let encoded = base64(self.text.as_bytes());
        let kind = "Content-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: base64\n";
        format!("{}{kind}\n{encoded}", self.header)
    }

    pub(super) fn quoted_printable(&self) -> String {
        let encoded: String = self.text.lines().map(quoted_printable).collect();
        let kind = "Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=utf-8\n";
        format!("{}{kind}\n{encoded}", self.header)
    }

    pub(super) fn flowed(&self) -> String {
        let mut flowed = String::new();
        for line in self.text.lines().map(str::trim_end) {
            if line.starts_with(' ') {
                flowed.push(' ');
            }
            // What comes behind the first comma of a line goes to the next one.
            flowed.push_str(&line.replacen(", ", ", \n", 1).replacen("\n ", "\n  ", 1));
            flowed.push('\n');
        }
        format!("{}Content-Type: text/plain; charset=utf-8; format=flowed\n\n{flowed}", self.header)
    }
}

/// Lines of 76 characters.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (at, chunk) in bytes.chunks(3).enumerate() {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit > chunk.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
        if at % 19 == 18 {
            text.push('\n');
        }
    }
    text + "\n"
}

/// One line, broken before it has 76 characters.
fn quoted_printable(line: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for (at, byte) in line.bytes().enumerate() {
        let is_last = at + 1 == line.len();
        let encoded = match byte {
            b' ' | b'\t' if is_last => format!("={byte:02X}"),
            b'=' | 0..=8 | 10..=31 | 127.. => format!("={byte:02X}"),
            plain => char::from(plain).to_string(),
        };
        if column + encoded.len() > 72 {
            text.push_str("=\n");
            column = 0;
        }
        column += encoded.len();
        text.push_str(&encoded);
    }
    text + "\n"
}
