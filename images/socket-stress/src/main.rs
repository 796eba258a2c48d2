//! A load tool for sockets: two threads and a connection between them, which send messages in turn or in one direction.
//!
//! Its options are those of [`SocketRun::parse`], and it writes a [`lab_protocol::SocketReport`] to its standard output.

mod exchange;
mod link;
mod trips;

use std::process::ExitCode;

use anyhow::Context as _;
use lab_protocol::{SEED_VARIABLE, SocketRun};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("socket-stress: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let run = SocketRun::parse(&args).map_err(anyhow::Error::msg)?;
    let seed = match std::env::var(SEED_VARIABLE) {
        Ok(text) => text.parse().with_context(|| format!("{SEED_VARIABLE}={text} is no number"))?,
        Err(_) => 0,
    };
    let report = exchange::run(&run, seed)?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
