//! What `lab.toml` says in words above a table.

use super::Config;

impl Config {
    /// The first sentence of the comment directly above `[table.name]`; none if there is none.
    pub fn comment(&self, table: &str, name: &str) -> Option<String> {
        comment(&self.text, table, name)
    }
}

fn comment(text: &str, table: &str, name: &str) -> Option<String> {
    let heads = [format!("[{table}.{name}]"), format!("[{table}.\"{name}\"]")];
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_head = |line: &str| heads.iter().any(|head| line.starts_with(head));
    let head = lines.iter().position(|line| is_head(line))?;
    let above = lines[..head].iter().rev().map_while(|line| line.strip_prefix('#')).collect::<Vec<_>>();
    let words: Vec<&str> = above.into_iter().rev().flat_map(str::split_whitespace).collect();
    let ends = |word: &&str| word.ends_with(['.', '?', '!']);
    let end = words.iter().position(ends).map_or(words.len(), |last| last + 1);
    let sentence = words[..end].join(" ");
    (!sentence.is_empty()).then(|| sentence.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_above_a_table() {
        let text = "# About plans.\n\n# Does it pay, with fast\n# and slow storage? More.\n[plans.a]\nboots = 1\n\n[plans.b]\n\
                    # Below.\nboots = 2\n\n#\n[plans.\"c.1\"]  # beside\n# The same\n[plans.d]\n";
        let of = |name: &str| comment(text, "plans", name);
        assert_eq!(of("a").as_deref(), Some("Does it pay, with fast and slow storage?"));
        assert_eq!(of("b"), None, "what stands above another table, or below its own, is not about it");
        assert_eq!(of("c.1"), None);
        assert_eq!(of("d").as_deref(), Some("The same"));
        assert_eq!(of("e"), None);
    }
}
