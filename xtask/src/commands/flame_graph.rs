//! A picture of two profiles, drawn.

use anyhow::Context as _;
use inferno::flamegraph::{self, Options};
use lab_core::report::profile::Picture;

/// As SVG, with a script that shows each name and searches. Widths are the instructions after; red is what became more, blue what
/// became less. What there is only before has no width.
///
/// # Errors
/// If it cannot be drawn.
pub(super) fn draw(picture: &Picture) -> anyhow::Result<Vec<u8>> {
    let mut options = Options::default();
    options.title.clone_from(&picture.title);
    options.subtitle = Some(picture.subtitle.clone());
    options.count_name = "instructions".to_owned();
    options.deterministic = true;
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, picture.lines.iter().map(String::as_str), &mut svg)
        .context("drawing a profile")?;
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn what_is_more_is_red_and_what_is_less_blue() {
        let lines = ["kernel;copy 500 500", "kernel;gone 7 0", "kernel;plan 0 300", "kernel;wait 1000 100"];
        let picture = Picture {
            file: "profile.svg".to_owned(),
            title: "title".to_owned(),
            subtitle: "subtitle".to_owned(),
            lines: lines.map(str::to_owned).to_vec(),
        };
        let svg = String::from_utf8(draw(&picture).unwrap()).unwrap();
        let colour = |name: &str| {
            let begin = svg.find(&format!("<title>{name} (")).expect(name);
            let (_, rest) = svg[begin..].split_once("fill=\"rgb(").expect("a colour");
            let numbers = rest.split_once(')').expect("its end").0;
            let numbers: Vec<u32> = numbers.split(',').map(|part| part.parse().unwrap()).collect();
            numbers[0].cmp(&numbers[2])
        };
        assert_eq!(
            ["plan", "wait", "copy"].map(colour),
            [Ordering::Greater, Ordering::Less, Ordering::Equal]
        );
        assert!(svg.contains("wait (100 instructions, 11.11%; -100.00%)"), "{svg}");
        assert!(!svg.contains("<title>gone"));
    }
}
