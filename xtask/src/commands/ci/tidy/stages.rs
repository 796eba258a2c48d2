//! The floors of the house: each stage of a package uses only those below it, and no modules use each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use super::imports::{self, Imports};

/// The packages, each with its stages from the ground up. Those of one floor do not use each other. Without stages, only
/// circles are looked for.
const PACKAGES: [(&str, &[&[&str]]); 13] = [
    (
        "xtask/core",
        &[
            &["text"],
            &["evidence", "kbuild"],
            &["plan", "series"],
            &["campaign"],
            &["comparison"],
            &["report"],
            &["fixtures"],
        ],
    ),
    ("xtask", &[&["lab"], &["machine", "series"], &["campaign"], &["build"], &["commands"]]),
    ("xtask/bench", &[]),
    ("xtask/fuzz", &[]),
    ("xtask/profile-plugin", &[]),
    ("xtask/qemu-turns", &[]),
    ("images/protocol", &[]),
    ("images/guest", &[]),
    ("images/init", &[]),
    ("images/passthrough", &[]),
    ("images/aio-stress", &[]),
    ("images/probe", &[]),
    ("images/socket-stress", &[]),
];

/// A package and who uses whom in it.
pub(super) struct Package {
    name: &'static str,
    floors: &'static [&'static [&'static str]],
    modules: usize,
    /// By the module above both: from, to, and an example of a use.
    uses: BTreeMap<Vec<String>, BTreeMap<(String, String), String>>,
}

/// Reads the imports of every package. `texts` are the files of the checkout.
///
/// # Errors
/// If a file is no Rust.
pub(super) fn look(texts: &BTreeMap<String, String>) -> anyhow::Result<Vec<Package>> {
    PACKAGES.iter().map(|(name, floors)| package(name, floors, texts)).collect()
}

fn package(
    name: &'static str,
    floors: &'static [&'static [&'static str]],
    texts: &BTreeMap<String, String>,
) -> anyhow::Result<Package> {
    let source = format!("{name}/src/");
    let modules: BTreeMap<Vec<String>, (&String, &String)> = texts
        .iter()
        .filter_map(|(path, text)| Some((module(path.strip_prefix(&source)?)?, (path, text))))
        .collect();
    let read = |(module, (path, text)): (&Vec<String>, &(&String, &String))| {
        let imports = imports::of_file(module, text).with_context(|| (*path).clone())?;
        Ok((module.clone(), (path.to_string(), imports)))
    };
    let top = texts.get(&format!("{source}lib.rs")).map(|text| imports::of_file(&[], text)).transpose()?;
    let mut imports: BTreeMap<Vec<String>, (String, Imports)> =
        modules.iter().map(read).collect::<anyhow::Result<_>>()?;
    imports.extend(top.map(|top| (Vec::new(), (format!("{source}lib.rs"), top))));
    let passed_on: BTreeMap<Vec<String>, &Vec<String>> = imports
        .iter()
        .flat_map(|(module, (_, imports))| {
            imports.passed_on.iter().map(move |(name, from)| (module, name, from))
        })
        .map(|(module, name, from)| ([module.as_slice(), std::slice::from_ref(name)].concat(), from))
        .collect();
    let mut uses: BTreeMap<Vec<String>, BTreeMap<(String, String), String>> = BTreeMap::new();
    for (module, (path, imports)) in &imports {
        for import in &imports.used {
            let source = source_of(import, &passed_on);
            let Some(used) = owner(&source, &modules) else { continue };
            let common = module.iter().zip(used).take_while(|(one, other)| one == other).count();
            if let (Some(from), Some(to)) = (module.get(common), used.get(common)) {
                let between = uses.entry(module[..common].to_vec()).or_default();
                between
                    .entry((from.clone(), to.clone()))
                    .or_insert_with(|| format!("{path} uses {}", import.join("::")));
            }
        }
    }
    Ok(Package { name, floors, modules: modules.len(), uses })
}

/// The module of a file below `src`; none for the top of a program or library and for tests.
fn module(path: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = path.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    let is_top = parts.len() == 1 && ["lib", "main"].contains(&parts[0].as_str());
    (!is_top && !parts.iter().any(|part| part == "tests")).then_some(parts)
}

/// Where a path leads if names are followed to the modules that pass them on.
fn source_of(path: &[String], passed_on: &BTreeMap<Vec<String>, &Vec<String>>) -> Vec<String> {
    let mut path = path.to_vec();
    // Two modules that pass a name on to each other do not compile; the limit is for texts that are no program.
    for _ in 0..8 {
        let Some((length, from)) =
            (1..=path.len()).find_map(|length| Some((length, *passed_on.get(&path[..length])?)))
        else {
            return path;
        };
        path = [from.as_slice(), &path[length..]].concat();
    }
    path
}

/// The innermost module on a path.
fn owner<'a, T>(path: &'a [String], modules: &BTreeMap<Vec<String>, T>) -> Option<&'a [String]> {
    (1..=path.len()).rev().map(|length| &path[..length]).find(|path| modules.contains_key(*path))
}

impl Package {
    /// Uses that lead upward or along a floor, stages without a floor, and circles.
    pub(super) fn problems(&self) -> Vec<String> {
        let floor = |stage: &str| self.floors.iter().position(|floor| floor.contains(&stage));
        let mut problems = Vec::new();
        for ((from, to), example) in self.uses.get(&Vec::new()).into_iter().flatten() {
            match (floor(from), floor(to)) {
                _ if self.floors.is_empty() => {}
                (Some(one), Some(other)) if one > other => {}
                (Some(_), Some(_)) => {
                    problems.push(format!(
                        "{}: {from} may not use {to}, which is not below it: {example}",
                        self.name
                    ));
                }
                (None, _) | (_, None) => problems.push(format!(
                    "{}: {from} uses {to}, and one of them has no floor: give it one in tidy: {example}",
                    self.name
                )),
            }
        }
        for (above, uses) in &self.uses {
            let place = [&[self.name.to_owned()], above.as_slice()].concat().join("::");
            problems
                .extend(circle(uses).iter().map(|example| format!("{place}: part of a circle: {example}")));
        }
        problems
    }
}

/// The uses that are part of a circle: what is left when those who use nobody, and those whom nobody uses, are taken
/// away again and again.
fn circle(uses: &BTreeMap<(String, String), String>) -> Vec<&String> {
    let mut left: BTreeSet<&(String, String)> = uses.keys().collect();
    loop {
        let users: BTreeSet<&String> = left.iter().map(|(from, _)| from).collect();
        let used: BTreeSet<&String> = left.iter().map(|(_, to)| to).collect();
        let before = left.len();
        left.retain(|(from, to)| used.contains(from) && users.contains(to));
        if left.len() == before {
            return left.into_iter().map(|pair| &uses[pair]).collect();
        }
    }
}

/// The floors of each package, the highest first, with what its stages use.
pub(super) fn picture(packages: &[Package]) -> String {
    let mut text = String::new();
    for package in packages {
        let arrows: usize = package.uses.values().map(BTreeMap::len).sum();
        let between = package.uses.get(&Vec::new()).map_or(0, BTreeMap::len);
        let counts = format!("{} modules, {arrows} arrows between modules of one folder", package.modules);
        match package.floors.len() {
            0 => text += &format!("{}: {counts}\n", package.name),
            floors => {
                text +=
                    &format!("{}: {floors} floors, {between} arrows between stages, {counts}\n", package.name)
            }
        }
        for (height, stages) in package.floors.iter().enumerate().rev() {
            for stage in *stages {
                let uses = package.uses.get(&Vec::new()).into_iter().flatten();
                let used: Vec<&str> =
                    uses.filter(|((from, _), _)| from == stage).map(|((_, to), _)| to.as_str()).collect();
                let used = if used.is_empty() { "nothing".to_owned() } else { used.join(", ") };
                text += &format!("  {} {stage} uses {used}\n", height + 1);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let packages = look(&texts).unwrap();
        let problems: Vec<String> = packages.iter().flat_map(Package::problems).collect();
        assert_eq!(problems, expected);
    }

    #[test]
    fn only_what_is_below_is_used() {
        check(&[("xtask/src/build.rs", "use crate::lab::Lab;"), ("xtask/src/lab.rs", "")], &[]);
        check(
            &[("xtask/src/build.rs", ""), ("xtask/src/lab/cache.rs", "use crate::build::image;")],
            &[
                "xtask: lab may not use build, which is not below it: xtask/src/lab/cache.rs uses build::image",
            ],
        );
        check(
            &[("xtask/src/machine.rs", "use crate::series::load;"), ("xtask/src/series.rs", "")],
            &[
                "xtask: machine may not use series, which is not below it: xtask/src/machine.rs uses series::load",
            ],
        );
        check(
            &[("xtask/src/misc.rs", "use crate::lab::Lab;"), ("xtask/src/lab.rs", "")],
            &[
                "xtask: misc uses lab, and one of them has no floor: give it one in tidy: xtask/src/misc.rs uses lab::Lab",
            ],
        );
    }

    #[test]
    fn circles_are_found_at_any_depth() {
        let one = ("xtask/src/lab/a.rs", "use super::b::B;");
        let two = ("xtask/src/lab/b.rs", "fn f() { crate::lab::c::f() }");
        let back = ("xtask/src/lab/c.rs", "use super::a;");
        let outside = ("xtask/src/lab/d.rs", "use super::a;");
        check(&[one, two, ("xtask/src/lab/c.rs", ""), outside], &[]);
        check(
            &[one, two, back, outside],
            &[
                "xtask::lab: part of a circle: xtask/src/lab/a.rs uses lab::b::B",
                "xtask::lab: part of a circle: xtask/src/lab/b.rs uses lab::c::f",
                "xtask::lab: part of a circle: xtask/src/lab/c.rs uses lab::a",
            ],
        );
        // Through names that the module above passes on.
        check(
            &[
                ("xtask/src/lab.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
                ("xtask/src/lab/a.rs", "use super::B;"),
                ("xtask/src/lab/b.rs", "fn f() -> crate::lab::A { 1 }"),
            ],
            &[
                "xtask::lab: part of a circle: xtask/src/lab/a.rs uses lab::B",
                "xtask::lab: part of a circle: xtask/src/lab/b.rs uses lab::A",
            ],
        );
        // Only the tests close it.
        let tested = ("xtask/src/lab/c.rs", "#[cfg(test)]\nmod tests { use crate::lab::a; }");
        check(&[one, two, tested], &[]);
    }

    #[test]
    fn the_floors_are_drawn() {
        let texts = [("xtask/src/build/kernel.rs", "use crate::lab::Lab;"), ("xtask/src/lab.rs", "")];
        let texts = texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let packages = look(&texts).unwrap();
        let text = picture(&packages[1..2]);
        expect_test::expect![[r#"
            xtask: 5 floors, 1 arrows between stages, 2 modules, 1 arrows between modules of one folder
              5 commands uses nothing
              4 build uses lab
              3 campaign uses nothing
              2 machine uses nothing
              2 series uses nothing
              1 lab uses nothing
        "#]]
        .assert_eq(&text);
    }
}
