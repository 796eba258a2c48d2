//! FUSE servers that are not the lab's own: programs of the host, and examples of libfuse that the lab builds.

use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_protocol::{LibfuseExample, ServerProgram};
use xshell::Shell;

use super::host::{self, HostFile};
use super::system::{Found, System};
use crate::build::libfuse::{self, Libfuse};
use crate::build::target::Target;
use crate::lab::cache::Cache;

/// Builds what is to be built of these.
///
/// # Errors
/// If it cannot be, or this machine has none for the guest.
pub(super) fn ensure(
    sh: &Shell,
    cache: &Cache,
    target: &Target,
    servers: &[ServerProgram],
) -> anyhow::Result<()> {
    if let Some(server) = servers.first()
        && target.is_foreign()?
    {
        anyhow::bail!(
            "{} is a program for this machine, and the guest is {}; take a machine of lab.toml with this machine's arch, or another \
             scenario",
            server.shown(),
            target.arch.name()
        );
    }
    if servers.iter().any(is_of_libfuse) {
        libfuse::ensure(sh, cache)?;
    }
    Ok(())
}

/// Whether there is nothing to be built.
pub(super) fn is_prepared(sh: &Shell, cache: &Cache, servers: &[ServerProgram]) -> bool {
    !servers.iter().any(is_of_libfuse) || libfuse::built(sh, cache).is_some()
}

/// The servers of libfuse; none if none is used.
///
/// # Errors
/// If they are not built yet.
pub(super) fn libfuse(
    sh: &Shell,
    cache: &Cache,
    servers: &[ServerProgram],
) -> anyhow::Result<Option<Libfuse>> {
    if !servers.iter().any(is_of_libfuse) {
        return Ok(None);
    }
    let built = libfuse::built(sh, cache);
    built.context("libfuse's servers are not built yet; run-lab does it").map(Some)
}

/// Adds each of these and everything that it needs.
///
/// # Errors
/// If a program is not there or is none, or a library is missing.
pub(super) fn add(
    system: &System<'_>,
    libfuse: Option<&Libfuse>,
    servers: &[ServerProgram],
    all: &mut Vec<HostFile>,
) -> anyhow::Result<()> {
    for server in servers {
        let path = match server {
            ServerProgram::Host(path) => Path::new(path).to_owned(),
            ServerProgram::Libfuse(example) => {
                libfuse.context("libfuse's servers are not built yet")?.program(*example)
            }
        };
        ensure!(
            path.is_file(),
            "the FUSE server {} of lab.toml is not there; install it, or correct the path of its scenario",
            path.display()
        );
        let needs = system.needs(&path)?;
        ensure!(
            needs.is_some(),
            "the FUSE server {} of lab.toml is no {} program; a script needs an interpreter, which the guest does not have: name a \
             compiled program",
            path.display(),
            system.target.arch.name()
        );
        host::add_program(system, Found { name: path.clone(), path }, &server.guest_path(), all)?;
    }
    Ok(())
}

/// What a file of libfuse's servers is, in words; none if it is none of them.
pub(super) fn origin(libfuse: &Libfuse, path: &Path) -> Option<String> {
    let example = LibfuseExample::ALL.into_iter().find(|example| libfuse.program(*example) == path)?;
    Some(format!("{} of libfuse {}, changed", example.name(), libfuse.version))
}

fn is_of_libfuse(server: &ServerProgram) -> bool {
    matches!(server, ServerProgram::Libfuse(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::host as machine;

    fn add(path: &str) -> anyhow::Result<Vec<HostFile>> {
        let sh = Shell::new().unwrap();
        let system = System { sh: &sh, target: Target::of(machine::arch().unwrap()), foreign: None };
        let mut all = Vec::new();
        super::add(&system, None, &[ServerProgram::Host(path.to_owned())], &mut all)?;
        Ok(all)
    }

    #[test]
    fn a_program_of_the_host_comes_with_its_libraries() {
        let files = add("/usr/bin/dd").unwrap();
        assert_eq!(files[0].guest_path, "/servers/host/usr/bin/dd");
        assert!(files.iter().any(|file| file.guest_path.ends_with("/libc.so.6")), "{files:?}");
    }

    #[test]
    fn what_is_no_program_is_refused_before_anything_boots() {
        let error = |path: &str| add(path).unwrap_err().to_string();
        assert_eq!(
            error("/usr/bin/no-such-server"),
            "the FUSE server /usr/bin/no-such-server of lab.toml is not there; install it, or correct the path of its scenario"
        );
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(script.path(), "#!/bin/sh\n").unwrap();
        let path = script.path().display().to_string();
        assert!(error(&path).starts_with(&format!("the FUSE server {path} of lab.toml is no ")), "{path}");
    }
}
