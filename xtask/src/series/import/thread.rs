//! A thread of a mailing list, fetched by b4: it knows archives and their addresses, and is what kernel developers use for it.

use anyhow::{Context as _, ensure};
use lab_core::series::import::mbox::Quoting;
use lab_core::series::import::reader;
use lab_core::series::import::select::Order;
use lab_core::series::strip::Paths;
use xshell::{Shell, cmd};

use super::reading::{Files, Input};
use crate::lab::process::{self, path};

/// Fetches the thread that holds the mail with this Message-ID, or at this address of an archive.
///
/// # Errors
/// If b4 is not there, or cannot fetch it.
pub(super) fn read(sh: &Shell, id: &str, paths: &Paths) -> anyhow::Result<Input> {
    ensure!(
        path::find_program("b4").is_some(),
        "it looks like the Message-ID of a mail, which b4 would fetch, and there is no b4: install it with apt-get install b4, or \
         save the thread as a mailbox and name that"
    );
    let fetch = cmd!(sh, "b4 mbox --no-cache --outdir - -- {id}").quiet();
    let output = process::output(fetch).context("asking b4 for the thread")?;
    let said = || process::messages(&output.stderr);
    ensure!(
        output.status.success() && !output.stdout.is_empty(),
        "b4 does not give the thread: {}; is the Message-ID right, and the archive to be reached?",
        said()
    );
    let bytes = Files::new(paths).bytes("the thread", output.stdout.as_slice())?;
    Ok(Input {
        mails: reader::read("the thread", &bytes, Quoting::AsMarked, paths),
        order: Order::Places,
        description: format!("the thread of {id}"),
        notes: Vec::new(),
    })
}
