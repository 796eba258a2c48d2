//! Mutants of a series and what became of them, for a terminal.

use crate::comparison::mutants::{Fate, Notice, Tally, Tried};
use crate::series::mutants::{Mutant, Rule};
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, align_right, new_table, wrap};

/// How many notices of a mutant are named.
const NAMED: usize = 3;

/// How much of an error of a build is shown, characters.
const ERROR: usize = 300;

/// A table with a row for each mutant; below it what it comes to, and those that survived.
pub fn render(tried: &[Tried]) -> String {
    let mut parts = vec![table(tried)];
    parts.extend(tried.iter().filter_map(failure));
    parts.extend(tried.iter().filter_map(contradiction));
    parts.extend(tried.iter().filter(|tried| tried.fate == Fate::Survived).map(survivor));
    parts.push(wrap("", &summary(tried), WIDTH, 2));
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

fn table(tried: &[Tried]) -> String {
    let mut table = new_table(&["mutant", "function", "", "by"]);
    for Tried { mutant, fate } in tried {
        let by = match fate {
            Fate::Caught(notices) => names(notices),
            Fate::Survived | Fate::Equal | Fate::Equivalent | Fate::DoesNotBuild(_) | Fate::Lost(_) => {
                String::new()
            }
        };
        table.add_row([short(mutant), mutant.function.clone(), fate.word().to_owned(), by]);
    }
    table.to_string()
}

/// The id without the function, which has a column of its own.
fn short(mutant: &Mutant) -> String {
    mutant.id.replacen(&format!("-{}-", mutant.function), "-", 1)
}

/// Who noticed it, the first ones by name.
fn names(notices: &[Notice]) -> String {
    let names: Vec<&str> = notices.iter().take(NAMED).map(|notice| notice.by.as_str()).collect();
    let more = notices.len() - names.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    names.join(", ") + &more
}

/// What became of one mutant, in one line: `caught by read-eio: read of 2 MiB ...`.
pub fn line(tried: &Tried) -> String {
    let text = match &tried.fate {
        Fate::Caught(notices) => {
            let first = notices.first().map(|notice| format!(" by {}: {}", notice.by, notice.text));
            let more = notices.len().saturating_sub(1);
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            format!("caught{}{more}", first.unwrap_or_default())
        }
        Fate::Survived => format!("SURVIVED: {}", flat(&tried.mutant)),
        Fate::Equal => "equal: nothing that is built differs".to_owned(),
        Fate::Equivalent => "equivalent, as marked".to_owned(),
        Fate::DoesNotBuild(_) => "does not build".to_owned(),
        Fate::Lost(reason) => format!("lost: {reason}"),
    };
    escape_for_terminal(&text)
}

/// What noticed each mutant, the first ones with what they saw.
pub fn notices(tried: &[Tried]) -> String {
    let mut text = String::new();
    for tried in tried {
        let Fate::Caught(notices) = &tried.fate else { continue };
        text += &format!("{}  {}\n", tried.mutant.id, flat(&tried.mutant));
        for notice in notices.iter().take(NAMED) {
            text += &(wrap("  ", &format!("{}: {}", notice.by, notice.text), WIDTH, 4) + "\n");
        }
        let more = notices.len().saturating_sub(NAMED);
        text += &(if more == 0 { String::new() } else { format!("  and {more} more\n") });
    }
    escape_for_terminal(&text)
}

/// The change of a mutant on one line.
fn flat(mutant: &Mutant) -> String {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{} -> {}", flat(&mutant.before), flat(&mutant.after))
}

fn failure(tried: &Tried) -> Option<String> {
    let (what, why) = match &tried.fate {
        Fate::DoesNotBuild(error) => ("does not build", error),
        Fate::Lost(reason) => ("was lost, which says nothing of it", reason),
        Fate::Caught(_) | Fate::Survived | Fate::Equal | Fate::Equivalent => return None,
    };
    let why: String = why.chars().take(ERROR).collect();
    Some(wrap("", &format!("{} {what}: {}", tried.mutant.id, why.replace('\n', " ")), WIDTH, 2))
}

fn contradiction(tried: &Tried) -> Option<String> {
    let (Fate::Caught(notices), Some(reason)) = (&tried.fate, &tried.mutant.equivalent) else { return None };
    let text = format!(
        "{} is marked as equivalent ({reason}), and was noticed by {}: either the mark is wrong, or what noticed it",
        tried.mutant.id,
        names(notices)
    );
    Some(wrap("", &text, WIDTH, 2))
}

/// One that survived, with its patch.
fn survivor(tried: &Tried) -> String {
    let mutant = &tried.mutant;
    let place = format!("{}:{} {}()", mutant.path, mutant.line, mutant.function);
    let why = mutant.why.as_ref().map(|why| wrap("  ", why, WIDTH, 2) + "\n").unwrap_or_default();
    let hunk = mutant.patch.lines().skip_while(|line| !line.starts_with("@@"));
    let diff: String = hunk.map(|line| format!("  {line}\n")).collect();
    format!("{} survived  {place}\n{why}{}", mutant.id, diff.trim_end_matches('\n'))
}

/// `61 mutants: 3 equal, 2 equivalent, 1 does not build; of the other 55, 52 are caught (94.5 %), 3 survived`.
pub fn summary(tried: &[Tried]) -> String {
    let tally = Tally::of(tried);
    let left_out: Vec<String> = [
        (tally.equal, "equal"),
        (tally.equivalent, "equivalent"),
        (tally.does_not_build, "not built"),
        (tally.lost, "lost"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    let counted = tally.counted();
    let total = match tally.total() {
        1 => "1 mutant".to_owned(),
        total => format!("{total} mutants"),
    };
    let start = if left_out.is_empty() { total } else { format!("{total}: {}", left_out.join(", ")) };
    if counted == 0 {
        return format!("{start}; none is left that a boot could tell from the right kernel");
    }
    let share = 100.0 * tally.caught as f64 / counted as f64;
    let of = if left_out.is_empty() { String::new() } else { format!("; of the other {counted}") };
    format!("{start}{of}, {} caught ({share:.1} %), {} survived", tally.caught, tally.survived)
}

/// How many mutants there are of each rule, and what the rule does.
pub fn rules(all: &[Mutant]) -> String {
    let mut table = new_table(&["rule", "mutants", "what it does"]);
    for rule in Rule::ALL {
        let count = all.iter().filter(|mutant| mutant.rule == rule).count();
        table.add_row([rule.word().to_owned(), count.to_string(), rule.help().to_owned()]);
    }
    table.add_row(["all", &all.len().to_string(), ""]);
    align_right(&mut table, [1]);
    table.to_string() + "\n"
}

/// Each mutant with its place and its change.
pub fn list(all: &[Mutant]) -> String {
    let one = |mutant: &Mutant| {
        let equivalent = mutant.equivalent.as_ref().map(|reason| format!("\n    equivalent: {reason}"));
        let why = mutant.why.as_ref().map(|why| format!("\n    {why}"));
        format!(
            "{}  {}:{}\n    {}{}{}\n",
            mutant.id,
            mutant.path,
            mutant.line,
            flat(mutant),
            why.unwrap_or_default(),
            equivalent.unwrap_or_default()
        )
    };
    escape_for_terminal(&all.iter().map(one).collect::<String>())
}

#[cfg(test)]
mod tests;
