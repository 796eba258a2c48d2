//! The patches of the kernels, each with its diffstat and its text.

use maud::{Markup, html};

use super::Attached;
use crate::comparison::Comparison;
use crate::series::{FileStat, Patch};
use crate::text::digest;

/// The section; none if no kernel has a series.
pub(super) fn render(comparison: &Comparison, attached: &Attached) -> Option<Markup> {
    let mut names: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for variant in &comparison.variants {
        for series in variant.kernel.iter().flat_map(|kernel| &kernel.series) {
            match names.iter_mut().find(|(name, ..)| *name == series.name) {
                Some((.., variants)) => variants.push(&variant.name),
                None => names.push((&series.name, &series.digest, vec![&variant.name])),
            }
        }
    }
    (!names.is_empty()).then(|| {
        html! {
            section id="patches" aria-labelledby="patches-title" {
                h2 id="patches-title" { "Patches" }
                @for (name, sha256, variants) in &names {
                    h3 { (name) }
                    p.note { "In " (variants.join(", ")) "; digest " code { (digest::short(sha256)) } "." }
                    @match attached.series.iter().find(|series| series.name == *name) {
                        Some(series) => @for it in &series.patches { (patch(it)) },
                        None => p { "The patches of this digest are not there any more." },
                    }
                }
            }
        }
    })
}

fn patch(patch: &Patch) -> Markup {
    let stat = patch.stat();
    let total = |of: fn(&FileStat) -> usize| stat.iter().map(of).sum::<usize>();
    let (added, removed) = (total(|file| file.added), total(|file| file.removed));
    let text = String::from_utf8_lossy(&patch.text);
    html! {
        details {
            summary {
                (patch.subject) " "
                span.unit { (stat.len()) @if stat.len() == 1 { " file" } @else { " files" } ", +" (added) " −" (removed) }
            }
            ul.stat {
                @for file in &stat { li { code { (file.path) } span.unit { " +" (file.added) " −" (file.removed) } } }
            }
            pre tabindex="0" { @for line in text.lines() { (diff_line(line)) "\n" } }
        }
    }
}

fn diff_line(line: &str) -> Markup {
    let class = match line.bytes().next() {
        Some(b'+') if !line.starts_with("+++ ") => "added",
        Some(b'-') if !line.starts_with("--- ") => "removed",
        Some(b'@') => "hunk",
        _ => return html! { (line) },
    };
    html! { span class=(class) { (line) } }
}
