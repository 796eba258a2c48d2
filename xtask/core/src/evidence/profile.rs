//! Where the guest's instructions went: what QEMU's plugin counted, by kernel function and program.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};
use lab_protocol::profile::{HEADER, KERNEL_SPACE};

/// Instructions by place: `kernel;FUNCTION` or `user;PROGRAM`.
pub type Places = BTreeMap<String, u64>;

/// What stands for code that has no name.
const UNKNOWN: &str = "[unknown]";

/// The functions of a kernel by address, from its `System.map`.
#[derive(Debug)]
pub struct Functions(Vec<(u64, String)>);

impl Functions {
    /// Reads a `System.map`. Of several names for one address the first one counts.
    ///
    /// # Errors
    /// If it has no function.
    pub fn parse(system_map: &str) -> anyhow::Result<Self> {
        let code = system_map.lines().filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            let is_code = matches!(words.next()?, "t" | "T" | "w" | "W");
            let name = words.next()?;
            // Padding in front of a function; what is behind the kernel's end has no function before it.
            (is_code && !name.starts_with("__pfx_")).then(|| (address, name.to_owned()))
        });
        let mut functions: Vec<(u64, String)> = code.collect();
        functions.sort_by_key(|(address, _)| *address);
        functions.dedup_by_key(|(address, _)| *address);
        ensure!(!functions.is_empty(), "System.map has no function");
        Ok(Functions(functions))
    }

    fn of(&self, address: u64) -> &str {
        self.place(address).map_or(UNKNOWN, |(name, _)| name)
    }

    /// The function that an address lies in, and how far behind its begin; none in front of the first one.
    pub fn place(&self, address: u64) -> Option<(&str, u64)> {
        let behind = self.0.partition_point(|(start, _)| *start <= address);
        let (start, name) = self.0.get(behind.checked_sub(1)?)?;
        Some((name, address - start))
    }
}

/// Reads what the plugin wrote: the places of each window, in order. `programs` has the program of each page of code, by its
/// digest.
///
/// # Errors
/// If it is not whole, or not what the plugin writes.
pub fn parse(
    text: &str,
    functions: &Functions,
    programs: &HashMap<u64, String>,
) -> anyhow::Result<Vec<Places>> {
    let mut lines = text.lines();
    ensure!(lines.next() == Some(HEADER), "the profile does not begin with `{HEADER}`");
    let (mut spaces, mut windows) = (HashMap::new(), Vec::<Places>::new());
    for line in lines {
        match *line.split(' ').collect::<Vec<_>>() {
            ["end"] => return Ok(windows),
            ["window"] => windows.push(Places::new()),
            ["space", number, digest] => {
                let digest = u64::from_str_radix(digest, 16).with_context(|| format!("in `{line}`"))?;
                let number: u32 = number.parse().with_context(|| format!("in `{line}`"))?;
                spaces.insert(number, programs.get(&digest).map_or(UNKNOWN, |name| name));
            }
            [space, address, count] => {
                let purpose = || format!("in `{line}`");
                let space: u32 = space.parse().with_context(purpose)?;
                let address = u64::from_str_radix(address, 16).with_context(purpose)?;
                let count: u64 = count.parse().with_context(purpose)?;
                let place = match space {
                    KERNEL_SPACE => format!("kernel;{}", functions.of(address)),
                    _ => format!(
                        "user;{}",
                        spaces.get(&space).context("a space that was not named").with_context(purpose)?
                    ),
                };
                *windows.last_mut().context("a count before the first window")?.entry(place).or_default() +=
                    count;
            }
            _ => bail!("a line of the profile is `{line}`"),
        }
    }
    bail!("the profile ends before its end")
}

/// The windows as flame graph tools read them: `WORKLOAD;PLACE COUNT` in each line.
pub fn to_folded(workloads: &[String], windows: &[Places]) -> String {
    let mut text = String::new();
    for (workload, places) in workloads.iter().zip(windows) {
        for (place, count) in places {
            let _ = writeln!(text, "{workload};{place} {count}");
        }
    }
    text
}

/// Reads that back: the places of each workload.
///
/// # Errors
/// If it is not what [`to_folded`] writes.
pub fn parse_folded(text: &str) -> anyhow::Result<BTreeMap<String, Places>> {
    let mut all = BTreeMap::<String, Places>::new();
    for line in text.lines() {
        let purpose = || format!("the profile has a line `{line}`");
        let (stack, count) = line.rsplit_once(' ').with_context(purpose)?;
        let (workload, place) = stack.split_once(';').with_context(purpose)?;
        let count = count.parse().with_context(purpose)?;
        all.entry(workload.to_owned()).or_default().insert(place.to_owned(), count);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// Lines of a `System.map` of the lab's kernel, with an alias put in.
    const SYSTEM_MAP: &str = "\
0000000000000000 D __per_cpu_start
ffffffff81000000 T _text
ffffffff81000000 T startup_64
ffffffff81000200 T __pfx_fuse_dev_read
ffffffff81000210 t fuse_dev_read
ffffffff82000000 D a_variable
";

    fn shown(text: &str) -> String {
        let functions = Functions::parse(SYSTEM_MAP).unwrap();
        let programs = HashMap::from([(0xab, "/bin/passthrough".to_owned())]);
        match parse(text, &functions, &programs) {
            Ok(windows) => to_folded(&["dd-read".to_owned(), "dd-write".to_owned()], &windows),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn addresses_become_functions_and_programs() {
        let text = "patchlab profile 1
space 1 00000000000000ab
space 2 0000000000000001
window
0 ffffffff81000004 3
0 ffffffff81000210 4
0 ffffffff81000300 5
1 401000 6
2 401000 7
window
0 100 1
end
";
        let folded = shown(text);
        expect![[r#"
            dd-read;kernel;_text 3
            dd-read;kernel;fuse_dev_read 9
            dd-read;user;/bin/passthrough 6
            dd-read;user;[unknown] 7
            dd-write;kernel;[unknown] 1
        "#]]
        .assert_eq(&folded);
        let back = parse_folded(&folded).unwrap();
        assert_eq!(back["dd-read"]["kernel;fuse_dev_read"], 9);
        assert_eq!((back.len(), back["dd-read"].len()), (2, 4));
    }

    #[test]
    fn what_is_not_a_whole_profile_is_refused() {
        let show = |text: &str| shown(text) + "\n";
        expect![[r#"
            the profile does not begin with `patchlab profile 1`
            the profile ends before its end
            a count before the first window
            in `1 10 1`: a space that was not named
            in `0 x 1`: invalid digit found in string
            a line of the profile is `what is this line`
        "#]]
        .assert_eq(
            &[
                "",
                "patchlab profile 1\nwindow\n",
                "patchlab profile 1\n0 10 1\n",
                "patchlab profile 1\nwindow\n1 10 1\n",
                "patchlab profile 1\nwindow\n0 x 1\n",
                "patchlab profile 1\nwhat is this line\n",
            ]
            .map(show)
            .concat(),
        );
        for line in ["nothing", "dd-read 3", "dd-read;kernel;f x"] {
            let error = parse_folded(line).unwrap_err().to_string();
            assert_eq!(error, format!("the profile has a line `{line}`"));
        }
    }
}
