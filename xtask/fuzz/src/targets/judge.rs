//! The judge of kernel logs.

use lab_core::evidence::klog::{Boots, Finding, Log, Scanner, findings_in, findings_of, last_line};

use super::Target;
use crate::draw::Draw;
use crate::inputs::Checkout;

pub(super) struct Judge;

/// A longer case is not read byte by byte, which takes longer than all else.
const BYTE_BY_BYTE: usize = 16 << 10;

/// What [`Finding::text`] may hold.
const LONGEST_TEXT: usize = 32 << 10;

impl Target for Judge {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let captures = checkout.files("xtask/core/tests/data/console", |name| name.ends_with(".log"))?;
        let of_campaigns = checkout.files("results", |name| name.ends_with("/console.log"))?;
        // They are much alike.
        let few = of_campaigns.into_iter().step_by(10);
        Ok(captures.into_iter().chain(few).map(|(_, console)| console).collect())
    }

    fn check(&self, case: &[u8]) {
        let mut draw = Draw::of_bytes(case);
        for boots in [Boots::One, Boots::Any] {
            let whole = findings_of(case, boots);
            if case.len() <= BYTE_BY_BYTE {
                assert_eq!(scanned(case, boots, || 1), whole, "byte by byte the findings are others");
            }
            let drawn = scanned(case, boots, || draw.mostly_small(5000));
            assert_eq!(drawn, whole, "in pieces the findings are others");
            for finding in &whole {
                assert!(finding.text.len() <= LONGEST_TEXT, "a text of {} bytes", finding.text.len());
                assert!(!finding.title.is_empty() && !finding.title.contains('\n'), "{:?}", finding.title);
            }
        }
        let mut log = Log::default();
        let mut found = Vec::new();
        in_pieces(case, || draw.mostly_small(5000), |piece| found.extend(log.push(piece)));
        let (rest, seen) = log.finish();
        found.extend(rest);
        found.sort_by_key(|finding| finding.line);
        assert_eq!((found, seen), findings_in(case), "in pieces a log of any form has other findings");
        let _ = last_line(case);
    }

    fn takes_excerpts(&self) -> bool {
        true
    }
}

fn scanned(case: &[u8], boots: Boots, size: impl FnMut() -> usize) -> Vec<Finding> {
    let mut scanner = Scanner::new(boots);
    let mut found = Vec::new();
    in_pieces(case, size, |piece| found.extend(scanner.push(piece)));
    found.extend(scanner.finish());
    found.sort_by_key(|finding| finding.line);
    found
}

fn in_pieces(mut rest: &[u8], mut size: impl FnMut() -> usize, mut take: impl FnMut(&[u8])) {
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(size().min(rest.len()));
        take(piece);
        rest = behind;
    }
}
