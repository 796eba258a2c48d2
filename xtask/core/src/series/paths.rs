//! Which paths and links a patch or a source may bring.

/// Why a path in the tree is refused; none if it is fine. The path is relative to the top of the tree.
pub fn fault(path: &str) -> Option<String> {
    if path.starts_with('/') {
        return Some(format!("the path {path:?} is absolute"));
    }
    if path.is_empty() || path.chars().any(char::is_control) {
        return Some(format!("the path {path:?} is empty or holds control characters"));
    }
    for part in path.split('/') {
        match part {
            "" | "." => return Some(format!("the path {path:?} has an empty part")),
            ".." => return Some(format!("the path {path:?} leads out of the tree")),
            part if is_git_name(part) => {
                return Some(format!("the path {path:?} has the part `{part}`, which git acts upon"));
            }
            _ => {}
        }
    }
    None
}

/// Names that git, on some file system, takes for its own: `.git*` in any case, with characters that HFS+
/// ignores, and the short name that NTFS gives to `.git`. Only `.gitignore` and `.gitattributes` are in use
/// in kernel trees; the content of the latter is checked where it is known.
fn is_git_name(part: &str) -> bool {
    let ignored = |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let name: String = part.chars().filter(|c| !ignored(*c)).flat_map(char::to_lowercase).collect();
    let harmless = matches!(part, ".gitignore" | ".gitattributes" | ".gitkeep");
    !harmless && (name.starts_with(".git") || name.starts_with("git~"))
}

/// Why a symbolic link at `path` to `target` is refused; none if it is fine.
///
/// Only leading `..` are taken: behind a name, which may itself be a link, `..` leads anywhere.
pub fn link_fault(path: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return Some(format!("the link {path:?} has the absolute target {target:?}"));
    }
    if target.is_empty() || target.chars().any(char::is_control) {
        return Some(format!("the link {path:?} has no usable target"));
    }
    let depth = path.split('/').count() - 1;
    let parts: Vec<&str> = target.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let ups = parts.iter().take_while(|part| **part == "..").count();
    if ups > depth || parts[ups..].contains(&"..") {
        return Some(format!("the link {path:?} leaves the tree or may do so: its target is {target:?}"));
    }
    parts
        .iter()
        .find(|part| is_git_name(part))
        .map(|part| format!("the link {path:?} points to `{part}`, which git acts upon"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check =
            |path: &str, fine: bool| assert_eq!(fault(path).is_none(), fine, "{path:?}: {:?}", fault(path));
        for path in
            ["fs/fuse/file.c", "a b", ".gitignore", "x/.gitattributes", "..a/b..", ".mailmap", "x/git"]
        {
            check(path, true);
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a/..",
            "a//b",
            "./a",
            "a/",
            ".git/hooks/post-checkout",
            ".git",
            "x/.GIT/config",
            ".gitmodules",
            "sub/.gitModules",
            "GIT~1/config",
            ".g\u{200c}it/x",
            ".Gitignore",
            ".github/x",
            "a\nb",
            "a\u{7f}",
        ] {
            check(path, false);
        }
    }

    #[test]
    fn links() {
        let check = |path: &str, target: &str, fine: bool| {
            assert_eq!(
                link_fault(path, target).is_none(),
                fine,
                "{path} -> {target}: {:?}",
                link_fault(path, target)
            );
        };
        check("scripts/dtc/include-prefixes/arm", "../../../arch/arm/boot/dts", true);
        check("Documentation/Changes", "process/changes.rst", true);
        check("a", "./b", true);
        check("a", "/etc/passwd", false);
        check("a", "../b", false);
        check("a/b", "../c", true);
        check("a/b", "../../c", false);
        check("a/b", "c/../../../d", false);
        check("a/b", "c/../d", false);
        check("a", ".git/config", false);
        check("a", "", false);
    }
}
