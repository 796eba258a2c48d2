//! A sequence of steps, and the text in which it is kept: a line for each step, `#` begins a remark.

use std::fmt;
use std::str::FromStr;

use super::operation::{By, DrawnOperation, Step};

/// What is run on two fresh files. The place of a step, from 0, is what its writes are known by; people count from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sequence(pub(crate) Vec<Step>);

/// The most steps that are read from a file.
const MOST_STEPS: usize = 100_000;

impl Sequence {
    /// The operations with their places.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (usize, &DrawnOperation)> {
        self.0.iter().enumerate().filter_map(|(place, step)| match step {
            Step::DrawnOperation(operation) => Some((place, operation)),
            Step::Reap(_) | Step::Wait | Step::Compare | Step::Behave(_) => None,
        })
    }

    /// The same for a kernel that has no io_uring: libaio does what it can do, and the main thread the rest.
    pub(crate) fn without_uring(mut self) -> Self {
        for step in &mut self.0 {
            if let Step::DrawnOperation(operation) = step
                && operation.by == By::Uring
            {
                operation.by = if operation.way.is_direct() { By::Aio } else { By::Main };
            }
        }
        self
    }

    /// The operation at a place.
    pub(crate) fn operation(&self, place: usize) -> Option<&DrawnOperation> {
        match self.0.get(place)? {
            Step::DrawnOperation(operation) => Some(operation),
            Step::Reap(_) | Step::Wait | Step::Compare | Step::Behave(_) => None,
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl FromStr for Sequence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = (1..).zip(text.lines()).map(|(number, line): (usize, _)| {
            let line = line.split_once('#').map_or(line, |(line, _)| line).trim();
            (number, line)
        });
        let steps = lines.filter(|(_, line)| !line.is_empty());
        let steps = steps
            .map(|(number, line)| line.parse::<Step>().map_err(|error| format!("line {number}: {error}")));
        let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
        if steps.len() > MOST_STEPS {
            return Err(format!("{} steps, more than {MOST_STEPS}", steps.len()));
        }
        Ok(Sequence(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::draw;
    use crate::random::profile::Profile;

    #[test]
    fn what_is_drawn_is_its_text() {
        for profile in Profile::ALL {
            for seed in 0..20 {
                let drawn = draw::sequence(profile, seed, 200);
                assert_eq!(drawn.to_string().parse(), Ok(drawn));
            }
        }
    }

    #[test]
    fn without_uring_all_else_is_as_it_was() {
        let text = "uring read a direct 0+4096 skew=24\nuring write b buffered 512+1024\nthread-1 stat a\n";
        let other = "aio read a direct 0+4096 skew=24\nmain write b buffered 512+1024\nthread-1 stat a\n";
        let sequence: Sequence = text.parse().unwrap();
        assert_eq!(sequence.without_uring().to_string(), other);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, expected) in [
            ("# none\n\nmain pread a\n", "line 3: `pread` is nothing that can be done"),
            ("wait\nfork", "line 2: `fork` begins no step"),
            ("aio load a 0+4096", "line 1: `aio` cannot do `load`"),
            ("uring truncate a 0", "line 1: `uring` cannot do `truncate`"),
            ("uring read a direct 0+8192 pieces=2", "line 1: `uring` cannot do `read`"),
            ("thread-1 truncate a 0", "line 1: `thread-1` cannot do `truncate`"),
            ("thread-4 stat a", "line 1: `thread-4` begins no step"),
            ("main read a direct 4096", "line 1: `4096` is no BEGIN+LENGTH"),
            ("main read a direct 2097152+1", "line 1: the range ends beyond 2097152"),
            ("main read a direct 1+99999999", "line 1: `99999999` is no number up to 2097152"),
            ("main read a direct 1+1 twice", "line 1: `twice` is not understood"),
            ("behave latency", "line 1: `latency` says nothing of how the server behaves"),
            ("behave fault=read,enospc,1", "line 1: `fault=read,enospc,1` says nothing"),
        ] {
            let error = text.parse::<Sequence>().unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
