//! What a guest sends: frames, and the reports and request logs in them.

use lab_protocol::frame::{Decoder, Frame, FrameError, Kind, encode};
use lab_protocol::{Hello, Milestone, Nonce, Progress, Report, log};

use super::{Target, show};
use crate::draw::Draw;
use crate::inputs::Checkout;

pub(super) struct Frames;

const NONCE: Nonce = Nonce([7; 16]);
const MAGIC: &[u8] = b"PLF1";
/// The bytes of a frame before its payload, see [`lab_protocol::frame`].
const HEAD: usize = 32;

impl Target for Frames {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let is_small = |content: &[u8]| content.len() <= 64 << 10;
        let reports = checkout.files("results/reference-ci", |name| name.ends_with("/report.json"))?;
        let probed = checkout.files("results/reference-behaviour", |name| name.ends_with("/report.json"))?;
        let logs = checkout.files("xtask/core/tests/data/requests", |name| name.ends_with(".bin"))?;
        let hello = Hello { kernel_release: "6.12.117".to_owned(), uptime_us: 600_000 };
        let hello = serde_json::to_vec(&hello)?;
        let stages =
            [Milestone::Mounted, Milestone::WorkloadStarted, Milestone::WorkloadEnded, Milestone::Unmounted];
        let progress = |stage| Progress { stage, workload: Some("dd-read".to_owned()), uptime_us: 700_000 };
        let mut first = encode(Kind::Hello, NONCE, &hello);
        for stage in stages {
            first.extend(encode(Kind::Progress, NONCE, &serde_json::to_vec(&progress(stage))?));
        }
        let mut inputs = vec![first.clone()];
        let reports = reports.iter().chain(probed.first()).map(|(_, report)| report);
        inputs.extend(reports.map(|report| [first.clone(), encode(Kind::Report, NONCE, report)].concat()));
        let logs = logs.iter().map(|(_, log)| log).filter(|log| is_small(log));
        inputs.extend(logs.map(|log| encode(Kind::RequestLog, NONCE, log)));
        Ok(inputs)
    }

    fn check(&self, case: &[u8]) {
        let whole = decoded([case].into_iter());
        let mut draw = Draw::of_bytes(case);
        let mut rest = case;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(draw.mostly_small(rest.len()).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        assert_eq!(decoded(pieces.into_iter()), whole, "the same bytes in pieces give other frames");
        for frame in &whole.0 {
            read(frame);
        }
        if let Some(error) = whole.1 {
            show(&error);
        }
    }

    /// Each frame up to the next one, with the length and the checksum of what it then is.
    fn mended(&self, case: Vec<u8>) -> Vec<u8> {
        let mut starts: Vec<usize> =
            (0..case.len()).filter(|at| case[*at..].starts_with(MAGIC)).take(1000).collect();
        let Some(first) = starts.first() else { return case };
        let mut mended = case[..*first].to_vec();
        starts.push(case.len());
        for frame in starts.windows(2).map(|pair| &case[pair[0]..pair[1]]) {
            match frame.get(4..8).filter(|_| frame.len() >= HEAD) {
                Some(kind) => mended.extend(encode(kind_of(kind[0]), NONCE, &frame[HEAD..])),
                None => mended.extend_from_slice(frame),
            }
        }
        mended
    }
}

fn kind_of(number: u8) -> Kind {
    match number % 4 {
        1 => Kind::Hello,
        2 => Kind::Progress,
        3 => Kind::Report,
        _ => Kind::RequestLog,
    }
}

fn decoded<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FrameError>) {
    let mut decoder = Decoder::new(NONCE);
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

fn read(frame: &Frame) {
    let error = match frame.kind {
        Kind::Hello => serde_json::from_slice::<Hello>(&frame.payload).err(),
        Kind::Progress => serde_json::from_slice::<Progress>(&frame.payload).err(),
        Kind::Report => serde_json::from_slice::<Report>(&frame.payload).err(),
        Kind::RequestLog => {
            if let Err(error) = log::decode(&frame.payload) {
                show(&error);
            }
            None
        }
    };
    if let Some(error) = error {
        show(&error);
    }
}
