//! What comes of the options that are written down, with all else left out: an `allnoconfig` by reading alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Choice, Definition, Kconfig};
use crate::kbuild::{Configuration, Expression};

/// Options follow from options in far fewer rounds, unless they go round in circles.
const MOST_ROUNDS: usize = 64;

/// What is known of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Off,
    /// Only the build itself can tell, such as what the compiler can do.
    Unknown,
    On,
}

impl State {
    fn of(holds: Option<bool>) -> Self {
        match holds {
            Some(true) => State::On,
            Some(false) => State::Off,
            None => State::Unknown,
        }
    }

    fn known(self) -> Option<bool> {
        match self {
            State::On => Some(true),
            State::Off => Some(false),
            State::Unknown => None,
        }
    }
}

impl Kconfig {
    /// The configuration that these options lead to: with what they select, and with what is on by itself. What is asked for and
    /// cannot be is not on.
    pub fn resolved(&self, asked: &Configuration) -> Configuration {
        let choices = self.choices_by_member();
        let names: Vec<&str> = self.options.keys().map(String::as_str).collect();
        let concerned = self.concerned(&names, &choices);
        let mut now = Configuration::default();
        // In the first round all are looked at, then those of which something has changed.
        let mut due: BTreeSet<usize> = (0..names.len()).collect();
        for _ in 0..MOST_ROUNDS {
            let state = |at: &usize| (names[*at], self.state(names[*at], &choices, asked, &now));
            let is_other = |(name, state): &(&str, State)| State::of(now.state(name)) != *state;
            let changes: Vec<(&str, State)> = due.iter().map(state).filter(is_other).collect();
            if changes.is_empty() {
                break;
            }
            due = changes.iter().filter_map(|(name, _)| concerned.get(name)).flatten().copied().collect();
            for (name, state) in changes {
                now.set(name, state.known());
            }
        }
        now
    }

    /// What an option is if all others are as they are `now`.
    fn state(
        &self,
        name: &str,
        choices: &BTreeMap<&str, &Choice>,
        asked: &Configuration,
        now: &Configuration,
    ) -> State {
        let definitions = &self.options[name];
        let is_visible = || definitions.iter().any(|definition| definition.is_visible(now) == Some(true));
        let own = match choices.get(name) {
            Some(choice) => State::of(Some(self.chosen(choice, asked, now) == Some(name))),
            None => {
                let switches = definitions.iter().filter(|definition| definition.is_switch);
                let states = switches.map(|definition| definition.state(asked.is_on(name), now));
                states.max().unwrap_or(State::Off)
            }
        };
        let by = |all: &BTreeMap<String, Vec<(String, Expression)>>| {
            let others = all.get(name).into_iter().flatten().filter(|(other, _)| now.is_on(other));
            others.map(|(_, condition)| State::of(condition.holds(now))).max().unwrap_or(State::Off)
        };
        let selected = by(&self.selected);
        // What is implied gives way to the user.
        let implied = if is_visible() { State::Off } else { by(&self.implied) };
        own.max(selected).max(implied)
    }

    fn choices_by_member(&self) -> BTreeMap<&str, &Choice> {
        let mut all = BTreeMap::new();
        for choice in &self.choices {
            all.extend(choice.members.iter().map(|name| (name.as_str(), choice)));
        }
        all
    }

    /// By each option the places in `names` of those that depend on it.
    fn concerned<'a>(
        &'a self,
        names: &[&'a str],
        choices: &BTreeMap<&str, &'a Choice>,
    ) -> BTreeMap<&'a str, Vec<usize>> {
        let mut concerned: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            let mut note = |other: &'a str| {
                let places = concerned.entry(other).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            };
            let siblings = choices.get(name).map_or(&[][..], |choice| &choice.members);
            let own = self
                .options
                .get(*name)
                .into_iter()
                .chain(siblings.iter().filter_map(|name| self.options.get(name)));
            for definition in own.flatten() {
                definition.depends.names(&mut note);
                definition.prompt.iter().chain(&definition.defaults).for_each(|part| part.names(&mut note));
            }
            for (_, condition) in choices.get(name).into_iter().flat_map(|choice| &choice.defaults) {
                condition.names(&mut note);
            }
            let by_others = [&self.selected, &self.implied].into_iter().filter_map(|all| all.get(*name));
            for (other, condition) in by_others.flatten() {
                note(other);
                condition.names(&mut note);
            }
        }
        concerned
    }

    /// The member of a choice that is on.
    fn chosen<'a>(
        &'a self,
        choice: &'a Choice,
        asked: &Configuration,
        now: &Configuration,
    ) -> Option<&'a str> {
        let can_be = |name: &&str| {
            let definitions = self.options.get(*name).into_iter().flatten();
            definitions.into_iter().any(|definition| definition.is_visible(now) != Some(false))
        };
        let possible: Vec<&str> = choice.members.iter().map(String::as_str).filter(can_be).collect();
        let defaults = choice.defaults.iter().filter(|(_, condition)| condition.holds(now) != Some(false));
        let by_default = defaults.map(|(name, _)| name.as_str()).find(|name| possible.contains(name));
        let by_word = possible.iter().copied().find(|name| asked.is_on(name));
        by_word.or(by_default).or_else(|| possible.first().copied())
    }
}

impl Definition {
    /// Whether a user may choose.
    fn is_visible(&self, now: &Configuration) -> Option<bool> {
        let prompt = self.prompt.as_ref().map_or(Some(false), |prompt| prompt.holds(now));
        both(prompt, || self.depends.holds(now))
    }

    /// The value by this definition alone, for who has asked for the option or not.
    fn state(&self, is_asked: bool, now: &Configuration) -> State {
        match self.is_visible(now) {
            Some(true) => State::of(Some(is_asked)),
            // What was asked for, and may be possible, is taken to be so.
            None if is_asked => State::On,
            None | Some(false) => {
                let defaults = self.defaults.iter().map(|default| State::of(default.holds(now)));
                State::of(both(defaults.max().unwrap_or(State::Off).known(), || self.depends.holds(now)))
            }
        }
    }
}

fn both(one: Option<bool>, other: impl FnOnce() -> Option<bool>) -> Option<bool> {
    match one {
        Some(false) => Some(false),
        Some(true) => other(),
        None => other().filter(|holds| !holds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kbuild::BuildFiles;

    const TEXT: &str = "\
config A
\tbool \"A\"
\tselect HIDDEN if B
config B
\tbool \"B\"
\tdepends on A
\tdefault y
config HIDDEN
\tbool
config FOLLOWS
\tdef_bool y
\tdepends on HIDDEN && !NOT_ME
config NOT_ME
\tbool \"Not me\" if COMPILER
config COMPILER
\tdef_bool $(success,cc)
config NEEDS_COMPILER
\tbool \"x\"
\tdepends on COMPILER
config WEAK
\tbool
config STRONG
\tbool \"Strong\"
\timply WEAK
\timply A
choice
\tprompt \"One of these\"
\tdefault SECOND if A
config FIRST
\tbool \"First\"
config SECOND
\tbool \"Second\"
config THIRD
\tbool \"Third\"
\tdepends on B
endchoice
";

    #[test]
    fn what_comes_of_options() {
        let files = BuildFiles::new([("Kconfig".to_owned(), TEXT.to_owned())]);
        let kconfig = Kconfig::parse(&files);
        let check = |asked: &str, expected: &[&str]| {
            let asked = asked.split_whitespace().map(|name| format!("CONFIG_{name}=y\n"));
            let resolved = kconfig.resolved(&Configuration::parse(&asked.collect::<String>()));
            let names: Vec<&str> = kconfig.options.keys().map(String::as_str).collect();
            let on: Vec<&str> = names.into_iter().filter(|name| resolved.is_on(name)).collect();
            assert_eq!(on, expected);
            assert_eq!(resolved.state("COMPILER"), None);
        };
        check("", &["FIRST"]);
        check("B", &["FIRST"]);
        check("A", &["A", "SECOND"]);
        check("A B", &["A", "B", "FOLLOWS", "HIDDEN", "SECOND"]);
        check("A B THIRD", &["A", "B", "FOLLOWS", "HIDDEN", "THIRD"]);
        check("THIRD", &["FIRST"]);
        check("A B NOT_ME", &["A", "B", "HIDDEN", "NOT_ME", "SECOND"]);
        check("STRONG", &["FIRST", "STRONG", "WEAK"]);
        check("NEEDS_COMPILER", &["FIRST", "NEEDS_COMPILER"]);
    }
}
