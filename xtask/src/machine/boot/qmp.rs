//! What QEMU's monitor is asked (QMP, one JSON object a line).

use serde_json::Value;

/// Leaves the negotiation mode in which QMP starts.
pub(super) const CAPABILITIES: &str = r#"{"execute":"qmp_capabilities"}"#;

/// Which threads of QEMU run the virtual CPUs.
pub(super) const CPUS: &str = r#"{"execute":"query-cpus-fast"}"#;

/// The answer to [`CPUS`]: the ids of the threads, in the order of the CPUs; none of anything else that the monitor says.
pub(super) fn cpu_threads(line: &str) -> Option<Vec<i32>> {
    let message: Value = serde_json::from_str(line).ok()?;
    let cpu = |cpu: &Value| {
        let id = i32::try_from(cpu.get("thread-id")?.as_i64()?).ok()?;
        Some((cpu.get("cpu-index")?.as_i64()?, id))
    };
    let mut cpus: Vec<(i64, i32)> =
        message.get("return")?.as_array()?.iter().map(cpu).collect::<Option<_>>()?;
    cpus.sort_unstable();
    (!cpus.is_empty()).then(|| cpus.into_iter().map(|(_, id)| id).collect())
}

/// Whether the virtual CPUs run at all.
pub(super) const STATUS: &str = r#"{"execute":"query-status"}"#;

/// The registers of every virtual CPU; asked twice, they tell a loop from a standstill.
pub(super) const REGISTERS: &str =
    r#"{"execute":"human-monitor-command","arguments":{"command-line":"info registers -a"}}"#;

/// Makes the kernel say where it is, if it still can.
pub(super) const NMI: &str = r#"{"execute":"inject-nmi"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    /// QEMU 7.2 with two CPUs, and what else it says.
    #[test]
    fn threads_of_cpus() {
        let answer = r#"{"return": [{"thread-id": 4243, "props": {"core-id": 1, "thread-id": 0, "socket-id": 0}, "qom-path": "/machine/unattached/device[2]", "cpu-index": 1, "target": "x86_64"}, {"thread-id": 4242, "props": {"core-id": 0, "thread-id": 0, "socket-id": 0}, "qom-path": "/machine/unattached/device[0]", "cpu-index": 0, "target": "x86_64"}]}"#;
        for (line, expected) in [
            (answer, Some(&[4242, 4243][..])),
            (r#"{"return": {}}"#, None),
            (r#"{"return": []}"#, None),
            (r#"{"return": [{"thread-id": 1}]}"#, None),
            (r#"{"event": "SHUTDOWN", "data": {"guest": true}}"#, None),
            ("{", None),
        ] {
            assert_eq!(cpu_threads(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn questions_are_json() {
        for question in [CAPABILITIES, CPUS, STATUS, REGISTERS, NMI] {
            let value: Value = serde_json::from_str(question).unwrap();
            assert!(value.get("execute").is_some());
        }
    }
}
