//! The settings of a scenario as the reports write them.

use lab_protocol::{
    Completion, Distribution, Effect, Fault, ForeignServer, Getxattr, LocalFilesystem, MountOption,
    NullBlock, OpenMode, ReplyOrder, RingBuffers, ServerSettings, StorageSettings, Times, Transport,
};

use crate::comparison::Comparison;
use crate::plan::Scenario;

/// The scenarios of a comparison, each with what workloads have their files on in it.
pub(super) fn grounds(comparison: &Comparison) -> Vec<(&str, String)> {
    let compared = comparison.variants.iter().filter_map(|variant| variant.scenario.as_ref());
    let scenarios: Vec<&Scenario> = match comparison.is_of_scenarios() {
        true => compared.collect(),
        false => comparison.scenarios.iter().collect(),
    };
    scenarios.into_iter().map(|scenario| (scenario.name.as_str(), ground(scenario))).collect()
}

/// What workloads have their files on, in one line.
pub(super) fn ground(scenario: &Scenario) -> String {
    match (&scenario.server, &scenario.foreign, &scenario.filesystem) {
        (Some(settings), ..) => server(settings),
        (None, Some(server), _) => foreign(server),
        (None, None, Some(filesystem)) => local(filesystem),
        (None, None, None) => "no file system".to_owned(),
    }
}

/// As its command line has it.
fn foreign(server: &ForeignServer) -> String {
    let ForeignServer { program, arguments } = server;
    [program.shown()].into_iter().chain(arguments.iter().cloned()).collect::<Vec<_>>().join(" ")
}

fn local(filesystem: &LocalFilesystem) -> String {
    let LocalFilesystem { kind, mount_options, device } = filesystem;
    let mut parts = vec![match device {
        Some(_) => format!("{} on null_blk in memory", kind.name()),
        None => kind.name().to_owned(),
    }];
    parts.extend((!mount_options.is_empty()).then(|| format!("mounted with {mount_options}")));
    parts.extend(device.iter().flat_map(null_block));
    parts.join(", ")
}

fn null_block(device: &NullBlock) -> [String; 3] {
    let NullBlock { completion, completion_ns, dither_permille, queue_depth, queues, block_bytes } = device;
    let dither = match dither_permille {
        0 => String::new(),
        permille => format!(" +- {:.1} % drawn for each sample", f64::from(*permille) / 10.0),
    };
    let completion = match completion {
        Completion::Inline => "each transfer completed at once by whoever submits it".to_owned(),
        Completion::Softirq => "each transfer completed at once in a soft interrupt".to_owned(),
        Completion::Timer => format!("each transfer completed by a timer after {completion_ns} ns{dither}"),
    };
    let plural = if *queues == 1 { "" } else { "s" };
    [completion, format!("{queues} queue{plural} of {queue_depth}"), format!("blocks of {block_bytes} bytes")]
}

/// All of it in one line; what is switched off is not mentioned.
fn server(server: &ServerSettings) -> String {
    let mut parts = vec![
        format!("{} threads{}", server.threads, if server.clone_fd { " on cloned fds" } else { "" }),
        format!("{} KiB requests", server.request_kib),
    ];
    parts.extend((server.max_read_kib > 0).then(|| format!("max_read {} KiB", server.max_read_kib)));
    parts.extend([
        format!("max_background {} (congested at {})", server.max_background, server.congestion_threshold),
        format!("ASYNC_DIO {}", if server.async_dio { "asked for" } else { "not asked for" }),
    ]);
    let flags = [
        (server.direct_io, "FOPEN_DIRECT_IO"),
        (server.auto_inval_data, "AUTO_INVAL_DATA"),
        (server.writeback_cache, "WRITEBACK_CACHE"),
        (server.passthrough, "PASSTHROUGH"),
        (server.allow_other, "allow_other"),
        (!server.default_permissions, "permissions of the storage"),
        (server.posix_acl, "POSIX_ACL"),
    ];
    parts.extend(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name.to_owned()));
    parts.extend(server.init_flags.iter().map(|wish| match wish.wanted {
        true => wish.flag.name.to_owned(),
        false => format!("no {}", wish.flag.name),
    }));
    parts.extend(server.open_flags.iter().map(|wish| format!("FOPEN_{wish}")));
    parts.extend(
        (server.request_timeout_s > 0).then(|| format!("REQUEST_TIMEOUT of {} s", server.request_timeout_s)),
    );
    let depth = match server.ring_depth {
        1 => "1 request".to_owned(),
        depth => format!("{depth} requests"),
    };
    let buffers = match server.ring_buffers {
        RingBuffers::Own => "",
        RingBuffers::Pool => ", pooled",
        RingBuffers::RegisteredPool => ", pooled and registered",
        RingBuffers::ZeroCopy => ", not copied",
    };
    parts.extend(match server.transport {
        Transport::DevFuse => None,
        Transport::IoUring => Some(format!("io_uring, {depth} for each thread{buffers}")),
        Transport::IoUringOrDevFuse => {
            Some(format!("io_uring, {depth} for each thread{buffers}, or /dev/fuse"))
        }
    });
    parts.extend(server.splice.then(|| "splicing".to_owned()));
    parts.push(match server.open {
        OpenMode::Kept => "open kept".to_owned(),
        OpenMode::PerRequest => "open per request".to_owned(),
    });
    parts.push(format!("attr timeout {} ms", server.attribute_timeout_ms));
    parts.extend(server.entry_timeout_ms.map(|ms| format!("entry timeout {ms} ms")));
    let negative_ms = server.negative_timeout_ms;
    parts.extend((negative_ms > 0).then(|| format!("negative timeout {negative_ms} ms")));
    parts.extend(mount_options(&server.mount_options));
    parts.push(match server.getxattr {
        Getxattr::Passthrough => "getxattr passed through".to_owned(),
        Getxattr::Enosys => "getxattr ENOSYS".to_owned(),
    });
    let dither_ns = server.work_dither_ns;
    parts.extend((dither_ns > 0).then(|| format!("up to {dither_ns} ns of work drawn for each request")));
    parts.extend(server.storage_null.then(|| "storage that keeps no data".to_owned()));
    if !(server.storage_null && server.storage.is_off()) {
        parts.extend(storage(&server.storage));
    }
    parts.extend(reply_order(server));
    let has_random = server.reply_order == ReplyOrder::Random
        || dither_ns > 0
        || (server.storage.distribution != Distribution::Fixed || server.storage.dither_permille > 0)
            && server.storage.latency_us > 0;
    parts.extend(has_random.then(|| format!("seed {}", server.seed)));
    parts.extend((server.request_log > 0).then(|| format!("request log of {} records", server.request_log)));
    parts.extend(server.actions.iter().map(|action| format!("action: {action}")));
    parts.extend(server.faults.iter().map(fault));
    parts.join(", ")
}

/// None if they are those of every server.
fn mount_options(options: &[MountOption]) -> Option<String> {
    let names: Vec<_> = options.iter().map(|option| option.name()).collect();
    (options != MountOption::usual()).then(|| match names[..] {
        [] => "mounted without flags".to_owned(),
        _ => format!("mounted with {}", names.join(",")),
    })
}

fn storage(storage: &StorageSettings) -> Vec<String> {
    if storage.is_off() {
        return vec!["storage in memory".to_owned()];
    }
    let latency = match storage.distribution {
        Distribution::Fixed => "",
        Distribution::Uniform => " on average, uniform",
        Distribution::Exponential => " on average, exponential",
    };
    let dither = match storage.dither_permille {
        0 => String::new(),
        permille => format!(" +- {:.1} %", f64::from(permille) / 10.0),
    };
    let mut parts = vec![format!("storage latency {} us{dither}{latency}", storage.latency_us)];
    let limits = [
        (storage.parallel > 0, format!("{} storage operations at once", storage.parallel)),
        (storage.mib_per_s > 0, format!("{} MiB/s of bandwidth", storage.mib_per_s)),
        (storage.jitter_us > 0, format!("up to {} us of jitter on the way", storage.jitter_us)),
        (storage.disorder_us > 0, format!("{} us for each operation out of order", storage.disorder_us)),
        (storage.merge_kib > 0, format!("requests merged up to {} KiB", storage.merge_kib)),
        (storage.plug_us > 0, format!("held back for {} us to be merged", storage.plug_us)),
    ];
    parts.extend(limits.into_iter().filter(|(is_set, _)| *is_set).map(|(_, text)| text));
    parts
}

fn reply_order(server: &ServerSettings) -> Option<String> {
    let order = match server.reply_order {
        ReplyOrder::Done => return None,
        ReplyOrder::Reversed => "reverse",
        ReplyOrder::Random => "random",
    };
    Some(format!("answers of {} us in {order} order", server.reply_window_us))
}

/// E.g. `fault: read at 640 KiB always EIO`.
fn fault(fault: &Fault) -> String {
    let offset = fault.offset_kib.map(|kib| format!(" at {kib} KiB")).unwrap_or_default();
    let after = match fault.after {
        0 => String::new(),
        spared => format!(" after {spared} requests"),
    };
    let times = match fault.times {
        Times::Once => "once",
        Times::Always => "always",
    };
    let effect = match fault.effect {
        Effect::Eio => "EIO".to_owned(),
        Effect::Errno { errno } => format!("errno {errno}"),
        Effect::Short { bytes } => format!("short, {bytes} bytes"),
        Effect::Oversize { bytes } => format!("answered with {bytes} bytes too many"),
        Effect::Delay { us } => format!("delayed by {us} us"),
        Effect::Hang => "never answered".to_owned(),
        Effect::Die => "the server dies".to_owned(),
    };
    format!("fault: {}{offset}{after} {times} {effect}", fault.operation)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::comparison::{Question, answer, compare};
    use crate::evidence::metric::Metric;
    use crate::fixtures::{campaign, two_arms};
    use crate::plan::Clock;
    use crate::report::{Format, full};
    use lab_protocol::{Action, Deed, FaultOperation, FilesystemKind, Knob, Moment};

    fn on_ext4(completion: Completion, completion_ns: u64, dither_permille: u32) -> Scenario {
        let device = NullBlock {
            completion,
            completion_ns,
            dither_permille,
            queue_depth: 64,
            queues: 1,
            block_bytes: 4096,
        };
        let filesystem = LocalFilesystem {
            kind: FilesystemKind::Ext4,
            mount_options: "noatime".to_owned(),
            device: Some(device),
        };
        Scenario { name: "slow".to_owned(), server: None, foreign: None, filesystem: Some(filesystem) }
    }

    #[test]
    fn what_there_is_instead_of_a_server() {
        let timer = on_ext4(Completion::Timer, 10_000, 20);
        expect!["ext4 on null_blk in memory, mounted with noatime, each transfer completed by a timer after 10000 ns +- 2.0 % drawn for each sample, 1 queue of 64, blocks of 4096 bytes"].assert_eq(&ground(&timer));
        let inline = ground(&on_ext4(Completion::Inline, 0, 0));
        assert!(inline.contains("each transfer completed at once by whoever submits it,"), "{inline}");
        let tmpfs =
            LocalFilesystem { kind: FilesystemKind::Tmpfs, mount_options: String::new(), device: None };
        let scenario = Scenario { filesystem: Some(tmpfs), ..timer.clone() };
        assert_eq!(ground(&scenario), "tmpfs");
        assert_eq!(ground(&Scenario { filesystem: None, ..timer }), "no file system");
    }

    /// Whoever tries a series for another subsystem need not know of FUSE.
    #[test]
    fn without_a_server_no_report_speaks_of_one() {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        campaign.file.plan.scenarios = vec![on_ext4(Completion::Timer, 10_000, 20)];
        for report in campaign.boots.iter_mut().filter_map(|boot| boot.report.as_mut()) {
            report.negotiated = None;
            report.workloads.iter_mut().for_each(|workload| workload.requests = None);
        }
        let comparison = compare(&campaign).unwrap();
        let mut texts =
            Format::ALL.map(|(format, name, _)| (name, format.render(&comparison).unwrap())).to_vec();
        texts.push(("evidence", full::render(&comparison)));
        for (name, text) in texts {
            let text = text.to_lowercase();
            for word in ["fuse", "server", "request", "in flight", "in-flight"] {
                let line = text.lines().find(|line| line.contains(word));
                assert_eq!(line, None, "{name}");
            }
        }
        let question = Question { metrics: vec![Metric::ServerCpu], ..Question::default() };
        let error = answer(&campaign, &question).unwrap_err().to_string();
        assert!(error.starts_with("--metrics server-cpu: no scenario of plan"), "{error}");
        let question = Question { metrics: vec![Metric::ToolCpu], ..Question::default() };
        assert!(!answer(&campaign, &question).unwrap().rows.is_empty());
    }

    #[test]
    fn what_is_set_is_said() {
        let plain = ServerSettings::example();
        let null = server(&ServerSettings { storage_null: true, ..plain.clone() });
        assert!(null.ends_with("getxattr ENOSYS, storage that keeps no data"), "{null}");
        expect!["16 threads on cloned fds, 128 KiB requests, max_background 12 (congested at 9), ASYNC_DIO asked for, open kept, attr timeout 1000 ms, getxattr ENOSYS, storage in memory"].assert_eq(&server(&plain));
        let fault = |operation: &str, offset_kib, after, times, effect| Fault {
            operation: operation.parse().unwrap(),
            offset_kib,
            after,
            times,
            effect,
        };
        let all = ServerSettings {
            clone_fd: false,
            max_read_kib: 32,
            splice: true,
            async_dio: false,
            direct_io: true,
            auto_inval_data: true,
            writeback_cache: true,
            init_flags: vec!["NO_OPEN_SUPPORT".parse().unwrap(), "-ASYNC_READ".parse().unwrap()],
            open_flags: vec!["KEEP_CACHE".parse().unwrap()],
            request_timeout_s: 20,
            passthrough: true,
            transport: Transport::IoUring,
            ring_depth: 4,
            ring_buffers: RingBuffers::ZeroCopy,
            allow_other: true,
            default_permissions: false,
            posix_acl: true,
            mount_options: vec![MountOption::Noexec, MountOption::Noatime],
            entry_timeout_ms: Some(5),
            negative_timeout_ms: 7,
            open: OpenMode::PerRequest,
            getxattr: Getxattr::Passthrough,
            request_log: 1000,
            reply_order: ReplyOrder::Reversed,
            reply_window_us: 500,
            seed: 7,
            storage: StorageSettings {
                latency_us: 1000,
                distribution: Distribution::Exponential,
                dither_permille: 5,
                parallel: 4,
                mib_per_s: 100,
                jitter_us: 300,
                disorder_us: 5000,
                merge_kib: 1024,
                plug_us: 50,
            },
            storage_null: true,
            actions: vec![
                Action {
                    at: Moment::Request { operation: FaultOperation::DATA, after: 99 },
                    deed: Deed::Set { knob: Knob::MaxBackground, value: 100 },
                },
                Action {
                    at: Moment::Time { us: 20_000 },
                    deed: Deed::InvalInode { path: "{file}".to_owned(), offset_bytes: 0, length_bytes: 0 },
                },
            ],
            faults: vec![
                fault("read", Some(640), 0, Times::Always, Effect::Eio),
                fault("write", None, 3, Times::Once, Effect::Short { bytes: 512 }),
                fault("write", None, 0, Times::Once, Effect::Errno { errno: 28 }),
                fault("read", Some(4), 0, Times::Once, Effect::Oversize { bytes: 8 }),
                fault("getattr", None, 0, Times::Once, Effect::Delay { us: 9 }),
                fault("fsync", None, 0, Times::Once, Effect::Hang),
                fault("data", None, 19, Times::Once, Effect::Die),
            ],
            ..plain
        };
        expect!["16 threads, 128 KiB requests, max_read 32 KiB, max_background 12 (congested at 9), ASYNC_DIO not asked for, FOPEN_DIRECT_IO, AUTO_INVAL_DATA, WRITEBACK_CACHE, PASSTHROUGH, allow_other, permissions of the storage, POSIX_ACL, NO_OPEN_SUPPORT, no ASYNC_READ, FOPEN_KEEP_CACHE, REQUEST_TIMEOUT of 20 s, io_uring, 4 requests for each thread, not copied, splicing, open per request, attr timeout 1000 ms, entry timeout 5 ms, negative timeout 7 ms, mounted with noexec,noatime, getxattr passed through, storage that keeps no data, storage latency 1000 us +- 0.5 % on average, exponential, 4 storage operations at once, 100 MiB/s of bandwidth, up to 300 us of jitter on the way, 5000 us for each operation out of order, requests merged up to 1024 KiB, held back for 50 us to be merged, answers of 500 us in reverse order, seed 7, request log of 1000 records, action: at data 100 max-background = 100, action: at 20000 us inval-inode {file} from 0, fault: read at 640 KiB always EIO, fault: write after 3 requests once short, 512 bytes, fault: write once errno 28, fault: read at 4 KiB once answered with 8 bytes too many, fault: getattr once delayed by 9 us, fault: fsync once never answered, fault: data after 19 requests once the server dies"].assert_eq(&server(&all));
    }
}
