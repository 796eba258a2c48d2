//! What the lab finds on this machine, for people.

use std::fmt::Write as _;
use std::process::ExitCode;

use xshell::Shell;

use crate::commands::cli;
use crate::lab::cache::Cache;
use crate::lab::{files, output};
use crate::machine::accel::{self, MachineIdentity};
use crate::machine::host::{self, NEEDS, Need, OPTIONAL};
use crate::machine::memory::room;

/// Prints the findings, after forgetting what is to be forgotten; the exit code is 2 if the lab cannot run here as it is.
///
/// # Errors
/// If the cache cannot be opened.
pub fn doctor(sh: &Shell, options: &cli::Doctor) -> anyhow::Result<ExitCode> {
    let cache = Cache::from_environment()?;
    if options.forget {
        match accel::forget(&cache)? {
            0 => output::tell("no result of a test of KVM was remembered"),
            count => output::tell(&format!("forgotten: {count} results of tests of KVM")),
        }
    }
    let (text, ready) = examine(sh, &cache)?;
    output::print(&text)?;
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn examine(sh: &Shell, cache: &Cache) -> anyhow::Result<(String, bool)> {
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
    let qemu_version = host::qemu_version(sh);
    line("qemu", &qemu_version.as_ref().map_or_else(|error| format!("{error:#}"), String::clone));
    line("/dev/kvm", kvm_device());
    if let Ok(qemu_version) = &qemu_version {
        let identity = MachineIdentity { cpu: &machine.cpu, kernel: &machine.kernel, qemu_version };
        line("kvm test", &accel::remembered_text(cache, identity, jiff::Timestamp::now()));
    }
    line("memory for boots", &memory_for_boots());
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

fn memory_for_boots() -> String {
    match room().available_mib {
        Some(mib) => format!("{mib} MiB available"),
        None => "this machine does not tell".to_owned(),
    }
}

fn kvm_device() -> &'static str {
    match std::fs::File::options().read(true).write(true).open("/dev/kvm") {
        Ok(_) => "opens; whether a guest boots under it is tested when a plan asks for accel = \"auto\"",
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "not there: emulation only",
        Err(_) => "does not open for this user: emulation only",
    }
}
