//! The servers that probes run on.

use lab_protocol::ServerSettings;

/// A server. Probes on the same one follow each other on one mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fixture {
    /// 16 threads, requests of 128 KiB, `max_background` 12, FUSE_ASYNC_DIO asked for.
    Usual,
    /// The same with one thread.
    SingleThread,
    /// FUSE_ASYNC_DIO is not asked for.
    NoAsyncDio,
    /// Files are opened with FOPEN_DIRECT_IO.
    DirectIo,
    /// `max_background` is 1.
    MaxBackground1,
    /// Buffered writes are sent later.
    WritebackCache,
    /// Attributes expire at once.
    FreshAttributes,
    /// READs are smaller than WRITEs: `max_read` is 32 KiB.
    SmallReads,
}

/// Requests that are logged for each probe.
const LOGGED: u32 = 4096;

impl Fixture {
    /// How the server is started.
    pub fn settings(self) -> ServerSettings {
        let usual = ServerSettings {
            request_log: LOGGED,
            // Attributes that expire in the middle of a probe would cost a request in some boots only.
            attribute_timeout_ms: 3_600_000,
            ..ServerSettings::example()
        };
        match self {
            Fixture::Usual => usual,
            Fixture::SingleThread => ServerSettings { threads: 1, ..usual },
            Fixture::NoAsyncDio => ServerSettings { async_dio: false, ..usual },
            Fixture::DirectIo => ServerSettings { direct_io: true, ..usual },
            Fixture::MaxBackground1 => ServerSettings { max_background: 1, congestion_threshold: 1, ..usual },
            Fixture::WritebackCache => ServerSettings { writeback_cache: true, ..usual },
            Fixture::FreshAttributes => ServerSettings { attribute_timeout_ms: 0, ..usual },
            Fixture::SmallReads => ServerSettings { max_read_kib: 32, ..usual },
        }
    }

    /// The most background requests that may be at the server at once.
    pub fn max_background(self) -> u32 {
        self.settings().max_background.into()
    }
}
