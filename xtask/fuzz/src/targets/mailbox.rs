//! What is imported: mailboxes, mails, the output of `git log`, diffs, in any charset.

use lab_core::series::import::mbox::Quoting;
use lab_core::series::import::select::{Order, Wish, select};
use lab_core::series::import::{reader, subject, write};
use lab_core::series::strip::Paths;
use lab_core::series::{Series, scan};

use super::{Target, show};
use crate::draw::Draw;
use crate::inputs::Checkout;

pub(super) struct Mailbox;

impl Target for Mailbox {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let mails = checkout.files("xtask/tests/data/import", |_| true)?;
        let patches = checkout.files("kernel-patches", |name| name.ends_with(".patch"))?;
        let mut inputs: Vec<Vec<u8>> =
            mails.into_iter().chain(patches.clone()).map(|(_, mail)| mail).collect();
        // As they would lie in one mailbox.
        for folder in ["async-dio/", "sync-dio/"] {
            let of_folder = patches.iter().filter(|(name, _)| name.contains(folder));
            inputs.push(of_folder.map(|(_, mail)| mail.as_slice()).collect::<Vec<_>>().concat());
        }
        Ok(inputs)
    }

    fn check(&self, case: &[u8]) {
        let mut draw = Draw::of_bytes(case);
        let quoting = if draw.once_in(4) { Quoting::Quoted } else { Quoting::AsMarked };
        let strip = draw.once_in(4).then(|| draw.below(4) as u32);
        let directory = draw.once_in(4).then(|| "fs/fuse".to_owned());
        let mails = reader::read("case", case, quoting, &Paths { strip, directory });
        for mail in &mails {
            let _ = (mail.root(), mail.version(), mail.has_diff(), subject::series_name(&mail.subject.title));
        }
        let order = match draw.below(4) {
            0 => Order::Places,
            1 => Order::Unknown,
            2 => Order::Names,
            _ => Order::Queue("case".to_owned()),
        };
        let wish = Wish { version: draw.once_in(8).then_some(2), ..Wish::default() };
        let selection = match select(mails, &wish, &order) {
            Ok(selection) => selection,
            Err(error) => return show(&error),
        };
        let _ = (write::title(&selection), write::readme("case", &selection, "case"));
        match Series::from_files("case", write::patches(&selection)) {
            Ok(series) => {
                assert_eq!(series.patches.len(), selection.patches.len(), "a patch was lost on its way");
                let _ = (scan(&series), write::summary(&series, &selection));
            }
            Err(error) => show(&error),
        }
    }

    fn takes_excerpts(&self) -> bool {
        true
    }
}
