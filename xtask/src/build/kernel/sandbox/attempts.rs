//! What a build tried that it must not: told by its decoys, its log, what stands at its end, and the links that it left.

use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// In front of what [`AROUND`] says.
const SAID: &str = "patchlab sandbox: ";

/// What runs a confined build: after it, it says in the log what processes are left, and how often one of the counters of the network
/// moved, which is the build's alone. Then the sandbox ends, and with it whatever is left. A build may end or fool what runs beside it
/// in its sandbox; it then hides what it tried, and has not done it.
pub(super) const AROUND: &str = r#"
"$@"
code=$?
running() {
    for process in /proc/[0-9]*; do
        name= state= parent=
        while read -r key value; do
            case $key in Name:) name=$value ;; State:) state=$value ;; PPid:) parent=$value ;; esac
        done <"$process/status"
        # Neither what began the sandbox, nor this shell and its own children, nor what has ended.
        case ${process#/proc/} in 1 | $$) continue ;; esac
        case $parent:$state in "$$:"* | *:Z* | :) continue ;; esac
        echo "patchlab sandbox: process $name"
    done 2>/dev/null
}
if [ "$(running)" ]; then
    # What ends by itself has a moment for it.
    sleep 0.2
    running
fi
awk '
    /^(Ip|Tcp|Udp): [A-Z]/ { split($0, names, " "); next }
    /^(Ip|Tcp|Udp): / {
        for (at = 2; at <= NF; at++)
            if (names[at] ~ /^(OutNoRoutes|ActiveOpens|OutDatagrams)$/) tries += $at
    }
    $1 ~ /^(Ip6OutNoRoutes|Udp6OutDatagrams)$/ { tries += $2 }
    END { if (tries) print "patchlab sandbox: network " tries }
' /proc/net/snmp /proc/net/snmp6 2>/dev/null
exit $code
"#;

/// Lines that are quoted of a log.
const MOST_QUOTED: usize = 3;

/// Longer ones are cut.
const LONGEST_QUOTED: usize = 200;

/// What a build tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::build::kernel) struct Attempts {
    /// Decoys that it opened.
    pub(super) opened: Vec<String>,
    /// What it wrote where the home should be.
    pub(super) written: Vec<String>,
    /// Lines of its log that say that it was kept from something.
    refused: Vec<String>,
    /// How often it asked for the network.
    network: u64,
    /// Processes that it left.
    left: Vec<String>,
    /// Links that lead out of its folder: path and target.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Attempts {
    /// What a log says. `homes` are those that the build does not see, `own` are folders in them that it does see.
    pub(super) fn of_log(log: &str, homes: &[PathBuf], own: &[&Path]) -> Self {
        let mut attempts = Attempts::default();
        for line in log.lines() {
            if let Some(said) = line.strip_prefix(SAID) {
                match said.split_once(' ') {
                    Some(("process", name)) => attempts.left.push(name.to_owned()),
                    Some(("network", count)) => attempts.network += count.parse().unwrap_or(0),
                    Some(_) | None => {}
                }
            } else if is_refused(line, homes, own) && attempts.refused.len() < MOST_QUOTED {
                let line: String = line.chars().take(LONGEST_QUOTED).collect();
                attempts.refused.extend((!attempts.refused.contains(&line)).then_some(line));
            }
        }
        attempts.left.sort();
        attempts.left.dedup();
        attempts
    }

    /// Takes away the links below `objects` that lead neither there nor to the source, so that nobody follows one.
    ///
    /// # Errors
    /// If one cannot be removed, or a folder not be read.
    pub(super) fn take_links(&mut self, objects: &Path, tree: &Path) -> std::io::Result<()> {
        let mut folders = vec![objects.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_symlink() {
                    let target = fs::read_link(entry.path())?;
                    let leads_to = plain(&folder.join(&target));
                    if !leads_to.starts_with(objects) && !leads_to.starts_with(tree) {
                        fs::remove_file(entry.path())?;
                        let path = entry.path();
                        let path = path.strip_prefix(objects).unwrap_or(&path).to_owned();
                        self.links.push((path, target));
                    }
                }
            }
        }
        self.links.sort();
        Ok(())
    }

    /// Whether it tried nothing, as far as that is known.
    pub(in crate::build::kernel) fn is_empty(&self) -> bool {
        *self == Attempts::default()
    }
}

/// A sentence, to go on behind `its build `.
impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let few = |all: &[String]| match all {
            [] | [_] | [_, _] | [_, _, _] => all.join(", "),
            [first, second, third, rest @ ..] => {
                format!("{first}, {second}, {third} and {} more", rest.len())
            }
        };
        let links: Vec<String> = self
            .links
            .iter()
            .map(|(path, target)| format!("{} -> {}", path.display(), target.display()))
            .collect();
        let plural = if self.network == 1 { "time" } else { "times" };
        let said = [
            (!self.opened.is_empty())
                .then(|| format!("opened {} in the home folder, where decoys lie", few(&self.opened))),
            (!self.written.is_empty()).then(|| {
                format!("wrote {} into the home folder, which is not the real one", few(&self.written))
            }),
            (self.network > 0)
                .then(|| format!("asked {} {plural} for the network, which is not there", self.network)),
            (!self.left.is_empty())
                .then(|| format!("left processes behind, which were ended ({})", few(&self.left))),
            (!links.is_empty()).then(|| {
                format!("made links that lead out of its folder, which were removed ({})", few(&links))
            }),
            (!self.refused.is_empty())
                .then(|| format!("was refused files outside of its folder ({})", self.refused.join("; "))),
        ];
        f.write_str(&said.into_iter().flatten().collect::<Vec<_>>().join("; it "))
    }
}

/// Whether a program says that it could not write, or did not find what lies in a home.
fn is_refused(line: &str, homes: &[PathBuf], own: &[&Path]) -> bool {
    if line.contains("Read-only file system") {
        return true;
    }
    let is_missing = line.contains("No such file or directory") || line.contains("Permission denied");
    is_missing
        && homes.iter().any(|home| {
            let start = format!("{}/", home.display());
            let mut places = line.match_indices(&start).map(|(at, _)| &line[at..]);
            places.any(|rest| !own.iter().any(|own| rest.starts_with(&own.display().to_string())))
        })
}

/// A path without `.` and `..`, as its words say; links on the way are not looked at.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use expect_test::expect;

    use super::*;

    #[test]
    fn what_a_log_says() {
        let log = "  CC      a.o\npatchlab sandbox: process sleep\npatchlab sandbox: process sleep\npatchlab sandbox: network 3\n\
                   touch: cannot touch '/usr/x': Read-only file system\ncat: /home/u/key: No such file or directory\n\
                   a.c:1: /home/u/c/tree/b.h: No such file or directory\ncc: x.c: No such file or directory\n";
        let homes = [PathBuf::from("/home/u")];
        let attempts = Attempts::of_log(log, &homes, &[Path::new("/home/u/c/tree")]);
        expect!["asked 3 times for the network, which is not there; it left processes behind, which were ended (sleep); it was refused files outside of its folder (touch: cannot touch '/usr/x': Read-only file system; cat: /home/u/key: No such file or directory)"]
            .assert_eq(&attempts.to_string());
        assert!(Attempts::of_log("  CC a.o\n", &homes, &[]).is_empty());
    }

    #[test]
    fn links_that_lead_out_are_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let (objects, tree) = (folder.path().join("objects"), folder.path().join("tree"));
        fs::create_dir_all(objects.join("arch/x86")).unwrap();
        for (path, target) in [
            ("source", tree.to_str().unwrap()),
            ("arch/image", "../arch/x86/image"),
            ("arch/x86/out", "../../../tree2"),
            ("passwd", "/etc/passwd"),
        ] {
            symlink(target, objects.join(path)).unwrap();
        }
        let mut attempts = Attempts::default();
        attempts.take_links(&objects, &tree).unwrap();
        expect!["made links that lead out of its folder, which were removed (arch/x86/out -> ../../../tree2, passwd -> /etc/passwd)"]
            .assert_eq(&attempts.to_string());
        let there = |path: &str| fs::symlink_metadata(objects.join(path)).is_ok();
        assert!(there("source") && there("arch/image") && !there("passwd") && !there("arch/x86/out"));
    }
}
