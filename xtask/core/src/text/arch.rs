//! The architectures that kernels are built for, and what each is called where.

use serde::{Deserialize, Serialize};

/// An architecture: of a kernel, and of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Arch {
    /// AMD64. What says nothing of its architecture is of this one.
    #[default]
    #[serde(rename = "x86-64")]
    X86_64,
    /// AArch64.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Arch {
    /// All of them.
    pub const ALL: [Arch; 2] = [Arch::X86_64, Arch::Arm64];

    /// Its name in `lab.toml`, fragments, records and messages.
    pub fn name(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86-64",
            Arch::Arm64 => "arm64",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Arch::ALL.into_iter().find(|arch| arch.name() == name)
    }

    /// What its kernels are called when they are built.
    pub fn kernel_image(self) -> &'static str {
        match self {
            Arch::X86_64 => "bzImage",
            Arch::Arm64 => "Image",
        }
    }

    /// What `uname -m` calls it.
    pub fn machine(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::Arm64 => "aarch64",
        }
    }

    /// The one that `uname -m` calls so.
    pub fn of_machine(name: &str) -> Option<Self> {
        Arch::ALL.into_iter().find(|arch| arch.machine() == name)
    }

    /// Whether it is the one that is not written down, so that what is of it is as in a time before there were others.
    pub fn is_default(&self) -> bool {
        *self == Arch::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for arch in Arch::ALL {
            assert_eq!(Arch::named(arch.name()), Some(arch));
            assert_eq!(Arch::of_machine(arch.machine()), Some(arch));
            assert_eq!(toml::Value::try_from(arch).unwrap().as_str(), Some(arch.name()));
        }
        assert_eq!(Arch::named("x86_64"), None);
        assert_eq!(Arch::of_machine("riscv64"), None);
    }
}
