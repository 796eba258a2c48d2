//! Probes that do not end as they should: each costs itself and nothing else. Needs root and `/dev/fuse`; what is missing
//! makes the test fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use lab_guest::server::Place;
use lab_protocol::{Behaviour, Effect, Fault, FaultOperation, Times};
use probe::child::{self, Ended};
use probe::fixture::Fixture;
use probe::mounted::Mounted;
use probe::observe::{self, Range};
use probe::probe::Observation;
use probe::sandbox;
use probe::stage::Stage;

const LIMIT: Duration = Duration::from_secs(2);

fn main() {
    one_that_says_something_is_heard();
    one_that_cannot_is_told();
    one_that_dies_is_told();
    sandbox::enter().unwrap();
    one_that_hangs_is_freed_and_the_next_one_runs();
    println!("children of probes: all as it should be");
}

fn run(probe: impl FnOnce() -> anyhow::Result<Observation>) -> Ended {
    child::run(probe, LIMIT, || panic!("it was too late")).unwrap()
}

fn fault(ended: Ended) -> String {
    match ended {
        Ended::Failed { fault, .. } => fault,
        Ended::Observed(seen) => panic!("{seen:?}"),
    }
}

fn one_that_says_something_is_heard() {
    // More than a pipe holds.
    let details: Vec<String> = (0..5000).map(|number| format!("line {number} of the details")).collect();
    let said = Observation::new("returns 0 bytes").details(details);
    match run(|| Ok(said.clone())) {
        Ended::Observed(seen) => assert_eq!(seen, said),
        Ended::Failed { fault, .. } => panic!("{fault}"),
    }
}

fn one_that_cannot_is_told() {
    let fault = fault(run(|| anyhow::bail!("no file")));
    assert_eq!(fault, "the probe could not do its work: no file");
}

fn one_that_dies_is_told() {
    assert_eq!(fault(run(|| std::process::abort())), "the probe was ended by signal 6");
}

fn one_that_hangs_is_freed_and_the_next_one_runs() {
    let (storage, mount) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = Place {
        program: server(),
        storage: storage.path().to_owned(),
        mount: mount.path().to_owned(),
        stderr: "/dev/null".into(),
    };
    let mut mounted = Mounted::start(Fixture::Usual, &place).unwrap();
    mounted.behave(&hanging()).unwrap();
    let connection = mounted.connection();
    let read = |stage: &mut Stage<'_>| observe::read(stage, 1 << 20, Range::new(0, 1 << 20));
    let probe = || read(&mut Stage::new(&mut mounted, &place.storage, &place.mount, 1));
    let ended = child::run(probe, LIMIT, || connection.abort()).unwrap();
    let Ended::Failed { fault, details } = ended else { panic!("{ended:?}") };
    assert_eq!(fault, "did not end within 2 s");
    assert!(details.iter().any(|line| line.contains("fuse")), "where it hangs is not in {details:#?}");
    mounted.discard();
    let mut mounted = Mounted::start(Fixture::Usual, &place).unwrap();
    let probe = || read(&mut Stage::new(&mut mounted, &place.storage, &place.mount, 1));
    let Ended::Observed(seen) = run(probe) else { panic!("the next probe did not run") };
    assert!(seen.observed.starts_with("returns 1 MiB, 8 READs"), "{}", seen.observed);
    mounted.quit().unwrap();
}

fn hanging() -> Behaviour {
    let (operation, effect) = (FaultOperation::DATA, Effect::Hang);
    let fault = Fault { operation, offset_kib: None, after: 0, times: Times::Always, effect };
    Behaviour { faults: vec![fault], ..Behaviour::plain() }
}

/// The server, which is built with the workspace: its own tests do not build it for others.
fn server() -> std::path::PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.ancestors().nth(2).unwrap();
    let server = folder.join("passthrough");
    assert!(server.exists(), "{} is missing: `cargo build -p passthrough` makes it", server.display());
    server
}
