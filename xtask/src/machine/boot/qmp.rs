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
pub(super) const STATUS: &str = "query-status";

/// Stops the virtual CPUs: guest time that jumps over idle phases must not pass between a break and its key.
pub(super) const STOP: &str = "stop";

/// Lets the virtual CPUs run again.
pub(super) const CONTINUE: &str = "cont";

/// Makes the kernel say where it is, if it still can.
pub(super) const NMI: &str = "inject-nmi";

/// The registers of every virtual CPU, for [`in_words`].
pub(super) const REGISTERS: &str = "info registers -a";

/// A break on the console, for [`in_words`].
pub(super) const BREAK: &str = "chardev-send-break console";

/// A command, with the id by which its answer is known.
pub(super) fn command(name: &str, id: &str) -> String {
    format!(r#"{{"execute":"{name}","id":"{id}"}}"#)
}

/// A command of the monitor for people, likewise; its answer is a text.
pub(super) fn in_words(line: &str, id: &str) -> String {
    let arguments = format!(r#"{{"command-line":"{line}"}}"#);
    format!(r#"{{"execute":"human-monitor-command","arguments":{arguments},"id":"{id}"}}"#)
}

/// What was answered to the question with this id, or the error in QEMU's words; none of anything else that the monitor says.
pub(super) fn answer(line: &str, id: &str) -> Option<Result<Value, String>> {
    let message: Value = line.contains(id).then(|| serde_json::from_str(line).ok())??;
    if message.get("id")?.as_str()? != id {
        return None;
    }
    let error = message.pointer("/error/desc").map(|error| error.as_str().unwrap_or_default().to_owned());
    match (message.get("return"), error) {
        (Some(value), None) => Some(Ok(value.clone())),
        (None, Some(error)) => Some(Err(error)),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

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
        let asked = [command(STATUS, "a"), command(NMI, "b"), in_words(REGISTERS, "c"), in_words(BREAK, "d")];
        for question in [CAPABILITIES, CPUS].into_iter().chain(asked.iter().map(String::as_str)) {
            let value: Value = serde_json::from_str(question).unwrap();
            assert!(value.get("execute").is_some());
        }
    }

    /// Lines of QEMU 7.2, the error from a machine of arm64.
    #[test]
    fn answers_are_known_by_their_id() {
        let status =
            r#"{"return": {"status": "running", "singlestep": false, "running": true}, "id": "lab-status"}"#;
        let error = r#"{"id": "lab-nmi", "error": {"class": "GenericError", "desc": "machine does not provide NMIs"}}"#;
        for (line, id, expected) in [
            (status, "lab-status", Some("Ok(\"running\")")),
            (status, "lab-nmi", None),
            (error, "lab-nmi", Some("Err(\"machine does not provide NMIs\")")),
            (r#"{"event": "STOP", "data": "lab-nmi"}"#, "lab-nmi", None),
            (r#"{"execute": "inject-nmi", "id": "lab-nmi"}"#, "lab-nmi", None),
            ("lab-nmi", "lab-nmi", None),
        ] {
            let found = answer(line, id).map(|found| found.map(|value| value["status"].clone()));
            let found = found.map(|found| match found {
                Ok(value) => format!("Ok({value})"),
                Err(error) => format!("Err({error:?})"),
            });
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }
}
