//! The Kconfig files of a source: what an option needs to be on.

use std::collections::BTreeMap;

use super::expression::is_name;
use super::{ARCHITECTURE, BuildFiles, Configuration, Expression};

/// How far dependencies of dependencies are followed.
const MOST_LEVELS: usize = 8;
/// How deep files name files.
const MOST_FILES: usize = 12;

/// All options of a source.
#[derive(Clone, Debug, Default)]
pub struct Kconfig {
    options: BTreeMap<String, Vec<Definition>>,
    /// By the option that is selected: which one does it, and when.
    selected: BTreeMap<String, Vec<(String, Expression)>>,
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
        kconfig.file(files, "Kconfig", &[], MOST_FILES);
        kconfig
    }

    /// Whether there is an option that a user can switch.
    pub fn is_switch(&self, name: &str) -> bool {
        let definitions = self.options.get(name).into_iter().flatten();
        definitions.into_iter().any(|definition| definition.is_switch && definition.prompt.is_some())
    }

    /// The options that have to be written down, what others need first, for all of `names` to be on; none if that cannot be.
    pub fn to_turn_on(&self, names: &[String], configuration: &Configuration) -> Option<Vec<String>> {
        let mut state = State {
            kconfig: self,
            configuration: configuration.clone(),
            written: Vec::new(),
            asked: Vec::new(),
        };
        names.iter().all(|name| state.want(name, MOST_LEVELS)).then_some(state.written)
    }

    fn file(&mut self, files: &BuildFiles, path: &str, outer: &[Expression], levels: usize) {
        let Some(text) = files.get(path).filter(|_| levels > 0) else { return };
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

/// Another file that a line names.
enum Named {
    FromTop(String),
    FromHere(String),
}

struct Reader<'a> {
    /// What encloses the line: `if`, `menu` and `choice`.
    blocks: Vec<Expression>,
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
        self.outer.iter().cloned().chain(self.blocks.iter().cloned()).collect()
    }

    fn finish(&mut self, kconfig: &mut Kconfig) {
        self.in_block = false;
        if let Some((name, mut definition)) = self.current.take() {
            let all = [vec![definition.depends], self.conditions()].concat();
            definition.depends = Expression::All(all);
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
            "if" => self.open(kconfig, Expression::parse(rest)),
            "menu" | "choice" => self.open(kconfig, Expression::Constant(true)),
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

    fn open(&mut self, kconfig: &mut Kconfig, condition: Expression) {
        self.finish(kconfig);
        self.blocks.push(condition);
        self.in_block = true;
    }

    fn attribute(&mut self, kconfig: &mut Kconfig, word: &str, rest: &str) {
        let (value, condition) = conditional(rest);
        let Some((name, definition)) = &mut self.current else {
            // Of a menu or a choice.
            if word == "depends"
                && self.in_block
                && let Some(of_block) = self.blocks.last_mut()
                && let Some(text) = rest.strip_prefix("on ")
            {
                *of_block = Expression::All(vec![of_block.clone(), Expression::parse(text)]);
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
                    definition.depends = Expression::All(vec![definition.depends.clone(), more]);
                }
            }
            "select" => kconfig.selected.entry(value.to_owned()).or_default().push((name.clone(), condition)),
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

/// A search for what has to be written down.
#[derive(Clone)]
struct State<'a> {
    kconfig: &'a Kconfig,
    /// With what is written down already.
    configuration: Configuration,
    written: Vec<String>,
    /// Options that are being looked at: one that needs itself helps nobody.
    asked: Vec<String>,
}

impl State<'_> {
    fn want(&mut self, name: &str, levels: usize) -> bool {
        if self.configuration.is_on(name) {
            return true;
        }
        if levels == 0 || self.asked.iter().any(|asked| asked == name) {
            return false;
        }
        self.asked.push(name.to_owned());
        let found = self.by_definition(name, levels - 1) || self.by_another(name, levels - 1);
        self.asked.pop();
        found
    }

    fn by_definition(&mut self, name: &str, levels: usize) -> bool {
        let definitions = self.kconfig.options.get(name).map_or(&[][..], Vec::as_slice);
        let ways = definitions.iter().flat_map(|definition| {
            let prompt = definition.prompt.as_ref();
            // The lab configures from nothing: what a user may choose has no default.
            let is_chosen = prompt.is_some_and(|prompt| prompt.holds(&self.configuration) == Some(true));
            let defaults = definition.defaults.iter().filter(move |_| !is_chosen).map(|value| (value, false));
            prompt.map(|prompt| (prompt, true)).into_iter().chain(defaults).map(move |way| (definition, way))
        });
        let tries = ways.filter_map(|(definition, (condition, is_written))| {
            let mut state = self.clone();
            if !(state.satisfy(&definition.depends, levels) && state.satisfy(condition, levels)) {
                return None;
            }
            if is_written {
                state.written.push(name.to_owned());
            }
            state.configuration = state.configuration.with(name);
            Some(state)
        });
        self.take_shortest(tries.collect())
    }

    /// By an option that selects it.
    fn by_another(&mut self, name: &str, levels: usize) -> bool {
        let selectors = self.kconfig.selected.get(name).map_or(&[][..], Vec::as_slice);
        let tries = selectors.iter().filter_map(|(selector, condition)| {
            let mut state = self.clone();
            // Only what is on, or what a user can choose: else half of the source would be looked at.
            let is_near = state.configuration.is_on(selector) || state.kconfig.is_switch(selector);
            let helps = is_near && state.want(selector, levels.min(2)) && state.satisfy(condition, levels);
            helps.then(|| {
                state.configuration = state.configuration.with(name);
                state
            })
        });
        self.take_shortest(tries.collect())
    }

    fn take_shortest(&mut self, tries: Vec<Self>) -> bool {
        match tries.into_iter().min_by_key(|state| state.written.len()) {
            Some(State { configuration, written, .. }) => {
                self.configuration = configuration;
                self.written = written;
                true
            }
            None => false,
        }
    }

    fn satisfy(&mut self, condition: &Expression, levels: usize) -> bool {
        if condition.holds(&self.configuration) == Some(true) {
            return true;
        }
        match condition {
            Expression::Constant(value) => *value,
            // The build itself will tell.
            Expression::Unknown => true,
            Expression::Symbol(name) => self.want(name, levels),
            Expression::Not(inner) => inner.holds(&self.configuration) != Some(true),
            Expression::All(parts) => parts.iter().all(|part| self.satisfy(part, levels)),
            Expression::Any(parts) => {
                let tries = parts.iter().filter_map(|part| {
                    let mut state = self.clone();
                    state.satisfy(part, levels).then_some(state)
                });
                self.take_shortest(tries.collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
