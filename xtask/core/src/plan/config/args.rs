//! Arguments of load tools: they name the workload's file once, no other file, and not more than it has.
//!
//! Anything else would measure another file system than the one under test, or overwrite what the guest needs.

use lab_protocol::{SocketRun, Tool, WorkloadTask};

use crate::text::suggest::quoted;

/// What stands for the path of the workload's file.
const FILE: &str = "{file}";

/// Checks the arguments of a tool that gets a file of this size. The error ends with the remedy.
pub(super) fn check(tool: Tool, args: &[String], file_mib: u32) -> Result<(), String> {
    let amount = match tool {
        Tool::Dd => dd(args)?,
        Tool::AioStress => aio_stress(args)?,
        // They have a job instead.
        Tool::Fio | Tool::Pjdfstest => None,
        Tool::StressNg => stress_ng(args)?,
        Tool::Fsx => fsx(args)?,
        Tool::Socket => {
            SocketRun::parse(args)?;
            None
        }
    };
    // Beyond the end there is nothing to read, and writes would extend the file: another path in the kernel.
    match amount {
        Some(bytes) if bytes > u64::from(file_mib) << 20 => Err(format!(
            "the arguments ask for {} MiB of a file of {file_mib} MiB; ask for less or raise file-mib",
            bytes.div_ceil(1 << 20)
        )),
        Some(_) | None => Ok(()),
    }
}

/// Gives how many bytes are asked for, if `bs` and `count` say it.
fn dd(args: &[String]) -> Result<Option<u64>, String> {
    let mut named = 0;
    for (operand, device) in [("if=", "/dev/zero"), ("of=", "/dev/null")] {
        let mut values = args.iter().filter_map(|arg| arg.strip_prefix(operand));
        match (values.next(), values.next()) {
            (Some(FILE), None) => named += 1,
            (Some(value), None) if value == device => {}
            (Some(value), None) => {
                let found = quoted(&format!("{operand}{value}"));
                return Err(format!(
                    "{found} is not the workload's file; use `{operand}{FILE}` or `{operand}{device}`"
                ));
            }
            (Some(_), Some(_)) => return Err(format!("`{operand}` is given twice; give it once")),
            (None, _) => return Err(format!("no `{operand}`; add `{operand}{FILE}` or `{operand}{device}`")),
        }
    }
    once(args, named)?;
    // Then `count` is no number of blocks.
    if args.iter().any(|arg| arg.contains("count_bytes")) {
        return Ok(None);
    }
    let number = |operand: &str| args.iter().find_map(|arg| size(arg.strip_prefix(operand)?, 1));
    Ok(number("bs=").zip(number("count=")).map(|(block, count)| block.saturating_mul(count)))
}

/// The bytes of each read(2) or write(2) of a `dd`, if its arguments say it.
pub(crate) fn dd_block_bytes(task: &WorkloadTask) -> Option<u64> {
    let block = || task.args.iter().find_map(|arg| size(arg.strip_prefix("bs=")?, 1));
    if task.tool == Tool::Dd { block().filter(|bytes| *bytes > 0) } else { None }
}

/// Whether a `dd` or an `aio-stress` goes past the page cache.
pub(crate) fn is_direct(task: &WorkloadTask) -> bool {
    let dd = |arg: &String| {
        let flags = arg.strip_prefix("iflag=").or_else(|| arg.strip_prefix("oflag="));
        flags.is_some_and(|flags| flags.split(',').any(|flag| flag == "direct"))
    };
    let aio_stress = |arg: &String| {
        let letters = arg.strip_prefix('-').filter(|letters| !letters.starts_with('-')).unwrap_or_default();
        letters.chars().take_while(|letter| !takes_value(*letter)).any(|letter| letter == 'O')
    };
    match task.tool {
        Tool::Dd => task.args.iter().any(dd),
        Tool::AioStress => task.args.iter().any(aio_stress),
        Tool::Fio | Tool::StressNg | Tool::Fsx | Tool::Pjdfstest | Tool::Socket => false,
    }
}

/// Whether an option of `aio-stress` is followed by its value.
fn takes_value(letter: char) -> bool {
    "abcCdiImorst".contains(letter)
}

/// Gives how many bytes are asked for.
fn aio_stress(args: &[String]) -> Result<Option<u64>, String> {
    const MIB: u64 = 1 << 20;
    let mut named = 0;
    let mut amount = None;
    for word in aio_stress_words(args) {
        match word {
            AioStressWord::File(FILE) => named += 1,
            AioStressWord::File(file) => {
                return Err(format!("{} is not the workload's file; use `{FILE}`", quoted(file)));
            }
            AioStressWord::Json("-") => {}
            AioStressWord::Json(target) => {
                return Err(format!(
                    "`--json` writes to {}; use `--json -`, which the lab reads",
                    quoted(target)
                ));
            }
            AioStressWord::Option('s', value) => amount = size(value, MIB),
            AioStressWord::Option(_, _) => {}
        }
    }
    once(args, named)?;
    amount.ok_or_else(|| "no `-s` with a size in MiB; add it".to_owned()).map(Some)
}

/// A file, or an option that takes a value, with it.
enum AioStressWord<'a> {
    File(&'a str),
    Json(&'a str),
    Option(char, &'a str),
}

fn aio_stress_words(args: &[String]) -> Vec<AioStressWord<'_>> {
    let mut words = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(letters) = arg.strip_prefix('-') else {
            words.push(AioStressWord::File(arg));
            continue;
        };
        // The only long option that takes a value.
        if let Some(value) = letters.strip_prefix("-json") {
            let value = value.strip_prefix('=').or_else(|| args.next().map(String::as_str));
            words.push(AioStressWord::Json(value.unwrap_or_default()));
            continue;
        }
        // `-s64` and `-Os64` hold their value, `-s` and `-Os` are followed by it.
        let Some((at, letter)) = letters.char_indices().find(|(_, letter)| takes_value(*letter)) else {
            continue;
        };
        let value = &letters[at + 1..];
        let value = if value.is_empty() { args.next().map_or("", String::as_str) } else { value };
        words.push(AioStressWord::Option(letter, value));
    }
    words
}

/// It works in a folder of its own, which must lie below the mount.
fn stress_ng(args: &[String]) -> Result<Option<u64>, String> {
    const FOLDER: &str = "{dir}";
    let is_folder =
        |pair: &[String]| matches!(pair, [option, value] if option == "--temp-path" && value == FOLDER);
    let named = args.windows(2).filter(|pair| is_folder(pair)).count();
    let mentioned = args.iter().filter(|arg| arg.contains(FOLDER)).count();
    if (named, mentioned) != (1, 1) {
        return Err(format!("the mount is not given once; add `--temp-path`, `{FOLDER}`"));
    }
    no_other_path(args)
}

/// It works on the one file.
fn fsx(args: &[String]) -> Result<Option<u64>, String> {
    once(args, args.iter().filter(|arg| *arg == FILE).count())?;
    // Without a number of operations it never ends.
    if !args.iter().any(|arg| arg.starts_with("-N")) {
        return Err("no `-N` with a number of operations; add it".to_owned());
    }
    no_other_path(args)
}

/// Only what the guest has for everybody may be named beside the mount.
fn no_other_path(args: &[String]) -> Result<Option<u64>, String> {
    match args.iter().find(|arg| arg.contains('/') && *arg != "/tmp") {
        Some(path) => Err(format!("{} is a path of the guest; use `{FILE}` or `{{dir}}`", quoted(path))),
        None => Ok(None),
    }
}

/// A number of bytes with one of the suffixes that mean the same to `dd` and `aio-stress`; none for any other text,
/// which is left to the tool.
fn size(text: &str, unit: u64) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "" => unit,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    Some(text[..digits].parse::<u64>().ok()?.saturating_mul(unit))
}

/// `named` is how often the file stands where the tool takes a file; it may stand nowhere else either.
fn once(args: &[String], named: usize) -> Result<(), String> {
    let mentioned = args.iter().filter(|arg| arg.contains(FILE)).count();
    match (named, mentioned) {
        (1, 1) => Ok(()),
        (0, _) => Err(format!("no argument names the workload's file; add one with `{FILE}`")),
        _ => Err(format!("`{FILE}` is given more than once; give it once")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(tool: Tool, lines: &[&str], expected: Expect) {
        let show = |line: &&str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            format!("{line}\n    {}\n", super::check(tool, &args, 64).err().unwrap_or("accepted".to_owned()))
        };
        expected.assert_eq(&lines.iter().map(show).collect::<String>());
    }

    #[test]
    fn dd_stays_on_the_file() {
        let lines = [
            "if={file} of=/dev/null bs=2M count=32 iflag=direct",
            "if=/dev/zero of={file} bs=2M oflag=direct conv=notrunc",
            "if=/dev/zero of=/dev/sda",
            "if={file} of=/storage/x",
            "if={file} of={file}",
            "if=/dev/zero of=/dev/null",
            "if={file} if=/dev/zero of=/dev/null",
            "if={file} bs=2M",
            "if=/dev/zero of={file}/../../dev/sda",
            "if=/dev/zero of={file} bs={file}",
            "if={file} of=/dev/null bs=2M count=33",
            "if={file} of=/dev/null bs=65536 count=1025",
            "if={file} of=/dev/null bs=18446744073709551615 count=2",
            "if={file} of=/dev/null bs=2x1M count=many",
            "if={file} of=/dev/null bs=2M count=64M iflag=direct,count_bytes",
            "",
        ];
        check(
            Tool::Dd,
            &lines,
            expect![[r#"
                if={file} of=/dev/null bs=2M count=32 iflag=direct
                    accepted
                if=/dev/zero of={file} bs=2M oflag=direct conv=notrunc
                    accepted
                if=/dev/zero of=/dev/sda
                    `of=/dev/sda` is not the workload's file; use `of={file}` or `of=/dev/null`
                if={file} of=/storage/x
                    `of=/storage/x` is not the workload's file; use `of={file}` or `of=/dev/null`
                if={file} of={file}
                    `{file}` is given more than once; give it once
                if=/dev/zero of=/dev/null
                    no argument names the workload's file; add one with `{file}`
                if={file} if=/dev/zero of=/dev/null
                    `if=` is given twice; give it once
                if={file} bs=2M
                    no `of=`; add `of={file}` or `of=/dev/null`
                if=/dev/zero of={file}/../../dev/sda
                    `of={file}/../../dev/sda` is not the workload's file; use `of={file}` or `of=/dev/null`
                if=/dev/zero of={file} bs={file}
                    `{file}` is given more than once; give it once
                if={file} of=/dev/null bs=2M count=33
                    the arguments ask for 66 MiB of a file of 64 MiB; ask for less or raise file-mib
                if={file} of=/dev/null bs=65536 count=1025
                    the arguments ask for 65 MiB of a file of 64 MiB; ask for less or raise file-mib
                if={file} of=/dev/null bs=18446744073709551615 count=2
                    the arguments ask for 17592186044416 MiB of a file of 64 MiB; ask for less or raise file-mib
                if={file} of=/dev/null bs=2x1M count=many
                    accepted
                if={file} of=/dev/null bs=2M count=64M iflag=direct,count_bytes
                    accepted

                    no `if=`; add `if={file}` or `if=/dev/zero`
            "#]],
        );
    }

    #[test]
    fn suites_stay_below_the_mount() {
        let lines = [
            "--temp-path {dir} --verify --aio 1",
            "--aio 1",
            "--temp-path /tmp --aio 1",
            "--temp-path {dir} --temp-path {dir}",
            "--temp-path {dir} --aio 1 --log-file /storage/x",
        ];
        check(
            Tool::StressNg,
            &lines,
            expect![[r#"
            --temp-path {dir} --verify --aio 1
                accepted
            --aio 1
                the mount is not given once; add `--temp-path`, `{dir}`
            --temp-path /tmp --aio 1
                the mount is not given once; add `--temp-path`, `{dir}`
            --temp-path {dir} --temp-path {dir}
                the mount is not given once; add `--temp-path`, `{dir}`
            --temp-path {dir} --aio 1 --log-file /storage/x
                `/storage/x` is a path of the guest; use `{file}` or `{dir}`
        "#]],
        );
        let lines =
            ["-N 100 -P /tmp {file}", "-N 100", "{file}", "-N 100 {file} {file}", "-N 1 /storage/x {file}"];
        check(
            Tool::Fsx,
            &lines,
            expect![[r#"
            -N 100 -P /tmp {file}
                accepted
            -N 100
                no argument names the workload's file; add one with `{file}`
            {file}
                no `-N` with a number of operations; add it
            -N 100 {file} {file}
                `{file}` is given more than once; give it once
            -N 1 /storage/x {file}
                `/storage/x` is a path of the guest; use `{file}` or `{dir}`
        "#]],
        );
    }

    #[test]
    fn aio_stress_stays_on_the_file() {
        let lines = [
            "-s 64 -a 4 -b 1 -c 1 -O -o 1 {file}",
            "-s64 -Oo 1 -lLv {file} -n",
            "-s 64 -o 1",
            "-s 64 -o 1 {file} {file}",
            "-s 64 -o 1 /dev/sda {file}",
            "-O 64 {file}",
            "-s 64 {file}/../x",
            "-s {file} x",
            "-s {file} {file}",
            "-s {file}",
            "{file}",
            "-O -s65 {file}",
            "-s 65536k {file}",
            "-Os 1g {file}",
            "-s big {file}",
            "{file} -s",
            "-s 64 --json - {file}",
            "--json=- -s 64 {file}",
            "-s 64 --json /storage/x {file}",
            "-s 64 --json {file}",
            "-s 64 {file} --json",
        ];
        check(
            Tool::AioStress,
            &lines,
            expect![[r#"
                -s 64 -a 4 -b 1 -c 1 -O -o 1 {file}
                    accepted
                -s64 -Oo 1 -lLv {file} -n
                    accepted
                -s 64 -o 1
                    no argument names the workload's file; add one with `{file}`
                -s 64 -o 1 {file} {file}
                    `{file}` is given more than once; give it once
                -s 64 -o 1 /dev/sda {file}
                    `/dev/sda` is not the workload's file; use `{file}`
                -O 64 {file}
                    `64` is not the workload's file; use `{file}`
                -s 64 {file}/../x
                    `{file}/../x` is not the workload's file; use `{file}`
                -s {file} x
                    `x` is not the workload's file; use `{file}`
                -s {file} {file}
                    `{file}` is given more than once; give it once
                -s {file}
                    no argument names the workload's file; add one with `{file}`
                {file}
                    no `-s` with a size in MiB; add it
                -O -s65 {file}
                    the arguments ask for 65 MiB of a file of 64 MiB; ask for less or raise file-mib
                -s 65536k {file}
                    accepted
                -Os 1g {file}
                    the arguments ask for 1024 MiB of a file of 64 MiB; ask for less or raise file-mib
                -s big {file}
                    no `-s` with a size in MiB; add it
                {file} -s
                    no `-s` with a size in MiB; add it
                -s 64 --json - {file}
                    accepted
                --json=- -s 64 {file}
                    accepted
                -s 64 --json /storage/x {file}
                    `--json` writes to `/storage/x`; use `--json -`, which the lab reads
                -s 64 --json {file}
                    `--json` writes to `{file}`; use `--json -`, which the lab reads
                -s 64 {file} --json
                    `--json` writes to ``; use `--json -`, which the lab reads
            "#]],
        );
    }
}
