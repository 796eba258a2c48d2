//! Requests as they come through io_uring: the same that come from the device are served in the same way.

use anyhow::bail;

use crate::data::Written;
use crate::device::answer::Answer;
use crate::device::channel::data::Payload;
use crate::device::request::{Body, Request, parse};
use crate::device::ring::{Arrival, Place, Received, Ring, errno};
use crate::inodes::NodeId;
use crate::requests::{Requests, written};
use crate::server::Server;
use crate::stats::Moved;

/// Serves one request after the other until the connection ends. The thread that reads from the device tells how.
///
/// # Errors
/// If io_uring fails, or what comes is no request.
pub(crate) fn serve_all(server: &Server, ring: &mut Ring) -> anyhow::Result<()> {
    while let Arrival::Request(place) = ring.receive()? {
        if let Some(arrived) = &server.arrived {
            arrived.count_ring();
            if place.is_with_caller() {
                arrived.count_zero_copy();
            }
        }
        serve(server, ring, place)?;
    }
    Ok(())
}

fn serve(server: &Server, ring: &mut Ring, place: Place) -> anyhow::Result<()> {
    let at_once = server.answers_at_once();
    let bytes = match ring.received(place) {
        Received::Whole(bytes) => bytes,
        Received::Write(header, asked) => {
            let served = server.write(NodeId(header.nodeid), &asked, ring.payload(place));
            return Ok(answer_write(server, ring, place, (header.unique, at_once), served)?);
        }
    };
    let Request { header, body } = parse(bytes, server.agreed().dialect())?;
    let (unique, node) = (header.unique, NodeId(header.nodeid));
    match body {
        Body::Read(asked) => {
            server.read(node, &asked, ring.read_answer(place, unique, at_once))?;
        }
        Body::Write { asked, data } => {
            let served = server.write(node, &asked, Payload::Bytes { bytes: data, moved: Moved::Copied });
            answer_write(server, ring, place, (unique, at_once), served)?;
        }
        body @ (Body::Tree(_)
        | Body::File(_)
        | Body::Forget { .. }
        | Body::BatchForget(_)
        | Body::NotifyReply { .. }
        | Body::Init { .. }
        | Body::Other(_)
        | Body::Unknown) => {
            // The kernel takes an answer to it as the sign that its place in the queue is free.
            let is_reply = matches!(body, Body::NotifyReply { .. });
            let answer = Requests::of(server, &header, &body).serve(&header, body);
            let Some(answer) = answer.or(is_reply.then_some(Ok(Answer::Nothing))) else {
                bail!("opcode {}, which has no answer, came through io_uring", header.opcode);
            };
            ring.answer(place, unique, answer.as_ref().map_err(|error| *error), at_once)?;
        }
    }
    Ok(())
}

fn answer_write(
    server: &Server,
    ring: &mut Ring,
    place: Place,
    (unique, at_once): (u64, bool),
    served: Written,
) -> rustix::io::Result<()> {
    server.answer_write(served, |result| {
        let answer = written(result);
        ring.answer(place, unique, answer.as_ref().map_err(|error| *error), at_once)
            .map_err(|error| errno(&error))
    })
}
