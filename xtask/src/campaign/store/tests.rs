//! Folders of campaigns: torn, foreign, held by another process.

use lab_core::fixtures::{campaign, two_arms};
use lab_core::plan::Clock;

use super::*;
use crate::campaign::boot_files::{BootFiles, write_boot};

/// A campaign on disk in which the first two boots have a record.
fn begun(results: &Path) -> (PathBuf, CampaignFile) {
    let built = campaign(Clock::Virtual, &two_arms());
    let opened = CampaignFolder::open(results, &built.file).unwrap();
    for boot in &built.boots[..2] {
        let (folder, attempt) = opened.folder.new_attempt(&boot.record.boot).unwrap();
        let raw = BootFiles::of_a_good_boot(boot);
        write_boot(&folder, &raw.described_in(&Record { attempt, ..boot.record.clone() }), &raw).unwrap();
    }
    (opened.folder.path().to_owned(), built.file)
}

#[test]
fn a_torn_record_is_reported_and_its_boot_is_run_again() {
    let results = tempfile::tempdir().unwrap();
    let (path, file) = begun(results.path());
    let torn = path.join(BOOTS).join(file.plan.boots[1].folder());
    let record = torn.join("record.toml");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, &text[..text.len() / 2]).unwrap();

    let opened = CampaignFolder::open(results.path(), &file).unwrap();
    assert_eq!(opened.folder.path(), path);
    let done: Vec<u32> = opened.tries.iter().map(|tried| tried.number).collect();
    assert_eq!(done, [1]);
    assert_eq!(opened.damaged.len(), 1, "{:?}", opened.damaged);
    assert!(opened.damaged[0].starts_with(&format!("reading {}: ", record.display())));
    let (again, attempt) = opened.folder.new_attempt(&file.plan.boots[1]).unwrap();
    assert_eq!((again, attempt), (torn.with_extension("try2"), 2));
    assert!(record.exists());
}

/// A lab that was killed between making the folder and writing the first record has measured nothing.
#[test]
fn a_folder_without_a_record_is_no_damage() {
    let results = tempfile::tempdir().unwrap();
    let (path, file) = begun(results.path());
    fs::remove_file(path.join(BOOTS).join(file.plan.boots[0].folder()).join("record.toml")).unwrap();
    let opened = CampaignFolder::open(results.path(), &file).unwrap();
    assert_eq!(opened.tries.iter().map(|tried| tried.number).collect::<Vec<_>>(), [2]);
    assert_eq!(opened.damaged, [] as [String; 0]);
}

#[test]
fn real_time_of_another_day_is_left_alone() {
    let results = tempfile::tempdir().unwrap();
    let built = |clock| campaign(clock, &two_arms()).file;
    let later = |clock| CampaignFile { begun: "2026-01-05T03:04:05Z".to_owned(), ..built(clock) };
    for (clock, expected) in [
        (Clock::Wall, &["2026-01-02-built-1 was begun 72 hours ago, at 2026-01-02T03:04:05Z"][..]),
        (Clock::Virtual, &[]),
    ] {
        let begun = CampaignFolder::open(results.path(), &built(clock)).unwrap().folder.path().to_owned();
        let opened = CampaignFolder::open(results.path(), &later(clock)).unwrap();
        assert_eq!(opened.left_alone, expected);
        assert_eq!(opened.folder.path() == begun, expected.is_empty());
        drop(opened);
        // Of that day it goes on.
        let again = CampaignFolder::open(results.path(), &built(clock)).unwrap();
        assert_eq!(again.folder.path(), begun);
    }
}

#[test]
fn one_process_at_a_time_adds_boots() {
    let results = tempfile::tempdir().unwrap();
    let (path, file) = begun(results.path());
    let first = CampaignFolder::open(results.path(), &file).unwrap();
    let second = CampaignFolder::open(results.path(), &file).unwrap();
    assert_eq!(first.folder.path(), path);
    assert_ne!(second.folder.path(), path);
}

#[test]
fn a_campaign_of_another_version_says_what_to_do() {
    let results = tempfile::tempdir().unwrap();
    let (path, file) = begun(results.path());
    let campaign = path.join(CAMPAIGN);
    let text = fs::read_to_string(&campaign).unwrap().replacen("version = 2", "version = 1", 1);
    fs::write(&campaign, text).unwrap();
    assert_eq!(find(results.path(), None).unwrap(), path, "it is not passed over in silence");
    let error = format!("{:#}", load(&path).unwrap_err());
    let expected =
        format!("reading {}: its form is version 1, and this lab reads version 2; ", campaign.display());
    assert!(error.starts_with(&expected), "{error}");
    assert_ne!(CampaignFolder::open(results.path(), &file).unwrap().folder.path(), path);
}
