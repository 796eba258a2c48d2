//! `auto` among the fragments of a kernel: which options the lab turns on by itself, so that what series change is built.
//!
//! What is decided here is in the digest of a kernel. So it follows from texts alone: the build files of the source, the series,
//! and what the fragments ask for. Whether the kernel's own tools take it is seen when it is configured.

use std::collections::{BTreeMap, BTreeSet};

use super::Series;
use super::build_files::{changes_any, with_series};
use super::turned_on::{LeftOff, Reason, TurnedOn};
use super::unbuilt::{left_out, on};
use crate::kbuild::{BuildFiles, Configuration, Kconfig};

/// An option that a fragment asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Without `CONFIG_`.
    pub option: String,
    /// As written behind `=`; `n` for an option that is to be off.
    pub value: String,
    /// Where, `file:line`.
    pub place: String,
}

/// What is turned on in the kernels of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// In all of them, by name.
    pub shared: Vec<TurnedOn>,
    /// Options that series add: each only in kernels that have its series.
    pub added: Vec<TurnedOn>,
    /// What cannot be turned on.
    pub left_off: Vec<LeftOff>,
}

/// The series of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a> {
    /// In the order of application.
    pub series: &'a [Series],
    /// Which kernels they are for.
    pub of: Origin,
}

/// Whether a kernel is of the source that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is.
    ThisSource,
    /// It is not: only which files are changed is asked.
    AnotherSource,
}

impl Needed {
    /// What the kernels need whose series are `stacks`, of a source with these build files. `never` names options that are not
    /// turned on in any kernel, and says why.
    pub fn of(
        files: &BuildFiles,
        stacks: &[Stack<'_>],
        asked: &[Asked],
        never: &dyn Fn(&str) -> Option<String>,
    ) -> Needed {
        let base = Kconfig::parse(files);
        let mut found = Found::default();
        for stack in stacks.iter().filter(|stack| !stack.series.is_empty()) {
            if stack.of == Origin::ThisSource && stack.series.iter().any(changes_any) {
                let files = with_series(files.clone(), stack.series);
                let kconfig = Kconfig::parse(&files);
                Search::new(&files, &kconfig, stack, asked, never).run(&mut found);
            } else {
                Search::new(files, &base, stack, asked, never).run(&mut found);
            }
        }
        found.needed()
    }

    /// The options of [`Needed::added`] that a kernel with these series has.
    pub fn added_by(&self, series: &[Series]) -> Vec<&TurnedOn> {
        let names: BTreeSet<String> = series.iter().flat_map(Series::added_symbols).collect();
        self.added.iter().filter(|on| names.contains(on.option.trim_start_matches("CONFIG_"))).collect()
    }
}

/// Options as a fragment has them.
pub fn fragment<'a>(options: impl IntoIterator<Item = &'a TurnedOn>) -> String {
    options.into_iter().map(|on| format!("{}=y\n", on.option)).collect()
}

#[derive(Default)]
struct Found {
    shared: BTreeMap<String, (BTreeSet<String>, Reason)>,
    added: BTreeMap<String, (BTreeSet<String>, Reason)>,
    left_off: Vec<LeftOff>,
}

impl Found {
    fn needed(mut self) -> Needed {
        self.left_off.sort();
        let all = |map: BTreeMap<String, (BTreeSet<String>, Reason)>| {
            let one = |(name, (series, reason))| TurnedOn {
                option: format!("CONFIG_{name}"),
                series: BTreeSet::into_iter(series).collect(),
                reason,
            };
            map.into_iter().map(one).collect()
        };
        Needed { shared: all(self.shared), added: all(self.added), left_off: self.left_off }
    }
}

/// What one stack of series needs.
struct Search<'a> {
    files: &'a BuildFiles,
    kconfig: &'a Kconfig,
    stack: &'a Stack<'a>,
    /// Options that its series add.
    added: BTreeSet<String>,
    asked: &'a [Asked],
    /// What the fragments lead to.
    free: Configuration,
    /// The same, with what is not to be turned on.
    bound: Configuration,
    /// By the options that stay off, why they do.
    kept_off: BTreeMap<String, String>,
}

impl<'a> Search<'a> {
    fn new(
        files: &'a BuildFiles,
        kconfig: &'a Kconfig,
        stack: &'a Stack<'a>,
        asked: &'a [Asked],
        never: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let written: String =
            asked.iter().map(|asked| format!("CONFIG_{}={}\n", asked.option, asked.value)).collect();
        let free = kconfig.resolved(&Configuration::parse(&written));
        let mut kept_off: BTreeMap<String, String> = BTreeMap::new();
        for name in kconfig.choice_members().filter(|name| !free.is_on(name)) {
            kept_off.insert(
                name.to_owned(),
                format!("CONFIG_{name} is one of a choice, of which another is taken"),
            );
        }
        kept_off.extend(kconfig.names().filter_map(|name| Some((name.to_owned(), never(name)?))));
        for Asked { option, place, .. } in asked.iter().filter(|asked| asked.value == "n") {
            kept_off.insert(option.clone(), format!("{place} has CONFIG_{option} off"));
        }
        kept_off.retain(|name, _| !free.is_on(name));
        let bound = free.keeping_off(kept_off.keys().cloned());
        let added = match stack.of {
            Origin::ThisSource => stack.series.iter().flat_map(Series::new_options).collect(),
            Origin::AnotherSource => BTreeSet::new(),
        };
        Search { files, kconfig, stack, added, asked, free, bound, kept_off }
    }

    fn run(&self, found: &mut Found) {
        for series in self.stack.series {
            for (wanting, files) in left_out(series, self.files, &self.free) {
                let wanted: Vec<String> = wanting.iter().filter_map(on).collect();
                // What has to be off cannot be reached by turning on; where nothing would help, nothing is wanted.
                if !wanted.is_empty() && wanted.len() == wanting.len() {
                    self.want(series, &wanted, &Reason::Builds(files), found);
                }
            }
            let own = series.new_options().into_iter().filter(|name| self.added.contains(name));
            for name in own.filter(|name| !self.free.is_on(name) && self.kconfig.is_switch(name)) {
                self.want(series, &[name], &Reason::Added, found);
            }
        }
    }

    /// Turns options on that a series needs, with what they need themselves.
    fn want(&self, series: &Series, names: &[String], reason: &Reason, found: &mut Found) {
        let written = match self.kconfig.to_turn_on(names, &self.bound) {
            Some(written) => written,
            None => return self.leave_off(names, found),
        };
        if let Some(lost) = self.lost(&written) {
            return self.left_off(names, &lost, found);
        }
        let selected = written.iter().flat_map(|name| self.selected(name, &written)).collect::<Vec<_>>();
        for name in written.iter().chain(&selected) {
            let (map, reason) = match (self.added.contains(name), names.contains(name)) {
                (true, _) => (&mut found.added, Reason::Added),
                (false, true) => (&mut found.shared, reason.clone()),
                (false, false) => (&mut found.shared, Reason::Needed(format!("CONFIG_{}", names[0]))),
            };
            let (all, known) = map.entry(name.clone()).or_insert_with(|| (BTreeSet::new(), reason.clone()));
            all.insert(series.name.clone());
            known.join(reason);
        }
    }

    /// What an added option selects and a user can turn on: then it is on in kernels without the series as well.
    fn selected(&self, name: &str, written: &[String]) -> Vec<String> {
        if !self.added.contains(name) {
            return Vec::new();
        }
        let others = self.kconfig.selected_by(name).into_iter();
        others
            .filter(|other| {
                let is_free = !self.free.is_on(other) && !written.contains(other);
                is_free && !self.added.contains(other) && self.kconfig.is_switch(other)
            })
            .collect()
    }

    /// The first option that a fragment asks for and would not get any more.
    fn lost(&self, written: &[String]) -> Option<String> {
        let all = self.asked.iter().map(|asked| format!("CONFIG_{}={}\n", asked.option, asked.value));
        let more = written.iter().map(|name| format!("CONFIG_{name}=y\n"));
        let then = self.kconfig.resolved(&Configuration::parse(&all.chain(more).collect::<String>()));
        let is_lost = |asked: &&Asked| self.free.is_on(&asked.option) && !then.is_on(&asked.option);
        let lost = self.asked.iter().find(is_lost)?;
        Some(format!("{} asks for CONFIG_{}, which would be off then", lost.place, lost.option))
    }

    fn leave_off(&self, names: &[String], found: &mut Found) {
        let Some(written) = self.kconfig.to_turn_on(names, &self.free) else { return };
        let Some(why) = names.iter().chain(&written).find_map(|name| self.kept_off.get(name)) else { return };
        self.left_off(names, why, found);
    }

    fn left_off(&self, names: &[String], why: &str, found: &mut Found) {
        for name in names {
            let left_off = LeftOff { option: format!("CONFIG_{name}"), why: why.to_owned() };
            if !found.left_off.contains(&left_off) {
                found.left_off.push(left_off);
            }
        }
    }
}

#[cfg(test)]
mod tests;
