//! The command line.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use lab_protocol::{ProbeSet, ProbeTask};
use lexopt::Arg;

use crate::random::command::{self, RandomOrder};

/// What the program says of itself.
pub const HELP: &str = "\
Runs behaviour probes on FUSE mounts, and says what each saw, one JSON object a line.

usage: probe [OPTIONS] STORAGE MOUNT
       probe random [OPTIONS] STORAGE MOUNT
       probe --list

STORAGE  a folder that servers pass through; what the probes put there is removed
MOUNT    a folder to mount on, in a mount namespace of this program

  --task JSON       which probes, held against which table, and a seed (ProbeTask of lab-protocol)
  --only NAME...    these probes and no others; after STORAGE and MOUNT
  --server PATH     the server (/bin/passthrough)
  --list            name, set, title and reason of each probe

random: draws operations and checks each byte; a sequence that fails is shrunk and printed
  --profile NAME    direct, mixed, aio, truncate, faults, coherence or cut (all of them)
  --seed N          what the first run is drawn from, each further one from the next number (1)
  --operations N    operations of a run (400)
  --runs N          runs of each profile (1)
  --sequence FILE   no drawn operations but these, as they are printed
";

/// What is to be done.
#[derive(Debug)]
pub enum Command {
    /// Say how the program is used.
    Help,
    /// Say which probes there are.
    List,
    /// Run some.
    Run(ProbeOrder),
    /// Check random operations.
    Random(RandomOrder),
}

/// Which probes run where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeOrder {
    /// The set, the table and the seed.
    pub task: ProbeTask,
    /// Names of the probes; empty for all of the set.
    pub only: Vec<String>,
    /// The server's program.
    pub server: PathBuf,
    /// What is passed through.
    pub storage: PathBuf,
    /// Where it is mounted.
    pub mount: PathBuf,
}

/// Understands the command line.
///
/// # Errors
/// If it asks for something else than there is.
pub fn parse(mut parser: lexopt::Parser) -> anyhow::Result<Command> {
    if parser.try_raw_args().is_some_and(|args| args.peek().is_some_and(|first| first == "random")) {
        parser.next()?;
        return Ok(command::parse(parser)?.map_or(Command::Help, Command::Random));
    }
    let (mut task, mut only, mut server, mut folders) = (None, Vec::new(), None, Vec::new());
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Long("list") => return Ok(Command::List),
            Arg::Long("task") => {
                let text = parser.value()?;
                let text = text.to_str().context("the task is not UTF-8")?;
                task = Some(serde_json::from_str(text).context("understanding the task")?);
            }
            Arg::Long("only") => {
                for name in parser.values()? {
                    only.push(name.into_string().ok().context("a name is not UTF-8")?);
                }
            }
            Arg::Long("server") => server = Some(parser.value()?.into()),
            Arg::Value(folder) => folders.push(PathBuf::from(folder)),
            Arg::Short(_) | Arg::Long(_) => bail!("{}; `probe --help` says what there is", arg.unexpected()),
        }
    }
    ensure!(folders.len() == 2, "two folders are needed, STORAGE and MOUNT; `probe --help` says more");
    let mut folders = folders.into_iter();
    let (Some(storage), Some(mount)) = (folders.next(), folders.next()) else {
        bail!("two folders are needed")
    };
    let everything = || ProbeTask::new(ProbeSet::All, 1);
    Ok(Command::Run(ProbeOrder {
        task: task.unwrap_or_else(everything),
        only,
        server: server.unwrap_or_else(|| lab_guest::server::PROGRAM.into()),
        storage,
        mount,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(args: &[&str]) -> Result<ProbeOrder, String> {
        match parse(lexopt::Parser::from_args(args)) {
            Ok(Command::Run(order)) => Ok(order),
            Ok(other @ (Command::Help | Command::List | Command::Random(_))) => Err(format!("{other:?}")),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    #[test]
    fn names_follow_the_folders() {
        let order = order(&["/s", "/m", "--only", "a", "b"]).unwrap();
        assert_eq!((order.only, order.storage), (vec!["a".to_owned(), "b".to_owned()], "/s".into()));
        assert_eq!(order.server, PathBuf::from("/bin/passthrough"));
    }

    #[test]
    fn the_task_is_that_of_the_assignment() {
        let task =
            ProbeTask { expected: Some("synchronous".to_owned()), ..ProbeTask::new(ProbeSet::Quick, 7) };
        let text = serde_json::to_string(&task).unwrap();
        assert_eq!(order(&["--task", &text, "/s", "/m"]).unwrap().task, task);
    }

    #[test]
    fn mistakes_end_with_a_remedy() {
        assert!(order(&["/s"]).unwrap_err().contains("STORAGE and MOUNT"));
        assert!(order(&["--lst", "/s", "/m"]).unwrap_err().contains("probe --help"));
        assert!(order(&["--task", "{}", "/s", "/m"]).unwrap_err().starts_with("understanding the task"));
    }
}
