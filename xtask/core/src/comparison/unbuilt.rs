//! Doubts about series of which something is not built: that nothing differs says little about what was never run.

use crate::campaign::Campaign;
use crate::series::unbuilt::lines;

/// A line for each thing that is not built in some kernel.
pub(super) fn doubts(campaign: &Campaign) -> Vec<String> {
    lines(campaign.file.kernels.iter().flat_map(|kernel| &kernel.not_built))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::comparison::compare;
    use crate::fixtures::{begun, campaign, two_arms};
    use crate::plan::Clock;
    use crate::series::unbuilt::{NotBuilt, Why};

    #[test]
    fn what_is_not_built_is_a_doubt_of_every_comparison() {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        campaign.file.kernels = begun().kernels;
        let not_built = NotBuilt {
            series: "async-dio".into(),
            why: Why::NewOptionOff,
            files: Vec::new(),
            wanting: vec!["CONFIG_FUSE_FASTPATH=y".into()],
            write: vec!["CONFIG_FUSE_FASTPATH=y".into()],
            left_off: None,
        };
        campaign.file.kernels[1].not_built = vec![not_built];
        expect![
            "series async-dio adds CONFIG_FUSE_FASTPATH, which is off, so that what depends on it is not built; write \
             CONFIG_FUSE_FASTPATH=y into a file below images/kernel/ and name it in `config` of [kernel] in lab.toml, or let the \
             lab do it with kernel-config = \"auto\" in the plan"
        ]
        .assert_eq(&doubts(&campaign).join("\n"));
        let said = compare(&campaign).unwrap().doubts;
        assert_eq!(said.first(), doubts(&campaign).first());
    }
}
