//! What the bench measured, as tables and as JSON.

use std::fmt::Write as _;

use lab_core::campaign::Host;
use lab_core::text::layout::{WIDTH, align_right, new_table, wrap};
use serde::Serialize;
use xtask::build::libfuse::{CHANGES, REQUEST_KIB};

use super::contender::{Contender, Side};
use super::load_tools::{DEPTH, FileLocation, LoadTool, ToolSeries};
use super::series::{AllSeries, Measure, Quartiles};
use super::{small_files, throughput};

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct BenchReport {
    /// When it was begun, RFC 3339 in UTC.
    pub(super) begun: String,
    /// The commit of the checkout, with `-dirty` if files differed from it.
    pub(super) commit: String,
    /// The machine.
    pub(super) host: Host,
    /// Versions of libfuse, fio and rustc.
    pub(super) versions: Versions,
    /// How often everything was measured.
    pub(super) rounds: u32,
    /// Size of the large file, MiB.
    pub(super) file_mib: u32,
    /// Of the servers.
    pub(super) series: AllSeries,
    /// Of the load tools.
    pub(super) load_tools: Vec<ToolSeries>,
}

/// Versions of what was measured and what it was measured with.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Versions {
    pub(super) libfuse: String,
    pub(super) fio: String,
    pub(super) rustc: String,
}

/// The report for a terminal, at most [`WIDTH`] columns.
pub(super) fn render(report: &BenchReport, contenders: &[Contender]) -> String {
    let mut text = header(report, contenders);
    let view = View { series: &report.series, contenders };
    if report.series.has(Measure::Read) {
        let threads = &throughput::THREADS;
        text += &view.section("Reads through the mount, MiB/s", Measure::Read, threads);
        text += &view.section("Writes through the mount, MiB/s", Measure::Write, threads);
        let title = format!("CPU time of the server, us a request of {REQUEST_KIB} KiB that");
        text += &view.section(&format!("{title} reads"), Measure::ReadCpu, threads);
        text += &view.section(&format!("{title} writes"), Measure::WriteCpu, threads);
    }
    if report.series.has(Measure::Create) {
        let files = small_files::FILES;
        for (title, measure) in [
            (format!("{files} empty files: created per second"), Measure::Create),
            ("Looked at per second, names unknown to the kernel".to_owned(), Measure::Stat),
            ("Removed per second".to_owned(), Measure::Unlink),
        ] {
            text += &view.section(&title, measure, &[small_files::THREADS]);
        }
    }
    text += &view.memory();
    text += &load_tools(&report.load_tools);
    text
}

fn header(report: &BenchReport, contenders: &[Contender]) -> String {
    let BenchReport { host, versions, .. } = report;
    let mut text = format!("bench begun {}, commit {}\n", report.begun, report.commit);
    let _ =
        writeln!(text, "host: {}, {} CPUs, {} MiB, {}", host.cpu, host.cpus, host.memory_mib, host.system);
    let _ = writeln!(text, "kernel: {}", host.kernel);
    let Versions { libfuse, fio, rustc } = versions;
    let _ = writeln!(text, "versions: libfuse {libfuse}, {fio}, {rustc}");
    let _ = writeln!(
        text,
        "{} rounds, everyone in turn in each; file of {} MiB on tmpfs; requests of {REQUEST_KIB} KiB (checked)",
        report.rounds, report.file_mib
    );
    text += "dd bs=2M with iflag=direct, or oflag=direct conv=notrunc\n";
    text += "median and quartiles of all samples; ratios are of medians\n\n";
    for contender in contenders {
        let _ = writeln!(text, "{:<16}{}", contender.name, contender.about);
    }
    text + &wrap("", &format!("({CHANGES})"), WIDTH, 0) + "\n"
}

/// Samples, in the order of the contenders.
struct View<'a> {
    series: &'a AllSeries,
    contenders: &'a [Contender],
}

impl View<'_> {
    fn of(&self, measure: Measure, contender: &Contender, threads: u32) -> Option<Quartiles> {
        self.series.summary(measure, contender.name, threads)
    }

    /// The best median of one side.
    fn best(&self, measure: Measure, side: Side, threads: u32) -> Option<f64> {
        let of_side = self.contenders.iter().filter(|contender| contender.service.side() == side);
        let medians = of_side.filter_map(|contender| Some(self.of(measure, contender, threads)?.median));
        medians.reduce(|left, right| measure.better(left, right))
    }

    fn section(&self, title: &str, measure: Measure, threads: &[u32]) -> String {
        let columns = ["threads", "server", "median", "quartiles", "to best libfuse", "to tmpfs", "to ours"];
        let mut table = new_table(&columns);
        for &threads in threads {
            let best = self.best(measure, Side::Libfuse, threads);
            let storage = self.best(measure, Side::Storage, threads);
            let plain = self.contenders.iter().find(|contender| contender.service.side() == Side::Own);
            let ours = plain.and_then(|plain| self.of(measure, plain, threads)).map(|found| found.median);
            let mut threads_cell = threads.to_string();
            for contender in self.contenders {
                let Some(found) = self.of(measure, contender, threads) else { continue };
                let is_best = contender.service.side() == Side::Libfuse && best == Some(found.median);
                table.add_row([
                    std::mem::take(&mut threads_cell),
                    format!("{}{}", contender.name, if is_best { " *" } else { "" }),
                    figure(found.median),
                    format!("{} .. {}", figure(found.lower), figure(found.upper)),
                    ratio(found.median, best),
                    ratio(found.median, storage),
                    ratio(found.median, ours),
                ]);
            }
        }
        align_right(&mut table, [0, 2, 3, 4, 5, 6]);
        format!("\n{title} (* best libfuse server)\n{table}\n")
    }

    fn memory(&self) -> String {
        let measured: Vec<(String, Measure, u32)> = (throughput::THREADS
            .map(|threads| (format!("threads: {threads}"), Measure::PeakMemory, threads)))
        .into_iter()
        .chain([("small files".to_owned(), Measure::PeakMemorySmallFiles, small_files::THREADS)])
        .filter(|(_, measure, _)| self.series.has(*measure))
        .collect();
        if measured.is_empty() {
            return String::new();
        }
        let titles = measured.iter().map(|(title, ..)| title.as_str());
        let columns: Vec<&str> = ["server"].into_iter().chain(titles).collect();
        let mut table = new_table(&columns);
        for contender in self.contenders.iter().filter(|it| it.service.side() != Side::Storage) {
            let cells = measured.iter().map(|(_, measure, threads)| {
                self.of(*measure, contender, *threads).map_or(String::new(), |it| format!("{:.1}", it.median))
            });
            table.add_row([contender.name.to_owned()].into_iter().chain(cells));
        }
        align_right(&mut table, 1..columns.len());
        format!("\nPeak memory of the servers (VmHWM), MiB\n{table}\n")
    }
}

fn load_tools(all: &[ToolSeries]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let columns = ["file on", "record", "batch", "time", "aio-stress", "fio", "ratio"];
    let mut table = new_table(&columns);
    let mut evidence =
        new_table(&["record", "batch", "tool", "READ requests the server saw", "most in flight"]);
    for ours in all.iter().filter(|it| it.tool == LoadTool::AioStress) {
        let pattern = |it: &ToolSeries| (it.place, it.record_kib, it.batch);
        let Some(fio) = all.iter().find(|it| it.tool == LoadTool::Fio && pattern(it) == pattern(ours)) else {
            continue;
        };
        let place = match ours.place {
            FileLocation::Tmpfs => "tmpfs",
            FileLocation::Mount => "mount",
        };
        let (record, batch) = (format!("{} KiB", ours.record_kib), ours.batch.to_string());
        for (name, of) in [("wall", (&ours.wall_us, &fio.wall_us)), ("CPU", (&ours.cpu_us, &fio.cpu_us))] {
            let (Some(left), Some(right)) = (Quartiles::of(of.0), Quartiles::of(of.1)) else { continue };
            let cell = |it: Quartiles| format!("{:.2} ({:.2} .. {:.2})", it.median, it.lower, it.upper);
            let quotient = ratio(left.median, Some(right.median));
            table.add_row([place, &record, &batch, name, &cell(left), &cell(right), &quotient]);
        }
        for (tool, it) in [("aio-stress", ours), ("fio", fio)].into_iter().filter(|_| place == "mount") {
            let sizes = it.seen.iter().map(|(size, count)| format!("{count} of {size} bytes"));
            evidence.add_row([
                &record,
                &batch,
                tool,
                &sizes.collect::<Vec<_>>().join(", "),
                &range(&it.most_in_flight),
            ]);
        }
    }
    align_right(&mut table, [1, 2, 4, 5, 6]);
    align_right(&mut evidence, [0, 1]);
    let mut text = format!(
        "\naio-stress and fio (libaio, gtod_reduce): O_DIRECT reads, up to {DEPTH} pending; us a request\n{table}\n"
    );
    text += "CPU: time of the tool; of fio that of its job, of aio-stress that of the whole program\n";
    let _ = write!(text, "\nWhat our server, with {DEPTH} threads, saw of them\n{evidence}\n");
    text
}

fn range(values: &[u32]) -> String {
    match (values.iter().min(), values.iter().max()) {
        (Some(least), Some(most)) if least != most => format!("{least} .. {most}"),
        (Some(least), _) => least.to_string(),
        (None, _) => String::new(),
    }
}

/// Three digits or more.
fn figure(value: f64) -> String {
    match value {
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn ratio(value: f64, to: Option<f64>) -> String {
    to.map_or(String::new(), |to| format!("{:.2}", value / to))
}
