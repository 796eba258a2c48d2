//! The cases of a target: real inputs as they are, then damaged ones. A case follows from target, inputs, seed and number.

use crate::draw::Draw;
use crate::inputs::Checkout;
use crate::memory::{self, MOST_BYTES};
use crate::mutate::mutate;
use crate::targets::Target;

/// What the cases of one run are made of.
pub struct Cases {
    target: &'static dyn Target,
    seed: u64,
    inputs: Vec<Vec<u8>>,
}

impl Cases {
    /// Of the target's own inputs and `more`, which come first.
    ///
    /// # Errors
    /// If an input cannot be read.
    pub fn new(
        target: &'static dyn Target,
        seed: u64,
        checkout: &Checkout,
        more: Vec<Vec<u8>>,
    ) -> anyhow::Result<Self> {
        let mut inputs = more;
        inputs.extend(target.inputs(checkout)?);
        Ok(Cases { target, seed, inputs })
    }

    /// How many inputs there are; the cases with smaller numbers are these as they are.
    pub fn inputs(&self) -> u64 {
        self.inputs.len() as u64
    }

    /// The case with this number, from 0.
    pub fn case(&self, number: u64) -> Vec<u8> {
        if let Some(input) = usize::try_from(number).ok().and_then(|number| self.inputs.get(number)) {
            return input.clone();
        }
        let mut draw = Draw::new(Draw::new(self.seed.wrapping_add(number)).number());
        let case = mutate(&mut draw, &self.inputs, self.target.takes_excerpts());
        // A wrong digest would hide from the reader what else is wrong.
        if draw.once_in(5) { case } else { self.target.mended(case) }
    }
}

/// Tries a case, and gives the most bytes that it held at a time.
///
/// # Panics
/// If the target fails, or needs too much memory.
pub fn attempt(target: &dyn Target, case: &[u8]) -> usize {
    let bytes = memory::most_held(|| target.check(case));
    assert!(
        bytes <= MOST_BYTES,
        "{bytes} bytes of memory for a case of {}, {MOST_BYTES} are allowed",
        case.len()
    );
    bytes
}
