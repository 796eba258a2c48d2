//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use lab_protocol::stamp::Stamp;
use lexopt::prelude::*;

use crate::buffers::Memory;
use crate::size::{self, KIB, MIB};
use crate::stage::Stage;
use crate::target::Target;

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Print [`HELP`](crate::help::HELP).
    Help,
    /// Run.
    Run(Options),
}

/// The options, checked one by one; sizes in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// `-a`
    pub alignment: u64,
    /// `-b`
    pub most_per_submit: Option<u32>,
    /// `-c`
    pub contexts: u32,
    /// `-C`
    pub context_offset: u64,
    /// `-s`
    pub file_size: u64,
    /// `-r`
    pub record: u64,
    /// `-d`
    pub depth: u32,
    /// `-i`
    pub per_turn: u32,
    /// `-I`
    pub turns: Option<u64>,
    /// `-o`, as they were given
    pub stages: Vec<Stage>,
    /// `-O`
    pub direct: bool,
    /// `-S`
    pub sync: bool,
    /// not `-n`
    pub fsync: bool,
    /// `-l`
    pub submit_latencies: bool,
    /// `-L`
    pub completion_latencies: bool,
    /// `-m`
    pub memory: Memory,
    /// `-t`
    pub threads: u32,
    /// `-u`
    pub unlink: bool,
    /// `-v`: spread words; `--check-stamps`: the offset in each word
    pub verify: Option<Stamp>,
    /// not `-x`
    pub stonewall: bool,
    /// `--json`
    pub json: Option<Target>,
    /// What is worked on.
    pub files: Vec<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            alignment: 4 * KIB,
            most_per_submit: None,
            contexts: 1,
            context_offset: 2 * MIB,
            file_size: 1024 * MIB,
            record: 64 * KIB,
            depth: 64,
            per_turn: 8,
            turns: None,
            stages: Vec::new(),
            direct: false,
            sync: false,
            fsync: true,
            submit_latencies: false,
            completion_latencies: false,
            memory: Memory::Private,
            threads: 1,
            unlink: false,
            verify: None,
            stonewall: true,
            json: None,
            files: Vec::new(),
        }
    }
}

/// Reads the arguments, without the program's name.
///
/// # Errors
/// If one of them is unknown or out of range, or no file is named.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<Command> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut options = Options::default();
    while let Some(argument) = parser.next().context("reading the arguments")? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short(letter) => option(&mut options, letter, &mut parser)?,
            Value(file) => options.files.push(file.into()),
            Long("json") => {
                let target = parser.value().context("reading the arguments")?;
                options.json = Some(Target::new(target));
            }
            Long("check-stamps") => options.verify = Some(Stamp::Place),
            Long(name) => bail!("unknown option `--{name}`; -h lists the options"),
        }
    }
    ensure!(!options.files.is_empty(), "no file was named; -h explains the arguments");
    Ok(Command::Run(options))
}

fn option(options: &mut Options, letter: char, parser: &mut lexopt::Parser) -> anyhow::Result<()> {
    match letter {
        'O' => options.direct = true,
        'S' => options.sync = true,
        'n' => options.fsync = false,
        'l' => options.submit_latencies = true,
        'L' => options.completion_latencies = true,
        'u' => options.unlink = true,
        'v' => options.verify = Some(Stamp::Spread),
        'x' => options.stonewall = false,
        _ => option_with_value(options, letter, parser).with_context(|| format!("option -{letter}"))?,
    }
    Ok(())
}

fn option_with_value(options: &mut Options, letter: char, parser: &mut lexopt::Parser) -> anyhow::Result<()> {
    if !"abcCsrdiIomt".contains(letter) {
        bail!("unknown; -h lists the options");
    }
    let text = parser.value()?.string()?;
    match letter {
        'a' => options.alignment = positive(size::parse(&text, KIB)?)?,
        'b' => options.most_per_submit = Some(number(&text)?),
        'c' => options.contexts = number(&text)?,
        'C' => options.context_offset = size::parse(&text, MIB)?,
        's' => options.file_size = positive(size::parse(&text, MIB)?)?,
        'r' => options.record = positive(size::parse(&text, KIB)?)?,
        'd' => options.depth = number(&text)?,
        'i' => options.per_turn = number(&text)?,
        'I' => options.turns = Some(number(&text)?),
        'o' => options.stages.push(stage(&text)?),
        'm' => options.memory = memory(&text)?,
        _ => options.threads = number(&text)?,
    }
    ensure!(options.alignment.is_power_of_two(), "{} bytes are no power of two", options.alignment);
    Ok(())
}

fn number<T: FromStr + Default + PartialEq>(text: &str) -> anyhow::Result<T> {
    let number = text.parse().ok().filter(|number| *number != T::default());
    number.with_context(|| format!("`{text}` is no positive whole number"))
}

fn positive(size: u64) -> anyhow::Result<u64> {
    ensure!(size > 0, "the size must not be 0");
    Ok(size)
}

fn stage(text: &str) -> anyhow::Result<Stage> {
    let stage = text.parse().ok().and_then(|number: usize| Stage::ALL.get(number).copied());
    stage.with_context(|| {
        format!("`{text}` is no stage; give 0 write, 1 read, 2 random write or 3 random read")
    })
}

fn memory(text: &str) -> anyhow::Result<Memory> {
    match text {
        "shm" => Ok(Memory::Shm),
        "shmfs" => Ok(Memory::Shmfs),
        _ => bail!("`{text}` is no kind of memory; give shm or shmfs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> anyhow::Result<Command> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn check(line: &str, expected: Options) {
        match parsed(line) {
            Ok(Command::Run(options)) => assert_eq!(options, expected, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn fails(line: &str, expected: expect_test::Expect) {
        expected.assert_eq(&format!("{:#}", parsed(line).unwrap_err()));
    }

    fn file() -> Options {
        Options { files: vec!["f".into()], ..Options::default() }
    }

    #[test]
    fn each_option_reaches_its_field() {
        check("f", file());
        let (read, write) = (vec![Stage::Read], vec![Stage::Write]);
        let mail = Options {
            file_size: 512 * MIB,
            alignment: 4 * KIB,
            most_per_submit: Some(1),
            direct: true,
            stages: read,
            ..file()
        };
        check("-s 512 -a 4 -b 1 -c 1 -O -o 1 f", mail.clone());
        check("f -O -s512 -a4k -b1 -c1 -o1", mail.clone());
        check("-s 512 -a 4 -b 1 -c 1 -O -o 0 f", Options { stages: write, ..mail });
        check("-a 512b f", Options { alignment: 512, ..file() });
        check("-c 3 f", Options { contexts: 3, ..file() });
        // In the original this one also set -b.
        check("-C 1g f", Options { context_offset: 1 << 30, ..file() });
        check("-C 0 f", Options { context_offset: 0, ..file() });
        check("-r 2m f", Options { record: 2 * MIB, ..file() });
        check("-d 7 f", Options { depth: 7, ..file() });
        check("-i 5 f", Options { per_turn: 5, ..file() });
        check("-I 9 f", Options { turns: Some(9), ..file() });
        check("-S f", Options { sync: true, ..file() });
        check("-n f", Options { fsync: false, ..file() });
        check("-l f", Options { submit_latencies: true, ..file() });
        check("-L f", Options { completion_latencies: true, ..file() });
        check("-m shm f", Options { memory: Memory::Shm, ..file() });
        check("-m shmfs f", Options { memory: Memory::Shmfs, ..file() });
        check("-t 4 f", Options { threads: 4, ..file() });
        check("-u f", Options { unlink: true, ..file() });
        check("-v f", Options { verify: Some(Stamp::Spread), ..file() });
        check("--check-stamps f", Options { verify: Some(Stamp::Place), ..file() });
        check("-x f", Options { stonewall: false, ..file() });
        check("a -- -b", Options { files: vec!["a".into(), "-b".into()], ..file() });
        let [write, read, random_write, random_read] = Stage::ALL;
        let stages = vec![random_read, read, write, random_write, read];
        check("-o 3 -o 1 -o 0 -o 2 -o 1 f", Options { stages, ..file() });
        check("--json - f", Options { json: Some(Target::StandardOutput), ..file() });
        check("f --json=-", Options { json: Some(Target::StandardOutput), ..file() });
        check("--json out f", Options { json: Some(Target::File("out".into())), ..file() });
        assert!(matches!(parsed("-o 1 -h"), Ok(Command::Help)));
    }

    #[test]
    fn mistakes_are_explained() {
        use expect_test::expect;
        fails("", expect!["no file was named; -h explains the arguments"]);
        fails("-z f", expect!["option -z: unknown; -h lists the options"]);
        fails("--size 4 f", expect!["unknown option `--size`; -h lists the options"]);
        fails("f --json", expect!["reading the arguments: missing argument for option '--json'"]);
        fails("-s", expect!["option -s: missing argument for option '-s'"]);
        fails(
            "-s 1.5 f",
            expect![
                "option -s: `1.5` is no size; give a whole number, with g, m, k or b behind it if need be"
            ],
        );
        fails("-s 0 f", expect!["option -s: the size must not be 0"]);
        fails("-r 0k f", expect!["option -r: the size must not be 0"]);
        fails("-a 3 f", expect!["option -a: 3072 bytes are no power of two"]);
        fails("-b 0 f", expect!["option -b: `0` is no positive whole number"]);
        fails("-d x f", expect!["option -d: `x` is no positive whole number"]);
        fails("-t -1 f", expect!["option -t: `-1` is no positive whole number"]);
        fails(
            "-o 4 f",
            expect!["option -o: `4` is no stage; give 0 write, 1 read, 2 random write or 3 random read"],
        );
        fails("-m tmpfs f", expect!["option -m: `tmpfs` is no kind of memory; give shm or shmfs"]);
    }
}
