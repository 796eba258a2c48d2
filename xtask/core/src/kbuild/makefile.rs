//! The Makefiles of the kernel's build: which variable lists what, and under which options.
//!
//! Only what Kbuild files do is read: lists, `ifdef` and the like around them, `addprefix`. Anything else makes a condition
//! that cannot be told.

use super::{ARCHITECTURE, Expression};

/// A list in a Makefile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    /// The variable's name without its last part: `obj` of `obj-y`, `fuse` of `fuse-$(CONFIG_FUSE_DAX)` and of `fuse-objs`.
    pub(super) stem: String,
    /// When its words count.
    pub(super) condition: Expression,
    /// What is listed, with the architecture put in.
    pub(super) words: Vec<String>,
}

/// Every list of a Makefile, in order.
pub(super) fn lists(text: &str) -> Vec<List> {
    let mut lists = Vec::new();
    // The condition of each open `if`, and whether its `else` has come.
    let mut open: Vec<Expression> = Vec::new();
    let joined = text.replace("\\\n", " ");
    for line in joined.lines() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if line.starts_with('#') {
            continue;
        }
        let (word, rest) =
            line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match word {
            "ifdef" | "ifndef" | "ifeq" | "ifneq" => open.push(condition(word, rest)),
            "else" => {
                let before = open.pop().unwrap_or(Expression::Unknown).not();
                let more =
                    rest.split_once(char::is_whitespace).map(|(word, rest)| condition(word, rest.trim()));
                open.push(match more {
                    Some(more) => Expression::All(vec![before, more]),
                    None => before,
                });
            }
            "endif" => drop(open.pop()),
            _ => lists.extend(list(line, &open)),
        }
    }
    lists
}

fn list(line: &str, open: &[Expression]) -> Option<List> {
    let equals = line.find('=')?;
    let name = line[..equals].trim_end_matches(['+', ':', '?']).trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_$(),./".contains(c) || c == ' ';
    if name.is_empty() || !name.chars().all(plain) || (name.contains(' ') && !name.contains("$(")) {
        return None;
    }
    let (stem, own) = name_parts(name);
    let mut conditions: Vec<Expression> = open.to_vec();
    conditions.push(own);
    Some(List { stem, condition: Expression::All(conditions), words: words(&line[equals + 1..]) })
}

/// `fuse-$(CONFIG_FUSE_DAX)` -> `fuse`, and that FUSE_DAX is on.
fn name_parts(name: &str) -> (String, Expression) {
    let (stem, condition) = match name.split_once("-$(") {
        Some((stem, macros)) => (stem, options_of(macros)),
        None => match name.rsplit_once('-') {
            Some((stem, "y" | "objs")) => (stem, Expression::Constant(true)),
            // Modules are not built.
            Some((stem, "m")) => (stem, Expression::Unknown),
            Some(_) | None => (name, Expression::Constant(true)),
        },
    };
    (stem.strip_suffix("-objs").unwrap_or(stem).to_owned(), condition)
}

/// All options that a macro names; `subst` and `if` need each of theirs.
fn options_of(text: &str) -> Expression {
    let names = option_names(text);
    let is_simple = text.starts_with("CONFIG_") || text.starts_with("subst ") || text.starts_with("if ");
    match names.as_slice() {
        _ if !is_simple => Expression::Unknown,
        [] => Expression::Unknown,
        [one] => Expression::symbol(one),
        many => Expression::All(many.iter().map(|name| Expression::symbol(name)).collect()),
    }
}

fn option_names(text: &str) -> Vec<&str> {
    let name =
        |rest: &'_ str| rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    text.split("CONFIG_").skip(1).map(|rest| &rest[..name(rest)]).collect()
}

/// The condition of an `ifdef` and its relatives.
fn condition(word: &str, rest: &str) -> Expression {
    match word {
        "ifdef" | "ifndef" => {
            let defined = rest.strip_prefix("CONFIG_").map_or(Expression::Unknown, Expression::symbol);
            if word == "ifdef" { defined } else { defined.not() }
        }
        "ifeq" | "ifneq" => {
            let equal = equal(rest).unwrap_or(Expression::Unknown);
            if word == "ifeq" { equal } else { equal.not() }
        }
        _ => Expression::Unknown,
    }
}

/// `($(CONFIG_A),y)` and `($(CONFIG_A)$(CONFIG_B),)`.
fn equal(rest: &str) -> Option<Expression> {
    let inner = rest.strip_prefix('(')?.strip_suffix(')')?;
    let (left, right) = inner.rsplit_once(',')?;
    let left = left.trim();
    let names = option_names(left);
    let any = || Expression::Any(names.iter().map(|name| Expression::symbol(name)).collect());
    let plain =
        names.iter().fold(left.to_owned(), |text, name| text.replacen(&format!("$(CONFIG_{name})"), "", 1));
    let filters = matches!(
        plain.split_whitespace().collect::<Vec<_>>()[..],
        ["$(filter", "y," | "y", ..] | ["$(filter", "y,)"]
    );
    match (names.len(), right.trim()) {
        (0, _) => None,
        (1, "y") if plain.trim().is_empty() => Some(any()),
        (_, "") if plain.trim().is_empty() || filters => Some(any().not()),
        _ => None,
    }
}

/// The words of a value, `$(addprefix a/, b.o c.o)` as `a/b.o a/c.o`.
fn words(value: &str) -> Vec<String> {
    let value = value.replace("$(SRCARCH)", ARCHITECTURE).replace("$(BITS)", "64");
    let mut words = Vec::new();
    let mut prefix = String::new();
    let mut rest = value.as_str();
    while let Some(at) = rest.find("$(addprefix ") {
        let (before, after) = rest.split_at(at);
        words.extend(before.split_whitespace().map(str::to_owned));
        let inner = &after["$(addprefix ".len()..];
        let Some((start, list)) = inner.split_once(',') else { break };
        prefix.clear();
        prefix.push_str(start.trim());
        let end = list.find(')').unwrap_or(list.len());
        words.extend(list[..end].split_whitespace().map(|word| format!("{prefix}{word}")));
        rest = list.get(end + 1..).unwrap_or_default();
    }
    words.extend(rest.split_whitespace().map(str::to_owned));
    words
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::kbuild::Configuration;

    #[test]
    fn lists_and_their_conditions() {
        let text = "\
# obj-y += comment.o
obj-y := a.o \\
\tb.o # and c.o
obj-$(CONFIG_FUSE_FS) += fuse.o arch/$(SRCARCH)/
fuse-y := dev.o
fuse-$(CONFIG_FUSE_DAX) += dax.o
xfs-objs-$(CONFIG_X) += $(addprefix libxfs/, one.o \\
\ttwo.o) three.o
obj-$(subst m,y,$(CONFIG_IPV6)) += v6.o
obj-$(call strange,$(CONFIG_A)) += strange.o
ifdef CONFIG_A
obj-y += in_a.o
else ifeq ($(CONFIG_B),y)
obj-y += in_b.o
else
obj-y += in_none.o
endif
ifneq ($(CONFIG_A)$(CONFIG_B),)
  obj-y += any.o
endif
ifneq ($(filter y,$(CONFIG_A) $(CONFIG_B)),)
obj-y += filtered.o
endif
ifeq ($(BITS),32)
obj-y += unknown.o
endif
all: x
\t@echo $(obj)
";
        let configuration = Configuration::parse("CONFIG_B=y\nCONFIG_IPV6=y\n");
        let shown: Vec<String> = lists(text)
            .into_iter()
            .map(|List { stem, condition, words }| {
                format!("{stem}: {} {:?}\n", words.join(" "), condition.holds(&configuration))
            })
            .collect();
        expect![[r#"
            obj: a.o b.o Some(true)
            obj: fuse.o arch/x86/ Some(false)
            fuse: dev.o Some(true)
            fuse: dax.o Some(false)
            xfs: libxfs/one.o libxfs/two.o three.o Some(false)
            obj: v6.o Some(true)
            obj: strange.o None
            obj: in_a.o Some(false)
            obj: in_b.o Some(true)
            obj: in_none.o Some(false)
            obj: any.o Some(true)
            obj: filtered.o Some(true)
            obj: unknown.o None
        "#]]
        .assert_eq(&shown.concat());
    }
}
