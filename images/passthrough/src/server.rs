//! What the server knows while it is mounted.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use lab_protocol::log::RequestLog;
use lab_protocol::{Behaviour, Negotiated, RequestStats, ServerSettings};
use rustix::fs::{CWD, Mode, OFlags};

use crate::actions::Actions;
use crate::behave::Behaving;
use crate::burn::Burn;
use crate::clock;
use crate::device::Device;
use crate::device::answer::Valid;
use crate::handles::Handles;
use crate::inodes::Inodes;
use crate::log::{Log, Pending, Subject};
use crate::model::Model;
use crate::negotiate::Agreed;
use crate::null_storage::NullStorage;
use crate::observe::Observer;
use crate::open::{Directory, OpenFile};
use crate::stats::{Operation, Stats};
use crate::storage::Reopen;
use crate::transport::Arrived;

/// One passthrough server; its operations are in `tree`, `attributes`, `data` and `directory`.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) settings: ServerSettings,
    pub(crate) inodes: Inodes,
    pub(crate) files: Handles<OpenFile>,
    pub(crate) directories: Handles<Directory>,
    pub(crate) reopen: Reopen,
    pub(crate) observer: Observer,
    pub(crate) burn: Burn,
    /// Read at each request, without a lock.
    pub(crate) behaving: ArcSwap<Behaving>,
    /// None if the server does nothing by itself.
    pub(crate) actions: Option<Arc<Actions>>,
    /// None if the storage keeps its data.
    pub(crate) null_storage: Option<NullStorage>,
    /// The device that the requests come from, once it is there.
    pub(crate) device: OnceLock<Device>,
    pub(crate) stats: Stats,
    pub(crate) log: Option<Log>,
    pub(crate) arrived: Option<Arrived>,
    pub(crate) negotiated: OnceLock<Negotiated>,
    agreed: OnceLock<Agreed>,
}

impl Server {
    /// A server for the folder `storage`, not mounted yet.
    ///
    /// # Errors
    /// If the folder cannot be opened, `/proc` is missing, or the server cannot behave as it is to.
    pub(crate) fn new(settings: ServerSettings, storage: &Path) -> anyhow::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opening = || format!("opening the storage {}", storage.display());
        let root = rustix::fs::openat(CWD, storage, flags, Mode::empty()).with_context(opening)?;
        let stat = rustix::fs::fstat(&root).with_context(opening)?;
        let actions = Actions::new(&settings.actions);
        let null_storage =
            settings.storage_null.then(|| NullStorage::new(settings.request_kib as usize * 1024));
        Ok(Server {
            inodes: Inodes::new(root, &stat),
            files: Handles::default(),
            directories: Handles::default(),
            reopen: Reopen::new()?,
            observer: Observer::new(&settings),
            burn: Burn::new(settings.burn_ns, settings.work_dither_ns),
            behaving: ArcSwap::from_pointee(Behaving::new(&settings.behaviour(), actions.as_ref())?),
            actions,
            null_storage: null_storage.transpose().context("making the zeros of the storage")?,
            device: OnceLock::new(),
            stats: Stats::default(),
            log: Log::new(settings.request_log),
            arrived: Arrived::new(&settings),
            negotiated: OnceLock::new(),
            agreed: OnceLock::new(),
            settings,
        })
    }

    /// What FUSE_INIT came to; none before it.
    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.get()
    }

    /// What server and kernel do from FUSE_INIT on; before it nothing that has to be agreed on.
    pub(crate) fn agreed(&self) -> Agreed {
        self.agreed.get().copied().unwrap_or_default()
    }

    /// Keeps what FUSE_INIT came to.
    ///
    /// # Errors
    /// If it came before.
    pub(crate) fn agree(&self, agreed: Agreed, negotiated: Negotiated) -> anyhow::Result<()> {
        self.agreed.set(agreed).ok().context("FUSE_INIT came twice")?;
        self.negotiated.set(negotiated).ok().context("FUSE_INIT came twice")?;
        self.keep_handles_free().context("keeping handles free")
    }

    /// Behaves so from now on, and lets go of the requests that hang.
    ///
    /// # Errors
    /// If it cannot; then nothing has changed.
    pub(crate) fn behave(&self, behaviour: &Behaviour) -> anyhow::Result<()> {
        let before = self.behaving.swap(Arc::new(Behaving::new(behaviour, self.actions.as_ref())?));
        before.release().context("letting go of what hangs")
    }

    /// Whether each answer is to go out as soon as it is there: somebody may wait for it in turn, or measures when it comes.
    pub(crate) fn answers_at_once(&self) -> bool {
        let behaving = self.behaving.load();
        behaving.model.is_some() || behaving.reply_queue.is_some() || behaving.has_faults()
    }

    /// Whether requests are not answered now because the settings say so.
    pub(crate) fn is_hanging(&self) -> bool {
        self.behaving.load().is_hanging()
    }

    /// Counts a request other than READ and WRITE, and lets its fault happen.
    ///
    /// # Errors
    /// What it is to be answered instead of being served.
    pub(crate) fn count_and_fault(&self, operation: Operation) -> rustix::io::Result<&Self> {
        self.stats.count(operation);
        match self.behaving.load().apply_fault(operation, 0..0, &self.device) {
            Ok(_) => Ok(self),
            Err(error) => {
                self.stats.fail();
                Err(error)
            }
        }
    }

    /// What was counted since the last call, or since the start. To be asked while no request runs; the
    /// RELEASE that follows a close(2) may still be on its way then, and is counted next time.
    pub(crate) fn take_stats(&self) -> RequestStats {
        // First, since they cause requests.
        let actions = self.actions.as_ref().map_or_else(Vec::new, |actions| actions.end_turn());
        self.inodes.forget_order();
        if self.log.is_some() || self.actions.is_some() {
            let now_ns = clock::now_ns();
            self.log.iter().for_each(|log| log.restart(now_ns));
            self.actions.iter().for_each(|actions| actions.count_from(now_ns));
        }
        let storage = self.behaving.load().model.as_ref().map(Model::take);
        let splicing = self.settings.splice.then(|| self.stats.take_ways());
        let transport = self.arrived.as_ref().map(Arrived::take);
        RequestStats { storage, splicing, transport, actions, ..self.stats.take() }
    }

    /// The log of the requests since the last [`Server::take_stats`]; empty if requests are not logged.
    pub(crate) fn request_log(&self, workload: u32) -> RequestLog {
        match &self.log {
            Some(log) => log.give(workload),
            None => RequestLog { workload, dropped: 0, base_ns: 0, records: Vec::new() },
        }
    }

    /// A request other than READ and WRITE that has just arrived; none if requests are not logged.
    pub(crate) fn pending(&self, operation: Operation, subject: Subject) -> Option<Pending> {
        self.log.as_ref().map(|log| {
            let in_flight = self.stats.in_flight();
            let pending = Pending { operation, subject, arrival_ns: clock::now_ns(), in_flight };
            log.arrive(&pending);
            pending
        })
    }

    /// Counts and logs a request that gets no answer, which has just arrived.
    pub(crate) fn count_and_log(&self, operation: Operation) -> &Self {
        self.stats.count(operation);
        let pending = self.pending(operation, Subject::default());
        if let (Some(log), Some(pending)) = (&self.log, pending) {
            log.add(&pending, Ok(0), pending.arrival_ns);
        }
        self
    }

    /// Logs a request as answered now.
    pub(crate) fn record(&self, pending: Option<Pending>, result: rustix::io::Result<usize>) {
        if let (Some(log), Some(pending)) = (&self.log, pending) {
            log.add(&pending, result, clock::now_ns());
        }
    }

    /// How long the kernel may trust what it is told.
    pub(crate) fn valid(&self) -> Valid {
        Valid {
            entries: Duration::from_millis(self.settings.entries_ms()),
            attributes: Duration::from_millis(self.settings.attribute_timeout_ms),
        }
    }
}
