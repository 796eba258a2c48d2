//! The report as far as it is known, and the end of the boot, which is reached whatever happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::frame::Kind;
use lab_protocol::log::MOST_BYTES;
use lab_protocol::{END_MARK, Milestone, Nonce, Progress, Report};

use crate::kmsg::{self, Level};
use crate::port::{Confirmation, Port};
use crate::system;

/// Shared by the thread that does the work, the panic hook and the guard: each of them can end the boot.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

struct Entries {
    report: Report,
    nonce: Option<Nonce>,
    port: Option<Port>,
    last_step: String,
    logged_bytes: usize,
}

/// Ends the boot in time; seconds that it gives beyond what it gave at first.
pub(crate) struct Guard(Arc<AtomicU64>);

impl Guard {
    /// Gives the boot so much more time.
    pub(crate) fn extend(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl Ledger {
    /// An empty ledger.
    pub(crate) fn new() -> Self {
        Ledger(Arc::new(Mutex::new(Entries {
            report: empty_report(),
            nonce: None,
            port: None,
            last_step: "start".to_owned(),
            logged_bytes: 0,
        })))
    }

    /// Notes and logs that a step begins.
    pub(crate) fn step(&self, text: &str) {
        kmsg::step(text);
        self.entries().last_step = text.to_owned();
    }

    /// Notes and logs that something went wrong.
    pub(crate) fn problem(&self, text: String) {
        kmsg::step(&format!("problem: {text}"));
        self.entries().report.problems.push(text);
    }

    /// Writes into the report.
    pub(crate) fn edit(&self, edit: impl FnOnce(&mut Report)) {
        edit(&mut self.entries().report);
    }

    /// Looks into the report.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Report) -> T) -> T {
        look(&self.entries().report)
    }

    /// From now on the boot has this nonce.
    pub(crate) fn set_nonce(&self, nonce: Nonce) {
        self.entries().nonce = Some(nonce);
    }

    /// From now on frames can be sent.
    pub(crate) fn set_port(&self, port: Port) {
        self.entries().port = Some(port);
    }

    /// Sends a frame, if there is a port.
    pub(crate) fn send(&self, kind: Kind, message: &impl serde::Serialize) {
        if let Some(port) = &mut self.entries().port
            && let Err(error) = port.send(kind, message)
        {
            kmsg::step(&format!("problem: {error:#}"));
        }
    }

    /// Sends the request log of a workload, if there is a port. What the host would not keep is a problem.
    pub(crate) fn send_log(&self, log: &[u8]) {
        let mut entries = self.entries();
        let entries = &mut *entries;
        if entries.logged_bytes + log.len() > MOST_BYTES {
            let problem = format!("the request logs of a boot may have {MOST_BYTES} bytes; one was left out");
            kmsg::step(&format!("problem: {problem}"));
            entries.report.problems.push(problem);
        } else if let Some(port) = &mut entries.port {
            entries.logged_bytes += log.len();
            if let Err(error) = port.send_bytes(Kind::RequestLog, log) {
                kmsg::step(&format!("problem: {error:#}"));
            }
        }
    }

    /// Tells the host how far the boot is.
    pub(crate) fn progress(&self, stage: Milestone, workload: Option<&str>) {
        let workload = workload.map(str::to_owned);
        self.send(Kind::Progress, &Progress { stage, workload, uptime_us: system::uptime_us() });
    }

    /// Ends the boot after `limit` of guest time, should the work not have ended it by then. A thread that sleeps
    /// costs nothing and disturbs nothing.
    pub(crate) fn guard(&self, limit: Duration) -> Guard {
        let ledger = self.clone();
        let guard = Guard(Arc::default());
        let more = guard.0.clone();
        std::thread::spawn(move || {
            let mut whole = Duration::ZERO;
            let mut next = limit;
            while next > Duration::ZERO {
                std::thread::sleep(next);
                whole += next;
                next = Duration::from_secs(more.swap(0, Ordering::Relaxed));
            }
            system::log_blocked_tasks();
            ledger
                .end_in_trouble(&format!("the boot did not end within {} s of guest time", whole.as_secs()));
        });
        guard
    }

    /// Makes a panic of process 1 end the boot with a report that tells it.
    pub(crate) fn report_panics(&self) {
        let ledger = self.clone();
        std::panic::set_hook(Box::new(move |panic| ledger.end_in_trouble(&format!("process 1: {panic}"))));
    }

    /// Sends the report, marks the end in the kernel log and switches the machine off.
    pub(crate) fn end(&self) -> ! {
        close(&mut self.entries())
    }

    /// Sends bytes in place of the report, made of the nonce and of what the report would be. The host may not say that it has it.
    ///
    /// # Errors
    /// If there is no port, or it does not take them.
    pub(crate) fn send_instead_of_the_report(
        &self,
        make: impl FnOnce(Nonce, &Report) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let mut entries = self.entries();
        let entries = &mut *entries;
        let nonce = entries.nonce.context("the boot has no nonce")?;
        let port = entries.port.as_mut().context("there is no port")?;
        port.send_raw(&make(nonce, &entries.report)?)?;
        port.await_receipt();
        Ok(())
    }

    /// Marks the end in the kernel log and switches the machine off: the host has what was sent.
    pub(crate) fn end_without_report(&self) -> ! {
        mark_end(self.entries().nonce);
        system::power_off()
    }

    fn end_in_trouble(&self, problem: &str) -> ! {
        kmsg::step(&format!("problem: {problem}"));
        // Who holds the lock may never let go of it.
        for _ in 0..100 {
            if let Ok(mut entries) = self.0.try_lock() {
                let last_step = &entries.last_step;
                let text = format!("{problem} (last step: {last_step})");
                entries.report.problems.push(text);
                close(&mut entries);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        system::power_off()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn close(entries: &mut Entries) -> ! {
    entries.report.uptime_us = system::uptime_us();
    if let Ok(tainted) = system::tainted() {
        entries.report.tainted_after = tainted;
    }
    match &mut entries.port {
        None => kmsg::step("no report: there is no port"),
        Some(port) => match port.send(Kind::Report, &entries.report) {
            Err(error) => kmsg::step(&format!("no report: {error:#}")),
            Ok(()) if port.await_receipt() == Confirmation::None => {
                kmsg::step("the host did not confirm the report")
            }
            Ok(()) => {}
        },
    }
    mark_end(entries.nonce);
    system::power_off()
}

fn mark_end(nonce: Option<Nonce>) {
    if let Some(nonce) = nonce {
        kmsg::write(Level::Notice, &format!("{END_MARK} {nonce}"));
    }
}

fn empty_report() -> Report {
    Report {
        kernel_release: String::new(),
        kernel_version: String::new(),
        kernel_command_line: String::new(),
        build_id: None,
        tainted_before: 0,
        tainted_after: 0,
        negotiated: None,
        workloads: Vec::new(),
        probes: None,
        leaks: None,
        warnings: None,
        shell: None,
        problems: Vec::new(),
        server_peak_kib: None,
        uptime_us: 0,
    }
}
