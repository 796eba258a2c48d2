//! Programs of the host, or of its Debian, that the guest runs, with the loader and the libraries that they need.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use lab_core::plan::Carried;
use lab_protocol::Tool;
use xshell::{Shell, cmd};

use super::elf::Needs;
use super::system::{Found, System};
use crate::lab::process::{self, path::find_in};

/// A file of the host and its place in the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostFile {
    /// Absolute path in the guest.
    pub(crate) guest_path: String,
    /// Absolute path on the host.
    pub(crate) host_path: String,
}

impl HostFile {
    /// Its content.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read(&self, sh: &Shell) -> anyhow::Result<Vec<u8>> {
        Ok(sh.read_binary_file(&self.host_path)?)
    }
}

/// A program of the host.
#[derive(Clone, Copy, Debug)]
struct Program {
    tool: Tool,
    name: &'static str,
    package: &'static str,
    /// How its answer to `--version` starts. Others lack options, or print their figures in another form.
    version: &'static str,
}

const DD: Program = Program { tool: Tool::Dd, name: "dd", package: "coreutils", version: "dd (coreutils)" };
const STRESS_NG: Program = Program {
    tool: Tool::StressNg,
    name: "stress-ng",
    package: "stress-ng",
    version: "stress-ng, version 0.",
};
const FIO: Program = Program { tool: Tool::Fio, name: "fio", package: "fio", version: "fio-3." };

/// Finds `dd` of GNU coreutils and those of `programs` that come from the host, and everything that they need.
///
/// # Errors
/// If there is none, or a library is missing.
pub(super) fn gather(system: &System<'_>, programs: &[Carried]) -> anyhow::Result<Vec<HostFile>> {
    let mut all = Vec::new();
    // Every image has the small one; the large one is there only for who asks for it.
    for program in [DD, FIO, STRESS_NG]
        .into_iter()
        .filter(|program| program.tool == Tool::Dd || programs.contains(&Carried::Tool(program.tool)))
    {
        add_program(system, find(system, program)?, program.tool.guest_path(), &mut all)?;
    }
    for program in programs {
        let Carried::Maker(kind) = program else { continue };
        if let Some(guest_path) = kind.maker() {
            // Whatever its version, it is the same in all boots of a campaign.
            let name = guest_path.rsplit('/').next().unwrap_or(guest_path);
            add_program(system, system.roots_program(name)?, guest_path, &mut all)?;
        }
    }
    Ok(all)
}

/// Adds a program and everything that it needs.
pub(super) fn add_program(
    system: &System<'_>,
    program: Found,
    guest_path: &str,
    all: &mut Vec<HostFile>,
) -> anyhow::Result<()> {
    let path = program.path.display().to_string();
    let closure = with_closure(system, program, guest_path);
    add(all, closure.with_context(|| format!("looking for what {path} needs"))?)
}

fn utf8(path: PathBuf) -> anyhow::Result<String> {
    let path = path.into_os_string().into_string();
    path.map_err(|path| anyhow::anyhow!("the name {} is not UTF-8", path.display()))
}

/// Adds what one program needs to what others need, each file once.
///
/// # Errors
/// If two files would lie at one place.
fn add(files: &mut Vec<HostFile>, closure: Vec<HostFile>) -> anyhow::Result<()> {
    for file in closure {
        match files.iter().find(|other| other.guest_path == file.guest_path) {
            None => files.push(file),
            Some(other) => anyhow::ensure!(
                *other == file,
                "{} and {} would lie at {} of the image",
                other.host_path,
                file.host_path,
                file.guest_path
            ),
        }
    }
    Ok(())
}

fn find(system: &System<'_>, program: Program) -> anyhow::Result<Found> {
    let Program { name, package, version, .. } = program;
    let found = system.program(name, package)?;
    if system.foreign.is_some() {
        // It does not run here. It is Debian's, and so is what it says.
        return Ok(found);
    }
    let (sh, path) = (system.sh, &found.path);
    let answer = process::output(cmd!(sh, "{path} --version"))?.stdout;
    let answer = String::from_utf8_lossy(&answer);
    ensure!(
        answer.starts_with(version),
        "{} says that it is `{}`; the workloads are written for one that starts with `{version}`: install {package}",
        path.display(),
        answer.lines().next().unwrap_or_default()
    );
    Ok(found)
}

/// The Debian package and version that a file comes from, e.g. `coreutils 9.1-1`. None if it comes from no package or
/// this is no Debian.
///
/// # Errors
/// If a program that is there cannot be run.
pub(crate) fn package(sh: &Shell, path: &str) -> anyhow::Result<Option<String>> {
    if find_in(&sh.var_os("PATH").unwrap_or_default(), "dpkg-query").is_none() {
        return Ok(None);
    }
    for path in package_paths(path) {
        let answer = process::output(cmd!(sh, "dpkg-query --search {path}"))?.stdout;
        if let Some(package) = owner(&String::from_utf8_lossy(&answer)) {
            let format = "${Package} ${Version}";
            let show = cmd!(sh, "dpkg-query --show --showformat={format} {package}");
            return process::read(show).map(Some);
        }
    }
    Ok(None)
}

/// The names that a package may list a file under: `/bin` and `/usr/bin` are one folder on today's systems.
fn package_paths(path: &str) -> Vec<String> {
    let other = match path.strip_prefix("/usr") {
        Some(short) => short.to_owned(),
        None => format!("/usr{path}"),
    };
    vec![path.to_owned(), other]
}

/// The first package in the answer of `dpkg-query --search`, e.g. `libc6:amd64` in `libc6:amd64: /lib/...`.
fn owner(answer: &str) -> Option<String> {
    let line = answer.lines().find(|line| !line.starts_with("diversion by"))?;
    let (packages, _) = line.split_once(": /")?;
    packages.split(", ").next().map(str::to_owned)
}

/// A program, to be `guest_path` in the guest, its loader and its libraries.
///
/// The guest has no `ld.so.cache`. All libraries go to the folder of the C library, where its loader looks without
/// one; the loader itself must be where the program names it.
pub(super) fn with_closure(
    system: &System<'_>,
    program: Found,
    guest_path: &str,
) -> anyhow::Result<Vec<HostFile>> {
    let shown = program.path.display();
    let arch = system.target.arch.name();
    let needs = system.needs(&program.path)?.with_context(|| format!("{shown} is no {arch} program"))?;
    let mut closure =
        vec![HostFile { guest_path: guest_path.to_owned(), host_path: utf8(program.path.clone())? }];
    if let Some(interpreter) = &needs.interpreter {
        let found =
            system.find(Path::new(interpreter)).with_context(|| format!("{interpreter} is not there"))?;
        closure.push(HostFile { guest_path: interpreter.clone(), host_path: utf8(found.path)? });
    }
    let libraries = libraries(system, &program, &needs)?;
    let is_libc = |(name, _): &(&String, &Found)| name.starts_with("libc.so");
    let Some((_, libc)) = libraries.iter().find(is_libc) else {
        ensure!(libraries.is_empty(), "{shown} needs libraries, but not the C library");
        return Ok(closure);
    };
    let folder = libc.name.parent().unwrap_or(Path::new("/lib")).display().to_string();
    let loader = needs.interpreter.as_deref().and_then(|path| path.rsplit('/').next());
    for (name, found) in libraries.iter().filter(|(name, _)| Some(name.as_str()) != loader) {
        let host_path = found.path.display().to_string();
        closure.push(HostFile { guest_path: format!("{folder}/{name}"), host_path });
    }
    Ok(closure)
}

/// All libraries that a program needs, directly or not, by name.
fn libraries(system: &System<'_>, program: &Found, needs: &Needs) -> anyhow::Result<BTreeMap<String, Found>> {
    let defaults = system.library_folders();
    let mut found = BTreeMap::new();
    let mut wanted: VecDeque<(String, PathBuf, Vec<PathBuf>)> = VecDeque::new();
    let want = |by: &Path, needs: &Needs, wanted: &mut VecDeque<_>| {
        let folders = expand(&needs.search, by);
        wanted.extend(needs.libraries.iter().map(|name| (name.clone(), by.to_owned(), folders.clone())));
    };
    want(&program.name, needs, &mut wanted);
    while let Some((name, by, folders)) = wanted.pop_front() {
        if found.contains_key(&name) {
            continue;
        }
        let candidates = folders.iter().chain(&defaults).map(|folder| folder.join(&name));
        let mut library = None;
        for file in candidates.filter_map(|path| system.find(&path)) {
            // A library of another architecture may have the same name; the loader passes over it as well.
            if let Some(needs) = system.needs(&file.path)? {
                library = Some((file, needs));
                break;
            }
        }
        let (file, needs) =
            library.with_context(|| format!("{} needs {name}, which is nowhere", by.display()))?;
        want(&file.name, &needs, &mut wanted);
        found.insert(name, file);
    }
    Ok(found)
}

/// The folders of `DT_RPATH` and `DT_RUNPATH`, with `$ORIGIN` put in.
fn expand(search: &[String], file: &Path) -> Vec<PathBuf> {
    let origin = file.parent().unwrap_or(Path::new("/")).display().to_string();
    let folders = search.iter().flat_map(|list| list.split(':')).filter(|folder| !folder.is_empty());
    folders.map(|folder| folder.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin).into()).collect()
}

#[cfg(test)]
mod tests {
    use lab_protocol::FilesystemKind;

    use super::*;
    use crate::build::target::Target;
    use crate::machine::host;

    fn gather(sh: &Shell, programs: &[Carried]) -> anyhow::Result<Vec<HostFile>> {
        super::gather(&of_this_machine(sh), programs)
    }

    fn of_this_machine(sh: &Shell) -> System<'_> {
        System { sh, target: Target::of(host::arch().unwrap()), foreign: None }
    }

    #[test]
    fn owners_are_found() {
        for (answer, expected) in [
            ("coreutils: /bin/dd", Some("coreutils")),
            ("libc6:amd64: /lib/x86_64-linux-gnu/libc.so.6", Some("libc6:amd64")),
            ("libc6:i386, libc6:amd64: /usr/share/doc/libc6", Some("libc6:i386")),
            ("diversion by dash from: /bin/sh\ndash: /bin/sh", Some("dash")),
            ("", None),
            ("nonsense", None),
        ] {
            assert_eq!(owner(answer).as_deref(), expected, "{answer}");
        }
    }

    #[test]
    fn merged_folders_have_two_names() {
        for (path, other) in [("/usr/bin/dd", "/bin/dd"), ("/lib/libc.so.6", "/usr/lib/libc.so.6")] {
            assert_eq!(package_paths(path), [path, other]);
        }
    }

    #[test]
    fn search_folders_are_expanded() {
        let search = ["$ORIGIN/../lib:/opt/lib".to_owned(), String::new(), "${ORIGIN}".to_owned()];
        let expected = ["/usr/bin/../lib", "/opt/lib", "/usr/bin"].map(PathBuf::from);
        assert_eq!(expand(&search, Path::new("/usr/bin/fio")), expected);
    }

    #[test]
    fn dd_of_this_machine_is_whole() {
        let sh = Shell::new().unwrap();
        let files = gather(&sh, &[Tool::Dd, Tool::AioStress].map(Carried::Tool)).unwrap();
        assert_eq!(files[0].guest_path, "/bin/dd");
        assert!(files.iter().any(|file| file.guest_path.ends_with("/libc.so.6")), "{files:?}");
        let places: std::collections::BTreeSet<&str> =
            files.iter().map(|file| file.guest_path.as_str()).collect();
        assert_eq!(places.len(), files.len(), "a place that is taken twice: {files:?}");
    }

    /// mkfs lies in a folder that is not in the `PATH` of everybody.
    #[test]
    fn what_makes_a_file_system_is_there_for_who_uses_it() {
        let sh = Shell::new().unwrap();
        let dd = find(&of_this_machine(&sh), DD).unwrap().path;
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dd, folder.path().join("dd")).unwrap();
        let _path = sh.push_env("PATH", folder.path());
        let has_maker = |programs: &[Carried]| {
            gather(&sh, programs).unwrap().iter().any(|file| file.guest_path == "/bin/mkfs.ext4")
        };
        assert!(!has_maker(&[Carried::Maker(FilesystemKind::Tmpfs)]));
        assert!(has_maker(&[Carried::Maker(FilesystemKind::Ext4)]));
    }

    /// The library that both need is not their last file.
    #[test]
    fn what_several_programs_need_is_there_once() {
        let file = |guest: &str, host: &str| HostFile { guest_path: guest.into(), host_path: host.into() };
        let libc = || file("/lib/libc.so.6", "/lib/libc.so.6");
        let (dd, fio) = (file("/bin/dd", "/usr/bin/dd"), file("/bin/fio", "/usr/bin/fio"));
        let libaio = file("/lib/libaio.so.1", "/lib/libaio.so.1");
        let mut files = Vec::new();
        add(&mut files, vec![dd.clone(), libc()]).unwrap();
        add(&mut files, vec![fio.clone(), libaio.clone(), libc()]).unwrap();
        assert_eq!(files, [dd, libc(), fio, libaio]);
        let other = file("/lib/libc.so.6", "/opt/lib/libc.so.6");
        assert_eq!(
            add(&mut files, vec![other]).unwrap_err().to_string(),
            "/lib/libc.so.6 and /opt/lib/libc.so.6 would lie at /lib/libc.so.6 of the image"
        );
    }

    #[test]
    fn fio_is_looked_for_only_where_it_is_used() {
        let sh = Shell::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(find(&of_this_machine(&sh), DD).unwrap().path, folder.path().join("dd"))
            .unwrap();
        let _path = sh.push_env("PATH", folder.path());
        let error = || gather(&sh, &[Tool::Dd, Tool::Fio].map(Carried::Tool)).unwrap_err().to_string();
        gather(&sh, &[Tool::Dd, Tool::AioStress].map(Carried::Tool)).unwrap();
        assert_eq!(error(), "there is no `fio` in PATH: install fio");
        let fio = folder.path().join("fio");
        sh.write_file(&fio, "#!/bin/sh\necho fio-2.21\n").unwrap();
        std::fs::set_permissions(&fio, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert!(error().contains(
            "says that it is `fio-2.21`; the workloads are written for one that starts with `fio-3.`"
        ));
    }

    #[test]
    fn a_missing_program_is_named_with_its_remedy() {
        let sh = Shell::new().unwrap();
        let _path = sh.push_env("PATH", "/proc/nonexistent");
        assert_eq!(gather(&sh, &[]).unwrap_err().to_string(), "there is no `dd` in PATH: install coreutils");
    }
}
