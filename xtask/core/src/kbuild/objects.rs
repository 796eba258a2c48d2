//! Under which options a file of the source is built.

use std::collections::BTreeSet;

use super::makefile::{List, lists};
use super::{ARCHITECTURE, BuildFiles, Configuration, Expression};

/// Lists whose words are linked in. All others belong to an object of their name, `fuse-y` to `fuse.o`.
const LINKED: [&str; 9] = ["obj", "lib", "libs", "core", "drivers", "net", "init", "extra", "always"];

/// How deep objects are made of objects.
const MOST_LEVELS: usize = 4;

/// How many words or lists are looked at for one of them; no object of Linux 7.3 is made of more than 451.
const MOST_PARTS: usize = 10_000;

impl BuildFiles {
    /// When a source file, `fs/fuse/dax.c`, is compiled and linked in; none if no Makefile that is read here lists it.
    pub fn compiled(&self, source: &str) -> Option<Expression> {
        let (stem, _) = source.rsplit_once('.')?;
        self.listed(&format!("{stem}.o"))
    }

    /// How many objects a kernel with this configuration is made of, as far as Makefiles that are read here list them.
    pub fn objects(&self, configuration: &Configuration) -> usize {
        self.objects_in("", configuration, &mut BTreeSet::new())
    }

    fn objects_in(
        &self,
        folder: &str,
        configuration: &Configuration,
        counted: &mut BTreeSet<String>,
    ) -> usize {
        if !counted.insert(folder.to_owned()) {
            return 0;
        }
        let texts: Vec<&str> = match folder {
            "" => self.top_files().collect(),
            _ => self.makefile(folder).into_iter().collect(),
        };
        let is_on = |list: &List| list.condition.holds(configuration) != Some(false);
        let lists: Vec<List> = texts.into_iter().flat_map(lists).filter(is_on).collect();
        let linked = lists.iter().filter(|list| LINKED.contains(&list.stem.as_str()));
        let mut objects = 0;
        for word in linked.flat_map(|list| &list.words) {
            objects += match word.strip_suffix('/') {
                Some(below) if folder.is_empty() => self.objects_in(below, configuration, counted),
                Some(below) => self.objects_in(&format!("{folder}/{below}"), configuration, counted),
                None => parts(&lists, word, MOST_LEVELS, &mut { MOST_PARTS }),
            };
        }
        objects
    }

    /// When anything of the folder that has this file is built, as it is with a header; none if that cannot be told.
    pub fn folder_is_built(&self, file: &str) -> Option<Expression> {
        let (folder, _) = file.rsplit_once('/')?;
        let folder = ancestors(folder).find(|folder| self.makefile(folder).is_some() || folder.is_empty())?;
        if folder.is_empty() || folder == format!("arch/{ARCHITECTURE}") {
            return None;
        }
        let lists = lists(self.makefile(folder)?);
        let objects =
            lists.iter().filter(|list| LINKED.contains(&list.stem.as_str()) && !list.words.is_empty());
        let any: Vec<Expression> = objects.map(|list| list.condition.clone()).collect();
        if any.is_empty() {
            return None;
        }
        Some(Expression::All(vec![Expression::Any(any), self.entered(folder, MOST_FOLDERS)]))
    }

    /// When an object or a folder (with `/` at its end) is listed in a Makefile above it.
    fn listed(&self, path: &str) -> Option<Expression> {
        self.listed_below(path, MOST_FOLDERS)
    }

    fn listed_below(&self, path: &str, levels: usize) -> Option<Expression> {
        let parent = path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
        for folder in ancestors(parent) {
            let name = path.strip_prefix(folder)?.trim_start_matches('/');
            let found: Vec<Expression> = match folder {
                "" => self.top_lists(name),
                _ => self
                    .makefile(folder)
                    .map(|text| occurrences(&lists(text), name, MOST_LEVELS, &mut { MOST_PARTS }))
                    .unwrap_or_default(),
            };
            if !found.is_empty() {
                return Some(Expression::All(vec![Expression::Any(found), self.entered(folder, levels)]));
            }
        }
        None
    }

    /// When the build enters a folder.
    fn entered(&self, folder: &str, levels: usize) -> Expression {
        match (folder, levels) {
            ("", _) => Expression::Constant(true),
            (_, 0) => Expression::Unknown,
            _ => self.listed_below(&format!("{folder}/"), levels - 1).unwrap_or(Expression::Unknown),
        }
    }

    /// What is listed at the top, where the architecture has its say too.
    fn top_lists(&self, name: &str) -> Vec<Expression> {
        self.top_files()
            .flat_map(|text| occurrences(&lists(text), name, MOST_LEVELS, &mut { MOST_PARTS }))
            .collect()
    }

    fn top_files(&self) -> impl Iterator<Item = &str> {
        let files = ["Kbuild".to_owned(), "Makefile".to_owned(), format!("arch/{ARCHITECTURE}/Makefile")];
        files.into_iter().filter_map(|file| self.get(&file))
    }

    /// The Makefile of a folder; `Kbuild` comes first, as for the build.
    fn makefile(&self, folder: &str) -> Option<&str> {
        self.get(&format!("{folder}/Kbuild")).or_else(|| self.get(&format!("{folder}/Makefile")))
    }
}

/// How deep folders are.
const MOST_FOLDERS: usize = 16;

/// A folder and all above it, to the top, which is empty.
fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |folder| {
        (!folder.is_empty()).then(|| folder.rsplit_once('/').map_or("", |(parent, _)| parent))
    })
}

/// Of how many objects a word is made. Lists that name each other would have no end: `left` words are looked at.
fn parts(lists: &[List], word: &str, levels: usize, left: &mut usize) -> usize {
    let Some(fewer) = left.checked_sub(1) else { return 0 };
    *left = fewer;
    let Some(stem) = word.strip_suffix(".o") else { return 0 };
    let is_of_it = |list: &&List| list.stem == stem && !LINKED.contains(&stem);
    let mut words = lists.iter().filter(is_of_it).flat_map(|list| &list.words).peekable();
    if levels == 0 || words.peek().is_none() {
        return 1;
    }
    words.map(|word| parts(lists, word, levels - 1, left)).sum()
}

/// When a word of a Makefile becomes part of the kernel, one condition for each list that has it. `left` lists are looked at.
fn occurrences(lists: &[List], word: &str, levels: usize, left: &mut usize) -> Vec<Expression> {
    let mut found = Vec::new();
    for list in lists.iter().filter(|list| list.words.iter().any(|listed| listed == word)) {
        let Some(fewer) = left.checked_sub(1) else { break };
        *left = fewer;
        if LINKED.contains(&list.stem.as_str()) {
            found.push(list.condition.clone());
            continue;
        }
        if levels == 0 {
            continue;
        }
        let whole = occurrences(lists, &format!("{}.o", list.stem), levels - 1, left);
        if !whole.is_empty() {
            found.push(Expression::All(vec![list.condition.clone(), Expression::Any(whole)]));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> BuildFiles {
        let file = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        BuildFiles::new(
            [
                (
                    "Kbuild",
                    "obj-y += fs/\nobj-y += arch/$(SRCARCH)/\nobj-$(CONFIG_NET) += net/\nobj-y += drivers/\n",
                ),
                ("Makefile", "libs-y := lib/\n"),
                ("arch/x86/Makefile", "drivers-$(CONFIG_PCI) += arch/x86/pci/\n"),
                ("arch/x86/Kbuild", "obj-y += kernel/\n"),
                ("arch/x86/kernel/Makefile", "obj-y += traps.o process_$(BITS).o\n"),
                ("arch/x86/pci/Makefile", "obj-y += init.o\n"),
                (
                    "fs/Makefile",
                    "obj-y := open.o\nobj-$(CONFIG_XFS_FS) += xfs/\nobj-$(CONFIG_FUSE_FS) += fuse/\n",
                ),
                (
                    "fs/fuse/Makefile",
                    "obj-$(CONFIG_FUSE_FS) += fuse.o\nfuse-y := dev.o\nfuse-$(CONFIG_FUSE_DAX) += dax.o\n",
                ),
                (
                    "fs/xfs/Makefile",
                    "obj-$(CONFIG_XFS_FS) += xfs.o\nxfs-y += $(addprefix libxfs/, xfs_ag.o)\n",
                ),
                ("lib/Makefile", "lib-y := string.o\n"),
                ("drivers/Makefile", "obj-$(CONFIG_BLOCK) += block/null/\n"),
                (
                    "drivers/block/null/Makefile",
                    "obj-$(CONFIG_NULL) += null_blk.o\nnull_blk-objs := main.o\n",
                ),
                ("net/Makefile", "obj-y += core/\n"),
                ("net/core/Makefile", "obj-y += sock.o\n"),
            ]
            .map(file),
        )
    }

    #[test]
    fn a_file_is_built_with_the_options_of_its_lists_and_folders() {
        let check = |path: &str, wanting: &[&str]| {
            let condition = files().compiled(path).unwrap_or_else(|| panic!("{path} is not found"));
            let all = condition.wanting(&Configuration::parse(""));
            let all: Vec<String> = all.into_iter().map(|setting| format!("{setting:?}")).collect();
            let expected: Vec<String> = wanting.iter().map(|name| format!("On({name:?})")).collect();
            assert_eq!(all, expected, "{path}");
            let every = all.is_empty().then_some(true).or(Some(false));
            assert_eq!(condition.holds(&Configuration::parse("")), every, "{path}");
        };
        check("fs/open.c", &[]);
        check("fs/fuse/dev.c", &["FUSE_FS"]);
        check("fs/fuse/dax.c", &["FUSE_DAX", "FUSE_FS"]);
        check("fs/xfs/libxfs/xfs_ag.c", &["XFS_FS"]);
        check("lib/string.c", &[]);
        check("arch/x86/kernel/process_64.c", &[]);
        check("arch/x86/pci/init.c", &["PCI"]);
        check("drivers/block/null/main.c", &["BLOCK", "NULL"]);
        check("net/core/sock.c", &["NET"]);
        assert_eq!(files().compiled("fs/fuse/included.c"), None);
        assert_eq!(files().compiled("virt/kvm/kvm_main.c"), None);
    }

    #[test]
    fn objects_are_counted_with_the_parts_of_others() {
        let count = |names: &[&str]| {
            let text: String = names.iter().map(|name| format!("CONFIG_{name}=y\n")).collect();
            files().objects(&Configuration::parse(&text))
        };
        // open.o, traps.o, process_64.o and string.o.
        assert_eq!(count(&[]), 4);
        assert_eq!(count(&["FUSE_FS"]), 5);
        assert_eq!(count(&["FUSE_FS", "FUSE_DAX"]), 6);
        assert_eq!(count(&["PCI", "XFS_FS", "NET"]), 7);
        assert_eq!(count(&["NULL"]), 4);
        assert_eq!(count(&["NULL", "BLOCK"]), 5);
    }

    #[test]
    fn a_header_is_built_with_its_folder() {
        let wanting = |path: &str| {
            files()
                .folder_is_built(path)
                .map(|condition| condition.wanting(&Configuration::parse("CONFIG_FUSE_FS=y\n")).len())
        };
        assert_eq!(wanting("fs/fuse/fuse_i.h"), Some(0));
        assert_eq!(wanting("fs/xfs/libxfs/xfs_ag.h"), Some(1));
        assert_eq!(wanting("include/linux/fs.h"), None);
        assert_eq!(wanting("arch/x86/include/asm/io.h"), None);
    }
}
