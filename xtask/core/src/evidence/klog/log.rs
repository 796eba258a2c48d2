//! A log that somebody hands in, whatever its form.

use super::Finding;
use super::form::Form;
use super::recognise::recognise;
use super::scanner::Scanner;

/// The form is recognised from so many bytes, and as long as it is none, again from the next ones: a boot loader or a whole build
/// may stand before the kernel's first line.
const BLOCK: usize = 1 << 20;

/// Of later blocks first only the end is looked at, bytes.
const END_OF_BLOCK: usize = 16 << 10;

/// Reads a log as it comes. What it finds does not depend on how the bytes are cut into pieces.
#[derive(Debug, Default)]
pub struct Log {
    scanner: Scanner,
    /// None until the first block is there.
    form: Option<Form>,
    block: Vec<u8>,
}

/// What a log is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How its lines begin.
    pub form: Form,
    /// How many there are.
    pub lines: usize,
    /// How many kernels started.
    pub starts: usize,
}

impl Log {
    /// Takes bytes and gives the findings whose reports ended in them, or shortly before.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<Finding> {
        let mut findings = Vec::new();
        while self.is_open() && self.block.len() + bytes.len() >= BLOCK {
            let (now, later) = bytes.split_at(BLOCK - self.block.len());
            self.block.extend_from_slice(now);
            findings.extend(self.take_block());
            bytes = later;
        }
        if self.is_open() {
            self.block.extend_from_slice(bytes);
        } else {
            findings.extend(self.scanner.push(bytes));
        }
        findings
    }

    /// The rest of the findings, and what the log is like.
    pub fn finish(mut self) -> (Vec<Finding>, Seen) {
        let mut findings = self.take_block();
        findings.extend(self.scanner.end());
        let (lines, starts) = self.scanner.counts();
        (findings, Seen { form: self.form.unwrap_or(Form::Bare), lines, starts })
    }

    /// Whether the form is still to be recognised.
    fn is_open(&self) -> bool {
        matches!(self.form, None | Some(Form::Bare))
    }

    fn take_block(&mut self) -> Vec<Finding> {
        let block = std::mem::take(&mut self.block);
        let end = &block[block.len().saturating_sub(END_OF_BLOCK)..];
        if self.is_open() && (self.form.is_none() || recognise(end) != Form::Bare) {
            let form = recognise(&block);
            self.scanner.set_form(form);
            self.form = Some(form);
        }
        self.scanner.push(&block)
    }
}

#[cfg(test)]
mod tests;
