//! Whether the comparison said of an arm what it should have said.

use super::predict::{Prediction, Reach};
use crate::comparison::{Change, Verdict};
use crate::plan::{Clock, Planted};

/// How far what is found may lie from what was planted: this share of it, and [`TOLERANCE`].
///
/// What is planted takes its time to the nanosecond, but a workload that takes longer meets the timer tick elsewhere and
/// more often. In `results/reference-self-test`, with storage without latency, sizes up to 2 % of the throughput were found
/// within 0.08 points, up to 18 % within 0.16 points, and 27 % within 0.56 points.
const TOLERANCE_SHARE: f64 = 0.1;

/// See [`TOLERANCE_SHARE`]; a share of the throughput.
const TOLERANCE: f64 = 0.0015;

/// What the comparison said against what it should have said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is right.
    AsItShouldBe,
    /// It is not, and why.
    Wrong(String),
    /// The comparison says that it cannot tell, or too little to hold it against.
    CannotTell(String),
}

/// What a comparison is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expectation {
    pub(super) clock: Clock,
    /// From which change on a difference counts, as a share.
    pub(super) threshold: f64,
}

impl Expectation {
    pub(super) fn judge(
        self,
        planted: Option<Planted>,
        prediction: Option<Prediction>,
        change: Option<&Change>,
    ) -> Judgement {
        let (Some(prediction), Some(change)) = (prediction, change) else {
            return cannot_tell("there is no figure");
        };
        // A planted latency where storage has none is nothing.
        let planted = planted.filter(|_| prediction.ratio != 1.0);
        match (change.verdict, planted) {
            (Verdict::Failed, _) => wrong("the workload failed"),
            (Verdict::WrongData, _) => wrong("the workload's bytes are wrong"),
            (Verdict::Better, Some(_)) => wrong("what was planted made it faster"),
            (Verdict::Worse, Some(_)) => self.size(prediction, change),
            (Verdict::Same, Some(_)) => self.missed(prediction),
            (Verdict::Same, None) => Judgement::AsItShouldBe,
            // An interval that is wider than the threshold claims nothing.
            (Verdict::Unclear, None) if self.clock == Clock::Virtual => Judgement::AsItShouldBe,
            (Verdict::Unclear, Some(_)) if self.clock == Clock::Virtual => self.missed(prediction),
            // Throughput has a better and a worse.
            (Verdict::More | Verdict::Less, _) => wrong("throughput went neither way"),
            // In real time a difference between equal arms calls itself unreliable.
            (Verdict::Better | Verdict::Worse | Verdict::Unreliable, None) => wrong("nothing was planted"),
            (
                Verdict::BaselineFailed
                | Verdict::NotEnoughData
                | Verdict::Unclear
                | Verdict::Unreliable
                | Verdict::NotGiven,
                _,
            ) => cannot_tell(change.verdict.word()),
        }
    }

    /// Of an arm that is worse, as it must be: by as much as was planted?
    fn size(self, prediction: Prediction, change: &Change) -> Judgement {
        let Some(ratio) = change.ratio else { return cannot_tell("there is no figure") };
        let (low, high) = change.interval.unwrap_or((ratio, ratio));
        let tolerance = tolerance(prediction);
        let is_too_large = high < prediction.ratio - tolerance;
        let is_too_small = low > prediction.ratio + tolerance && prediction.reach == Reach::Whole;
        let text = match (is_too_large, is_too_small) {
            (true, _) => "more than was planted",
            (false, true) => "less than was planted",
            (false, false) => return Judgement::AsItShouldBe,
        };
        match self.clock {
            Clock::Virtual => wrong(text),
            // One interval of twenty does not hold the true value, and equal work takes unequal time.
            Clock::Wall => cannot_tell(&format!("its interval says {text}")),
        }
    }

    /// Of an arm in which no difference was found although something was planted: was it too small to count, or can it hide?
    fn missed(self, prediction: Prediction) -> Judgement {
        let smallest_worse = 1.0 / (1.0 + self.threshold);
        if prediction.ratio < smallest_worse - tolerance(prediction) && prediction.reach == Reach::Whole {
            wrong("what was planted was not found")
        } else {
            Judgement::AsItShouldBe
        }
    }
}

/// How far a ratio may lie from the predicted one.
pub(super) fn tolerance(prediction: Prediction) -> f64 {
    TOLERANCE_SHARE * (1.0 - prediction.ratio) + TOLERANCE
}

fn wrong(why: &str) -> Judgement {
    Judgement::Wrong(why.to_owned())
}

fn cannot_tell(why: &str) -> Judgement {
    Judgement::CannotTell(why.to_owned())
}
