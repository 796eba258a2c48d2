//! Installing packages of Debian, once the user has said yes.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail};
use lab_core::evidence::time_left::left;
use xshell::{Shell, cmd};

use crate::lab::cache::Cache;
use crate::lab::interrupt::command_text;
use crate::lab::output;
use crate::lab::output::ask::{About, Answer, ask};
use crate::lab::output::progress::{At, Step};
use crate::lab::process::logged::{Line, begin_log, run_logged};
use crate::machine::packages::apt_get;

/// What one half of the work is of the whole, in parts of a thousand.
const HALF: u64 = 500;

/// Asks whether to install packages that are missing, and does it.
///
/// # Errors
/// If the user says no, or it fails; with what the user can do.
pub(super) fn install(sh: &Shell, packages: &BTreeSet<&str>) -> anyhow::Result<()> {
    let names = packages.iter().copied().collect::<Vec<_>>().join(" ");
    let count = match packages.len() {
        1 => "1 package".to_owned(),
        count => format!("{count} packages"),
    };
    let command = apt_get(&names);
    let question = format!("Debian packages that are missing: {names}\nInstall {count} with apt-get?");
    let by_hand = || format!("install them with: {command}; then run again: {}", command_text());
    match ask(&question, About::Adding)? {
        Answer::Yes => {}
        Answer::No => bail!("nothing was installed; {}", by_hand()),
        Answer::Nothing => {
            bail!("the input ended before an answer, and nothing was installed; {}", by_hand())
        }
    }
    output::tell(&format!("installing Debian packages: {names}"));
    let log = Cache::from_environment()?.log("apt-get");
    run(sh, packages, &log).with_context(|| format!("installing packages; try by hand: {command}"))
}

fn run(sh: &Shell, packages: &BTreeSet<&str>, log: &Path) -> anyhow::Result<()> {
    begin_log(log)?;
    let step = Step::begin("packages");
    step.show(At::doing("reading what there is"));
    let _front_end = sh.push_env("DEBIAN_FRONTEND", "noninteractive");
    let keep = &mut |_: &str| Line::Kept;
    run_logged(cmd!(sh, "apt-get -q update"), log, keep)?;
    // Without it apt-get refuses to go on after an installation that was interrupted.
    run_logged(cmd!(sh, "dpkg --configure -a"), log, keep)?;
    let begun = Instant::now();
    let tells = "APT::Status-Fd=1";
    let install = cmd!(sh, "apt-get -q -o {tells} install -y --no-install-recommends {packages...}");
    run_logged(install, log, &mut |line| match status(line) {
        Some((permille, text)) => {
            let left = left(permille, 2 * HALF, begun.elapsed());
            step.show(At { share: Some((permille, 2 * HALF)), left, text: text.to_owned() });
            Line::OfProgress
        }
        None => Line::Kept,
    })
}

/// How far apt-get is by a line of its status, in parts of a thousand: fetching is taken for one half of the work, unpacking and
/// configuring for the other (README.progress-reporting of apt).
fn status(line: &str) -> Option<(u64, &str)> {
    let mut fields = line.splitn(4, ':');
    let before = match fields.next()? {
        "dlstatus" => 0,
        "pmstatus" => HALF,
        _ => return None,
    };
    let percent: f64 = fields.nth(1)?.parse().ok()?;
    let share = (percent.clamp(0.0, 100.0) / 100.0 * HALF as f64) as u64;
    Some((before + share, fields.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As apt 2.6.1 said it when it installed the package hello.
    #[test]
    fn lines_of_apt_get() {
        for (line, expected) in [
            ("dlstatus:1:0.0000:Retrieving file 1 of 1", Some((0, "Retrieving file 1 of 1"))),
            ("dlstatus:1:100.0000:Retrieving file 1 of 1", Some((500, "Retrieving file 1 of 1"))),
            ("pmstatus:hello:20.0000:Unpacking hello (amd64)", Some((600, "Unpacking hello (amd64)"))),
            ("pmstatus:hello:80.0000:Installed hello (amd64)", Some((900, "Installed hello (amd64)"))),
            ("Setting up hello (2.10-3) ...", None),
            ("Get:1 http://deb.debian.org/debian bookworm/main amd64 hello amd64 2.10-3 [53.1 kB]", None),
        ] {
            assert_eq!(status(line), expected, "{line}");
        }
    }
}
