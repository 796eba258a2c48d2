//! The settings as they come on the command line.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use lab_protocol::log::MOST_RECORDS;
use lab_protocol::{FaultOperation, ServerSettings};

use crate::negotiate::{MOST_PAGES, PAGE};

/// More threads than this are a slip: each has a buffer for a request.
const MOST_THREADS: u32 = 1024;

/// The largest request that FUSE_MAX_PAGES can say.
const LARGEST_REQUEST_KIB: u32 = MOST_PAGES * (PAGE / 1024);

/// More than a second of work in each request is a slip.
const MOST_BURN_NS: u64 = 1_000_000_000;

/// Reads settings from JSON, or from a file if the text is `@` and its path.
///
/// # Errors
/// If there is no such file, or the settings are not valid.
pub fn load(text: &str) -> anyhow::Result<ServerSettings> {
    match text.strip_prefix('@') {
        Some(path) => {
            let json = std::fs::read_to_string(Path::new(path))
                .with_context(|| format!("reading the settings file {path}"))?;
            parse(&json).with_context(|| format!("settings file {path}"))
        }
        None => parse(text).context("settings"),
    }
}

/// Settings to start from, as JSON.
///
/// # Errors
/// None: the settings can be written.
pub fn example() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&ServerSettings::example())?)
}

pub(crate) fn parse(json: &str) -> anyhow::Result<ServerSettings> {
    let settings: ServerSettings = serde_json::from_str(json)
        .map_err(|error| unknown_operation(json).unwrap_or_else(|| error.into()))?;
    let ServerSettings { threads, request_kib, max_background, congestion_threshold, .. } = settings;
    if !(1..=MOST_THREADS).contains(&threads) {
        bail!("`threads` is {threads}; give a number from 1 to {MOST_THREADS}");
    }
    if !(4..=LARGEST_REQUEST_KIB).contains(&request_kib) || request_kib % 4 != 0 {
        bail!("`request-kib` is {request_kib}; give a multiple of 4 from 4 to {LARGEST_REQUEST_KIB}");
    }
    let max_read_kib = settings.max_read_kib;
    if max_read_kib > request_kib || !max_read_kib.is_multiple_of(4) {
        bail!(
            "`max-read-kib` is {max_read_kib}; give a multiple of 4 up to `request-kib` ({request_kib}), or 0 for no such limit"
        );
    }
    for (key, value) in [("max-background", max_background), ("congestion-threshold", congestion_threshold)] {
        if value == 0 {
            bail!("`{key}` is 0; give a number from 1 to {}", u16::MAX);
        }
    }
    if settings.request_log > MOST_RECORDS {
        bail!("`request-log` is {}; give a number from 0 to {MOST_RECORDS}", settings.request_log);
    }
    if settings.burn_ns > MOST_BURN_NS {
        bail!("`burn-ns` is {}; give a number from 0 to {MOST_BURN_NS}", settings.burn_ns);
    }
    if settings.work_dither_ns > MOST_BURN_NS {
        bail!("`work-dither-ns` is {}; give a number from 0 to {MOST_BURN_NS}", settings.work_dither_ns);
    }
    settings.check_together().map_err(|(key, message)| anyhow!("`{key}`: {message}"))?;
    settings.check_mount_options().map_err(|message| anyhow!("`mount-options`: {message}"))?;
    settings.behaviour().check().map_err(|message| anyhow!(message))?;
    for (number, action) in (1..).zip(&settings.actions) {
        action.check().map_err(|mistake| anyhow!("action {number}: `{}`: {mistake}", mistake.key))?;
    }
    Ok(settings)
}

/// The first fault in settings whose operation has no such name, which is why they cannot be read.
fn unknown_operation(json: &str) -> Option<anyhow::Error> {
    let settings: serde_json::Value = serde_json::from_str(json).ok()?;
    (1..).zip(settings["faults"].as_array()?).find_map(|(number, fault): (u32, _)| {
        let error = fault["operation"].as_str()?.parse::<FaultOperation>().err()?;
        Some(anyhow!("fault {number}: `operation`: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: expect_test::Expect) {
        let text = match load(json) {
            Ok(settings) => format!("{settings:?}"),
            Err(error) => format!("{error:#}"),
        };
        // Where it is in the text moves with every new setting.
        let text = text.split(" at line ").next().unwrap_or_default();
        expected.assert_eq(text);
    }

    #[test]
    fn the_example_is_good() {
        assert_eq!(load(&example().unwrap()).unwrap(), ServerSettings::example());
    }

    #[test]
    fn what_no_server_can_do_is_refused() {
        use expect_test::expect;
        let with = |from: &str, to: &str| {
            let good = example().unwrap();
            assert!(good.contains(from), "{from}");
            good.replace(from, to)
        };
        check(
            &with(r#""threads": 16"#, r#""threads": 0"#),
            expect!["settings: `threads` is 0; give a number from 1 to 1024"],
        );
        check(
            &with(": 128", ": 130"),
            expect!["settings: `request-kib` is 130; give a multiple of 4 from 4 to 262140"],
        );
        check(
            &with(": 128", ": 262144"),
            expect!["settings: `request-kib` is 262144; give a multiple of 4 from 4 to 262140"],
        );
        check(
            &with("request-kib\": 128", "request-kib\": 128, \"max-read-kib\": 132"),
            expect![
                "settings: `max-read-kib` is 132; give a multiple of 4 up to `request-kib` (128), or 0 for no such limit"
            ],
        );
        check(
            &with("background\": 12", "background\": 0"),
            expect!["settings: `max-background` is 0; give a number from 1 to 65535"],
        );
        check(
            &with("request-log\": 0", "request-log\": 1048577"),
            expect!["settings: `request-log` is 1048577; give a number from 0 to 1048576"],
        );
        check(
            &with("burn-ns\": 0", "burn-ns\": 1000000001"),
            expect!["settings: `burn-ns` is 1000000001; give a number from 0 to 1000000000"],
        );
        check(
            &with("clone-fd", "clone-fds"),
            expect![
                "settings: unknown field `clone-fds`, expected one of `threads`, `clone-fd`, `splice`, `request-kib`, `max-read-kib`, `max-background`, `congestion-threshold`, `async-dio`, `direct-io`, `auto-inval-data`, `writeback-cache`, `init-flags`, `open-flags`, `request-timeout-s`, `passthrough`, `transport`, `ring-depth`, `ring-buffers`, `allow-other`, `default-permissions`, `posix-acl`, `mount-options`, `entry-timeout-ms`, `negative-timeout-ms`, `open`, `attribute-timeout-ms`, `getxattr`, `request-log`, `reply-order`, `reply-window-us`, `seed`, `burn-ns`, `work-dither-ns`, `storage-null`, `storage`, `actions`, `faults`"
            ],
        );
        check(
            &with("open", "mount-options\": [\"nodve\"], \"open"),
            expect![
                "settings: unknown variant `nodve`, expected one of `ro`, `nodev`, `nosuid`, `noexec`, `noatime`, `nodiratime`, `relatime`, `strictatime`, `nosymfollow`"
            ],
        );
        check(
            &with("open", "mount-options\": [\"noatime\", \"ro\", \"relatime\"], \"open"),
            expect![
                "settings: `mount-options`: `noatime` and `relatime` exclude each other; use one of them"
            ],
        );
        check(
            &with("open", "mount-options\": [\"ro\", \"ro\"], \"open"),
            expect!["settings: `mount-options`: `ro` is listed twice; list it once"],
        );
        check(
            &with("back-cache\": false", "back-cache\": true, \"default-permissions\": false"),
            expect![
                "settings: `default-permissions`: with writeback-cache the kernel sets times in the name of whoever writes, which the storage lets the owner do only; use true, or no writeback-cache"
            ],
        );
        check(
            &with("open", "init-flags\": [\"NO_OPENDIR_SUPPORT\"], \"default-permissions\": false, \"open"),
            expect![
                "settings: `init-flags`: without OPEN nobody asks the storage whether a file may be opened; leave it out, or use default-permissions = true"
            ],
        );
        check(
            &with("open", "posix-acl\": true, \"open"),
            expect![
                "settings: `posix-acl`: the kernel reads access control lists by GETXATTR; set getxattr = \"passthrough\", or use false"
            ],
        );
        check(
            &with("open", "posix-acl\": true, \"default-permissions\": false, \"open"),
            expect![
                "settings: `posix-acl`: the kernel decides by access control lists only with default-permissions; set that, or use false: the storage has its own"
            ],
        );
        check(
            &with("reply-window-us\": 0", "reply-window-us\": 5"),
            expect![
                "settings: `reply-window-us`: answers that go out when they are done are not collected; use 0, or set reply-order"
            ],
        );
        check(
            &with("order\": \"done\"", "order\": \"random\""),
            expect![
                "settings: `reply-window-us`: another order needs time to collect answers in; use more than 0, e.g. 500"
            ],
        );
        let fault = |operation: &str, effect: &str| {
            let fault = format!(r#"{{"operation": "{operation}", "after": 0, "times": "once", {effect}}}"#);
            with("faults\": []", &format!("faults\": [{fault}]"))
        };
        check(
            &fault("raed", r#""effect": "eio""#),
            expect![
                "settings: fault 1: `operation`: there is no operation `raed`; there are: data, access, bmap, copy-file-range, copy-file-range-64, create, fallocate, flush, fsync, fsyncdir, getattr, getlk, getxattr, ioctl, link, listxattr, lookup, lseek, mkdir, mknod, open, opendir, poll, read, readdir, readdirplus, readlink, release, releasedir, removemapping, removexattr, rename, rename2, rmdir, setattr, setlk, setlkw, setupmapping, setxattr, statfs, statx, symlink, syncfs, tmpfile, unlink, write"
            ],
        );
        check(
            &fault("open", r#""effect": {"short": {"bytes": 1}}"#),
            expect![
                "settings: fault 1: `effect`: `short` works with the operations data, read and write only; remove it, or change the operation"
            ],
        );
        check(
            &fault("fsync", r#""offset-kib": 1, "effect": "die""#),
            expect![
                "settings: fault 1: `offset-kib`: works with the operations data, read and write only; remove it, or change the operation"
            ],
        );
        check(
            &fault("read", r#""effect": "explode""#),
            expect![
                "settings: unknown variant `explode`, expected one of `eio`, `errno`, `short`, `oversize`, `delay`, `hang`, `die`"
            ],
        );
        let action = |action: &str| {
            with(
                r#""faults": []"#,
                &format!(r#""actions": [{{"at": {{"time": {{"us": 5}}}}, "do": {action}}}], "faults": []"#),
            )
        };
        check(
            &action(r#"{"set": {"knob": "max-background", "value": 0}}"#),
            expect![
                "settings: action 1: `value`: 0 is no value of max-background; use a number from 1 to 65535"
            ],
        );
        check(
            &action(r#"{"prune": {"path": "/x"}}"#),
            expect![[r#"
                settings: action 1: `path`: `/x` is no path below the mount; use one such as "folder/file" or "{file}", or "." for the root"#]],
        );
        check(
            "@/proc/nonexistent.json",
            expect![
                "reading the settings file /proc/nonexistent.json: No such file or directory (os error 2)"
            ],
        );
    }
}
