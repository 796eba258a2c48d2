//! What has to be written down for options to be on.

use std::cell::Cell;

use super::Kconfig;
use crate::kbuild::{Configuration, Expression};

/// How far dependencies of dependencies are followed.
const MOST_LEVELS: usize = 8;

/// How many options are looked at in one search, by all its ways together. Where each of many files defines each
/// option again, the ways multiply, and a search of all of them would not end.
const MOST_LOOKS: u32 = 20_000;

impl Kconfig {
    /// The options that have to be written down, what others need first, for all of `names` to be on; none if that cannot be.
    pub fn to_turn_on(&self, names: &[String], configuration: &Configuration) -> Option<Vec<String>> {
        let looks = Cell::new(MOST_LOOKS);
        let mut state = State {
            kconfig: self,
            looks: &looks,
            configuration: configuration.clone(),
            written: Vec::new(),
            asked: Vec::new(),
        };
        names.iter().all(|name| state.want(name, MOST_LEVELS)).then_some(state.written)
    }
}

/// A search for what has to be written down.
#[derive(Clone)]
struct State<'a> {
    kconfig: &'a Kconfig,
    /// How many options may still be looked at, by all ways together.
    looks: &'a Cell<u32>,
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
        let Some(left) = self.looks.get().checked_sub(1) else { return false };
        self.looks.set(left);
        let is_asked = || self.asked.iter().any(|asked| asked == name);
        if levels == 0 || self.configuration.is_kept_off(name) || is_asked() {
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
        let shortest = shortest(tries);
        self.take(shortest)
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
        let shortest = shortest(tries);
        self.take(shortest)
    }

    /// Goes on from a way that was found.
    fn take(&mut self, found: Option<Self>) -> bool {
        let Some(State { configuration, written, .. }) = found else { return false };
        self.configuration = configuration;
        self.written = written;
        true
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
                let shortest = shortest(tries);
                self.take(shortest)
            }
        }
    }
}

/// The way with the least to write. Ways are compared as they come: each has a configuration of its own, and there may be thousands.
fn shortest<'a>(ways: impl Iterator<Item = State<'a>>) -> Option<State<'a>> {
    ways.min_by_key(|state| state.written.len())
}
