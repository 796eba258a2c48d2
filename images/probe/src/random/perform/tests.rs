//! Sequences on a file system in memory, without FUSE.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use super::{Ground, Server};
use crate::random::check::check;
use crate::random::conditions::Conditions;
use crate::random::draw;
use crate::random::profile::Profile;
use crate::random::sequence::Sequence;
use crate::random::shrink::Budget;
use crate::random::violation::Kind;

fn budget(runs: u32) -> Budget {
    Budget { runs, time: Duration::MAX }
}

/// Nothing is between the files and whoever uses them.
struct Nobody;

impl Server for Nobody {
    fn behave(&mut self, _: &Conditions) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Changes a byte of the file itself when it is told to behave by seed 13.
struct Vandal<'a>(&'a Path);

impl Server for Vandal<'_> {
    fn behave(&mut self, conditions: &Conditions) -> anyhow::Result<()> {
        if conditions.seed == 13 {
            let name = std::fs::read_dir(self.0)?.find_map(|entry| {
                let path = entry.ok()?.path();
                path.file_name()?.to_str()?.starts_with("random-a-").then_some(path)
            });
            File::options().write(true).open(name.unwrap())?.write_all_at(&[0], 5000)?;
        }
        Ok(())
    }
}

#[test]
fn a_file_system_in_memory_keeps_every_byte() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    for profile in Profile::ALL {
        for seed in 0..5 {
            let mut server = Nobody;
            let mut ground = Ground::new(folder.path(), folder.path(), &mut server);
            let failure = check(&mut ground, &draw::sequence(profile, seed, 200), budget(0)).unwrap();
            assert!(failure.is_none(), "{profile:?}, seed {seed}: {}", failure.unwrap());
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files are left behind");
}

#[test]
fn a_byte_that_changes_by_itself_is_found() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    for (look, kind) in [
        ("main read a direct 4096+4096", Kind::Byte),
        ("main load a 4096+4096", Kind::StalePage),
        ("thread-2 read a direct 0+8192 pieces=7 skew=1\nwait", Kind::Byte),
        ("aio read a direct 0+8192 skew=512\nreap 1", Kind::Byte),
        ("uring read a direct 0+8192 skew=512\nreap 1", Kind::Byte),
        ("uring read a buffered 0+8192\nreap 1", Kind::StalePage),
        ("compare", Kind::Byte),
    ] {
        let text = format!(
            "main write a direct 0+8192\nmain stat a\nbehave seed=13\n{look}\nmain append a direct-append +5"
        );
        let sequence: Sequence = text.parse().unwrap();
        let mut server = Vandal(folder.path());
        let mut ground = Ground::new(folder.path(), folder.path(), &mut server);
        let failure = check(&mut ground, &sequence, budget(100)).unwrap().unwrap();
        assert_eq!(failure.kind(), kind, "{look}: {failure}");
        assert!(failure.to_string().contains("byte 5000 of file a"), "{look}: {failure}");
        // Writing, changing and looking are what is left of it.
        assert_eq!(failure.shrunk.sequence.0.len(), 3, "{look}: {:?}", failure.lines());
    }
}
