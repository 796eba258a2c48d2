//! A boot for somebody who types, or for commands: a shell on the second terminal of the machine. No figure comes of it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use lab_guest::process::{Process, command};
use lab_guest::server::ServerProcess;
use lab_protocol::{
    Assignment, EndOfProgram, Milestone, SHARE_DIR, SHELL_COMMANDS, SHELL_PROGRAM, ShellTask,
    TERMINAL_DEVICE, TERMINAL_SIZE_PORT, TerminalSize,
};
use rustix::mount::MountFlags;

use crate::filesystem::Mounted;
use crate::ledger::Ledger;
use crate::port::virtio;
use crate::{foreign, loopback, mounts, served};

/// How long a boot with a shell may take: nobody is hurried.
pub(crate) const LIMIT: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Where the programs of BusyBox get their names. Those of the image go first.
const PROGRAMS: &str = "/shell/bin";

/// What the scenario has, and the shell on it.
///
/// # Errors
/// If something of it is not there; how the shell ends is none.
pub(crate) fn work(ledger: &Ledger, assignment: &Assignment, task: &ShellTask) -> anyhow::Result<()> {
    let mut mounted = None;
    if let Some(settings) = &assignment.filesystem {
        mounted = Some(Mounted::make(settings, assignment.storage_mib)?);
    } else {
        mounts::mount_storage(assignment.storage_mib)?;
    }
    // A kernel without a network has none.
    let _ = loopback::take_up();
    let server = assignment.server.as_ref().map(|settings| {
        let mut server = ServerProcess::start(settings, &served::server_place())?;
        server.wait_mounted()?;
        anyhow::Ok(server)
    });
    let server = server.transpose()?;
    let foreign = assignment.foreign.as_ref().map(foreign::start).transpose()?;
    share()?;
    ledger.progress(Milestone::Mounted, None);
    ledger.step("shell");
    let end = shell(task)?;
    ledger.step(&format!("shell ended: {end:?}"));
    ledger.edit(|report| report.shell = Some(end));
    // What still has a file open there is ended with the machine.
    if let Some(server) = server {
        let _ = server.quit();
    }
    if let Some(foreign) = foreign {
        let _ = foreign.end();
    }
    if let Some(mut mounted) = mounted {
        let _ = mounted.unmount();
    }
    Ok(())
}

/// Makes the folder of the host, of which this is a copy, one that is only read.
fn share() -> anyhow::Result<()> {
    if !Path::new(SHARE_DIR).exists() {
        return Ok(());
    }
    rustix::mount::mount_bind(SHARE_DIR, SHARE_DIR)
        .and_then(|()| rustix::mount::mount_remount(SHARE_DIR, MountFlags::BIND | MountFlags::RDONLY, ""))
        .with_context(|| format!("making {SHARE_DIR} read-only"))
}

fn shell(task: &ShellTask) -> anyhow::Result<EndOfProgram> {
    ensure!(Path::new(SHELL_PROGRAM).exists(), "there is no {SHELL_PROGRAM}");
    fs::create_dir_all(PROGRAMS).with_context(|| format!("making {PROGRAMS}"))?;
    let installed = command(SHELL_PROGRAM, &["--install", "-s", PROGRAMS]).status();
    ensure!(installed.is_ok_and(|status| status.success()), "{SHELL_PROGRAM} gives its programs no names");
    let terminal = open_terminal()?;
    let mut shell = match &task.terminal {
        Some(at) => {
            set_size(terminal.as_raw_fd(), at.size)?;
            follow_size(terminal.try_clone().context("sharing the terminal")?)?;
            // A session of its own, with the terminal as the one that Ctrl-C and the size come from.
            let mut shell = command(SHELL_PROGRAM, &["setsid", "-c", SHELL_PROGRAM, "ash", "-i"]);
            let input = terminal.try_clone().context("sharing the terminal")?;
            shell.env("TERM", &at.kind).env("PS1", "guest:\\w\\$ ").stdin(input);
            shell
        }
        None => {
            leave_output_alone(terminal.as_raw_fd())?;
            let mut shell = command(SHELL_PROGRAM, &["ash", SHELL_COMMANDS]);
            shell.stdin(Stdio::null());
            shell
        }
    };
    let output = |what| terminal.try_clone().context(what);
    shell
        .env("PATH", format!("/bin:{PROGRAMS}"))
        .env("HOME", "/")
        .stdout(output("sharing the terminal")?)
        .stderr(output("sharing the terminal")?);
    let end = end_of(&mut shell)?;
    // SAFETY: the descriptor is open; what is on its way reaches the host before the machine is switched off.
    let _ = unsafe { libc::tcdrain(terminal.as_raw_fd()) };
    Ok(end)
}

/// Runs a program to its end, or until `poweroff`, `halt` or `reboot` asks process 1 to end the machine.
fn end_of(program: &mut std::process::Command) -> anyhow::Result<EndOfProgram> {
    let program = Process::new(program.spawn().context("starting the shell")?).context("the shell")?;
    end_when_asked(program.pid())?;
    let ended = loop {
        if let Some(ended) = program.collect(Instant::now() + Duration::from_secs(3600))? {
            break ended;
        }
    };
    if SHELL.load(Ordering::Relaxed) == ASKED {
        return Ok(EndOfProgram::Exit(0));
    }
    Ok(match (ended.status.code(), ended.status.signal()) {
        (Some(code), _) => EndOfProgram::Exit(code),
        (None, signal) => EndOfProgram::Signal(signal.unwrap_or_default()),
    })
}

/// The signals by which BusyBox' programs ask process 1 to halt, to power off and to reboot.
const ASKED_BY: [libc::c_int; 3] = [libc::SIGUSR1, libc::SIGUSR2, libc::SIGTERM];

/// The number of the shell; 0 before there is one, and [`ASKED`] when the end was asked for.
static SHELL: AtomicI32 = AtomicI32::new(0);

/// No process has this number.
const ASKED: i32 = -1;

/// Ends the shell when process 1 is asked to end the machine. What nobody listens to, process 1 does not get.
fn end_when_asked(shell: u32) -> anyhow::Result<()> {
    extern "C" fn end_shell(_: libc::c_int) {
        let shell = SHELL.swap(ASKED, Ordering::Relaxed);
        if shell > 0 {
            // SAFETY: no memory is involved, and a handler may do it (signal-safety(7)).
            unsafe { libc::kill(shell, libc::SIGKILL) };
        }
    }
    SHELL.store(shell.cast_signed(), Ordering::Relaxed);
    for signal in ASKED_BY {
        // SAFETY: all bytes zero is a valid sigaction, without flags and with an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = end_shell as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // SAFETY: the pointer is valid for the call, and the handler does only what a handler may do.
        if unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) } < 0 {
            return Err(std::io::Error::last_os_error()).context("listening to requests to end the machine");
        }
    }
    Ok(())
}

/// The driver makes it some time after the system has booted.
fn open_terminal() -> anyhow::Result<File> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let opened =
            File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).open(TERMINAL_DEVICE);
        match opened {
            Ok(terminal) => return Ok(terminal),
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            Err(error) => return Err(error).with_context(|| format!("opening {TERMINAL_DEVICE}")),
        }
    }
}

fn set_size(terminal: RawFd, TerminalSize { rows, columns }: TerminalSize) -> anyhow::Result<()> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open, and the kernel reads no more than the structure.
    if unsafe { libc::ioctl(terminal, libc::TIOCSWINSZ, &raw const size) } < 0 {
        return Err(std::io::Error::last_os_error()).context("setting the size of the terminal");
    }
    Ok(())
}

/// Changes the size when the host says that it has changed.
fn follow_size(terminal: File) -> anyhow::Result<()> {
    let sizes = BufReader::new(virtio::open(TERMINAL_SIZE_PORT)?);
    std::thread::spawn(move || {
        for size in sizes.lines().map_while(Result::ok).filter_map(|line| TerminalSize::parse(&line)) {
            let _ = set_size(terminal.as_raw_fd(), size);
        }
    });
    Ok(())
}

/// Ends of lines stay as the programs write them.
pub(crate) fn leave_output_alone(terminal: RawFd) -> anyhow::Result<()> {
    let mut settings = std::mem::MaybeUninit::<libc::termios>::uninit();
    // SAFETY: the descriptor is open, and the pointer valid for one value.
    if unsafe { libc::tcgetattr(terminal, settings.as_mut_ptr()) } < 0 {
        return Err(std::io::Error::last_os_error()).context("reading the terminal's settings");
    }
    // SAFETY: the call has filled it.
    let mut settings = unsafe { settings.assume_init() };
    settings.c_oflag &= !libc::OPOST;
    settings.c_lflag &= !(libc::ECHO | libc::ICANON);
    // SAFETY: as above.
    if unsafe { libc::tcsetattr(terminal, libc::TCSANOW, &raw const settings) } < 0 {
        return Err(std::io::Error::last_os_error()).context("changing the terminal's settings");
    }
    Ok(())
}
