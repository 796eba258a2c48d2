//! The program in the program: it reads or writes a file once more, as a tool did, and checks each byte.
//!
//! It is not process 1 that does it, since whatever goes through the kernel under test may never come back.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::Context as _;
use lab_protocol::DataCheck;
use lab_protocol::stamp::{POISON, Stamp};
use serde::{Deserialize, Serialize};

use crate::access::Blocks;
use crate::content::{self, Aligned, Content};

/// The first argument that makes the program do this.
pub(crate) const WORD: &str = "check-data";

/// What is done, the second argument as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Reads the stamps of the file.
    Read { path: String, parts: Vec<Blocks> },
    /// Writes stamps to the file, and looks for them in the storage.
    Write { path: String, storage: String, parts: Vec<Blocks> },
    /// Reads all of the file in two ways, and compares it with the storage.
    Same { path: String, storage: String },
}

/// Follows the order and prints what it found.
///
/// # Errors
/// If a file cannot be opened, read or written.
pub(crate) fn run(order: &str) -> anyhow::Result<()> {
    let order = serde_json::from_str(order).context("understanding what is to be checked")?;
    let mut check = DataCheck { compared_bytes: 0, wrong: Vec::new() };
    follow(&order, &mut check)?;
    println!("{}", serde_json::to_string(&check)?);
    Ok(())
}

fn follow(order: &Order, check: &mut DataCheck) -> anyhow::Result<()> {
    match order {
        Order::Read { path, parts } => (parts.iter().filter(|blocks| blocks.count > 0))
            .try_for_each(|blocks| read(path, blocks, check))
            .with_context(|| format!("reading {path}")),
        Order::Write { path, storage, parts } => parts.iter().try_for_each(|blocks| {
            let end = write(path, storage, blocks).with_context(|| format!("writing {path}"))?;
            let found = File::open(storage)?;
            Ok(content::compare(&found, blocks.start..end, Content::Stamps, check)?)
        }),
        Order::Same { path, storage } => {
            let storage = File::open(storage)?;
            for (how, flags) in [("read directly", libc::O_DIRECT), ("read through the cache", 0)] {
                let file = File::options().read(true).custom_flags(flags).open(path)?;
                content::same(&file, &storage, how, check).with_context(|| format!("{path} {how}"))?;
            }
            Ok(())
        }
    }
}

/// Reads into poisoned memory, and looks at it as soon as the kernel says that the data is there.
fn read(path: &str, blocks: &Blocks, check: &mut DataCheck) -> anyhow::Result<()> {
    let mut file = File::options().read(true).custom_flags(blocks.flags).open(path)?;
    let size = file.metadata()?.len();
    let mut memory = Aligned::new(blocks.block);
    let mut offset = file.seek(SeekFrom::Start(blocks.start))?;
    for _ in 0..blocks.count {
        memory.content().fill(POISON);
        let count = file.read(memory.content())?;
        let found = memory.content().get(..count).unwrap_or_default();
        let early = Stamp::Place.glance(found, offset);
        check.compared_bytes += count as u64;
        if let Some(wrong) = Stamp::Place.check(found, offset) {
            check.wrong.push(format!("read, {wrong}"));
            return Ok(());
        }
        if let Some(early) = early {
            check.wrong.push(format!("read, offset {early}: the data came after the read had returned"));
            return Ok(());
        }
        offset += count as u64;
        if count == 0 {
            break;
        }
    }
    let end = size.min(blocks.start + blocks.count * blocks.block as u64);
    if offset != end {
        check.wrong.push(format!("read, offset {offset}: no more data, of {end} bytes"));
    }
    Ok(())
}

/// Writes stamps over what cannot be mistaken for them, and gives the end of what it wrote.
fn write(path: &str, storage: &str, blocks: &Blocks) -> anyhow::Result<u64> {
    let end = blocks.start + blocks.count * blocks.block as u64;
    content::poison(&File::options().write(true).open(storage)?, blocks.start..end)?;
    let mut file = File::options().write(true).custom_flags(blocks.flags).open(path)?;
    if blocks.cut {
        file.set_len(blocks.start)?;
    }
    let mut memory = Aligned::new(blocks.block);
    file.seek(SeekFrom::Start(blocks.start))?;
    for offset in (blocks.start..end).step_by(blocks.block) {
        Stamp::Place.fill(memory.content(), offset);
        file.write_all(memory.content())?;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use expect_test::{Expect, expect};

    use super::*;

    const BLOCK: usize = 64 << 10;

    struct Files {
        folder: tempfile::TempDir,
    }

    impl Files {
        /// A file of 1 MiB with stamps, which has storage of its own.
        fn new() -> Self {
            let files = Files { folder: tempfile::tempdir().unwrap() };
            let mut content = vec![0; 1 << 20];
            Stamp::Place.fill(&mut content, 0);
            for name in ["file", "storage"] {
                std::fs::write(files.path(name), &content).unwrap();
            }
            files
        }

        fn path(&self, name: &str) -> String {
            self.folder.path().join(name).to_str().unwrap().to_owned()
        }

        fn change(&self, name: &str, offset: u64, content: &[u8]) {
            let file = File::options().write(true).open(self.path(name)).unwrap();
            file.write_all_at(content, offset).unwrap();
        }

        fn check(&self, order: &Order, expected: Expect) {
            let mut check = DataCheck { compared_bytes: 0, wrong: Vec::new() };
            let result = follow(order, &mut check);
            let wrong = result.err().map(|error| format!("{error:#}"));
            let text = format!("{} bytes: {:?} {wrong:?}", check.compared_bytes, check.wrong);
            expected.assert_eq(&text.replace(&self.path(""), ""));
        }
    }

    fn blocks(start: u64, count: u64) -> Blocks {
        Blocks { block: BLOCK, start, count, flags: 0, cut: false }
    }

    #[test]
    fn reads_are_held_against_stamps() {
        let files = Files::new();
        let read = |start, count| Order::Read { path: files.path("file"), parts: vec![blocks(start, count)] };
        files.check(&read(0, 16), expect!["1048576 bytes: [] None"]);
        files.check(&read(BLOCK as u64, 100), expect!["983040 bytes: [] None"]);
        files.check(&read(0, 17), expect!["1048576 bytes: [] None"]);
        files.change("file", 3 * BLOCK as u64, &[0; 4096]);
        files.check(&read(0, 3), expect!["196608 bytes: [] None"]);
        files.check(&read(0, 4), expect![[r#"262144 bytes: ["read, offset 196610: zeros"] None"#]]);
        files.check(
            &Order::Read { path: files.path("none"), parts: vec![blocks(0, 1)] },
            expect![[r#"0 bytes: [] Some("reading none: No such file or directory (os error 2)")"#]],
        );
    }

    #[test]
    fn writes_are_looked_for_in_the_storage() {
        let files = Files::new();
        let order = |storage: &str, start, count| Order::Write {
            path: files.path("file"),
            storage: files.path(storage),
            parts: vec![blocks(start, count)],
        };
        // A file that is its own storage keeps what is written to it.
        files.check(&order("file", 0, 16), expect!["1048576 bytes: [] None"]);
        // Another one keeps nothing.
        files.check(&order("storage", BLOCK as u64, 2), expect![[r#"131072 bytes: ["storage, offset 65536: nothing was put there, instead of what was there before"] None"#]]);
        let cut = Blocks { cut: true, ..blocks(BLOCK as u64, 2) };
        let order = Order::Write { path: files.path("file"), storage: files.path("file"), parts: vec![cut] };
        files.check(&order, expect!["131072 bytes: [] None"]);
        assert_eq!(std::fs::metadata(files.path("file")).unwrap().len(), 3 * BLOCK as u64);
    }

    #[test]
    fn a_file_is_what_its_storage_is() {
        let files = Files::new();
        let order = Order::Same { path: files.path("file"), storage: files.path("storage") };
        files.check(&order, expect!["2097152 bytes: [] None"]);
        files.change("storage", 777_777, b"x");
        files.check(&order, expect![[r#"2097152 bytes: ["read directly, offset 777777: not what is in the storage", "read through the cache, offset 777777: not what is in the storage"] None"#]]);
    }

    #[test]
    fn orders_travel_as_text() {
        let order = Order::Read { path: "/x".to_owned(), parts: vec![blocks(5, 1)] };
        assert_eq!(serde_json::from_str::<Order>(&serde_json::to_string(&order).unwrap()).unwrap(), order);
        assert!(run("{}").is_err());
    }
}
