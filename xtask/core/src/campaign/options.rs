//! In which options of their configuration the kernels of a campaign are not alike.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::text::kconfig::{Line, OptionLine};

/// The values that a kernel has of the options in which the kernels of its campaign are not alike; `n` is what an option has
/// that is off, or that its source does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KernelOptions {
    /// Of those that some fragment names, for whatever version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub named: BTreeMap<String, String>,
    /// Of all others: they follow from those, or a source has them by itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, String>,
}

/// An option that two kernels have different values of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnlikeOption<'a> {
    /// With `CONFIG_`.
    pub(crate) option: &'a str,
    /// Of the first and of the second.
    pub(crate) values: [&'a str; 2],
}

impl KernelOptions {
    /// What each of the kernels with these resolved configurations has, in their order. `fragments` are the texts of the
    /// fragments.
    pub fn of_kernels(configs: &[String], fragments: &[String]) -> Vec<KernelOptions> {
        let configs: Vec<BTreeMap<&str, &str>> =
            configs.iter().map(|config| options(config).collect()).collect();
        let named: BTreeSet<&str> =
            fragments.iter().flat_map(|text| options(text)).map(|(option, _)| option).collect();
        let all: BTreeSet<&str> = configs.iter().flat_map(BTreeMap::keys).copied().collect();
        let mut kernels = vec![KernelOptions::default(); configs.len()];
        for option in all {
            let values: Vec<&str> =
                configs.iter().map(|config| config.get(option).copied().unwrap_or("n")).collect();
            if values.windows(2).all(|pair| plain(pair[0]) == plain(pair[1])) {
                continue;
            }
            for (kernel, value) in kernels.iter_mut().zip(values) {
                let options = if named.contains(option) { &mut kernel.named } else { &mut kernel.others };
                options.insert(option.to_owned(), value.to_owned());
            }
        }
        kernels
    }

    /// Those that another kernel of the same campaign has otherwise: of the named ones, and of the others.
    pub(crate) fn unlike<'a>(&'a self, other: &'a KernelOptions) -> [Vec<UnlikeOption<'a>>; 2] {
        [(&self.named, &other.named), (&self.others, &other.others)].map(|(these, those)| {
            let value = |option| those.get(option).map_or("n", String::as_str);
            let pairs =
                these.iter().map(|(option, own)| UnlikeOption { option, values: [own, value(option)] });
            pairs.filter(|unlike| plain(unlike.values[0]) != plain(unlike.values[1])).collect()
        })
    }
}

/// A value in one form: some options were on or off once, and are numbers now.
fn plain(value: &str) -> &str {
    match value {
        "0" | "0x0" => "n",
        value => value,
    }
}

/// The options of a configuration or a fragment, with their values.
fn options(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| match Line::of(line) {
        Line::Option(OptionLine { option, value, .. }) => Some((option, value)),
        Line::Nothing | Line::Wrong(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn only_what_is_not_alike_is_kept() {
        let fragments = ["# why\nCONFIG_LAZY=y  # from 7.0\n", "CONFIG_NET=y\n# CONFIG_OFF is not set\n"];
        let configs = [
            "# Linux 6.12\nCONFIG_NET=y\nCONFIG_HAVE_X=y\n# CONFIG_PANIC is not set\n# CONFIG_OFF is not set\n",
            "# Linux 7.3\nCONFIG_PANIC=0\nCONFIG_NET=y\nCONFIG_LAZY=y\nCONFIG_HZ=250\nCONFIG_NAME=\"a b\"\n",
            "# Linux 7.4\nCONFIG_NET=y\nCONFIG_LAZY=y\nCONFIG_HZ=300\nCONFIG_NAME=\"a b\"\n",
        ];
        let kernels = KernelOptions::of_kernels(&configs.map(str::to_owned), &fragments.map(str::to_owned));
        expect![[r#"
            [named]
            CONFIG_LAZY = "n"

            [others]
            CONFIG_HAVE_X = "y"
            CONFIG_HZ = "n"
            CONFIG_NAME = "n"
        "#]]
        .assert_eq(&toml::to_string_pretty(&kernels[0]).unwrap());
        let shown = |left: usize, right: usize| {
            kernels[left].unlike(&kernels[right]).map(|options| {
                let shown =
                    options.iter().map(|of| format!("{} {} / {}", of.option, of.values[0], of.values[1]));
                shown.collect::<Vec<_>>().join(", ")
            })
        };
        let [named, others] = shown(0, 1);
        assert_eq!(named, "CONFIG_LAZY n / y");
        expect![[r#"CONFIG_HAVE_X y / n, CONFIG_HZ n / 250, CONFIG_NAME n / "a b""#]].assert_eq(&others);
        // What both have alike is no difference of the two, although a third kernel has it otherwise.
        assert_eq!(shown(1, 2), ["", "CONFIG_HZ 250 / 300"]);
    }
}
