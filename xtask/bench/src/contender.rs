//! Who is measured: the storage itself, our server, and libfuse's servers in their best settings.

use std::path::{Path, PathBuf};

use lab_protocol::{Getxattr, ServerSettings};
use xtask::build::libfuse::REQUEST_KIB;

/// One of those that are measured side by side.
#[derive(Clone, Debug)]
pub(super) struct Contender {
    /// Its name in tables.
    pub(super) name: &'static str,
    /// What it is, for the list above the tables.
    pub(super) about: &'static str,
    /// What serves the files.
    pub(super) service: Service,
    /// In which measurements it takes part.
    pub(super) part: Participation,
}

/// In which measurements a contender takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Participation {
    /// In all.
    All,
    /// It differs from another one only in how data is moved.
    Data,
}

/// What serves the files.
#[derive(Clone, Debug)]
pub(super) enum Service {
    /// Nobody: the files of the storage are used directly.
    Storage,
    /// Our server with these settings, but for the number of threads.
    Own {
        /// Which build of it.
        build: OwnBuild,
        /// How it serves.
        settings: Box<ServerSettings>,
    },
    /// libfuse's `passthrough_ll`.
    LowLevel {
        /// More for `-o`, each with a comma before it.
        options: &'static str,
        /// More for the environment.
        environment: &'static [(&'static str, &'static str)],
    },
    /// libfuse's `passthrough_hp`.
    HighPerformance {
        /// More arguments.
        arguments: &'static [&'static str],
    },
}

/// Builds of our server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnBuild {
    /// That of this checkout.
    This,
    /// The one that was given to be measured beside it.
    Beside,
}

/// What a contender's figures are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// No FUSE at all.
    Storage,
    /// Ours.
    Own,
    /// The best of these is what ours has to reach.
    Libfuse,
}

impl Service {
    pub(super) fn side(&self) -> Side {
        match self {
            Service::Storage => Side::Storage,
            Service::Own { .. } => Side::Own,
            Service::LowLevel { .. } | Service::HighPerformance { .. } => Side::Libfuse,
        }
    }
}

/// glibc gives memory of this size back to the kernel with each free(3), and libfuse allocates for each read that
/// it does not splice: this keeps it.
const KEEP_MEMORY: &[(&str, &str)] = &[
    ("MALLOC_MMAP_THRESHOLD_", "268435456"),
    ("MALLOC_TRIM_THRESHOLD_", "268435456"),
    ("MALLOC_TOP_PAD_", "1048576"),
];

/// Another build of our server, twice: as it copies, and as it splices.
pub(super) fn beside() -> Vec<Contender> {
    let own = |name, about, part, settings| {
        let service = Service::Own { build: OwnBuild::Beside, settings: Box::new(settings) };
        Contender { name, about, part, service }
    };
    vec![
        own("beside", "the other build of ours that was given", Participation::All, plain_settings()),
        own(
            "beside splicing",
            "the same, moving data by splice(2)",
            Participation::Data,
            splicing_settings(),
        ),
    ]
}

/// All contenders but [`beside`]. Another setting of our server is one more entry with [`Service::Own`].
pub(super) fn all() -> Vec<Contender> {
    let contender = |name, about, part, service| Contender { name, about, part, service };
    let own = |settings| Service::Own { build: OwnBuild::This, settings: Box::new(settings) };
    let low_level = |options, environment| Service::LowLevel { options, environment };
    let high_performance = |arguments| Service::HighPerformance { arguments };
    vec![
        contender("tmpfs", "the storage itself, without FUSE", Participation::All, Service::Storage),
        contender(
            "passthrough",
            "ours, a cloned device descriptor for each thread",
            Participation::All,
            own(plain_settings()),
        ),
        contender(
            "with model",
            "the same with modelled storage that takes no time",
            Participation::Data,
            own(modelled_settings()),
        ),
        contender(
            "splicing",
            "ours, moving data by splice(2)",
            Participation::Data,
            own(splicing_settings()),
        ),
        contender("ll", "passthrough_ll as it comes", Participation::All, low_level("", &[])),
        contender(
            "ll splice",
            "passthrough_ll -o splice_write,no_splice_read",
            Participation::Data,
            low_level(",splice_write,no_splice_read", &[]),
        ),
        contender(
            "ll splice clone",
            "the same with -o clone_fd",
            Participation::Data,
            low_level(",splice_write,no_splice_read,clone_fd", &[]),
        ),
        contender(
            "ll copy",
            "passthrough_ll -o no_splice_write,no_splice_read, malloc told to keep memory",
            Participation::Data,
            low_level(",no_splice_write,no_splice_read", KEEP_MEMORY),
        ),
        contender("hp", "passthrough_hp, which splices both ways", Participation::All, high_performance(&[])),
        contender(
            "hp clone",
            "the same with --clone-fd",
            Participation::All,
            high_performance(&["--clone-fd"]),
        ),
    ]
}

/// Our server with nothing of the lab's in the way: no latency, no faults, files kept open.
pub(super) fn plain_settings() -> ServerSettings {
    // With the kernel's default for max_background, which libfuse leaves in force, and getxattr as libfuse's servers use
    // it here.
    ServerSettings {
        threads: 1,
        request_kib: REQUEST_KIB,
        getxattr: Getxattr::Enosys,
        ..ServerSettings::example()
    }
}

/// The same, moving data by splice(2).
fn splicing_settings() -> ServerSettings {
    ServerSettings { splice: true, ..plain_settings() }
}

/// The same with storage that has a limit, which is never reached: what it costs to hand requests to the model.
fn modelled_settings() -> ServerSettings {
    let mut settings = plain_settings();
    settings.storage.parallel = 1024;
    settings
}

/// Where things are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// Our server.
    pub(super) own: PathBuf,
    /// The other build of it.
    pub(super) beside: Option<PathBuf>,
    /// libfuse's `passthrough_ll`.
    pub(super) low_level: PathBuf,
    /// libfuse's `passthrough_hp`.
    pub(super) high_performance: PathBuf,
    /// The folder that is passed through.
    pub(super) storage: PathBuf,
    /// The folder that is mounted on.
    pub(super) mount: PathBuf,
}

/// How to start a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: &'static [(&'static str, &'static str)],
}

/// Whether a server tells of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    /// It does its work.
    Quiet,
    /// libfuse's servers write a line for each request to standard error.
    EachRequest,
}

/// The command of a server with this many threads; none for the storage itself.
///
/// # Errors
/// If the settings cannot be written as JSON.
pub(super) fn command(
    service: &Service,
    threads: u32,
    talk: Talk,
    places: &Places,
) -> serde_json::Result<Option<CommandLine>> {
    let text = |path: &Path| path.display().to_string();
    let (storage, mount) = (text(&places.storage), text(&places.mount));
    Ok(match service {
        Service::Storage => None,
        Service::Own { build, settings } => {
            let program = match build {
                OwnBuild::This => places.own.clone(),
                OwnBuild::Beside => places.beside.clone().unwrap_or_default(),
            };
            let settings = ServerSettings { threads, ..(**settings).clone() };
            let settings = serde_json::to_string(&settings)?;
            let arguments = ["--control".to_owned(), "--settings".to_owned(), settings, storage, mount];
            Some(CommandLine { program, arguments: arguments.into(), environment: &[] })
        }
        Service::LowLevel { options, environment } => {
            let mut arguments = vec![mount, "-f".to_owned(), "-o".to_owned()];
            let bytes = REQUEST_KIB << 10;
            arguments.push(format!(
                "source={storage},cache=auto,timeout=1,max_write={bytes},max_threads={threads},max_idle_threads={threads}{options}"
            ));
            arguments.extend((threads == 1).then(|| "-s".to_owned()));
            arguments.extend((talk == Talk::EachRequest).then(|| "-d".to_owned()));
            Some(CommandLine { program: places.low_level.clone(), arguments, environment })
        }
        Service::HighPerformance { arguments: more } => {
            let mut arguments = vec!["--foreground".to_owned(), format!("--num-threads={threads}")];
            arguments.extend(more.iter().map(|&argument| argument.to_owned()));
            arguments.extend((threads == 1).then(|| "--single".to_owned()));
            arguments.extend((talk == Talk::EachRequest).then(|| "--debug-fuse".to_owned()));
            arguments.extend([storage, mount]);
            Some(CommandLine { program: places.high_performance.clone(), arguments, environment: &[] })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, threads: u32, talk: Talk, expected: expect_test::Expect) {
        let path = |name: &str| PathBuf::from(name);
        let places = Places {
            own: path("own"),
            beside: Some(path("before")),
            low_level: path("ll"),
            high_performance: path("hp"),
            storage: path("/s"),
            mount: path("/m"),
        };
        let contender = all().into_iter().chain(beside()).find(|contender| contender.name == name).unwrap();
        let text = match command(&contender.service, threads, talk, &places).unwrap() {
            None => "nothing to start".to_owned(),
            Some(it) => {
                let variables = it.environment.iter().map(|(name, value)| format!("{name}={value} "));
                let arguments = it.arguments.join(" ");
                format!("{}{} {arguments}", variables.collect::<String>(), it.program.display())
            }
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn commands() {
        use Talk::{EachRequest, Quiet};
        use expect_test::expect;
        check("tmpfs", 4, Quiet, expect!["nothing to start"]);
        check(
            "passthrough",
            4,
            Quiet,
            expect![[
                r#"own --control --settings {"threads":4,"clone-fd":true,"splice":false,"request-kib":128,"max-background":12,"congestion-threshold":9,"async-dio":true,"direct-io":false,"auto-inval-data":false,"writeback-cache":false,"open":"kept","attribute-timeout-ms":1000,"getxattr":"enosys","request-log":0,"reply-order":"done","reply-window-us":0,"seed":1,"burn-ns":0,"storage":{"latency-us":0,"distribution":"fixed","parallel":0,"mib-per-s":0,"jitter-us":0,"disorder-us":0,"merge-kib":0,"plug-us":0},"faults":[]} /s /m"#
            ]],
        );
        check(
            "beside splicing",
            1,
            Quiet,
            expect![[
                r#"before --control --settings {"threads":1,"clone-fd":true,"splice":true,"request-kib":128,"max-background":12,"congestion-threshold":9,"async-dio":true,"direct-io":false,"auto-inval-data":false,"writeback-cache":false,"open":"kept","attribute-timeout-ms":1000,"getxattr":"enosys","request-log":0,"reply-order":"done","reply-window-us":0,"seed":1,"burn-ns":0,"storage":{"latency-us":0,"distribution":"fixed","parallel":0,"mib-per-s":0,"jitter-us":0,"disorder-us":0,"merge-kib":0,"plug-us":0},"faults":[]} /s /m"#
            ]],
        );
        check(
            "ll splice",
            4,
            Quiet,
            expect![
                "ll /m -f -o source=/s,cache=auto,timeout=1,max_write=131072,max_threads=4,max_idle_threads=4,splice_write,no_splice_read"
            ],
        );
        check(
            "ll copy",
            1,
            EachRequest,
            expect![
                "MALLOC_MMAP_THRESHOLD_=268435456 MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_TOP_PAD_=1048576 ll /m -f -o source=/s,cache=auto,timeout=1,max_write=131072,max_threads=1,max_idle_threads=1,no_splice_write,no_splice_read -s -d"
            ],
        );
        check("hp clone", 2, Quiet, expect!["hp --foreground --num-threads=2 --clone-fd /s /m"]);
        check("hp", 1, EachRequest, expect!["hp --foreground --num-threads=1 --single --debug-fuse /s /m"]);
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = all().iter().chain(&beside()).map(|contender| contender.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
