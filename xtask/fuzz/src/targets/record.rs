//! What is read back from disk: records of boots, files of campaigns and of watched branches, lists of symbols, profiles.

use lab_core::campaign::{CampaignFile, Record, WatchedFile, check_version};
use lab_core::evidence::{profile, symbols};
use lab_core::text::digest;

use super::{Target, show};
use crate::inputs::Checkout;
use crate::parts;

pub(super) struct Records;

/// What the first line of a record says before the digest of the rest.
const OF_RECORD: &str = "# patchlab boot record; sha256 of what follows this line: ";

/// A list of symbols: digest, size, name.
const SYMBOLS: &str = "5d41402abc4b2a76 16 fuse_init\n7d793037a0760186 0 a b\n";

impl Target for Records {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let is_one = |name: &str| name.ends_with("/record.toml") || name.ends_with("/campaign.toml");
        let files = checkout.files("results", is_one)?.into_iter();
        // Those of one campaign are much alike.
        let few = files.enumerate().filter(|(at, (name, _))| at % 7 == 0 || name.ends_with("campaign.toml"));
        let folded = checkout.files("results", |name| name.ends_with(".folded")).unwrap_or_default();
        let mut inputs: Vec<Vec<u8>> = few.map(|(_, (_, text))| text).collect();
        inputs.extend(folded.into_iter().map(|(_, text)| text));
        inputs.push(SYMBOLS.as_bytes().to_vec());
        Ok(inputs)
    }

    fn check(&self, case: &[u8]) {
        match Record::parse(case) {
            Ok(record) => {
                let text = written(&record);
                let read = Record::parse(text.as_bytes())
                    .unwrap_or_else(|error| panic!("a record that was written cannot be read: {error:#}"));
                assert_eq!(written(&read), text, "a record that was written and read is another one");
            }
            Err(error) => show(&error),
        }
        let text = parts::text(case);
        if let Err(error) = campaign(&text) {
            show(&error);
        }
        if let Err(error) = WatchedFile::parse(&text) {
            show(&error);
        }
        if let Err(error) = symbols::from_text(&text) {
            show(&error);
        }
        if let Err(error) = profile::parse_folded(&text) {
            show(&error);
        }
        if let Err(error) = profile::Functions::parse(&text) {
            show(&error);
        }
    }

    fn mended(&self, case: Vec<u8>) -> Vec<u8> {
        mended(case)
    }
}

fn written(record: &Record) -> String {
    record.to_text().unwrap_or_else(|error| panic!("a record that was read cannot be written: {error:#}"))
}

/// The file of a campaign, as it is read from disk.
pub(super) fn campaign(text: &str) -> anyhow::Result<CampaignFile> {
    let table: toml::Table = text.parse()?;
    check_version(&table)?;
    Ok(table.try_into()?)
}

/// A record with the digest that it should have; anything else as it is.
pub(super) fn mended(case: Vec<u8>) -> Vec<u8> {
    let end = case.iter().position(|byte| *byte == b'\n');
    match end.filter(|_| case.starts_with(OF_RECORD.as_bytes())) {
        Some(end) => {
            let body = &case[end + 1..];
            [format!("{OF_RECORD}{}\n", digest::of_bytes(body)).as_bytes(), body].concat()
        }
        None => case,
    }
}
