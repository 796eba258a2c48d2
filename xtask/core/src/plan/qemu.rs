//! Versions of QEMU, and whether they give the same figures.

use crate::text::arch::Arch;

/// A machine that is the same in each version of QEMU.
struct Fixed {
    /// QEMU's `-machine`.
    machine: &'static str,
    /// Series of QEMU that gave figures of it that were equal to the last digit.
    found_equal: &'static [&'static str],
}

/// Found with 7.2.22, 10.0.2, 10.0.13 and 11.1.3.
const PC: Fixed = Fixed { machine: "pc-i440fx-7.2,hpet=off", found_equal: &["7.2", "10.0", "11.1"] };

/// Without what draws by chance, and without messages as interrupts: no device uses them, and setting them up takes time.
const VIRT: Fixed =
    Fixed { machine: "virt-7.2,gic-version=3,its=off,dtb-randomness=off", found_equal: &["7.2"] };

/// QEMU's `-machine` with the virtual clock. With a named CPU model, and on x86-64 the lab's firmware, it is the same machine in
/// each version.
pub fn fixed_machine(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => PC.machine,
        Arch::Arm64 => VIRT.machine,
    }
}

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
    let Some(fixed) = [PC, VIRT].into_iter().find(|fixed| fixed.machine == machine) else {
        return Some(format!(
            "QEMU {a} and {b}: firmware, ACPI tables and devices of -machine {machine} differ between versions, and \
             figures with them"
        ));
    };
    if MOVING_MODELS.contains(&model) {
        return Some(format!("QEMU {a} and {b}: -cpu {model} is another CPU in each version"));
    }
    let found = versions.iter().all(|version| fixed.found_equal.contains(&series(version)));
    (!found).then(|| {
        format!(
            "QEMU {a} and {b}: equal figures were found for versions {} only; others may differ",
            fixed.found_equal.join(", ")
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

    const MACHINE: &str = PC.machine;

    fn why(machine: &str, cpu_model: &str, versions: [&str; 2]) -> String {
        why_versions_differ(machine, cpu_model, versions).unwrap_or_default()
    }

    #[test]
    fn versions_that_were_found_equal_give_no_doubt() {
        assert_eq!(why(MACHINE, "qemu64", ["7.2.22", "10.0.13"]), "");
        assert_eq!(why(MACHINE, "qemu64", ["10.0.2", "11.1.3"]), "");
        assert_eq!(why("pc", "max,-erms", ["7.2.22", "7.2.22"]), "");
    }

    #[test]
    fn others_do() {
        assert!(why(MACHINE, "qemu64", ["7.2.22", "12.0.0"]).contains("7.2, 10.0, 11.1 only"));
        assert!(why(MACHINE, "qemu64", ["7.2.22", "7.20.1"]).contains("may differ"));
        assert!(why(MACHINE, "max,-erms", ["7.2.22", "10.0.13"]).contains("-cpu max is another CPU"));
        assert!(why("pc", "qemu64", ["7.2.22", "10.0.13"]).contains("of -machine pc differ"));
    }
}
