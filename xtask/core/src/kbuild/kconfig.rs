//! The Kconfig files of a source: what an option needs to be on.

mod search;
mod values;

use std::collections::BTreeMap;

use super::expression::is_name;
use super::{ARCHITECTURE, BuildFiles, Expression};

/// How deep files name files.
const MOST_FILES: usize = 12;

/// How often a file is read. Two lines may name one, as in Linux 6.1; files that name each other would never end.
const MOST_READS: usize = 4;

/// All options of a source.
#[derive(Clone, Debug, Default)]
pub struct Kconfig {
    options: BTreeMap<String, Vec<Definition>>,
    /// By the option that is selected: which one does it, and when.
    selected: BTreeMap<String, Vec<(String, Expression)>>,
    /// Likewise of those that are on then unless a user says otherwise.
    implied: BTreeMap<String, Vec<(String, Expression)>>,
    choices: Vec<Choice>,
}

/// Options of which one is on.
#[derive(Clone, Debug, Default)]
struct Choice {
    members: Vec<String>,
    /// Which one it is without a word of the user, and when.
    defaults: Vec<(String, Expression)>,
}

/// One definition of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Definition {
    is_switch: bool,
    /// When a user may choose; none if there is nothing to choose.
    prompt: Option<Expression>,
    /// Its values without a word of the user.
    defaults: Vec<Expression>,
    depends: Expression,
}

impl Kconfig {
    /// Reads the files from the one at the top on.
    pub fn parse(files: &BuildFiles) -> Self {
        let mut kconfig = Kconfig::default();
        kconfig.file(&mut Files { files, reads: BTreeMap::new() }, "Kconfig", &[], MOST_FILES);
        kconfig
    }

    /// Whether there is an option that a user can switch.
    pub fn is_switch(&self, name: &str) -> bool {
        let definitions = self.options.get(name).into_iter().flatten();
        definitions.into_iter().any(|definition| definition.is_switch && definition.prompt.is_some())
    }

    /// All options, by name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.options.keys().map(String::as_str)
    }

    /// The options that an option selects, whatever the condition.
    pub fn selected_by(&self, name: &str) -> Vec<String> {
        let selects = |others: &[(String, Expression)]| others.iter().any(|(other, _)| other == name);
        let all = self.selected.iter().filter(|(_, others)| selects(others));
        all.map(|(selected, _)| selected.clone()).collect()
    }

    /// The options of which one excludes others.
    pub fn choice_members(&self) -> impl Iterator<Item = &str> {
        self.choices.iter().flat_map(|choice| &choice.members).map(String::as_str)
    }

    fn file(&mut self, files: &mut Files<'_>, path: &str, outer: &[Expression], levels: usize) {
        let Some(text) = files.read(path).filter(|_| levels > 0) else { return };
        let mut reader = Reader { blocks: Vec::new(), outer, current: None, in_block: false, help: None };
        let joined = text.replace("\\\n", " ");
        for line in joined.lines() {
            if let Some(named) = reader.line(self, line) {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let named = match named {
                    Named::FromTop(name) => name,
                    Named::FromHere(name) if folder.is_empty() => name,
                    Named::FromHere(name) => format!("{folder}/{name}"),
                };
                let conditions = reader.conditions();
                self.file(files, &named, &conditions, levels - 1);
            }
        }
        reader.finish(self);
    }
}

/// The files, and how often each was read.
struct Files<'a> {
    files: &'a BuildFiles,
    reads: BTreeMap<String, usize>,
}

impl<'a> Files<'a> {
    fn read(&mut self, path: &str) -> Option<&'a str> {
        let text = self.files.get(path)?;
        let reads = self.reads.entry(path.to_owned()).or_default();
        *reads += 1;
        (*reads <= MOST_READS).then_some(text)
    }
}

/// Another file that a line names.
enum Named {
    FromTop(String),
    FromHere(String),
}

/// How many blocks around a line are looked at; no file of Linux 7.3 has more than ten.
const MOST_BLOCKS: usize = 32;

struct Block {
    condition: Expression,
    /// If it is a choice: which one of the source.
    choice: Option<usize>,
}

struct Reader<'a> {
    /// What encloses the line: `if`, `menu` and `choice`.
    blocks: Vec<Block>,
    outer: &'a [Expression],
    /// The option whose lines are read.
    current: Option<(String, Definition)>,
    /// Whether the lines that come are those of the innermost block.
    in_block: bool,
    /// How far the lines of a help text are indented at least.
    help: Option<usize>,
}

impl Reader<'_> {
    fn conditions(&self) -> Vec<Expression> {
        let all = self.outer.iter().chain(self.blocks.iter().map(|block| &block.condition));
        let known: Vec<Expression> = all.take(MOST_BLOCKS).cloned().collect();
        let is_deeper = self.outer.len() + self.blocks.len() > MOST_BLOCKS;
        known.into_iter().chain(is_deeper.then_some(Expression::Unknown)).collect()
    }

    fn finish(&mut self, kconfig: &mut Kconfig) {
        self.in_block = false;
        if let Some((name, mut definition)) = self.current.take() {
            let all = [vec![definition.depends], self.conditions()].concat();
            definition.depends = Expression::All(all);
            if let Some(choice) = self.blocks.last().and_then(|block| block.choice) {
                // An option that is defined again is no further member.
                let members = &mut kconfig.choices[choice].members;
                if !members.contains(&name) {
                    members.push(name.clone());
                }
            }
            kconfig.options.entry(name).or_default().push(definition);
        }
    }

    fn line(&mut self, kconfig: &mut Kconfig, line: &str) -> Option<Named> {
        let indent = line
            .chars()
            .take_while(|c| c.is_whitespace())
            .map(|c| if c == '\t' { 8 } else { 1 })
            .sum::<usize>();
        let text = line.trim();
        if text.is_empty() {
            return None;
        }
        match self.help {
            // The first line of the text says how far it is indented.
            Some(0) if indent > 0 => {
                self.help = Some(indent);
                return None;
            }
            Some(least) if indent >= least && least > 0 => return None,
            Some(_) | None => self.help = None,
        }
        if text.starts_with('#') {
            return None;
        }
        let (word, rest) =
            text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()));
        let rest = rest.split(" #").next().unwrap_or(rest).trim();
        match word {
            "help" | "---help---" => self.help = Some(0),
            "config" | "menuconfig" if is_name(rest) => {
                self.finish(kconfig);
                let depends = Expression::Constant(true);
                let definition = Definition { is_switch: false, prompt: None, defaults: Vec::new(), depends };
                self.current = Some((rest.to_owned(), definition));
            }
            "if" => self.open(kconfig, Expression::parse(rest), None),
            "menu" => self.open(kconfig, Expression::Constant(true), None),
            "choice" => {
                kconfig.choices.push(Choice::default());
                let choice = Some(kconfig.choices.len() - 1);
                self.open(kconfig, Expression::Constant(true), choice);
            }
            "endif" | "endmenu" | "endchoice" => {
                self.finish(kconfig);
                self.blocks.pop();
            }
            "comment" | "mainmenu" => self.finish(kconfig),
            "source" | "osource" | "rsource" | "orsource" => {
                self.finish(kconfig);
                let name = rest.trim_matches('"').replace("$(SRCARCH)", ARCHITECTURE);
                return Some(if word.contains("rs") { Named::FromHere(name) } else { Named::FromTop(name) });
            }
            _ => self.attribute(kconfig, word, rest),
        }
        None
    }

    fn open(&mut self, kconfig: &mut Kconfig, condition: Expression, choice: Option<usize>) {
        self.finish(kconfig);
        self.blocks.push(Block { condition, choice });
        self.in_block = true;
    }

    fn attribute(&mut self, kconfig: &mut Kconfig, word: &str, rest: &str) {
        let (value, condition) = conditional(rest);
        let Some((name, definition)) = &mut self.current else {
            // Of a menu or a choice.
            let Some(block) = self.blocks.last_mut().filter(|_| self.in_block) else { return };
            match (word, block.choice) {
                ("depends", _) => {
                    if let Some(text) = rest.strip_prefix("on ") {
                        block.condition.restrict(Expression::parse(text));
                    }
                }
                ("default", Some(choice)) => {
                    kconfig.choices[choice].defaults.push((value.to_owned(), condition));
                }
                _ => {}
            }
            return;
        };
        let both = |value: Expression| Expression::All(vec![value, condition.clone()]);
        match word {
            "bool" | "tristate" | "prompt" | "string" | "int" | "hex" => {
                definition.is_switch |= matches!(word, "bool" | "tristate");
                if value.starts_with(['"', '\'']) {
                    definition.prompt = Some(condition);
                }
            }
            "def_bool" | "def_tristate" => {
                definition.is_switch = true;
                definition.defaults.push(both(Expression::parse(value)));
            }
            "default" => definition.defaults.push(both(Expression::parse(value))),
            "depends" => {
                if let Some(text) = rest.strip_prefix("on ") {
                    let more = Expression::parse(text);
                    definition.depends.restrict(more);
                }
            }
            "select" => kconfig.selected.entry(value.to_owned()).or_default().push((name.clone(), condition)),
            "imply" => kconfig.implied.entry(value.to_owned()).or_default().push((name.clone(), condition)),
            _ => {}
        }
    }
}

/// `X if Y` -> `X`, and that Y holds.
fn conditional(text: &str) -> (&str, Expression) {
    // A prompt may have the word in it.
    let from = text.strip_prefix('"').and_then(|rest| rest.find('"')).map_or(0, |at| at + 2);
    match text[from..].find("if ").filter(|at| *at == 0 || text[from..][..*at].ends_with(char::is_whitespace))
    {
        Some(at) => (text[..from + at].trim(), Expression::parse(&text[from + at + 3..])),
        None => (text, Expression::Constant(true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kbuild::Configuration;

    const TOP: &str = "\
source \"arch/$(SRCARCH)/Kconfig\"
menu \"File systems\"
if BLOCK
source \"fs/xfs/Kconfig\"
endif
config FUSE_FS
\ttristate \"FUSE\"
\tselect POSIX_ACL
\thelp
\t  Say Y.

\t  config NOT_ME
config FUSE_DAX
\tbool \"DAX if you like\" if EXPERT
\tdepends on FUSE_FS && (DAX || \\
\t\tOTHER)
endmenu
";
    const ARCH: &str = "\
config BLOCK
\tbool \"Block layer\" if EXPERT
config CHOSEN
\tbool \"Chosen\"
\tdefault y
config EXPERT
\tbool \"Expert\"
config POSIX_ACL
\tdef_bool n
config DAX
\tbool
\tselect NOTHING
config PMEM
\tbool \"Persistent memory\"
\tdepends on !TINY
\tselect DAX
config OTHER
\tbool \"Other\"
\tdepends on ARM64
config HIDDEN
\tdef_bool y
\tdepends on PMEM
config X86
\tdef_bool y
\tselect HOTREMOVE if PMEM
config HOTREMOVE
\tbool
config NUMBER
\tint \"Number\"
";

    #[test]
    fn what_has_to_be_written_down() {
        let file = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        let xfs = "config XFS_FS\n\ttristate \"XFS\"\n\tdepends on BLOCK # words\n";
        let files = [("Kconfig", TOP), ("arch/x86/Kconfig", ARCH), ("fs/xfs/Kconfig", xfs)].map(file);
        let kconfig = Kconfig::parse(&BuildFiles::new(files));
        let check = |configuration: &str, name: &str, expected: Option<&[&str]>| {
            let found = kconfig.to_turn_on(&[name.to_owned()], &Configuration::parse(configuration));
            let expected =
                expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
            assert_eq!(found, expected, "{name} with {configuration:?}");
        };
        check("", "FUSE_FS", Some(&["FUSE_FS"]));
        check("CONFIG_FUSE_FS=y\n", "FUSE_FS", Some(&[]));
        check("", "XFS_FS", Some(&["EXPERT", "BLOCK", "XFS_FS"]));
        check("CONFIG_BLOCK=y\n", "XFS_FS", Some(&["XFS_FS"]));
        // What nobody can choose is on with what selects it.
        check("", "FUSE_DAX", Some(&["FUSE_FS", "PMEM", "EXPERT", "FUSE_DAX"]));
        check("", "HIDDEN", Some(&["PMEM"]));
        check("", "POSIX_ACL", Some(&["FUSE_FS"]));
        check("", "CHOSEN", Some(&["CHOSEN"]));
        check("CONFIG_TINY=y\n", "PMEM", None);
        check("CONFIG_X86=y\n", "HOTREMOVE", Some(&["PMEM"]));
        check("", "OTHER", None);
        check("", "NOT_ME", None);
        assert!(
            kconfig.is_switch("FUSE_DAX") && !kconfig.is_switch("HIDDEN") && !kconfig.is_switch("NUMBER")
        );
    }
}
