//! The emulated host: a QEMU that emulates a CPU with AMD's virtualisation, so that a KVM which works is inside.
//!
//! It sees the whole root of the outer machine, but writes only to the copy of the checkout. So whatever is installed
//! and cached on the outer machine is there, under the same paths.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Output};

use xshell::{Shell, cmd};

use crate::sandbox::{LabRun, TestCheckout};
use crate::system::System;

/// CPUs of the host: one more than the guest of the plan has, so that it can be bound to CPUs of its own.
pub(crate) const CPUS: u32 = 3;

/// How long the host may run, seconds. It took 350 on two CPUs with a load of ten.
const LIMIT_S: u32 = 900;

/// What came out of a host.
pub(crate) struct Said {
    /// What each command printed and returned, in order.
    pub(crate) runs: Vec<LabRun>,
    /// The CPUs that virtual machines were seen to be bound to, as `/proc` lists them, in the order of sight.
    pub(crate) bound_to: Vec<String>,
}

/// Starts the host, runs commands of the lab in it one after the other, and waits for its end.
pub(crate) fn run(sh: &Shell, system: &System, sandbox: &TestCheckout, commands: &[&[&str]]) -> Said {
    let folder = sandbox.folder().join("said");
    fs::create_dir(&folder).expect("a folder for what is said");
    fs::write(folder.join("commands.sh"), script(sandbox, commands)).expect("the commands");
    let console = start(sh, system, sandbox.folder());
    let read = |name: &str| {
        fs::read(folder.join(name)).unwrap_or_else(|_| panic!("the host did not get to `{name}`: {console}"))
    };
    let runs = (0..commands.len()).map(|number| {
        let code = String::from_utf8_lossy(&read(&format!("{number}.code"))).trim().parse::<i32>();
        LabRun::of(Output {
            // The form in which the kernel gives an exit code.
            status: ExitStatus::from_raw(code.expect("an exit code") << 8),
            stdout: read(&format!("{number}.stdout")),
            stderr: read(&format!("{number}.stderr")),
        })
    });
    let runs = runs.collect();
    let bound_to = String::from_utf8_lossy(&read("bound-to")).lines().map(str::to_owned).collect();
    Said { runs, bound_to }
}

/// Runs the host to its end and gives its console.
fn start(sh: &Shell, system: &System, checkout: &Path) -> String {
    let System { kernel, initramfs } = system;
    let (checkout, cpus, limit) = (checkout.display(), CPUS.to_string(), LIMIT_S.to_string());
    // A busy machine stops the host anywhere, also where it measures the TSC or waits for a timer.
    let patience = "tsc=unstable no_timer_check watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=100";
    let append = format!("console=ttyS0 quiet panic=-1 mitigations=off {patience} LAB_CHECKOUT={checkout}");
    let machine = ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"];
    let cpu = ["-accel", "tcg", "-cpu", "qemu64,+svm,+npt", "-smp", &cpus, "-m", "2G"];
    let share = |name: &str, path: &str, options: &str| {
        let folder = format!("local,id={name},path={path},security_model=none,multidevs=remap{options}");
        let device = format!("virtio-9p-pci,fsdev={name},mount_tag={name}");
        ["-fsdev".to_owned(), folder, "-device".to_owned(), device]
    };
    let root = share("root", "/", ",readonly=on");
    let writable = share("checkout", &checkout.to_string(), "");
    // It ends with the test, whatever ends that, and within the limit. `timeout` passes the signal on.
    let guard = ["--pdeathsig", "TERM", "timeout", "--kill-after=5", &limit];
    let output = cmd!(
        sh,
        "setpriv {guard...} qemu-system-x86_64 {machine...} {cpu...} -kernel {kernel} -initrd {initramfs} -append {append} {root...} {writable...}"
    )
    .quiet()
    .ignore_status()
    .output()
    .expect("QEMU starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// The commands for the host's shell, with the environment that this test has.
fn script(sandbox: &TestCheckout, commands: &[&[&str]]) -> String {
    let mut text = String::new();
    for (name, value) in std::env::vars() {
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_name && !name.starts_with(|c: char| c.is_ascii_digit()) {
            let _ = writeln!(text, "export {name}={}", quoted(&value));
        }
    }
    let checkout = sandbox.folder().to_string_lossy();
    let _ = writeln!(text, "cd {}", quoted(&checkout));
    let _ = writeln!(text, "export CARGO_MANIFEST_DIR={}", quoted(&format!("{checkout}/xtask")));
    text += BOUND_TO;
    for (number, arguments) in commands.iter().enumerate() {
        let arguments: Vec<String> = arguments.iter().map(|argument| quoted(argument)).collect();
        let (lab, arguments) = (quoted(env!("CARGO_BIN_EXE_xtask")), arguments.join(" "));
        let _ = writeln!(text, "{lab} {arguments} >said/{number}.stdout 2>said/{number}.stderr");
        let _ = writeln!(text, "echo $? >said/{number}.code");
    }
    text
}

/// Looks every three seconds to which CPUs the threads of virtual machines are bound.
const BOUND_TO: &str = r#"
while sleep 3; do
    for process in /proc/[0-9]*; do
        read -r name <"$process/comm" || continue
        case $name in qemu-system*) ;; *) continue ;; esac
        echo $(sed -n 's/^Cpus_allowed_list:[^0-9]*//p' "$process"/task/*/status | sort -u) >>said/bound-to
    done
done 2>/dev/null &
"#;

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
