//! apt-get for a suite of Debian's that this machine need not know: with lists and settings of its own, so that those of the
//! machine are neither used nor changed.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use xshell::{Shell, cmd};

use crate::lab::process;

/// Where Debian is if this machine's apt names no mirror of it.
const MIRROR: &str = "http://deb.debian.org/debian";
const SECURITY_MIRROR: &str = "http://deb.debian.org/debian-security";

/// Debian's keys, as its package debian-archive-keyring has them; without it those count that apt trusts for all.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Settings that no option of the command line can take back: what the machine does after an update is about its own lists.
const SETTINGS: &str = "#clear APT::Update;\n#clear APT::Default-Release;\n";

/// What apt-get is to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SuiteOptions<'a> {
    /// Of Debian.
    pub(crate) suite: &'a str,
    /// Packages of another architecture than this machine's, by Debian's name for it: then apt-get takes nothing for installed, so
    /// that it finds all that they need.
    pub(crate) foreign: Option<&'a str>,
}

/// Has apt-get read what a suite has, in `folder`; gives the options with which it then takes packages from there.
///
/// # Errors
/// If there is no such suite, or no network.
pub(crate) fn options(
    sh: &Shell,
    folder: &Path,
    SuiteOptions { suite, foreign }: SuiteOptions<'_>,
) -> anyhow::Result<Vec<String>> {
    let purpose = || format!("writing to {}", folder.display());
    for name in ["lists/partial", "archives/partial"] {
        fs::create_dir_all(folder.join(name)).with_context(purpose)?;
    }
    let mirror = mirror(suite, &process::read(targets(sh)).unwrap_or_default());
    let sources = sources_list(&mirror, suite, Path::new(KEYS).exists());
    fs::write(folder.join("sources.list"), sources).with_context(purpose)?;
    let architecture = foreign.map_or_else(String::new, architecture);
    fs::write(folder.join("apt.conf"), format!("{SETTINGS}{architecture}")).with_context(purpose)?;
    let place = |name: &str| folder.join(name).display().to_string();
    let settings = [
        ("Dir::Etc::sourcelist", place("sources.list")),
        ("Dir::Etc::sourceparts", "/dev/null".to_owned()),
        ("Dir::Etc::preferences", "/dev/null".to_owned()),
        ("Dir::Etc::preferencesparts", "/dev/null".to_owned()),
        ("Dir::State::Lists", place("lists")),
        ("Dir::Cache", folder.display().to_string()),
        ("Acquire::Languages", "none".to_owned()),
        ("Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false".to_owned()),
    ];
    let status = foreign.map(|_| ("Dir::State::status", place("status")));
    if status.is_some() {
        fs::write(folder.join("status"), "").with_context(purpose)?;
    }
    let settings = settings
        .into_iter()
        .chain(status)
        .flat_map(|(name, value)| ["-o".to_owned(), format!("{name}={value}")]);
    let options: Vec<String> = ["-c".to_owned(), place("apt.conf")].into_iter().chain(settings).collect();
    let update = ["--quiet", "--quiet", "-o", "APT::Sandbox::User=root", "--error-on=any"];
    let given = &options;
    let output = process::output(cmd!(sh, "apt-get {given...} update {update...}").env("LC_ALL", "C"))?;
    if !output.status.success() {
        bail!(
            "apt-get update for the suite {suite} at {mirror}: {}; check the name of the suite, and the network",
            process::messages(&output.stderr)
        );
    }
    Ok(options)
}

/// The settings with which apt-get knows one architecture alone.
fn architecture(name: &str) -> String {
    format!(
        "#clear APT::Architectures;\nAPT::Architecture \"{name}\";\nAPT::Architectures {{ \"{name}\"; }};\n"
    )
}

/// What this machine's apt takes from Debian.
fn targets(sh: &Shell) -> xshell::Cmd<'_> {
    let format = "$(REPO_URI) $(LABEL)";
    cmd!(sh, "apt-get indextargets --format {format} 'Created-By: Packages' 'Origin: Debian'")
        .env("LC_ALL", "C")
}

/// The mirror that this machine uses: it may be the only one that it reaches.
fn mirror(suite: &str, targets: &str) -> String {
    let (label, known) = match suite.ends_with("-security") {
        true => ("Debian-Security", SECURITY_MIRROR),
        false => ("Debian", MIRROR),
    };
    let mut found = targets.lines().filter_map(|line| line.split_once(' '));
    found.find(|(_, of)| *of == label).map_or(known, |(uri, _)| uri).trim_end_matches('/').to_owned()
}

fn sources_list(mirror: &str, suite: &str, has_keys: bool) -> String {
    let signed = if has_keys { format!("[signed-by={KEYS}] ") } else { String::new() };
    format!("deb {signed}{mirror} {suite} main\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors() {
        let targets = "https://mirror.example/debian-security/ Debian-Security\nhttps://mirror.example/debian/ Debian\n";
        let check = |suite: &str, targets: &str, expected: &str| assert_eq!(mirror(suite, targets), expected);
        check("trixie-backports", targets, "https://mirror.example/debian");
        check("bookworm-security", targets, "https://mirror.example/debian-security");
        check("sid", "", MIRROR);
        check("trixie-security", "https://mirror.example/debian/ Debian\n", SECURITY_MIRROR);
    }

    #[test]
    fn sources_lists() {
        assert_eq!(sources_list(MIRROR, "sid", false), "deb http://deb.debian.org/debian sid main\n");
        assert_eq!(
            sources_list(MIRROR, "sid", true),
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main\n"
        );
    }

    /// Its place is taken by a program that notes what it is called with.
    #[test]
    fn nothing_of_the_machine_s_apt_is_used_or_changed() {
        use std::os::unix::fs::PermissionsExt as _;

        let sh = Shell::new().unwrap();
        let (programs, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let program = programs.path().join("apt-get");
        let noted = programs.path().join("noted");
        let script = format!(
            "#!/bin/sh\necho \"$@\" >>{}\ncase \"$*\" in *wrong*update*) echo 'E: no wrong' >&2; exit 100;; esac\n",
            noted.display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = sh.var("PATH").unwrap();
        sh.set_var("PATH", format!("{}:{path}", programs.path().display()));

        let given =
            options(&sh, folder.path(), SuiteOptions { suite: "sid", foreign: None }).unwrap().join(" ");
        let noted = fs::read_to_string(noted).unwrap();
        let place = folder.path().display();
        let update = noted.lines().find(|line| line.contains(" update ")).unwrap();
        assert!(update.starts_with(&given), "{update}");
        for option in [
            format!("-c {place}/apt.conf"),
            format!("Dir::Etc::sourcelist={place}/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            "Dir::Etc::preferences=/dev/null".to_owned(),
            "Dir::Etc::preferencesparts=/dev/null".to_owned(),
            format!("Dir::State::Lists={place}/lists"),
            format!("Dir::Cache={place}"),
        ] {
            assert!(given.contains(&option), "{option}: {given}");
        }
        assert!(fs::read_to_string(folder.path().join("sources.list")).unwrap().ends_with(" sid main\n"));
        let other = tempfile::tempdir().unwrap();
        let given =
            options(&sh, other.path(), SuiteOptions { suite: "sid", foreign: Some("arm64") }).unwrap();
        let status = other.path().join("status");
        assert!(given.contains(&format!("Dir::State::status={}", status.display())), "{given:?}");
        assert_eq!(fs::read_to_string(status).unwrap(), "");
        let settings = fs::read_to_string(other.path().join("apt.conf")).unwrap();
        assert!(
            settings.ends_with("APT::Architecture \"arm64\";\nAPT::Architectures { \"arm64\"; };\n"),
            "{settings}"
        );
        let wrong = tempfile::Builder::new().prefix("wrong").tempdir().unwrap();
        let error =
            options(&sh, wrong.path(), SuiteOptions { suite: "sid", foreign: None }).unwrap_err().to_string();
        assert!(error.contains("E: no wrong; check the name of the suite"), "{error}");
    }
}
