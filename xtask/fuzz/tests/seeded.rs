//! Each reader with the inputs that once made it fail, with real ones, and with some damaged ones.

use std::fs;

use lab_fuzz::cases::{Cases, attempt};
use lab_fuzz::inputs::{self, Checkout};
use lab_fuzz::targets;
use xtask::commands::cli::FuzzTarget;

/// Of these the cases of each test run are drawn.
const SEED: u64 = 2012;

/// Says which case it was, if one fails.
struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was {}", self.0);
        }
    }
}

fn check(target: FuzzTarget, damaged: u64) {
    let (reader, checkout) = (targets::of(target), Checkout::of_package());
    let found = checkout.found(&target.name());
    let kept = if found.exists() { inputs::at(&found).expect("what was found once") } else { Vec::new() };
    let cases = Cases::new(reader, SEED, &checkout, kept).expect("the inputs");
    for number in 0..cases.inputs() + damaged {
        let _named = Named(format!("case {number} of seed {SEED}"));
        attempt(reader, &cases.case(number));
    }
}

macro_rules! tests {
    ($($name:ident $target:ident $damaged:literal;)*) => {
        $(
            #[test]
            fn $name() {
                check(FuzzTarget::$target, $damaged);
            }
        )*

        #[test]
        fn each_target_has_a_test() {
            assert_eq!(targets::all(), [$(FuzzTarget::$target),*]);
        }
    };
}

// As many damaged ones as take a second or less without optimisation.
tests! {
    lab_toml LabToml 20;
    series Series 100;
    mailbox Mailbox 300;
    frames Frames 300;
    judge Judge 60;
    record Record 100;
    requests Requests 20_000;
    tools Tools 200;
    kbuild Kbuild 300;
    campaign Campaign 5;
    mutants Mutants 100;
}

/// Nothing but a folder for each target, so that no file is kept that nobody tries.
#[test]
fn what_was_found_belongs_to_a_target() {
    let root = Checkout::of_package().found("");
    let names: Vec<String> = targets::all().iter().map(|target| target.name()).collect();
    for entry in fs::read_dir(&root).into_iter().flatten() {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(names.contains(&name), "{name}");
    }
}
