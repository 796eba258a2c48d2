//! Names of symbols without what the compiler counts: it changes with every line that is added above.

/// Starts of names that stand for no code or data of the kernel's own: padding in front of functions, entries of
/// tables whose names hold line numbers or counters, and version strings.
const NOISE: [&str; 9] = [
    "__pfx_",
    "__UNIQUE_ID_",
    "__initcall__kmod_",
    "__export_symbol_",
    "__ksymtab_",
    "__kstrtab",
    "__crc_",
    "linux_banner",
    "linux_proc_banner",
];

/// Whether a symbol is left out of a comparison. What refers to it is not.
pub(super) fn is_noise(name: &str) -> bool {
    name.is_empty() || name.starts_with('.') || NOISE.iter().any(|start| name.starts_with(start))
}

/// `__func__.12` and `f.constprop.0.cold` without the numbers; of a unique identifier also those at its end.
pub(super) fn plain(name: &str) -> String {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or_default();
    let rest = parts.filter(|part| !is_number(part));
    let name = [first].into_iter().chain(rest).collect::<Vec<_>>().join(".");
    if name.starts_with("__UNIQUE_ID_") {
        return name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names() {
        for (name, expected) in [
            ("fuse_init", "fuse_init"),
            ("__func__.12", "__func__"),
            ("f.constprop.0.cold", "f.constprop.cold"),
            ("x86_64", "x86_64"),
            ("__UNIQUE_ID_license437", "__UNIQUE_ID_license"),
            ("__UNIQUE_ID___addressable_f438.1", "__UNIQUE_ID___addressable_f"),
            ("", ""),
        ] {
            assert_eq!(plain(name), expected);
        }
    }

    #[test]
    fn noise() {
        for name in ["", ".LC0", "__pfx_f", "__UNIQUE_ID_x1", "__initcall__kmod_fuse__432_2297_fuse_init6"] {
            assert!(is_noise(name), "{name}");
        }
        for name in ["fuse_init", "__func__.1", "_printk"] {
            assert!(!is_noise(name), "{name}");
        }
    }
}
