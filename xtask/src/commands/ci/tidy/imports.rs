//! Which modules a source file uses, itself left out and its tests as well.

#![expect(clippy::wildcard_enum_match_arm, reason = "kinds of items and tokens are many, and not ours")]

use anyhow::Context as _;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// Paths that begin in the crate: the names of modules and of what is in them.
pub(super) type Path = Vec<String>;

/// What a file says of other modules.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// The paths that it names, each from the top of its crate.
    pub(super) used: Vec<Path>,
    /// Names that it passes on, with where they come from: `pub use model::Plan`.
    pub(super) passed_on: Vec<(String, Path)>,
}

/// What the file of module `module` says of others.
///
/// # Errors
/// If it is no Rust.
pub(super) fn of_file(module: &[String], text: &str) -> anyhow::Result<Imports> {
    let file = syn::parse_file(text).context("parsing Rust")?;
    let declared = file.items.iter().filter_map(|item| match item {
        Item::Mod(ItemMod { ident, .. }) => Some(ident.to_string()),
        _ => None,
    });
    let mut finder =
        Finder { module, children: declared.collect(), found: Imports::default(), passes_on: false };
    finder.visit_file(&file);
    finder.found.used.sort();
    finder.found.used.dedup();
    Ok(finder.found)
}

struct Finder<'a> {
    module: &'a [String],
    /// Modules that the file declares: a path may begin with one.
    children: Vec<String>,
    found: Imports,
    /// Whether the import that is looked at has a visibility of its own.
    passes_on: bool,
}

impl Finder<'_> {
    /// Notes a path as it is written; one into another crate is none of ours.
    fn add(&mut self, written: &[String]) {
        let ups = written.iter().take_while(|part| *part == "super").count();
        let path = match written.first().map(String::as_str) {
            Some("crate") => written[1..].to_vec(),
            Some("self") => [self.module, &written[1..]].concat(),
            Some("super") => {
                let above = self.module.len().saturating_sub(ups);
                [&self.module[..above], &written[ups..]].concat()
            }
            Some(first) if self.children.iter().any(|child| child == first) => {
                [self.module, written].concat()
            }
            Some(_) | None => return,
        };
        if let (true, Some(name)) = (self.passes_on, path.last()) {
            self.found.passed_on.push((name.clone(), path.clone()));
        }
        self.found.used.push(path);
    }

    fn add_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.add(&with(name.ident.to_string())),
            UseTree::Rename(name) => self.add(&with(name.ident.to_string())),
            UseTree::Glob(_) => self.add(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
        }
    }

    /// Paths in the arguments of a macro, which are tokens and no more.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if path.is_empty() || colons == 2 => {
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => colons += 1,
                other => {
                    if path.len() > 1 {
                        self.add(&path);
                    }
                    path.clear();
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.add_tokens(group.stream()),
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                    }
                }
            }
        }
        if path.len() > 1 {
            self.add(&path);
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.passes_on = !matches!(item.vis, Visibility::Inherited);
        self.add_tree(&[], &item.tree);
        self.passes_on = false;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let written: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if written.len() > 1 {
            self.add(&written);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.add_tokens(call.tokens.clone());
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item is compiled for tests only: `#[cfg(test)]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let module = ["build".to_owned(), "image".to_owned()];
        let found = of_file(&module, text).unwrap();
        assert_eq!(found.used.iter().map(|path| path.join("::")).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_form_of_a_path() {
        check("use std::fs;\nuse anyhow::Context as _;", &[]);
        check(
            "use crate::lab::{self, cache::Cache, files};",
            &["lab::cache::Cache", "lab::files", "lab::self"],
        );
        check(
            "use super::kernel::*;\nuse self::elf::Elf as E;",
            &["build::image::elf::Elf", "build::kernel"],
        );
        check("mod elf;\npub use elf::Elf;\nuse elk::Elk;", &["build::image::elf::Elf"]);
        check("fn f() -> crate::a::B { super::super::c::d(1) }", &["a::B", "c::d"]);
        check(
            "fn f() { println!(\"{}\", [crate::a::b(), 1 + super::kernel::c]); }",
            &["a::b", "build::kernel::c"],
        );
        check("fn f(x: Vec<crate::a::B>) { match x { crate::c::D => {} } }", &["a::B", "c::D"]);
    }

    #[test]
    fn names_that_are_passed_on() {
        let found = of_file(
            &["plan".to_owned()],
            "mod a;\nuse a::A;\npub use a::{B, C};\npub(crate) use crate::d::E;",
        );
        let passed_on =
            found.unwrap().passed_on.into_iter().map(|(name, path)| format!("{name} of {}", path.join("::")));
        assert_eq!(passed_on.collect::<Vec<_>>(), ["B of plan::a::B", "C of plan::a::C", "E of d::E"]);
    }

    #[test]
    fn tests_are_left_out() {
        check("#[cfg(test)]\nmod tests { use crate::a::B; }\n#[cfg(test)]\nuse crate::c;", &[]);
        check("#[cfg(feature = \"x\")]\nuse crate::c::D;", &["c::D"]);
    }
}
