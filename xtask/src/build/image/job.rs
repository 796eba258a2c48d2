//! Jobs of fio, shown to the fio of the host before anything is booted: it knows its options, and each value.

use anyhow::{Context as _, bail};
use lab_protocol::{Job, Tool, WorkloadTask};
use xshell::{Shell, cmd};

use crate::lab::process;

/// Asks fio whether it takes the job of each workload. It parses them and runs nothing.
///
/// # Errors
/// The first job that it does not take, with what it says.
pub(crate) fn check(sh: &Shell, workloads: &[WorkloadTask]) -> anyhow::Result<()> {
    for workload in workloads {
        if let (Tool::Fio, Some(job)) = (workload.tool, &workload.job) {
            check_one(sh, workload.file_mib, job).with_context(|| format!("workload {}", workload.name))?;
        }
    }
    Ok(())
}

fn check_one(sh: &Shell, file_mib: u32, job: &Job) -> anyhow::Result<()> {
    let folder = sh.create_temp_dir()?;
    let path = folder.path().join("job.fio");
    sh.write_file(&path, &job.text)?;
    let bytes = u64::from(file_mib) << 20;
    let fio = cmd!(sh, "fio --parse-only {path}").env("LAB_FILE", "/proc/nonexistent");
    let output =
        process::output(fio.env("LAB_SIZE", bytes.to_string())).context("asking fio about its job")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        bail!("fio does not take {}: {}; correct the job file", job.file, said.join("; "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fio_does_not_take_is_said_in_its_words() {
        let sh = Shell::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        // The test runs without fio as well: this stands for one that refuses what holds a typo.
        let fio = folder.path().join("fio");
        sh.write_file(
            &fio,
            "#!/bin/sh\ntest \"$LAB_SIZE\" = 1048576 && ! grep -q iodeth \"$2\" && exit\n\
             echo 'Bad option <iodeth=2>' >&2; echo 'fio: job r dropped' >&2; exit 1\n",
        )
        .unwrap();
        cmd!(sh, "chmod +x {fio}").run().unwrap();
        let path = sh.var("PATH").unwrap();
        let _path = sh.push_env("PATH", format!("{}:{path}", folder.path().display()));
        let workload = |text: &str| WorkloadTask {
            samples: 1,
            name: "r".to_owned(),
            tool: Tool::Fio,
            args: Vec::new(),
            file_mib: 1,
            job: Some(Job { file: "r.fio".to_owned(), text: text.to_owned() }),
        };
        check(&sh, &[workload("[r]\niodepth=2\n")]).unwrap();
        let error = check(&sh, &[workload("[r]\n"), workload("[r]\niodeth=2\n")]).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "workload r: fio does not take r.fio: Bad option <iodeth=2>; fio: job r dropped; correct the job file"
        );
    }
}
