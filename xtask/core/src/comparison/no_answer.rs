//! What was measured does not suffice for an answer.

use std::error::Error;
use std::fmt;

/// Why nothing can be said, although nothing is wrong with the question or the machine that it is asked on.
#[derive(Debug)]
pub struct NoAnswer(pub String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NoAnswer {}
