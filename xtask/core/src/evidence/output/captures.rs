//! What load tools printed in real runs, for tests.

macro_rules! captures {
    ($($name:literal),* $(,)?) => {
        /// The capture of this name.
        pub(crate) fn capture(name: &str) -> &'static str {
            match name {
                $($name => include_str!(concat!("../../../tests/data/output/", $name)),)*
                _ => panic!("there is no capture {name}"),
            }
        }
    };
}

captures!(
    "aio-both.txt",
    "aio-files.txt",
    "aio-json-missing.json",
    "aio-json-read.json",
    "aio-json-two-files.json",
    "aio-latency.txt",
    "aio-missing.txt",
    "aio-read.txt",
    "aio-threads.txt",
    "aio-write.txt",
    "dd-512.txt",
    "dd-full.txt",
    "dd-missing.txt",
    "dd-none.txt",
    "dd-one-byte.txt",
    "dd-partial.txt",
    "dd-quiet.txt",
    "dd-read-64m.txt",
    "dd-write-64m.txt",
    "fio-died.txt",
    "fio-killed.txt",
    "fio-mixed.txt",
    "fio-no-clat.txt",
    "fio-read-4k.json",
    "fio-read.txt",
    "fio-too-large.txt",
    "fio-trim.txt",
    "fio-two-jobs.txt",
    "fio-verify.txt",
    "fio-warned.txt",
    "fsx-failed.txt",
    "fsx.txt",
    "pjdfstest-unexpected.txt",
    "pjdfstest.txt",
    "stress-ng-aiol.txt",
    "stress-ng-skipped.txt",
);
