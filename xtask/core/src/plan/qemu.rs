//! Versions of QEMU, and whether they give the same figures.

/// QEMU's `-machine` with the virtual clock. With the lab's firmware and a named CPU model it is the same machine in each
/// version.
pub const FIXED_MACHINE: &str = "pc-i440fx-7.2,hpet=off";

/// Series of QEMU that gave figures of that machine that were equal to the last digit: 7.2.22, 10.0.2, 10.0.13 and 11.1.3.
const FOUND_EQUAL: [&str; 3] = ["7.2", "10.0", "11.1"];

/// CPU models that are another CPU in each version.
const MOVING_MODELS: [&str; 2] = ["max", "base"];

/// Why two versions may give other figures for a machine with a CPU model; none if they are one, or were found to give
/// the same.
pub(crate) fn why_versions_differ(machine: &str, cpu_model: &str, versions: [&str; 2]) -> Option<String> {
    let [a, b] = versions;
    if a == b {
        return None;
    }
    let model = cpu_model.split(',').next().unwrap_or_default();
    if machine != FIXED_MACHINE {
        return Some(format!(
            "QEMU {a} and {b}: firmware, ACPI tables and devices of -machine {machine} differ between versions, and \
             figures with them"
        ));
    }
    if MOVING_MODELS.contains(&model) {
        return Some(format!("QEMU {a} and {b}: -cpu {model} is another CPU in each version"));
    }
    let found = versions.iter().all(|version| FOUND_EQUAL.contains(&series(version)));
    (!found).then(|| {
        format!(
            "QEMU {a} and {b}: equal figures were found for versions {} only; others may differ",
            FOUND_EQUAL.join(", ")
        )
    })
}

/// `10.0` of `10.0.13`.
fn series(version: &str) -> &str {
    version.rsplit_once('.').map_or(version, |(series, _)| series)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(machine: &str, cpu_model: &str, versions: [&str; 2]) -> String {
        why_versions_differ(machine, cpu_model, versions).unwrap_or_default()
    }

    #[test]
    fn versions_that_were_found_equal_give_no_doubt() {
        assert_eq!(why(FIXED_MACHINE, "qemu64", ["7.2.22", "10.0.13"]), "");
        assert_eq!(why(FIXED_MACHINE, "qemu64", ["10.0.2", "11.1.3"]), "");
        assert_eq!(why("pc", "max,-erms", ["7.2.22", "7.2.22"]), "");
    }

    #[test]
    fn others_do() {
        assert!(why(FIXED_MACHINE, "qemu64", ["7.2.22", "12.0.0"]).contains("7.2, 10.0, 11.1 only"));
        assert!(why(FIXED_MACHINE, "qemu64", ["7.2.22", "7.20.1"]).contains("may differ"));
        assert!(why(FIXED_MACHINE, "max,-erms", ["7.2.22", "10.0.13"]).contains("-cpu max is another CPU"));
        assert!(why("pc", "qemu64", ["7.2.22", "10.0.13"]).contains("of -machine pc differ"));
    }
}
