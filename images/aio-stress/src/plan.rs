//! What will be done: the options with all that follows from them.

use anyhow::Context;

use crate::options::Options;
use crate::random::Span;
use crate::size::MIB;
use crate::stage::Stage;

/// What follows from the options together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Stages in the order in which they run.
    pub stages: Vec<Stage>,
    /// Threads, not more than there are operations.
    pub threads: usize,
    /// Requests of one operation before the next gets its turn.
    pub per_turn: u32,
    /// Most requests in one io_submit(2).
    pub most_per_submit: u32,
    /// Most turns per stage.
    pub turns: Option<u64>,
    /// What was changed, as it is printed.
    pub notes: Vec<String>,
}

impl Plan {
    /// Settles what the options leave open.
    ///
    /// # Errors
    /// If they contradict each other.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        let mut notes = Vec::new();
        // More would not find buffers.
        let mut per_turn = options.per_turn;
        if per_turn > options.depth {
            per_turn = options.depth;
            notes.push(format!("dropping io_iter to {per_turn}"));
        }
        let operations = options.files.len() * options.contexts as usize;
        let mut threads = options.threads as usize;
        if threads > operations {
            threads = operations;
            notes.push(format!("dropping thread count to the number of contexts {threads}"));
        }
        let most_per_submit = match options.most_per_submit {
            Some(most) => most,
            None => u32::try_from(operations as u64 * u64::from(per_turn)).context("too many requests")?,
        };
        if most_per_submit < per_turn {
            per_turn = most_per_submit;
            notes.push(format!("dropping io_iter to {per_turn}"));
        }
        let wanted = |stage: &Stage| options.stages.is_empty() || options.stages.contains(stage);
        let stages = Stage::ALL.into_iter().filter(wanted).collect();
        let plan = Plan { stages, threads, per_turn, most_per_submit, turns: options.turns, notes };
        for context in 0..options.contexts {
            plan.span(options, context)?;
        }
        Ok(plan)
    }

    /// The part of each file that its operation number `context` works on.
    ///
    /// # Errors
    /// If no record fits in.
    pub fn span(&self, options: &Options, context: u32) -> anyhow::Result<Span> {
        let Options { file_size, record, alignment, contexts, .. } = *options;
        let offset = u64::from(context).checked_mul(options.context_offset);
        let span = offset
            .and_then(|start| Some(Span { start, end: file_size.checked_sub(start)?, record, alignment }))
            .filter(|span| span.end >= span.start && span.records() > 0);
        span.with_context(|| {
            format!(
                "{} MB are too small for {contexts} contexts of whole records; lower -c, -C or -r, or raise -s",
                file_size / MIB,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options { files: vec!["f".into(), "g".into()], ..Options::default() }
    }

    fn plan(options: &Options) -> Plan {
        Plan::new(options).unwrap()
    }

    #[test]
    fn limits_follow_from_each_other() {
        let check = |options: Options, threads, per_turn, most_per_submit| {
            let plan = plan(&options);
            let found = (plan.threads, plan.per_turn, plan.most_per_submit);
            assert_eq!(found, (threads, per_turn, most_per_submit), "{options:?}");
        };
        check(options(), 1, 8, 16);
        check(Options { threads: 2, ..options() }, 2, 8, 16);
        check(Options { threads: 5, contexts: 2, ..options() }, 4, 8, 32);
        check(Options { depth: 4, ..options() }, 1, 4, 8);
        check(Options { depth: 4, most_per_submit: Some(3), ..options() }, 1, 3, 3);
        check(Options { most_per_submit: Some(1), ..options() }, 1, 1, 1);
        check(Options { most_per_submit: Some(100), ..options() }, 1, 8, 100);
    }

    #[test]
    fn stages_have_one_order() {
        let check = |stages: &[Stage], expected: &[Stage]| {
            assert_eq!(plan(&Options { stages: stages.to_vec(), ..options() }).stages, expected);
        };
        check(&[], &Stage::ALL);
        check(&[Stage::Read], &[Stage::Read]);
        check(&[Stage::RandomRead, Stage::Write, Stage::RandomRead], &[Stage::Write, Stage::RandomRead]);
        check(&[Stage::RandomRead, Stage::RandomWrite, Stage::Read, Stage::Write, Stage::Read], &Stage::ALL);
    }

    #[test]
    fn contexts_share_the_file_from_both_ends() {
        let options = Options { file_size: 10 * MIB, contexts: 2, ..options() };
        let spans = [0, 1].map(|context| plan(&options).span(&options, context).unwrap());
        assert_eq!(spans.map(|span| (span.start, span.end)), [(0, 10 * MIB), (2 * MIB, 8 * MIB)]);
    }

    #[test]
    fn files_that_are_too_small_are_refused() {
        for (file_size, contexts, record) in
            [(10 * MIB, 4, 65536), (10 * MIB, 9, 65536), (MIB, 1, 2 * MIB), (4 * MIB, 2, 65536)]
        {
            let error = Plan::new(&Options { file_size, contexts, record, ..options() }).unwrap_err();
            assert!(error.to_string().contains("too small"), "{error}");
        }
        assert!(Plan::new(&Options { file_size: 65536, ..options() }).is_ok());
    }
}
