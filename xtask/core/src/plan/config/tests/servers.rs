//! Scenarios with a FUSE server that is not the lab's own, and plans that compare scenarios.

use lab_protocol::{ForeignServer, LibfuseExample, ServerProgram};

use super::*;

const SERVERS: &str = r#"
[scenarios.hp]
server = { libfuse = "passthrough_hp", arguments = ["--foreground", "{storage}", "{mount}"] }
[scenarios.other]
like = "hp"
server = { program = "/usr/bin/other", arguments = ["-o", "source={storage}", "{mount}"] }
[plans.servers]
like = "default"
baseline = "stock"
variants = ["stock"]
scenarios = ["local", "hp", "other"]
baseline-scenario = "local"
"#;

#[test]
fn a_server_of_somebody_else() {
    let config = Config::parse("lab.toml", &format!("{GOOD}{SERVERS}")).unwrap();
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let scenario = &config.scenarios["hp"];
    assert!(scenario.server.is_none() && scenario.filesystem.is_none());
    let expected = ForeignServer {
        program: ServerProgram::Libfuse(LibfuseExample::PassthroughHp),
        arguments: owned(&["--foreground", "{storage}", "{mount}"]),
    };
    assert_eq!(scenario.foreign, Some(expected));
    let expected = ForeignServer {
        program: ServerProgram::Host("/usr/bin/other".to_owned()),
        arguments: owned(&["-o", "source={storage}", "{mount}"]),
    };
    assert_eq!(config.scenarios["other"].foreign, Some(expected));
    assert_eq!(config.plans["servers"].baseline_scenario.as_deref(), Some("local"));
    assert_eq!(config.plans["default"].baseline_scenario, None);
}

#[test]
fn mistakes_of_a_server_and_of_a_comparison_of_scenarios() {
    let shown = |(from, to): &(&str, &str)| {
        assert!(SERVERS.contains(from), "{from}");
        shown_with_message(to, &error(&format!("{GOOD}{}", SERVERS.replacen(from, to, 1))))
    };
    let edits = [
        ("passthrough_hp", "passthrough_xp"),
        ("libfuse = \"passthrough_hp\"", "libfuse = \"passthrough_hp\", program = \"/bin/x\""),
        ("libfuse = \"passthrough_hp\", ", ""),
        ("/usr/bin/other", "other"),
        ("/usr/bin/other", "/usr/../other"),
        ("\"{storage}\", \"{mount}\"", "\"{mount}\""),
        ("\"{storage}\", \"{mount}\"", "\"{storage}\""),
        ("arguments = [\"-o\", \"source={storage}\", \"{mount}\"]", "environment = {}"),
        ("like = \"hp\"", "like = \"local\""),
        ("like = \"hp\"", "filesystem = \"tmpfs\""),
        ("baseline-scenario = \"local\"", "baseline-scenario = \"loacl\""),
        ("baseline-scenario = \"local\"", "baseline-scenario = \"remote\""),
        ("variants = [\"stock\"]", "variants = [\"stock\", \"original\"]"),
        ("scenarios = [\"local\", \"hp\", \"other\"]", "scenarios = [\"local\"]"),
        ("like = \"default\"", "like = \"default\"\nprobes = \"quick\""),
        ("like = \"default\"", "like = \"default\"\nmachine = \"wall\""),
        (
            "scenarios = [\"local\", \"hp\", \"other\"]",
            "scenarios = [\"local\", \"remote\"]\nsweep = { threads = [1, 2] }",
        ),
        ("baseline-scenario = \"local\"", "sweep = { threads = [1, 2] }"),
    ];
    expect![[r#"
        passthrough_xp
            lab.toml:127:22: scenarios.hp.server.libfuse: `passthrough_xp` is none of its values; use "passthrough_hp" or "passthrough_ll"
        libfuse = "passthrough_hp", program = "/bin/x"
            lab.toml:127:22: scenarios.hp.server.libfuse: a scenario has one server; name a program or an example of libfuse

            lab.toml:127:10: scenarios.hp.server.program: missing; set it to a string
        other
            lab.toml:130:22: scenarios.other.server.program: `other` is no path of a program; use one from the root on, such as /usr/bin/sshfs, without `.` and `..`
        /usr/../other
            lab.toml:130:22: scenarios.other.server.program: `/usr/../other` is no path of a program; use one from the root on, such as /usr/bin/sshfs, without `.` and `..`
        "{mount}"
            lab.toml:127:52: scenarios.hp.server.arguments: no argument has {storage}, so that the server does not know which files to serve; add it where the server wants it
        "{storage}"
            lab.toml:127:52: scenarios.hp.server.arguments: no argument has {mount}, so that the server does not know where to mount; add it where the server wants it
        environment = {}
            lab.toml:130:40: scenarios.other.server: there is no key `environment`; there are: program, libfuse, arguments
        like = "local"
            lab.toml:12:11: scenarios.local.threads: is a setting of the lab's own FUSE server or of a file system, and the scenario has another server; remove it, or `like` if it comes from there
        filesystem = "tmpfs"
            lab.toml:129:14: scenarios.other.filesystem: is a setting of the lab's own FUSE server or of a file system, and the scenario has another server; remove it, or `like` if it comes from there
        baseline-scenario = "loacl"
            lab.toml:136:21: plans.servers.baseline-scenario: there is no scenario `loacl`; did you mean `local`? there are: hp, local, other, remote
        baseline-scenario = "remote"
            lab.toml:136:21: plans.servers.baseline-scenario: the baseline `remote` is not among the scenarios (local, hp, other); add it to them
        variants = ["stock", "original"]
            lab.toml:134:12: plans.servers.variants: with a baseline-scenario the plan compares scenarios on one kernel; name one variant, not 2
        scenarios = ["local"]
            lab.toml:135:13: plans.servers.scenarios: there is nothing to compare `local` with; name at least two scenarios
        like = "default"\nprobes = "quick"
            lab.toml:133:10: plans.servers.probes: the probes compare kernels, and a plan with a baseline-scenario has one; use "none"
        like = "default"\nmachine = "wall"
            lab.toml:136:13: plans.servers.scenarios: the wall clock needs the scenario `local` twice, to measure the noise; add one that is like it under another name
        scenarios = ["local", "remote"]\nsweep = { threads = [1, 2] }
            lab.toml:136:9: plans.servers.sweep: a plan with a baseline-scenario compares scenarios as they are; remove it, or use {}
        sweep = { threads = [1, 2] }
            lab.toml:134:12: plans.servers.variants: there is nothing to compare `stock` with; name at least two variants
    "#]].assert_eq(&edits.iter().map(shown).collect::<String>());
}
