//! What the lab finds on this machine, for people.

use std::fmt::Write as _;
use std::process::ExitCode;

use xshell::Shell;

use crate::lab::cache::Cache;
use crate::lab::files;
use crate::machine::host::{self, NEEDS, Need, OPTIONAL};

/// Prints the findings; the exit code is 2 if the lab cannot run here as it is.
///
/// # Errors
/// If the cache cannot be opened.
pub fn doctor(sh: &Shell) -> anyhow::Result<ExitCode> {
    let (text, ready) = examine(sh)?;
    print!("{text}");
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn examine(sh: &Shell) -> anyhow::Result<(String, bool)> {
    let cache = Cache::from_environment()?;
    let machine = host::this_host(sh);
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key:<18} {value}");
    };
    line("system", &machine.system);
    line("kernel", &machine.kernel);
    line("cpu", &format!("{} x {}", machine.cpus, machine.cpu));
    line("memory", &format!("{} MiB", machine.memory_mib));
    let free_gib = files::free_bytes(cache.root())? as f64 / f64::from(1 << 30);
    line("cache", &format!("{}, {free_gib:.1} GiB free", cache.root().display()));
    line("qemu", &host::qemu_version(sh).unwrap_or_else(|error| format!("{error:#}")));
    line("/dev/kvm", kvm_device());
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| need.what.find().is_none()).collect();
    for need in NEEDS {
        match need.what.find() {
            Some(path) => line(need.what.name(), &path.display().to_string()),
            None => line(need.what.name(), &format!("MISSING: package {}, for {}", need.package, need.why)),
        }
    }
    for (_, need) in OPTIONAL {
        match need.what.find() {
            Some(path) => line(need.what.name(), &path.display().to_string()),
            None => line(
                need.what.name(),
                &format!("not there, and needed only for {}: package {}", need.why, need.package),
            ),
        }
    }
    let ready = missing.is_empty();
    line(
        "result",
        if ready { "the lab can run here" } else { "packages are missing; run-lab says how to get them" },
    );
    Ok((text, ready))
}

fn kvm_device() -> &'static str {
    match std::fs::File::options().read(true).write(true).open("/dev/kvm") {
        Ok(_) => "opens; whether a guest boots under it is tested when a plan asks for accel = \"auto\"",
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "not there: emulation only",
        Err(_) => "does not open for this user: emulation only",
    }
}
