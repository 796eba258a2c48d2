//! A boot in which somebody works with a shell.

use serde::{Deserialize, Serialize};

/// What is done instead of workloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShellTask {
    /// The terminal that somebody types at; none if the commands lie at [`SHELL_COMMANDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalTask>,
}

/// A terminal at its begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TerminalTask {
    /// Its kind, as in `TERM`.
    pub kind: String,
    /// How large it is.
    pub size: TerminalSize,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TerminalSize {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

impl TerminalSize {
    /// The line that the host writes to the port [`TERMINAL_SIZE_PORT`] when it has changed.
    pub fn line(self) -> String {
        format!("{} {}\n", self.rows, self.columns)
    }

    /// What such a line says.
    pub fn parse(line: &str) -> Option<Self> {
        let (rows, columns) = line.trim_end().split_once(' ')?;
        Some(TerminalSize { rows: rows.parse().ok()?, columns: columns.parse().ok()? })
    }
}

/// BusyBox in the guest: the shell, and programs.
pub const SHELL_PROGRAM: &str = "/shell/busybox";

/// The commands, if nobody types.
pub const SHELL_COMMANDS: &str = "/shell/commands";

/// A copy of a folder of the host, if one is shared.
pub const SHARE_DIR: &str = "/share";

/// The guest's end of the terminal.
pub const TERMINAL_DEVICE: &str = "/dev/hvc0";

/// The name of the virtio-serial port over which the host tells the size of the terminal.
pub const TERMINAL_SIZE_PORT: &str = "patchlab.size";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_over_the_port() {
        let size = TerminalSize { rows: 24, columns: 80 };
        assert_eq!(TerminalSize::parse(&size.line()), Some(size));
        for line in ["", "24", "24 x\n", "-1 80\n", "24 80 1\n", "24 65536\n"] {
            assert_eq!(TerminalSize::parse(line), None, "{line:?}");
        }
    }
}
