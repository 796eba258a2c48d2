//! Pictures from the request logs: requests in flight over time, and the requests of one read or write.

use lab_protocol::log::LogRecord;
use maud::{Markup, html};

use super::plot::{self, Scale};
use crate::report::timeline::{Lane, RequestGroup, Timeline, is_data};

/// Where pictures begin and end.
const FROM: f64 = 104.0;
const TO: f64 = 346.0;

/// Into how many parts the time of a workload is cut; of each the most requests in flight are drawn.
const PARTS: usize = 160;

/// Height of a variant's curve.
const CURVE: f64 = 44.0;

/// The most requests of a group that are drawn, and how high each is.
const MOST_REQUESTS: usize = 40;
const REQUEST: f64 = 5.0;

/// Requests in flight while one workload ran.
#[derive(Debug)]
pub(super) struct InFlight {
    scenario: String,
    workload: String,
    /// One for each variant with a log.
    curves: Vec<Curve>,
}

/// Requests in flight in one boot.
#[derive(Debug)]
struct Curve {
    variant: String,
    boot: u32,
    /// From the first arrival to the last answer, nanoseconds.
    total_ns: u64,
    /// The most in flight in each of equal parts of `total_ns`.
    most: Vec<u32>,
    /// Whether the log has only the beginning.
    is_cut: bool,
}

impl InFlight {
    /// What a workload's logs say; none if nothing was read or written.
    pub(super) fn of(workload: &str, timeline: &Timeline) -> Option<Self> {
        let curves: Vec<Curve> = timeline.lanes.iter().filter_map(Curve::of).collect();
        (!curves.is_empty()).then(|| InFlight {
            scenario: timeline.scenario.clone(),
            workload: workload.to_owned(),
            curves,
        })
    }
}

impl Curve {
    fn of(lane: &Lane) -> Option<Self> {
        let data: Vec<&LogRecord> =
            lane.records.iter().filter(|record| is_data(record) && record.is_answered()).collect();
        let begin = data.iter().map(|record| record.arrival_ns).min()?;
        let end = data.iter().map(|record| record.answer_ns).max()?;
        let total_ns = (end - begin).max(1);
        let mut events: Vec<(u64, i64)> =
            data.iter().flat_map(|record| [(record.arrival_ns, 1), (record.answer_ns, -1)]).collect();
        // An answer that goes out as a request comes in makes room for it.
        events.sort_unstable();
        let part = |ns: u64| ((ns - begin) as u128 * PARTS as u128 / (u128::from(total_ns) + 1)) as usize;
        let mut most = vec![0_u32; PARTS];
        let (mut now, mut place) = (0_i64, 0);
        for (ns, by) in events {
            // What is in flight across parts is so in each of them.
            while place < part(ns) {
                place += 1;
                most[place] = most[place].max(now.max(0) as u32);
            }
            now += by;
            most[place] = most[place].max(now.max(0) as u32);
        }
        let (variant, boot) = (lane.variant.clone(), lane.boot);
        Some(Curve { variant, boot, total_ns, most, is_cut: lane.dropped > 0 })
    }
}

/// The section of requests in flight; none if nothing was logged.
pub(super) fn in_flight(workloads: &[InFlight]) -> Option<Markup> {
    let first = workloads.first()?;
    let is_cut = workloads.iter().flat_map(|workload| &workload.curves).any(|curve| curve.is_cut);
    Some(html! {
        section id="in-flight" aria-labelledby="in-flight-title" {
            h2 id="in-flight-title" { "Requests in flight over time" }
            p.note {
                "READs and WRITEs that the server had and had not answered, in scenario " (first.scenario)
                ", in one boot of each variant. One scale of time for all variants of a workload."
                @if is_cut { " A log that was full shows only the beginning." }
            }
            div.pictures {
                @for (number, workload) in workloads.iter().enumerate() {
                    (curves(workload, &format!("in-flight-{}", number + 1)))
                }
            }
        }
    })
}

fn curves(workload: &InFlight, id: &str) -> Markup {
    let total = workload.curves.iter().map(|curve| curve.total_ns).max().unwrap_or(1);
    let most = workload.curves.iter().flat_map(|curve| &curve.most).copied().max().unwrap_or(1);
    let x = Scale::new((0.0, total as f64 / 1e6), (FROM, TO));
    let bottom = 6.0 + CURVE * workload.curves.len() as f64;
    let inside = html! {
        (plot::axis(x, 4.0, bottom, 4))
        text.mark x=((FROM + TO) / 2.0) y=(bottom + 28.0) text-anchor="middle" { "ms of guest time" }
        @for (place, curve) in workload.curves.iter().enumerate() {
            @let base = 6.0 + CURVE * (place + 1) as f64 - 4.0;
            @let y = Scale::new((0.0, f64::from(most)), (base, base - CURVE + 12.0));
            g class=(plot::colour(place)) {
                text.name x="0" y=(base - 10.0) { (plot::short(&curve.variant, 16)) }
                text.mark x="0" y=(base + 2.0) { "at most " (curve.most.iter().max().unwrap_or(&0)) }
                line.grid x1=(FROM) x2=(TO) y1=(base) y2=(base) {}
                path.area d=(path(curve, x, y)) {}
            }
        }
    };
    let said = workload.curves.iter().map(|curve| {
        let most = curve.most.iter().max().unwrap_or(&0);
        format!(
            "{}, boot {}: at most {most}, {:.1} ms in all",
            curve.variant,
            curve.boot,
            curve.total_ns as f64 / 1e6
        )
    });
    let said = said.collect::<Vec<_>>().join("; ");
    let title = format!("Requests in flight during {}", workload.workload);
    html! {
        figure {
            figcaption { strong { (workload.workload) } }
            (plot::picture(id, bottom + 34.0, &title, &said, &inside))
        }
    }
}

/// The outline of a curve, closed along its base; equal neighbours are one piece.
fn path(curve: &Curve, x: Scale, y: Scale) -> String {
    let ms = |place: usize| curve.total_ns as f64 / 1e6 * place as f64 / PARTS as f64;
    let mut path = format!("M{} {}", x.at(0.0), y.at(0.0));
    let mut last = None;
    for (place, most) in curve.most.iter().enumerate() {
        if last != Some(most) {
            path += &format!("H{}V{}", x.at(ms(place)), y.at(f64::from(*most)));
            last = Some(most);
        }
    }
    path + &format!("H{}V{}Z", x.at(ms(PARTS)), y.at(0.0))
}

/// The section with the requests of one read or write of each variant; none if nothing was logged.
pub(super) fn timeline(timeline: Option<&Timeline>) -> Option<Markup> {
    let timeline = timeline?;
    let groups: Vec<(usize, &Lane, &RequestGroup)> = timeline
        .lanes
        .iter()
        .enumerate()
        .filter_map(|(place, lane)| Some((place, lane, lane.group.as_ref()?)))
        .collect();
    let kind = groups.first()?.2.kind;
    let total = groups.iter().map(|(.., group)| group.total_ns()).max().unwrap_or(1).max(1);
    Some(html! {
        section id="timeline" aria-labelledby="timeline-title" {
            h2 id="timeline-title" { "One read or write, request by request" }
            p.note {
                "Shown: " (kind.to_string()) " of " (timeline.lead) ". A bar is a request, from when the server has received it \
                 to when it answers it. One scale for all variants."
                @if !timeline.without_log.is_empty() { " Without a request log: " (timeline.without_log.join(", ")) "." }
            }
            div.pictures {
                @for (place, lane, group) in &groups { (requests(*place, lane, group, total)) }
            }
        }
    })
}

fn requests(place: usize, lane: &Lane, group: &RequestGroup, total_ns: u64) -> Markup {
    let x = Scale::new((0.0, total_ns as f64 / 1000.0), (8.0, TO));
    let begin = group.begin_ns();
    let drawn: Vec<&LogRecord> = group.requests.iter().take(MOST_REQUESTS).collect();
    let bottom = 6.0 + REQUEST * drawn.len() as f64;
    let us = |ns: u64| ns.saturating_sub(begin) as f64 / 1000.0;
    let inside = html! {
        (plot::axis(x, 4.0, bottom, 5))
        text.mark x=((8.0 + TO) / 2.0) y=(bottom + 28.0) text-anchor="middle" { "us since the first request" }
        g class=(plot::colour(place)) {
            @for (number, record) in drawn.iter().enumerate() {
                @let (from, to) = (x.at(us(record.arrival_ns)), x.at(us(record.answer_ns)));
                rect class=(if record.result < 0 { "bar failed" } else { "bar" }) x=(from)
                    y=(6.0 + REQUEST * number as f64) width=(format!("{:.1}", (to - from).max(1.0))) height="3.6" {
                    title { (describe(record, us(record.arrival_ns), us(record.answer_ns))) }
                }
            }
        }
    };
    let said = format!(
        "{} requests, at most {} in flight, {:.0} us in all",
        group.requests.len(),
        group.most_in_flight(),
        group.total_ns() as f64 / 1000.0
    );
    let left = group.requests.len() - drawn.len();
    html! {
        figure {
            figcaption {
                strong { (lane.variant) } " " span.unit { "boot " (lane.boot) ": " (said) }
                @if left > 0 { span.unit { ", " (left) " of them not drawn" } }
            }
            (plot::picture(&format!("timeline-{}", place + 1), bottom + 34.0, &format!("Requests of one read or write with {}", lane.variant), &said, &inside))
        }
    }
}

fn describe(record: &LogRecord, from_us: f64, to_us: f64) -> String {
    let place = match record.size {
        0 => String::new(),
        size => format!(" of {} KiB at {} KiB", size / 1024, record.offset / 1024),
    };
    format!("{}{place}: {from_us:.1} to {to_us:.1} us", record.operation.name())
}
