//! The project's own programs for the guest: compiled static, stripped, and equal on every machine.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lab_core::plan::Carried;
use lab_protocol::Tool;
use xshell::{Cmd, Shell, cmd};

use super::part::{Origin, Part};
use crate::build::cargo;
use crate::build::target::Target;
use crate::lab::output::{self, progress::Step};
use crate::lab::process::{self, path::find_in};

/// A crate below `images/` and its place in every image.
const PROGRAMS: [(&str, &str); 4] = [
    ("lab-init", "/init"),
    ("passthrough", "/bin/passthrough"),
    ("aio-stress", "/bin/aio-stress"),
    ("probe", "/bin/probe"),
];

/// The same for the image of plans with this tool only.
const SOCKET_STRESS: (Carried, &str) = (Carried::Tool(Tool::Socket), "socket-stress");

/// A program of crates.io that only the image of plans with its tool has.
struct Installed {
    tool: Tool,
    package: &'static str,
    /// One version, whose files are held against the digest in the registry's index, with the versions of its own lock file.
    version: &'static str,
}

const INSTALLED: [Installed; 2] = [
    Installed { tool: Tool::Fsx, package: "fsx", version: "0.3.2" },
    Installed { tool: Tool::Pjdfstest, package: "pjdfstest", version: "0.2.2" },
];

/// The crates below `images/` that an image has with `programs`, with their places.
pub(super) fn own(programs: &[Carried]) -> Vec<(&'static str, &'static str)> {
    let (tool, package) = SOCKET_STRESS;
    let more = programs.contains(&tool).then_some((package, Tool::Socket.guest_path()));
    PROGRAMS.into_iter().chain(more).collect()
}

/// The packages that `programs` need from the registry, with their versions.
pub(super) fn installed(programs: &[Carried]) -> Vec<String> {
    let wanted = INSTALLED.iter().filter(|of| programs.contains(&of.tool.into()));
    wanted.map(|of| format!("{} {}", of.package, of.version)).collect()
}

/// The compilers, as far as they shape the programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// `rustc -vV`.
    pub(crate) rustc: String,
    /// First line of `cc --version`: the linker.
    pub(crate) linker: String,
    /// The static C library that is linked in.
    pub(crate) libc: PathBuf,
}

/// Asks for the compilers.
///
/// # Errors
/// If one of them or the libraries for static programs are missing, with the remedy.
pub(super) fn toolchain(sh: &Shell, checkout: &Path, target: &Target) -> anyhow::Result<Toolchain> {
    let _folder = sh.push_dir(checkout);
    let triple = target.triple;
    let rustc = process::read(isolated(cmd!(sh, "rustc -vV"))).context("asking rustc for its version")?;
    if !has_library(sh, target)? {
        bail!("rustc has no standard library for {triple}: run `rustup target add {triple}`");
    }
    let linker = linker(target)?;
    let version = process::read(isolated(cmd!(sh, "{linker} --version")));
    let version = version.with_context(|| {
        format!("asking {linker} for its version (if it is missing: `cargo xtask doctor` names its package)")
    })?;
    let libc = process::read(isolated(cmd!(sh, "{linker} -print-file-name=libc.a")))?;
    // A compiler that does not find the file gives back its bare name.
    if !libc.contains('/') {
        bail!("the static C library is missing: install libc6-dev (on other systems glibc-static)");
    }
    let linker = version.lines().next().unwrap_or_default().to_owned();
    Ok(Toolchain { rustc, linker, libc: libc.into() })
}

/// What links programs for a target.
fn linker(target: &Target) -> anyhow::Result<String> {
    Ok(if target.is_foreign()? { format!("{}gcc", target.prefix()?) } else { "cc".to_owned() })
}

fn has_library(sh: &Shell, target: &Target) -> anyhow::Result<bool> {
    let triple = target.triple;
    let library = process::read(isolated(cmd!(sh, "rustc --print target-libdir --target {triple}")))?;
    Ok(sh.path_exists(library.trim()))
}

/// Has rustup fetch the standard library for a target, if it is missing and rustup is there.
///
/// # Errors
/// If rustup cannot.
pub(super) fn ensure_library(sh: &Shell, checkout: &Path, target: &Target) -> anyhow::Result<()> {
    let _folder = sh.push_dir(checkout);
    let has_rustup = find_in(&sh.var_os("PATH").unwrap_or_default(), "rustup").is_some();
    if !has_rustup || has_library(sh, target)? {
        return Ok(());
    }
    let triple = target.triple;
    output::tell(&format!("fetching Rust's standard library for {triple}"));
    let add = process::output(isolated(cmd!(sh, "rustup target add {triple}")))?;
    if !add.status.success() {
        bail!("rustup target add {triple}: {}; check the network", process::messages(&add.stderr));
    }
    Ok(())
}

/// Compiles the programs in the checkout, below `target/guest`; what cargo prints goes to `log`, which is there.
///
/// # Errors
/// If they do not compile.
pub(super) fn build(
    sh: &Shell,
    checkout: &Path,
    target: &Target,
    programs: &[Carried],
    (step, log): (&Step, &Path),
) -> anyhow::Result<Vec<Part>> {
    let triple = target.triple;
    let linker = linker(target)?;
    let isolated = |command| {
        // What is the machine's own is found without a word.
        let variable = format!("CARGO_TARGET_{}_LINKER", triple.replace('-', "_").to_uppercase());
        let command = isolated(command);
        if linker == "cc" { command } else { command.env(variable, &linker) }
    };
    let _folder = sh.push_dir(checkout);
    let sysroot = process::read(isolated(cmd!(sh, "rustc --print sysroot")))?;
    let cargo_home = cargo_home(sh)?;
    let checkout_text = checkout.to_str().context("the path of the checkout is not UTF-8")?;
    let flags = rustflags(checkout_text, &cargo_home, &sysroot);
    let target_folder = checkout.join("target/guest");
    let wanted = own(programs);
    let packages = wanted.iter().flat_map(|(package, _)| ["--package", package]);
    let options = ["--release", "--locked", "--target", triple, "--config", "profile.release.strip=true"];
    let build = isolated(cmd!(sh, "cargo build {options...} {packages...} --target-dir {target_folder}"));
    cargo::run(build.env("CARGO_ENCODED_RUSTFLAGS", &flags), step, log)?;
    let folder = target_folder.join(triple).join("release");
    let own = wanted.iter().map(|(package, place)| read(sh, &folder, package, place));
    let mut parts = own.collect::<anyhow::Result<Vec<_>>>()?;
    for wanted in INSTALLED.iter().filter(|of| programs.contains(&of.tool.into())) {
        let Installed { tool, package, version } = wanted;
        let root = target_folder.join("installed").join(format!("{package}-{version}"));
        let exact = format!("={version}");
        let options = ["--locked", "--force", "--no-track", "--target", triple];
        let places =
            ["--root".as_ref(), root.as_os_str(), "--target-dir".as_ref(), target_folder.as_os_str()];
        let install =
            isolated(cmd!(sh, "cargo install {package} --version {exact} {options...} {places...}"))
                .args(["--config", "profile.release.strip=true"])
                .env("CARGO_ENCODED_RUSTFLAGS", &flags);
        cargo::run(install, step, log)
            .with_context(|| format!("compiling {package} {version} of crates.io"))?;
        let part = read(sh, &root.join("bin"), package, tool.guest_path())?;
        let origin = Origin::Built { package: format!("{package} {version}, of crates.io") };
        parts.push(Part { origin, ..part });
    }
    Ok(parts)
}

/// The folder of cargo's settings and of the crates that it fetched.
///
/// # Errors
/// If the environment names none.
pub(super) fn cargo_home(sh: &Shell) -> anyhow::Result<String> {
    Ok(sh.var("CARGO_HOME").or_else(|_| sh.var("HOME").map(|home| format!("{home}/.cargo")))?)
}

fn read(sh: &Shell, folder: &Path, package: &str, place: &str) -> anyhow::Result<Part> {
    let content = sh.read_binary_file(folder.join(package))?;
    Ok(Part { guest_path: place.to_owned(), content, origin: Origin::Built { package: package.to_owned() } })
}

/// Flags for the guest's programs only: set for all, `+crt-static` would break procedural macros. Separated as
/// `CARGO_ENCODED_RUSTFLAGS` wants it, so that paths may hold spaces.
fn rustflags(checkout: &str, cargo_home: &str, sysroot: &str) -> String {
    [
        "-Ctarget-feature=+crt-static".to_owned(),
        // Paths end up in the texts of panics. The last one that fits is taken, so the checkout comes last.
        format!("--remap-path-prefix={cargo_home}=/cargo"),
        format!("--remap-path-prefix={sysroot}/lib/rustlib/src/rust=/rust"),
        format!("--remap-path-prefix={checkout}=/patchlab"),
    ]
    .join("\u{1f}")
}

/// Keeps what the environment tells about compiling away from a command: it belongs to the `cargo run` around this
/// program, or to the user's other projects.
fn isolated(command: Cmd<'_>) -> Cmd<'_> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| shapes_compilation(name)).fold(command, |command, name| command.env_remove(name))
}

/// Whether a variable may change what cargo, rustc or the linker make. Where they are and how they reach a registry
/// does not.
fn shapes_compilation(name: &str) -> bool {
    const KEPT: [&str; 6] =
        ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];
    const DROPPED: [&str; 9] = [
        "CARGO",
        "RUST",
        "CFLAGS",
        "CXXFLAGS",
        "LDFLAGS",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "LIBRARY_PATH",
        "GCC_",
    ];
    !KEPT.iter().any(|prefix| name.starts_with(prefix))
        && DROPPED.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surroundings_do_not_shape_the_programs() {
        for (name, expected) in [
            ("RUSTFLAGS", true),
            ("RUSTC_WRAPPER", true),
            ("CARGO_ENCODED_RUSTFLAGS", true),
            ("CARGO_BUILD_TARGET", true),
            ("CARGO_PROFILE_RELEASE_LTO", true),
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO", true),
            ("LD_LIBRARY_PATH", true),
            ("CARGO_HOME", false),
            ("CARGO_NET_OFFLINE", false),
            ("CARGO_HTTP_PROXY", false),
            ("CARGO_REGISTRIES_MIRROR_INDEX", false),
            ("RUSTUP_TOOLCHAIN", false),
            ("HOME", false),
            ("PATH", false),
        ] {
            assert_eq!(shapes_compilation(name), expected, "{name}");
        }
    }

    #[test]
    fn flags_are_one_list() {
        let flags = rustflags("/my lab", "/c", "/s");
        assert_eq!(
            flags.split('\u{1f}').collect::<Vec<_>>(),
            [
                "-Ctarget-feature=+crt-static",
                "--remap-path-prefix=/c=/cargo",
                "--remap-path-prefix=/s/lib/rustlib/src/rust=/rust",
                "--remap-path-prefix=/my lab=/patchlab",
            ]
        );
    }
}
