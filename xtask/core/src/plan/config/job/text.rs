//! The text of a job, read as fio reads it (`__parse_jobs_ini` of its `init.c`), and the options that it may not have.

use std::collections::BTreeMap;

use crate::text::suggest::quoted;

/// What stands for the workload's file.
const FILE: &str = "${LAB_FILE}";
/// What stands for its size.
const SIZE: &str = "${LAB_SIZE}";
/// The longest line; fio reads 4 KiB at a time.
const LINE_LIMIT: usize = 1000;
/// Engines that read and write the file as told, with system calls that the guest's kernel has.
const ENGINES: [&str; 8] = ["libaio", "psync", "sync", "vsync", "pvsync", "pvsync2", "posixaio", "mmap"];

/// Options that a job may not have, and why, with the remedy.
const REFUSED: [(&str, &[&str]); 8] = [
    (
        "would use other files than the workload's; remove it",
        &[
            "directory",
            "opendir",
            "filename_format",
            "nrfiles",
            "nr_files",
            "openfiles",
            "lockfile",
            "read_iolog",
            "merge_blktrace_file",
            "replay_redirect",
            "mount_dir",
            "include",
        ],
    ),
    (
        "would change which file there is, or its size, which is that of file-mib; remove it",
        &["unlink", "unlink_each_loop", "file_append", "create_on_open", "create_only", "allow_file_create"],
    ),
    (
        "would write a log that is lost with the guest; remove it, fio's figures are kept",
        &["write_iolog", "write_bw_log", "write_lat_log", "write_iops_log", "write_hist_log"],
    ),
    ("would run a shell, and the guest has none; remove it", &["exec_prerun", "exec_postrun"]),
    (
        "would let a failed transfer pass for a good one; remove it",
        &["continue_on_error", "ignore_error", "error_dump"],
    ),
    (
        "would have jobs run at different times, which have no rate in common; make each a workload of its own",
        &["startdelay", "wait_for"],
    ),
    (
        "would count bytes that are not the load, or count them twice; remove it",
        &["verify_only", "unified_rw_reporting"],
    ),
    (
        "is not for a job: the lab starts fio, and says how it runs and reports; remove it",
        &[
            "clocksource",
            "thread",
            "client",
            "server",
            "remote-config",
            "daemonize",
            "output",
            "output-format",
            "status-interval",
            "eta",
            "section",
            "profile",
            "trigger",
            "trigger-file",
            "aux-path",
        ],
    ),
];

/// A section of the text.
struct JobSection<'a> {
    /// None for `[global]`.
    name: Option<&'a str>,
    line: usize,
    options: Vec<Setting<'a>>,
}

/// An option with its value, which may be empty.
#[derive(Clone, Copy)]
struct Setting<'a> {
    line: usize,
    key: &'a str,
    value: &'a str,
}

/// Checks the text of a job that gets a file of this size. The error names the line and ends with the remedy.
pub(super) fn check(text: &str, file_mib: u32) -> Result<(), String> {
    let sections = sections(text)?;
    for setting in sections.iter().flat_map(|section| &section.options) {
        check_setting(setting).map_err(|message| format!("line {}: {message}", setting.line))?;
    }
    let mut global = BTreeMap::new();
    let mut jobs = 0;
    for section in &sections {
        let Some(name) = section.name else {
            global.extend(section.options.iter().map(|setting| (setting.key, *setting)));
            continue;
        };
        let mut settings = global.clone();
        settings.extend(section.options.iter().map(|setting| (setting.key, *setting)));
        check_job(&settings, jobs, file_mib).map_err(|(line, message)| {
            format!("line {}: job {}: {message}", line.unwrap_or(section.line), quoted(name))
        })?;
        jobs += 1;
    }
    if jobs == 0 {
        return Err("it has no job; add one, e.g. a line `[read]` with options below it".to_owned());
    }
    Ok(())
}

/// Sections and options in their order. Comments start at `#` or `;`, wherever these stand, and every section whose name
/// starts with `global` is one of defaults.
fn sections(text: &str) -> Result<Vec<JobSection<'_>>, String> {
    let mut sections: Vec<JobSection<'_>> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.len() > LINE_LIMIT {
            return Err(format!("line {number}: it is longer than {LINE_LIMIT} bytes; make it shorter"));
        }
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(format!("line {number}: it holds a control character; remove it"));
        }
        let line = line.split(['#', ';']).next().unwrap_or_default().trim();
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.strip_suffix(']').filter(|name| !name.is_empty() && !name.contains(['[', ']']));
            let Some(name) = name else {
                let found = quoted(line);
                return Err(format!(
                    "line {number}: {found} is no section; write it as `[NAME]`, alone on its line"
                ));
            };
            let name = (!name.starts_with("global")).then_some(name);
            sections.push(JobSection { name, line: number, options: Vec::new() });
        } else if !line.is_empty() {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let setting = Setting { line: number, key: key.trim(), value: value.trim() };
            let Some(section) = sections.last_mut() else {
                let found = quoted(line);
                return Err(format!("line {number}: {found} stands in no section; put `[global]` above it"));
            };
            section.options.push(setting);
        }
    }
    Ok(sections)
}

/// What is wrong with an option, wherever it stands.
fn check_setting(setting: &Setting<'_>) -> Result<(), String> {
    let Setting { key, value, .. } = *setting;
    // `include FILE` is a line of its own kind.
    let word = key.split_whitespace().next().unwrap_or_default();
    if let Some((why, _)) = REFUSED.iter().find(|(_, keys)| keys.contains(&word)) {
        return Err(format!("{} {why}", quoted(word)));
    }
    for variable in value.split("${").skip(1) {
        let name = variable.split('}').next().unwrap_or_default();
        if ![FILE, SIZE].contains(&format!("${{{name}}}").as_str()) {
            return Err(format!(
                "{} is not set in the guest; use `{FILE}`, `{SIZE}`, or the value itself",
                quoted(&format!("${{{name}}}"))
            ));
        }
    }
    match key {
        "filename" if value != FILE => Err(format!(
            "{} is not the workload's file; use `filename={FILE}`",
            quoted(&format!("filename={value}"))
        )),
        "rw" | "readwrite" if value.contains("trim") => Err(format!(
            "{} needs a device, and this is a file; read or write",
            quoted(&format!("{key}={value}"))
        )),
        "ioengine" if !ENGINES.contains(&value) => Err(format!(
            "the engine {} does not work in the guest, or not on the file; use one of {}",
            quoted(value),
            ENGINES.join(", ")
        )),
        _ => Ok(()),
    }
}

/// What is wrong with a job, all its defaults put in, and in which line; `before` is the number of jobs above it.
fn check_job(
    settings: &BTreeMap<&str, Setting<'_>>,
    before: usize,
    file_mib: u32,
) -> Result<(), (Option<usize>, String)> {
    if !settings.contains_key("filename") {
        return Err((None, format!("it names no file; add `filename={FILE}`")));
    }
    let switched_on = |key: &&&str| {
        settings.get(**key).is_some_and(|setting| setting.value != "0" && setting.value != "false")
    };
    if before > 0
        && let Some(key) = ["stonewall", "wait_for_previous", "new_group"].iter().find(switched_on)
    {
        let message = format!("{key} would make it another measurement; make it a workload of its own");
        return Err((Some(settings[key].line), message));
    }
    let file_bytes = u64::from(file_mib) << 20;
    let bytes = |keys: &[&str]| {
        let setting = keys.iter().find_map(|key| settings.get(key))?;
        Some((setting.line, if setting.value == SIZE { file_bytes } else { size(setting.value)? }))
    };
    let offset = bytes(&["offset", "fileoffset"]).map_or(0, |(_, bytes)| bytes);
    for (line, wanted) in [bytes(&["size"]), bytes(&["filesize"])].into_iter().flatten() {
        if wanted.saturating_add(offset) > file_bytes {
            let message = format!(
                "it asks for a file of {} MiB and gets one of {file_mib} MiB; ask for less (io_size and loops do not \
                 count) or raise file-mib",
                wanted.saturating_add(offset).div_ceil(1 << 20)
            );
            return Err((Some(line), message));
        }
    }
    Ok(())
}

/// A number of bytes with a suffix; none for any other text (percentages, sums), which is left to fio.
fn size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    Some(text[..digits].parse::<u64>().ok()?.saturating_mul(unit))
}
