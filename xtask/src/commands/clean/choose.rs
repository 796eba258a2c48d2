//! What of a cache goes.

use std::time::SystemTime;

/// Images that are kept: there is one for plans with fio, one for suites, and so on. One is made again in a minute.
const IMAGES_KEPT: usize = 4;

/// What kind of thing lies in a cache, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Kernel,
    Image,
    Source,
    Objects,
    Download,
    Leftover,
    Other,
    Campaign,
}

impl Kind {
    /// Its name, of several.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Kernel => "kernels",
            Kind::Image => "images",
            Kind::Source => "sources",
            Kind::Objects => "object folders",
            Kind::Download => "downloads",
            Kind::Leftover => "temporary leftovers",
            Kind::Other => "others",
            Kind::Campaign => "campaigns",
        }
    }
}

/// Something that can be removed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: Kind,
    /// What it is called, relative to the cache or to `results/`.
    pub(super) name: String,
    /// What it takes on disk, bytes; of a source without its object folders.
    pub(super) bytes: u64,
    pub(super) used: SystemTime,
    /// Whether a plan of `lab.toml` needs it; none if that is no question of this kind.
    pub(super) needed: Option<bool>,
    /// Why it must stay.
    pub(super) held: Option<String>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What is not needed.
    Unneeded,
    /// What was not used for longest, until no more than so many bytes are left.
    MaxBytes(u64),
    /// Everything.
    All,
}

/// Which of these go, in their order; none of those that are held.
pub(super) fn chosen(items: &[Item], extent: Extent) -> Vec<bool> {
    let goes: Vec<bool> = match extent {
        Extent::All => vec![true; items.len()],
        Extent::Unneeded => items.iter().map(|item| is_unneeded(items, item)).collect(),
        Extent::MaxBytes(most) => oldest(items, most),
    };
    items.iter().zip(goes).map(|(item, goes)| goes && item.held.is_none()).collect()
}

fn is_unneeded(items: &[Item], item: &Item) -> bool {
    match item.kind {
        Kind::Kernel | Kind::Source => item.needed == Some(false),
        // It goes with its source; else it saves the next build a minute.
        Kind::Objects => source_of(items, item).is_some_and(|source| is_unneeded(items, source)),
        Kind::Image => {
            let newer = items.iter().filter(|other| other.kind == Kind::Image && other.used > item.used);
            newer.count() >= IMAGES_KEPT
        }
        // What is unpacked is not asked for again.
        Kind::Download | Kind::Leftover | Kind::Campaign => true,
        Kind::Other => false,
    }
}

/// The source that an object folder is a part of.
fn source_of<'a>(items: &'a [Item], objects: &Item) -> Option<&'a Item> {
    let is_part = |source: &&Item| objects.name.starts_with(&format!("{}/", source.name));
    items.iter().filter(|item| item.kind == Kind::Source).find(is_part)
}

fn oldest(items: &[Item], most: u64) -> Vec<bool> {
    let mut goes = vec![false; items.len()];
    let mut left: u64 = items.iter().map(|item| item.bytes).sum();
    let mut by_age: Vec<usize> = (0..items.len()).filter(|&place| items[place].held.is_none()).collect();
    by_age.sort_by_key(|&place| items[place].used);
    for place in by_age {
        if left <= most {
            break;
        }
        // Without its source an object folder is nothing.
        let is_part = |of: &Item| source_of(items, of).is_some_and(|source| source.name == items[place].name);
        let parts: Vec<usize> =
            (0..items.len()).filter(|&other| other == place || is_part(&items[other])).collect();
        for part in parts {
            if !goes[part] {
                goes[part] = true;
                left -= items[part].bytes;
            }
        }
    }
    goes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn item(kind: Kind, name: &str, mib: u64, used: u64) -> Item {
        Item {
            kind,
            name: name.to_owned(),
            bytes: mib << 20,
            used: SystemTime::UNIX_EPOCH + Duration::from_secs(used),
            needed: None,
            held: None,
        }
    }

    fn names(items: &[Item], extent: Extent) -> Vec<&str> {
        let goes = chosen(items, extent);
        items.iter().zip(goes).filter(|(_, goes)| *goes).map(|(item, _)| item.name.as_str()).collect()
    }

    #[test]
    fn what_goes() {
        let needed = |needed, item: Item| Item { needed: Some(needed), ..item };
        let images = (0..6).map(|n| item(Kind::Image, &format!("images/{n}"), 20, 100 + n));
        let mut items: Vec<Item> = [
            needed(true, item(Kind::Kernel, "kernels/a", 5, 50)),
            needed(false, item(Kind::Kernel, "kernels/b", 5, 51)),
            needed(true, item(Kind::Source, "sources/s", 1000, 90)),
            item(Kind::Objects, "sources/s/builds/x", 300, 40),
            needed(false, item(Kind::Source, "sources/s2", 1000, 30)),
            item(Kind::Objects, "sources/s2/builds/x", 300, 41),
            item(Kind::Download, "downloads/d", 150, 10),
            item(Kind::Other, "kvm-host", 14, 5),
        ]
        .into_iter()
        .chain(images)
        .collect();
        assert_eq!(
            names(&items, Extent::Unneeded),
            ["kernels/b", "sources/s2", "sources/s2/builds/x", "downloads/d", "images/0", "images/1"]
        );
        assert_eq!(names(&items, Extent::All).len(), items.len());
        assert_eq!(names(&items, Extent::MaxBytes(1 << 40)), [] as [&str; 0]);
        // The oldest first; a source takes its objects with it, though these are younger.
        assert_eq!(
            names(&items, Extent::MaxBytes(1500 << 20)),
            ["sources/s2", "sources/s2/builds/x", "downloads/d", "kvm-host"]
        );
        items[4].held = Some("process 1".to_owned());
        assert!(!names(&items, Extent::All).contains(&"sources/s2"));
        assert!(names(&items, Extent::MaxBytes(0)).contains(&"sources/s"));
    }
}
