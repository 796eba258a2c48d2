//! `lab.toml` and the job files that it names, as far as to a plan.

use std::collections::BTreeMap;

use lab_core::plan::config::Config;
use lab_core::plan::{Overrides, Plan, resolve};

use super::{Target, show};
use crate::inputs::Checkout;
use crate::parts;

pub(super) struct LabToml;

/// A plan with more boots is not written and read again: that takes longer than all else.
const MOST_BOOTS: usize = 100;

impl Target for LabToml {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let whole = |lab: &str, jobs: &str| {
            let mut files = vec![(lab.to_owned(), checkout.file(lab)?)];
            files.extend(checkout.files(jobs, |_| true)?);
            anyhow::Ok(parts::join(files))
        };
        Ok(vec![
            whole("lab.toml", "images/fio")?,
            whole("xtask/core/tests/data/lab.toml", "xtask/core/tests/data/jobs")?,
        ])
    }

    fn check(&self, case: &[u8]) {
        let files = parts::split(case);
        let Some((_, lab)) = files.first() else { return };
        let jobs: BTreeMap<&str, &[u8]> =
            files[1..].iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        let any = jobs.values().next().copied();
        // A job whose name was damaged is read, too.
        let read = |file: &str| match jobs.get(file).copied().or(any) {
            Some(content) => Ok(parts::text(content)),
            None => Err("no such file".to_owned()),
        };
        let config = Config::parse("lab.toml", &parts::text(lab)).and_then(|config| config.with_jobs(read));
        let config = match config {
            Ok(config) => config,
            Err(error) => return show(&error),
        };
        let _ = config.variants_of_the_source();
        for name in config.plans.keys() {
            match resolve(&config, name, &Overrides::default()) {
                Ok(plan) => survives(&plan),
                Err(error) => show(&error),
            }
        }
    }
}

/// A plan is kept in the file of its campaign, and the campaign goes on only if it is the same plan again.
fn survives(plan: &Plan) {
    if plan.boots.len() > MOST_BOOTS {
        return;
    }
    let text = toml::to_string(plan).unwrap_or_else(|error| panic!("a plan cannot be written: {error}"));
    let read: Plan =
        toml::from_str(&text).unwrap_or_else(|error| panic!("a plan cannot be read: {error}\n{text}"));
    assert_eq!(read, *plan, "a plan that was written and read is another one");
}
