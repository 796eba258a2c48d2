//! What of a series is not built, so that nothing that is measured can show it: files and options that the configuration
//! leaves out, code of other architectures, and what is no code of the kernel.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::turned_on::{LeftOff, TurnedOn};
use super::{Series, defined, diff, is_kconfig_file};
use crate::kbuild::{ARCHITECTURE, BuildFiles, Configuration, Kconfig, Setting, is_makefile};

/// Something of a series that is not built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NotBuilt {
    /// The series.
    pub series: String,
    /// Why it is not built.
    pub why: Why,
    /// The files that are concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Options that are not as they would have to be, as a configuration would have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanting: Vec<String>,
    /// What has to be written into a fragment, what others need first; nothing if nothing helps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<String>,
    /// With `auto`: why the lab did not turn it on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_off: Option<String>,
}

/// Why something is not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Options that the files need are off.
    OptionOff,
    /// The series adds an option, which is off.
    NewOptionOff,
    /// They belong to another architecture.
    OtherArchitecture,
    /// The series changes nothing but documentation.
    Documentation,
    /// The series changes nothing but documentation and programs for users and developers, such as self-tests.
    Programs,
}

/// What of these series is not built in a kernel with this configuration. `files` are those of the source with the series.
pub fn not_built(series: &[Series], files: &BuildFiles, configuration: &Configuration) -> Vec<NotBuilt> {
    let kconfig = OnceCell::new();
    let look = |series| Look { series, files, configuration, kconfig: &kconfig };
    series.iter().flat_map(|series| look(series).all()).collect()
}

impl Series {
    /// Options that it adds, without `CONFIG_`, in order: those that it only moves are not among them.
    pub(super) fn new_options(&self) -> Vec<String> {
        let changes = self.patches.iter().flat_map(|patch| diff::parse(&patch.text));
        let mut options: Vec<String> = Vec::new();
        let mut moved: Vec<String> = Vec::new();
        for change in changes.filter(|change| change.paths.iter().any(|path| is_kconfig_file(path))) {
            options.extend(change.added.iter().filter_map(|line| defined(line)).map(str::to_owned));
            moved.extend(change.removed.iter().filter_map(|line| defined(line)).map(str::to_owned));
        }
        options.retain(|option| !moved.contains(option));
        options
    }

    /// Every file that it changes, as it is called afterwards.
    pub(super) fn changed_files(&self) -> BTreeSet<String> {
        let changes = self.patches.iter().flat_map(|patch| diff::parse(&patch.text));
        changes.filter_map(|change| change.paths.last().cloned()).collect()
    }
}

/// What a file is, by its path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Code that is compiled.
    Code,
    /// A header.
    Header,
    /// Part of the build, or something else whose effect cannot be told.
    Other,
    Documentation,
    Program,
    Foreign,
}

fn kind(path: &str) -> Kind {
    let name = path.rsplit('/').next().unwrap_or(path);
    let architecture = path.strip_prefix("arch/").and_then(|rest| rest.split_once('/')).map(|(name, _)| name);
    let of_top = ["MAINTAINERS", "CREDITS", "COPYING", "README"].contains(&path);
    let in_text = path.starts_with("Documentation/") || path.starts_with("LICENSES/");
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if in_text || of_top || ends(&[".rst", ".md"]) || [".gitignore", ".mailmap"].contains(&name) {
        Kind::Documentation
    } else if path.starts_with("tools/") {
        Kind::Program
    } else if architecture.is_some_and(|name| name != ARCHITECTURE) || path.starts_with("arch/x86/um/") {
        Kind::Foreign
    } else if is_makefile(name) || is_kconfig_file(path) || path.starts_with("scripts/") {
        Kind::Other
    } else if ends(&[".c", ".S", ".rs"]) {
        Kind::Code
    } else if ends(&[".h"]) {
        Kind::Header
    } else {
        Kind::Other
    }
}

struct Look<'a> {
    series: &'a Series,
    files: &'a BuildFiles,
    configuration: &'a Configuration,
    /// Read only if something is not built.
    kconfig: &'a OnceCell<Kconfig>,
}

impl Look<'_> {
    fn all(&self) -> Vec<NotBuilt> {
        let files = self.series.changed_files();
        let of = |kind_wanted: Kind| -> Vec<String> {
            files.iter().filter(|path| kind(path) == kind_wanted).cloned().collect()
        };
        let [texts, programs, foreign] = [Kind::Documentation, Kind::Program, Kind::Foreign].map(of);
        if texts.len() + programs.len() == files.len() {
            let why = if programs.is_empty() { Why::Documentation } else { Why::Programs };
            return vec![self.found(why, files.into_iter().collect())];
        }
        let mut left_out = left_out(self.series, self.files, self.configuration);
        let mut found = self.new_options(&mut left_out);
        found.extend(left_out.into_iter().map(|(wanting, files)| {
            let mut found = self.found(Why::OptionOff, files);
            let on: Vec<String> = wanting.iter().filter_map(on).collect();
            found.wanting = wanting.iter().map(line).collect();
            // What has to be off cannot be reached by turning on.
            found.write = if on.len() == wanting.len() { self.to_write(&on) } else { Vec::new() };
            found
        }));
        if !foreign.is_empty() {
            found.push(self.found(Why::OtherArchitecture, foreign));
        }
        found
    }

    fn found(&self, why: Why, files: Vec<String>) -> NotBuilt {
        NotBuilt {
            series: self.series.name.clone(),
            why,
            files,
            wanting: Vec::new(),
            write: Vec::new(),
            left_off: None,
        }
    }

    /// Options of the series that are off, each with the files that only it leaves out, which are taken from `left_out`.
    fn new_options(&self, left_out: &mut BTreeMap<BTreeSet<Setting>, Vec<String>>) -> Vec<NotBuilt> {
        let options = self.series.new_options().into_iter();
        let off = options.filter(|name| !self.configuration.is_on(name) && self.kconfig().is_switch(name));
        off.map(|name| {
            let only_this = BTreeSet::from([Setting::On(name.clone())]);
            let mut found = self.found(Why::NewOptionOff, left_out.remove(&only_this).unwrap_or_default());
            found.wanting = only_this.iter().map(line).collect();
            found.write = self.to_write(&[name]);
            found
        })
        .collect()
    }

    fn kconfig(&self) -> &Kconfig {
        self.kconfig.get_or_init(|| Kconfig::parse(self.files))
    }

    fn to_write(&self, options: &[String]) -> Vec<String> {
        let all = self.kconfig().to_turn_on(options, self.configuration).unwrap_or_default();
        all.iter().map(|name| format!("CONFIG_{name}=y")).collect()
    }
}

/// Files of a series that a configuration leaves out, by what they lack.
pub(super) fn left_out(
    series: &Series,
    files: &BuildFiles,
    configuration: &Configuration,
) -> BTreeMap<BTreeSet<Setting>, Vec<String>> {
    let mut left_out: BTreeMap<BTreeSet<Setting>, Vec<String>> = BTreeMap::new();
    for path in series.changed_files() {
        let condition = match kind(&path) {
            Kind::Code => files.compiled(&path),
            Kind::Header => files.folder_is_built(&path),
            Kind::Other | Kind::Documentation | Kind::Program | Kind::Foreign => None,
        };
        if let Some(condition) = condition.filter(|condition| condition.holds(configuration) == Some(false)) {
            left_out.entry(condition.wanting(configuration)).or_default().push(path);
        }
    }
    left_out
}

pub(super) fn on(setting: &Setting) -> Option<String> {
    match setting {
        Setting::On(name) => Some(name.clone()),
        Setting::Off(_) => None,
    }
}

fn line(setting: &Setting) -> String {
    match setting {
        Setting::On(name) => format!("CONFIG_{name}=y"),
        Setting::Off(name) => format!("# CONFIG_{name} is not set"),
    }
}

/// Files that are named in a line.
const NAMED: usize = 3;

/// What is not built, of these series alike.
struct Line<'a> {
    series: &'a [&'a str],
    of: &'a NotBuilt,
}

/// A line for each thing that is not built. What several series have in common is one thing.
pub fn lines<'a>(all: impl IntoIterator<Item = &'a NotBuilt>) -> Vec<String> {
    let mut found: Vec<(Vec<&str>, &NotBuilt)> = Vec::new();
    for of in all {
        match found.iter_mut().find(|(_, known)| known.is_like(of)) {
            Some((series, _)) if series.contains(&of.series.as_str()) => {}
            Some((series, _)) => series.push(&of.series),
            None => found.push((vec![&of.series], of)),
        }
    }
    found.iter().map(|(series, of)| Line { series, of }.to_string()).collect()
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { series, of } = self;
        let (change, add) = if series.len() == 1 { ("changes", "adds") } else { ("change", "add") };
        let series = format!("series {}", series.join(", "));
        let named = of.files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let files = match of.files.len().saturating_sub(NAMED) {
            0 => named,
            more => format!("{named} and {more} more"),
        };
        let are = if of.files.len() == 1 { "is" } else { "are" };
        let remedy = of.remedy();
        match of.why {
            Why::OptionOff => {
                write!(f, "{series} {change} {files}, which {are} not built: {}; {remedy}", of.off())
            }
            Why::NewOptionOff => {
                let so = match of.files.is_empty() {
                    true => "so that what depends on it is not built".to_owned(),
                    false => format!("so that {files} {are} not built"),
                };
                let option = of.wanting.first().map_or("", String::as_str).trim_end_matches("=y");
                write!(f, "{series} {add} {option}, which is off, {so}; {remedy}")
            }
            Why::OtherArchitecture => write!(
                f,
                "{series} {change} {files}, which {are} not built: the kernels of the lab are for {ARCHITECTURE}"
            ),
            Why::Documentation => {
                write!(f, "{series} {change} documentation only ({files}): nothing of it is built")
            }
            Why::Programs => write!(
                f,
                "{series} {change} no code of the kernel, only documentation and programs such as self-tests ({files}): \
                 nothing of it is built"
            ),
        }
    }
}

impl NotBuilt {
    /// What is said of it where the lab turns on what series need, and asked for `turned_on` in this kernel.
    #[must_use]
    pub fn beside_auto(self, turned_on: &[TurnedOn], left_off: &[LeftOff]) -> NotBuilt {
        let asks_for = |option: &str| {
            let line = format!("{option}=y");
            self.wanting.contains(&line) || self.write.contains(&line)
        };
        let by_lab = || left_off.iter().find(|off| asks_for(&off.option)).map(|off| off.why.clone());
        let by_kernel = || {
            let on = turned_on.iter().find(|on| asks_for(&on.option))?;
            Some(format!("the kernel's own configuration does not take {}=y", on.option))
        };
        NotBuilt { left_off: by_lab().or_else(by_kernel), ..self }
    }

    /// Whether the same is missing, of whatever series.
    fn is_like(&self, other: &NotBuilt) -> bool {
        (self.why, &self.files, &self.wanting, &self.write, &self.left_off)
            == (other.why, &other.files, &other.wanting, &other.write, &other.left_off)
    }

    fn off(&self) -> String {
        let state = |line: &String| match line.strip_suffix("=y") {
            Some(name) => format!("{name} is off"),
            None => format!("{} is on", line.trim_start_matches("# ").trim_end_matches(" is not set")),
        };
        match self.wanting.is_empty() {
            true => "no option builds it".to_owned(),
            false => self.wanting.iter().map(state).collect::<Vec<_>>().join(", "),
        }
    }

    fn remedy(&self) -> String {
        if let Some(why) = &self.left_off {
            return format!("`auto` leaves it off: {why}");
        }
        match self.write.split_last() {
            None => "what it depends on cannot be turned on beside this configuration".to_owned(),
            Some((last, others)) => {
                let lines = match others.is_empty() {
                    true => last.clone(),
                    false => format!("{} and {last}", others.join(", ")),
                };
                format!(
                    "write {lines} into a file below images/kernel/ and name it in `config` of [kernel] in lab.toml, or let the \
                     lab do it with kernel-config = \"auto\" in the plan"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
