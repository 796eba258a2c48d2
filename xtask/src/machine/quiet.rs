//! What the host says about its load, read from its files.

use lab_core::evidence::quiet::Readings;

/// What the host says now.
pub(crate) fn look() -> Readings {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let mut governors = String::new();
    for cpu in 0.. {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        match std::fs::read_to_string(path) {
            Ok(text) => governors += &text,
            Err(_) => break,
        }
    }
    Readings {
        stat: read("/proc/stat"),
        load_average: read("/proc/loadavg"),
        memory: read("/proc/pressure/memory"),
        governors,
        lab: read("/proc/self/stat"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lab_core::evidence::quiet::OwnTime;

    use super::*;

    #[test]
    fn this_host_tells() {
        let first = look();
        // A busy machine gives a test little of its time, so that what it had is waited for.
        while look().own_since(&first).lab < Duration::from_millis(50) {}
        let load = look().load_since(&first, OwnTime::default(), &[0]).unwrap();
        assert!((0.0..=100.0).contains(&load.others_percent), "{load}");
        assert!(load.own_cpus.is_some(), "{load}");
    }
}
