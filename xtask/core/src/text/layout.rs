//! Text in lines and columns: wrapped sentences, tables, the width of names.

use comfy_table::{CellAlignment, Table, presets};

/// Columns that everything for a terminal fits in, if names are not longer than usual.
pub const WIDTH: usize = 100;

/// `prefix` and the text behind it, broken at spaces into lines of at most `width` characters, later ones
/// indented by `indent`.
pub fn wrap(prefix: &str, text: &str, width: usize, indent: usize) -> String {
    let mut lines = vec![prefix.to_owned()];
    let mut is_empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let place = lines.len() - 1;
        let used = lines[place].chars().count();
        if is_empty {
            lines[place] += word;
        } else if used + 1 + word.chars().count() > width {
            lines.push(" ".repeat(indent) + word);
        } else {
            lines[place] += &format!(" {word}");
        }
        is_empty = false;
    }
    lines.join("\n")
}

/// A table in plain characters without rows, under these headings.
pub fn new_table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(columns);
    table
}

/// Rows of cells in columns with two blanks between them, the first column to the left and the others to the right.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let of = |place: usize| rows.iter().filter_map(move |row| row.get(place)).map(String::as_str);
    let widths: Vec<usize> = (0..count).map(|place| longest(of(place))).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(place, (cell, &width))| match place {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Aligns these columns, counted from zero, to the right.
pub fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for place in columns {
        if let Some(column) = table.column_mut(place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The characters of the longest of these texts; zero if there is none.
pub fn longest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().map(|text| text.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_they_may_be() {
        assert_eq!(wrap("- ", "one two  three four", 9, 2), "- one two\n  three\n  four");
        assert_eq!(wrap("", "one two", 7, 0), "one two");
        assert_eq!(wrap("", "one two", 6, 0), "one\ntwo");
        assert_eq!(wrap("", "overlong é", 4, 1), "overlong\n é");
        assert_eq!(wrap("x: ", "", 4, 0), "x: ");
    }

    #[test]
    fn numbers_stand_below_each_other() {
        let mut table = new_table(&["name", "n"]);
        table.add_row(["a", "7"]).add_row(["b", "10"]);
        // A column that is not there is none to align.
        align_right(&mut table, 1..3);
        assert_eq!(table.to_string(), "| name |  n |\n|------|----|\n| a    |  7 |\n| b    | 10 |");
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [["", "one"], ["name", "é"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows), "      one\nname    é");
        assert_eq!(columns(&[]), "");
    }

    #[test]
    fn the_longest_is_counted_in_characters() {
        assert_eq!(longest(["ab", "ééé", ""]), 3);
        assert_eq!(longest([]), 0);
    }
}
