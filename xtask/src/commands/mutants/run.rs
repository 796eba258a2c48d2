//! All mutants: built one after the other, and booted beside that.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use lab_core::comparison::mutants::{Fate, Tried, fate};
use lab_core::series::mutants::Mutant;
use lab_core::text::escape::escape_for_terminal;

use super::kept::{Came, Kept};
use super::progress::Progress;
use super::test_bed::{Control, TestBed};
use crate::build::kernel::Kernel;
use crate::build::mutants::{Built, MutantBuilder};
use crate::lab::output::{self, progress::Step};

/// A kernel that waits to be booted, with the place of its mutant and its digest.
type Waiting = (usize, Box<Kernel>);

/// What builder and boots share.
struct Shared<'a> {
    test_bed: &'a TestBed<'a>,
    control: &'a Control,
    mutants: &'a [Mutant],
    fates: Mutex<BTreeMap<usize, Fate>>,
    progress: Mutex<Progress>,
    step: Step,
    failed: Mutex<Option<anyhow::Error>>,
}

/// What became of each mutant, in their order. Those of an earlier run are not tried again.
///
/// # Errors
/// If the user stops it, something cannot be written, or it could not be found out whether a kernel builds.
pub(super) fn run(
    test_bed: &TestBed<'_>,
    builder: &MutantBuilder<'_>,
    right: &Kernel,
    control: &Control,
    mutants: &[Mutant],
) -> anyhow::Result<Vec<Tried>> {
    let digests = mutants.iter().map(|mutant| builder.digest(mutant)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut fates = BTreeMap::new();
    for (place, (mutant, digest)) in mutants.iter().zip(&digests).enumerate() {
        fates.extend(earlier(test_bed, control, mutant, digest).map(|fate| (place, fate)));
    }
    let found = fates.len();
    if found > 0 {
        output::tell(&format!(
            "{found} of {} mutants are through already, in {}",
            mutants.len(),
            test_bed.path().display()
        ));
    }
    let shared = Shared {
        test_bed,
        control,
        mutants,
        fates: Mutex::new(fates),
        progress: Mutex::new(Progress::new(mutants.len(), found)),
        step: Step::begin("mutants"),
        failed: Mutex::new(None),
    };
    // One kernel waits while the boots are busy: more would only be built earlier.
    let (sender, receiver) = sync_channel::<Waiting>(1);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        for _ in 0..test_bed.side_by_side.boots {
            scope.spawn(|| boot_all(&shared, &receiver));
        }
        if let Err(error) = build_all(&shared, builder, right, &digests, sender) {
            shared.fail(error);
        }
    });
    test_bed.lab.interrupt.check()?;
    if let Some(error) = shared.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let fates = shared.fates.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(fates.into_iter().map(|(place, fate)| Tried { mutant: mutants[place].clone(), fate }).collect())
}

/// What an earlier run found out.
fn earlier(test_bed: &TestBed<'_>, control: &Control, mutant: &Mutant, digest: &str) -> Option<Fate> {
    Some(match Kept::read(test_bed.path(), digest)?.came {
        Came::DoesNotBuild(errors) => Fate::DoesNotBuild(errors),
        Came::Equal => Fate::Equal,
        Came::Booted(folder) => fate(mutant, &control.boot, &test_bed.boot_in(&folder)?),
    })
}

/// Builds what is not through, and hands it over. The receivers end when the sender is gone.
fn build_all(
    shared: &Shared<'_>,
    builder: &MutantBuilder<'_>,
    right: &Kernel,
    digests: &[String],
    sender: SyncSender<Waiting>,
) -> anyhow::Result<()> {
    for (place, mutant) in shared.mutants.iter().enumerate() {
        if shared.is_through(place) {
            continue;
        }
        if shared.has_to_stop() {
            break;
        }
        let without_boot = |came, fate| {
            Kept::of(mutant, &digests[place], came).write(shared.test_bed.path())?;
            shared.note(place, fate, None);
            anyhow::Ok(())
        };
        match builder.build(right, mutant)? {
            // The other end is there as long as this one.
            Built::Kernel(kernel) => drop(sender.send((place, kernel))),
            Built::Equal => without_boot(Came::Equal, Fate::Equal)?,
            Built::Failed(failed) => {
                let errors = escape_for_terminal(&failed.errors.join("; "));
                without_boot(Came::DoesNotBuild(errors.clone()), Fate::DoesNotBuild(errors))?;
            }
        }
    }
    Ok(())
}

/// Boots what is handed over until there is nothing more. After a failure it only takes it, so that the builder does not
/// wait for ever.
fn boot_all(shared: &Shared<'_>, receiver: &Mutex<Receiver<Waiting>>) {
    let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok((place, kernel)) = next() {
        if shared.has_to_stop() {
            continue;
        }
        if let Err(error) = boot(shared, place, &kernel) {
            shared.fail(error);
        }
    }
}

fn boot(shared: &Shared<'_>, place: usize, kernel: &Kernel) -> anyhow::Result<()> {
    let (test_bed, mutant) = (shared.test_bed, &shared.mutants[place]);
    let (name, limits) = ((mutant.id.as_str(), mutant.number()), shared.control.limits());
    let Some((folder, boot)) = test_bed.boot(name, kernel, limits)? else { return Ok(()) };
    Kept::of(mutant, &kernel.digest, Came::Booted(folder)).write(test_bed.path())?;
    shared.note(place, fate(mutant, &shared.control.boot, &boot), Some(boot.record.wall_s));
    Ok(())
}

impl Shared<'_> {
    fn is_through(&self, place: usize) -> bool {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&place)
    }

    fn has_to_stop(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        self.test_bed.lab.interrupt.is_set() || failed.is_some()
    }

    /// The first failure counts.
    fn fail(&self, error: anyhow::Error) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Notes what became of a mutant, and says it.
    fn note(&self, place: usize, fate: Fate, boot_s: Option<f64>) {
        let tried = Tried { mutant: self.mutants[place].clone(), fate };
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        output::tell(&progress.line(&tried, boot_s));
        self.step.show(progress.at());
        self.fates.lock().unwrap_or_else(PoisonError::into_inner).insert(place, tried.fate);
    }
}
