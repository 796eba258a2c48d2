//! More samples, until every interval is as narrow as it is to be.

use lab_core::campaign::{CampaignFile, Try, with_more_samples};
use lab_core::comparison::{self, precision};

use crate::campaign::{self, CampaignFolder};
use crate::lab::output;

/// Adds repetition after repetition in the scenarios that lack precision, and runs them; says what it does, and which rows will
/// not get there.
///
/// # Errors
/// As `run`, and if the campaign cannot be compared.
pub(super) fn narrow(
    folder: &CampaignFolder,
    mut file: CampaignFile,
    run: impl Fn(Vec<Try>, &CampaignFile) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let percent = f64::from(file.plan.precision_permille) / 10.0;
    if file.plan.precision_permille == 0 {
        return Ok(());
    }
    loop {
        let comparison = comparison::compare(&campaign::load(folder.path())?)?;
        let next = precision::next(&comparison, &file.plan);
        if next.scenarios.is_empty() {
            for row in &next.out_of_reach {
                output::tell(&format!("precision  {row}"));
            }
            if next.out_of_reach.is_empty() {
                output::tell(&format!("precision  every interval is within +-{percent:.1} %"));
            }
            return Ok(());
        }
        output::tell(&format!(
            "precision  more samples in {}, for +-{percent:.1} %; about {} repetition{} to go",
            next.scenarios.join(", "),
            next.rounds,
            if next.rounds == 1 { "" } else { "s" }
        ));
        file = with_more_samples(file, next.scenarios);
        let tries = folder.grow(&file)?;
        run(tries, &file)?;
    }
}
