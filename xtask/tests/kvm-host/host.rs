//! The emulated host: a QEMU that emulates a CPU with AMD's virtualisation, so that a KVM which works is inside.
//!
//! It sees the whole root of the outer machine, but writes only to the copy of the checkout. So whatever is installed
//! and cached on the outer machine is there, under the same paths.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::{LabRun, TestCheckout};
use crate::system::System;

/// CPUs of the host: one more than the guest of the plan has, so that it can be bound to CPUs of its own.
pub(crate) const CPUS: u32 = 3;

/// How long the host may run. It took 414 s on two CPUs with a load of ten.
const LIMIT: Duration = Duration::from_secs(900);

/// How long the host may give no sign of life. A shell in it gives one every three seconds, or ten if the machine is busy.
/// Now and then QEMU's emulation of the virtualisation stops for good, with all its threads running: that says nothing about
/// the lab in it.
const SILENCE: Duration = Duration::from_secs(180);

/// How often a host is started anew of which the emulation failed.
const TRIES: u32 = 3;

/// What the lab says if its guest did not boot under KVM, twice, and did without it.
const NO_KVM: &str = "the second time under KVM: ";

/// What came out of a host.
pub(crate) struct Said {
    /// What each command printed and returned, in order.
    pub(crate) runs: Vec<LabRun>,
    /// The CPUs that virtual machines were seen to be bound to, as `/proc` lists them, in the order of sight.
    pub(crate) bound_to: Vec<String>,
}

/// Starts the host, runs commands of the lab in it one after the other, and waits for its end.
pub(crate) fn run(system: &System, sandbox: &TestCheckout, commands: &[&[&str]]) -> Said {
    let folder = sandbox.folder().join("said");
    let mut console = String::new();
    for number in 1..=TRIES {
        let _ = fs::remove_dir_all(&folder);
        sandbox.remove_campaigns();
        fs::create_dir(&folder).expect("a folder for what is said");
        fs::write(folder.join("commands.sh"), script(sandbox, commands)).expect("the commands");
        let end = start(system, sandbox.folder());
        console = fs::read_to_string(folder.join("console")).unwrap_or_default();
        let failure = match end {
            End::Stopped => format!("it stopped for good: {console}"),
            End::ByItself => match (0..commands.len()).find_map(|number| failed_guest(&folder, number)) {
                Some(line) => line,
                None => break,
            },
        };
        eprintln!("the emulated host failed, try {number} of {TRIES}: {failure}");
        assert!(number < TRIES, "each emulated host failed: {failure}");
    }
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

/// What the line of a boot says if the emulation did not fail, by the begin of the variant's name. A good kernel finishes; a
/// kernel that is to end badly does so in its own way, however the lab may judge that.
const ENDS: [(&str, &str); 4] = [
    ("original", "  finished in "),
    ("stock", "  finished in "),
    ("panics", "lab test: no boot with this patch"),
    ("silent", "silence limit"),
];

/// The line in which a command tells that no guest boots under KVM, or that a kernel did not end as it does: now and then
/// the emulation of the virtualisation ends a guest, too. If the lab's own use of KVM is broken, it says so in each try.
fn failed_guest(folder: &Path, number: usize) -> Option<String> {
    let said = fs::read_to_string(folder.join(format!("{number}.stderr"))).ok()?;
    let ended_otherwise = |line: &str| {
        let is_of = |(variant, _): &&(&str, &str)| line.contains(&format!("  {variant}"));
        line.starts_with("boot ") && ENDS.iter().find(is_of).is_some_and(|(_, end)| !line.contains(end))
    };
    said.lines().find(|line| line.contains(NO_KVM) || ended_otherwise(line)).map(str::to_owned)
}

/// How a host ended.
enum End {
    /// By switching itself off, or with an error.
    ByItself,
    /// Not at all: it gave no sign of life any more.
    Stopped,
}

/// Runs the host to its end. What it prints goes to `said/console` in the checkout.
fn start(system: &System, checkout: &Path) -> End {
    // A busy machine stops the host anywhere, also where it measures the TSC or waits for a timer.
    let patience = "tsc=unstable no_timer_check watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=100";
    let path = checkout.display();
    let append = format!("console=ttyS0 quiet panic=-1 mitigations=off {patience} LAB_CHECKOUT={path}");
    let share = |name: &str, path: &str, options: &str| {
        let folder = format!("local,id={name},path={path},security_model=none,multidevs=remap{options}");
        let device = format!("virtio-9p-pci,fsdev={name},mount_tag={name}");
        ["-fsdev".to_owned(), folder, "-device".to_owned(), device]
    };
    let said = checkout.join("said");
    let console = File::create(said.join("console")).expect("a file for the console");
    // It ends with the test, whatever ends that.
    #[expect(clippy::disallowed_methods, reason = "a host that stopped has to be ended")]
    let mut qemu = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config"])
        .args(["-display", "none", "-no-reboot", "-serial", "stdio", "-accel", "tcg"])
        .args(["-cpu", "qemu64,+svm,+npt", "-smp", &CPUS.to_string(), "-m", "2G"])
        .arg("-kernel")
        .arg(&system.kernel)
        .arg("-initrd")
        .arg(&system.initramfs)
        .args(["-append", &append])
        .args(share("root", "/", ",readonly=on"))
        .args(share("checkout", &path.to_string(), ""))
        .stdin(Stdio::null())
        .stderr(console.try_clone().expect("the same file"))
        .stdout(console)
        .spawn()
        .expect("QEMU starts");
    let begun = Instant::now();
    loop {
        if qemu.try_wait().expect("QEMU is there").is_some() {
            return End::ByItself;
        }
        let sign = fs::metadata(said.join("alive")).and_then(|data| data.modified());
        let silent = sign.ok().map_or(begun.elapsed(), |sign| sign.elapsed().unwrap_or_default());
        if silent > SILENCE || begun.elapsed() > LIMIT {
            qemu.kill().expect("QEMU is ended");
            qemu.wait().expect("QEMU has ended");
            return End::Stopped;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
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
        let (lab, arguments) = (quoted(env!("CARGO_BIN_EXE_patchlab")), arguments.join(" "));
        let _ = writeln!(text, "{lab} {arguments} >said/{number}.stdout 2>said/{number}.stderr");
        let _ = writeln!(text, "echo $? >said/{number}.code");
    }
    text
}

/// Gives a sign of life every three seconds, and looks to which CPUs the threads of virtual machines are bound.
const BOUND_TO: &str = r#"
while sleep 3; do
    echo >said/alive
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
