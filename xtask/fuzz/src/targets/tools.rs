//! What load tools and suites print.

use lab_core::evidence::output::{complaint, fio_jobs, last_words, passed, requests, throughput};
use lab_core::fixtures;
use lab_core::plan::Clock;
use lab_protocol::{Tool, WorkloadReport};

use super::{Target, show};
use crate::inputs::Checkout;
use crate::parts;

pub(super) struct Tools;

const TOOLS: [Tool; 7] =
    [Tool::Dd, Tool::AioStress, Tool::Fio, Tool::StressNg, Tool::Fsx, Tool::Pjdfstest, Tool::Socket];

impl Target for Tools {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let outputs = checkout.files("xtask/core/tests/data/output", |name| !name.ends_with(".md"))?;
        Ok(outputs.into_iter().map(|(_, output)| output).collect())
    }

    fn check(&self, case: &[u8]) {
        let text = parts::text(case);
        let _ = complaint("case", &text);
        if let Err(error) = fio_jobs(&text) {
            show(&error);
        }
        let mut report = report();
        (report.stdout, report.stderr) = (text.clone(), text.clone());
        let _ = last_words(&report);
        for tool in TOOLS {
            match throughput(tool, &text) {
                Ok(found) => {
                    assert!(found.value.is_finite() && found.value > 0.0, "a rate of {}", found.value)
                }
                Err(error) => show(&error),
            }
            if let Err(error) = passed(tool, &report) {
                show(&error);
            }
            if let Err(error) = requests(tool, &report) {
                show(&error);
            }
        }
    }

    fn takes_excerpts(&self) -> bool {
        true
    }
}

/// What a guest says of a workload that ended well.
fn report() -> WorkloadReport {
    let campaign = fixtures::campaign(Clock::Virtual, &fixtures::two_arms());
    let mut reports =
        campaign.boots.into_iter().filter_map(|boot| boot.report).flat_map(|report| report.workloads);
    reports.next().unwrap_or_else(|| panic!("the campaign of the tests has no workload"))
}
