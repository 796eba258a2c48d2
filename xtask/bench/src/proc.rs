//! Numbers in files of `/proc`.

/// The number of a line such as `VmHWM:    3512 kB`, as files of `/proc` have them.
pub(super) fn kib(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_kib() {
        for (text, name, expected) in [
            ("VmPeak:\t   9000 kB\nVmHWM:\t    3512 kB\nVmRSS:\t 1 kB\n", "VmHWM:", Some(3512)),
            ("MemTotal: 9 kB\nMemAvailable:   24101340 kB\n", "MemAvailable:", Some(24_101_340)),
            ("MemTotal: 9 kB\n", "MemAvailable:", None),
            ("VmHWM:\tlots", "VmHWM:", None),
            ("", "VmHWM:", None),
        ] {
            assert_eq!(kib(text, name), expected, "{text}");
        }
    }
}
