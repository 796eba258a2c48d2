//! What the lab writes for other programs, read by other programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jsonschema::{Registry, Validator};
use lab_core::campaign::Campaign;
use lab_core::comparison::compare;
use lab_core::fixtures::{acted, arm, campaign, probe, probed, step_by_step, two_arms, warn};
use lab_core::plan::Clock;
use lab_core::report::Format;
use lab_protocol::ActionResult;
use serde_json::Value;

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout").to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn lab(campaigns: &str, format: &str) -> Output {
    let arguments: Vec<&str> = campaigns.split(' ').chain(["--format", format]).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchlab"));
    let output = command.arg("compare").args(&arguments).output().expect("the lab starts");
    assert!(!output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn reference_campaigns() -> Vec<String> {
    let entries = fs::read_dir(checkout().join("results")).expect("the campaigns");
    let names = entries.map(|entry| entry.expect("a campaign").file_name().display().to_string());
    let names: Vec<String> = names.filter(|name| name.starts_with("reference-")).collect();
    assert!(names.contains(&"reference-default".to_owned()), "{names:?}");
    names
}

fn schema(file: &str) -> Value {
    let text = fs::read_to_string(checkout().join("docs").join(file)).expect("the schema");
    let schema = serde_json::from_str(&text).expect("JSON");
    jsonschema::meta::validate(&schema).expect("a schema");
    schema
}

fn validator() -> Validator {
    jsonschema::validator_for(&schema("comparison.schema.json")).expect("a schema")
}

fn mistakes(validator: &Validator, text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).expect("JSON");
    validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Campaigns that have what the committed ones do not.
fn built() -> Vec<Campaign> {
    let mut troubled = campaign(Clock::Virtual, &two_arms());
    warn(&mut troubled.boots[2], "fuse_aio_complete");
    let failed = ActionResult::Failed { why: "EINVAL".to_owned() };
    acted(&mut troubled, &[ActionResult::Done, ActionResult::NeverDue, failed, ActionResult::Done]);
    troubled.boots[3].report = None;
    troubled.damaged = vec!["boot-009: no record".to_owned()];
    probed(&mut troubled, 0, vec![probe("read", "read", "returns 1", "returns 1")]);
    probed(&mut troubled, 2, vec![probe("read", "read", "returns 2", "returns 1")]);
    let boots = [(1.0, 50.0), (1.01, 50.1), (1.02, 50.2), (1.03, 50.3)];
    let wall = campaign(Clock::Wall, &[arm("original", &[], &boots, 1), arm("patched", &["s"], &boots, 12)]);
    let mut never_run = campaign(Clock::Virtual, &two_arms());
    never_run.boots.clear();
    vec![troubled, wall, step_by_step(campaign(Clock::Virtual, &two_arms())), never_run]
}

#[test]
fn json_is_what_the_schema_says() {
    let validator = validator();
    for name in reference_campaigns() {
        let text = String::from_utf8(lab(&name, "json").stdout).expect("UTF-8");
        assert_eq!(mistakes(&validator, &text), [""; 0], "{name}");
    }
    for campaign in built() {
        let text = Format::Json.render(&compare(&campaign).expect("a comparison")).expect("its text");
        assert_eq!(mistakes(&validator, &text), [""; 0]);
        // What the schema does not know is a change of the form.
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        value["variants"][0]["new"] = Value::from(1);
        value["schema"] = Value::from(1);
        assert_eq!(mistakes(&validator, &value.to_string()).len(), 2);
    }
}

/// The schema of two campaigns refers to that of one.
#[test]
fn json_of_two_campaigns_is_what_its_schema_says() {
    let of_one = schema("comparison.schema.json");
    let id = of_one["$id"].as_str().expect("its name").to_owned();
    let registry = Registry::new().add(id, of_one).expect("a schema").prepare().expect("a schema");
    let of_two = schema("two-campaigns.schema.json");
    let validator = jsonschema::options().with_registry(&registry).build(&of_two).expect("a schema");
    let text = String::from_utf8(lab("reference-ci reference-ci-busy", "json").stdout).expect("UTF-8");
    assert_eq!(mistakes(&validator, &text), [""; 0]);
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["rows"][0]["cells"][1]["effects"][0]["new"] = Value::from(1);
    value["new"] = Value::from(1);
    assert_eq!(mistakes(&validator, &value.to_string()).len(), 2);
}

/// What Python says of what stands on its standard input.
#[expect(clippy::disallowed_methods, reason = "a foreign program")]
fn python(script: &str, file: &Path) -> String {
    let run =
        Command::new("/usr/bin/python3").args(["-c", script]).arg(file).output().expect("Python starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("UTF-8")
}

fn written(folder: &Path, campaign: &str, format: &str) -> PathBuf {
    let path = folder.join(format!("{campaign}.{format}"));
    fs::write(&path, lab(campaign, format).stdout).expect("the file");
    path
}

/// Python's own reader finds in the lines what the JSON of the same campaign has.
#[test]
fn csv_is_read_by_python() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "import csv, math, sys\n\
                  for line in csv.DictReader(open(sys.argv[1], newline='')):\n    \
                  values = [float(value) for value in line['values'].split()]\n    \
                  assert len(values) == int(line['samples'])\n    \
                  if line['decides'] == 'yes': print(line['scenario'], line['workload'], line['metric'], line['variant'], line['verdict'])\n";
    let said = python(script, &written(folder.path(), "reference-default", "csv"));
    let json = String::from_utf8(lab("reference-default", "json").stdout).expect("UTF-8");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let mut expected = String::new();
    for row in json["rows"].as_array().expect("rows") {
        for cell in row["cells"].as_array().expect("cells") {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let words = [
                &row["scenario"],
                &row["workload"],
                &row["metric"],
                &cell["variant"],
                &cell["change"]["verdict"],
            ];
            expected += &format!("{}\n", words.map(text).join(" "));
        }
    }
    assert_eq!(said, expected);
}

/// cmark-gfm, the reader of a large host of repositories, finds each table whole.
#[test]
#[ignore = "needs a program; `cargo xtask ci` installs it and runs this"]
#[expect(clippy::disallowed_methods, reason = "a foreign program")]
fn markdown_is_read_by_cmark() {
    let folder = tempfile::tempdir().expect("a folder");
    let markdown = written(folder.path(), "reference-default", "markdown");
    let read = Command::new("cmark-gfm").args(["-e", "table", "--unsafe"]).arg(&markdown).output();
    let html = String::from_utf8(read.expect("cmark-gfm starts").stdout).expect("UTF-8");
    let tables: Vec<&str> =
        html.split("<table>").skip(1).filter_map(|rest| rest.split("</table>").next()).collect();
    assert!(tables.len() >= 2, "{html}");
    for table in tables {
        let rows = table.split("<tr>").skip(1);
        let cells: Vec<usize> =
            rows.map(|row| row.matches("<td").count() + row.matches("<th").count()).collect();
        assert!(cells.len() > 1 && cells.iter().all(|count| *count == cells[0]), "{cells:?}: {table}");
    }
    // What is left over of a table that was none.
    let outside = html.split("<table>").map(|part| part.split("</table>").last().unwrap_or_default());
    assert!(outside.clone().all(|text| !text.contains('|')), "{html}");
}

/// Put into a commit's message or a cover letter, git keeps all of it.
#[test]
#[expect(clippy::disallowed_methods, reason = "a foreign program")]
fn mail_is_read_by_git() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = fs::read_to_string(written(folder.path(), "reference-default", "mail")).expect("the text");
    let mail = folder.path().join("mail");
    let head = "From: A Developer <a@example.org>\nDate: Fri, 27 Nov 2026 10:00:00 +0000\nSubject: [PATCH] fuse: it\n\n";
    fs::write(&mail, format!("{head}{text}---\n a.c | 1 +\n")).expect("a mail");
    let [message, patch] = ["message", "patch"].map(|name| folder.path().join(name));
    let mut command = Command::new("git");
    let command = command.args(["mailinfo", "--scissors"]).args([&message, &patch]);
    let read = command.stdin(fs::File::open(&mail).expect("the mail")).output().expect("git starts");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert_eq!(fs::read_to_string(&message).expect("the message").trim_end(), text.trim());
}

/// `junitparser verify` ends with 1 if a case is red: so does the comparison.
#[test]
#[ignore = "needs a module of Python; `cargo xtask ci` installs it and runs this"]
#[expect(clippy::disallowed_methods, reason = "a foreign program")]
fn junit_is_read_by_junitparser() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut codes = Vec::new();
    for name in reference_campaigns() {
        let output = lab(&name, "junit");
        let path = folder.path().join(format!("{name}.xml"));
        fs::write(&path, &output.stdout).expect("the file");
        let verify = ["-m", "junitparser", "verify"];
        let read = Command::new("/usr/bin/python3").args(verify).arg(&path).output().expect("Python starts");
        let said = String::from_utf8_lossy(&read.stderr);
        assert_eq!(read.status.code(), output.status.code(), "{name}: {said}");
        assert_eq!(said, "", "{name}");
        codes.push(output.status.code());
    }
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(1)), "{codes:?}");
}

/// A console of a kernel with a fault, as `dmesg --raw` writes it: without callers, which dmesg of old systems does not take.
fn raw_console() -> String {
    let path = checkout().join("xtask/core/tests/data/console/debug-two-findings.log");
    let console = String::from_utf8_lossy(&fs::read(path).expect("the capture")).into_owned();
    let raw = |line: &str| {
        let (stamp, rest) = line.strip_prefix('[')?.split_once("][")?;
        Some(format!("<4>[{stamp}] {}\n", rest.split_once("] ")?.1))
    };
    console.lines().filter_map(raw).collect()
}

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn judge(arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchlab"));
    let output =
        command.args(["judge", "--format", "json"]).args(arguments).output().expect("the lab starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let validator = jsonschema::validator_for(&schema("judge.schema.json")).expect("a schema");
    assert_eq!(mistakes(&validator, &text), Vec::<String>::new(), "{text}");
    (output.status.code(), serde_json::from_str(&text).expect("JSON"))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the program whose output is read")]
fn what_dmesg_prints_says_the_same_in_each_of_its_forms() {
    let folder = tempfile::tempdir().expect("a folder");
    let [raw, log] = ["raw", "log"].map(|name| folder.path().join(name).display().to_string());
    fs::write(&raw, raw_console()).expect("the console");
    let titles = |found: &Value| {
        let all = found["findings"].as_array().expect("findings");
        all.iter().map(|finding| finding["title"].clone()).collect::<Vec<_>>()
    };
    let expected = titles(&judge(&[&raw]).1);
    assert_eq!(expected.len(), 2);
    for (arguments, form) in [
        (&["--raw"][..], "printk"),
        (&["--decode"], "printk"),
        (&["--ctime"], "dmesg"),
        (&["--decode", "--ctime"], "dmesg"),
        (&["--reltime"], "dmesg"),
        (&["--show-delta"], "dmesg"),
        (&["--show-delta", "--ctime"], "dmesg"),
        (&["--time-format", "iso"], "dmesg"),
        (&["--color=always"], "printk"),
        (&["--color=always", "--ctime"], "dmesg"),
        (&["--notime"], "bare"),
        (&["--notime", "--decode"], "level"),
    ] {
        let printed = Command::new("dmesg").args(["--file", &raw]).args(arguments).output().expect("dmesg");
        fs::write(&log, &printed.stdout).expect("the log");
        let (code, found) = judge(&[&log]);
        assert_eq!((code, titles(&found)), (Some(1), expected.clone()), "{arguments:?}");
        assert_eq!(found["files"][0]["form"], form, "{arguments:?}");
    }
}

#[test]
fn findings_of_logs_are_for_programs_and_one_bad_file_hides_no_other() {
    let console =
        |name: &str| checkout().join("xtask/core/tests/data/console").join(name).display().to_string();
    let (two, clean) = (console("debug-two-findings.log"), console("lab-clean.log"));
    let (missing, folder) = (console("missing.log"), console(""));
    assert_eq!(judge(&[&clean]).0, Some(0));
    assert_eq!(judge(&[&clean, &two]).0, Some(1));
    let (code, found) = judge(&[&missing, &folder, &two]);
    assert_eq!(code, Some(3));
    assert_eq!(found["findings"].as_array().map(Vec::len), Some(2));
    for (place, remedy) in [(0, "look at its name"), (1, "name the logs in it")] {
        let error = found["files"][place]["error"].as_str().expect("an error");
        assert!(error.contains(remedy), "{error}");
    }
}
