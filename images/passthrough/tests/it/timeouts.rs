//! How long the kernel trusts names, attributes, and that there is no such name: each for a time of its own.

use lab_protocol::ServerSettings;
use rustix::io::Errno;

use crate::harness::{Served, settings};

const LONG_MS: u64 = 3_600_000;

/// How often the name is looked up, and whether anybody's attributes are asked for, when it is looked at once more.
fn again(served: &mut Served, name: &str) -> (u64, bool) {
    let _ = rustix::fs::stat(served.path(name));
    served.take();
    let _ = rustix::fs::stat(served.path(name));
    let counted = served.take().by_operation;
    (counted.get("LOOKUP").copied().unwrap_or_default(), counted.contains_key("GETATTR"))
}

#[test]
fn names_and_attributes_are_trusted_for_times_of_their_own() {
    for (entry_timeout_ms, attribute_timeout_ms, expected) in [
        (Some(LONG_MS), LONG_MS, (0, false)),
        (Some(LONG_MS), 0, (0, true)),
        // A lookup brings the attributes as well, and the kernel takes no others if they may be trusted.
        (Some(0), LONG_MS, (1, false)),
        (None, LONG_MS, (0, false)),
        (None, 0, (1, true)),
    ] {
        let timed = ServerSettings { entry_timeout_ms, attribute_timeout_ms, ..settings() };
        let mut served = Served::new(&timed);
        served.store("file", 1);
        assert_eq!(again(&mut served, "file"), expected, "{entry_timeout_ms:?} {attribute_timeout_ms}");
    }
}

#[test]
fn that_there_is_no_name_is_trusted_as_long_as_was_set() {
    for (negative_timeout_ms, expected) in [(0, (1, false)), (LONG_MS, (0, false))] {
        let mut served = Served::new(&ServerSettings { negative_timeout_ms, ..settings() });
        assert_eq!(again(&mut served, "file"), expected, "{negative_timeout_ms}");
        let stat = |name: &str| rustix::fs::stat(served.path(name)).map(|stat| stat.st_size);
        // What is made on the mount is seen, and what goes there as well.
        std::fs::write(served.path("file"), "content").unwrap();
        assert_eq!(stat("file"), Ok(7));
        std::fs::remove_file(served.path("file")).unwrap();
        assert_eq!(stat("file"), Err(Errno::NOENT));
        // What comes behind the server's back is not, while it is trusted.
        served.store("file", 3);
        assert_eq!(stat("file"), if negative_timeout_ms == 0 { Ok(3) } else { Err(Errno::NOENT) });
    }
}

#[test]
fn it_is_not_trusted_for_longer() {
    let mut served = Served::new(&ServerSettings { negative_timeout_ms: 50, ..settings() });
    assert_eq!(rustix::fs::stat(served.path("file")).unwrap_err(), Errno::NOENT);
    served.store("file", 3);
    crate::harness::eventually("the file is seen", || rustix::fs::stat(served.path("file")).is_ok());
    assert!(served.take().by_operation["LOOKUP"] >= 2);
}
