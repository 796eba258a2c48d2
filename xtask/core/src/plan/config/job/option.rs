//! A job with another value of one of its options.

/// The text of a job of fio with this value of an option, in each section that sets it.
///
/// # Errors
/// If none does, or they set it to different values, which one value cannot stand for.
pub(in crate::plan::config) fn with_option(text: &str, option: &str, value: u64) -> Result<String, String> {
    let mut known: Option<&str> = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        // Comments start where `text.rs` says.
        let setting = line.split(['#', ';']).next().and_then(|setting| setting.split_once('='));
        let Some((_, set)) = setting.filter(|(key, _)| key.trim() == option) else {
            lines.push(line.to_owned());
            continue;
        };
        let set = set.trim();
        if let Some(known) = known.filter(|known| *known != set) {
            return Err(format!(
                "it sets {option} to {known} and to {set}, and one value cannot stand for both; make each job a workload of its \
                 own"
            ));
        }
        known = Some(set);
        lines.push(format!("{option}={value}"));
    }
    match known {
        Some(_) => Ok(lines.join("\n") + "\n"),
        None => Err(format!("it sets no {option}; add a line `{option}=1` to the jobs that are to have it")),
    }
}

#[cfg(test)]
mod tests {
    use super::with_option;

    #[test]
    fn each_line_that_sets_it_is_another() {
        let text = "; iodepth=1\n[global]\n iodepth = 16 # deep\n\n[read]\niodepth_batch=2\niodepth=16\n";
        let expected = "; iodepth=1\n[global]\niodepth=4\n\n[read]\niodepth_batch=2\niodepth=4\n";
        assert_eq!(with_option(text, "iodepth", 4).unwrap(), expected);
    }

    #[test]
    fn one_value_stands_for_one() {
        let error = |text| with_option(text, "numjobs", 4).unwrap_err();
        assert_eq!(
            error("[a]\nrw=read\n"),
            "it sets no numjobs; add a line `numjobs=1` to the jobs that are to have it"
        );
        assert!(error("[a]\nnumjobs=1\n[b]\nnumjobs=2\n").starts_with("it sets numjobs to 1 and to 2,"));
    }
}
