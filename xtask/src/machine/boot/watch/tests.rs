//! The watch over programs that speak as QEMU does: every way in which a boot can end, without a virtual machine.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::mpsc;

use lab_core::evidence::hang::{Came, Tried};
use lab_core::plan::{Binding, Clock};
use lab_protocol::frame::{Kind, encode};
use lab_protocol::{END_MARK, Hello, Milestone, Nonce, Progress};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::*;
use crate::machine::accelerator::Accelerator;
use crate::machine::boot::Machine;
use crate::machine::boot::streams::with_write_limit;

const NONCE: Nonce = Nonce([7; 16]);

/// Connects as QEMU does. `event` says a reason to end; `frames` sends what the test has written.
const PRELUDE: &str = r#"
use strict;
use IO::Handle;
use IO::Select;
use IO::Socket::UNIX;
$| = 1;
my ($pipes) = map { /^pipe,id=port,path=(.*)/ ? $1 : () } @ARGV;
open my $port, '>', "$pipes.out" or die "$pipes.out: $!";
open my $answers, '<', "$pipes.in" or die "$pipes.in: $!";
my ($monitor) = map { IO::Socket::UNIX->new(Peer => $_) or die "$_: $!" }
    map { /^socket,id=monitor,path=(.*)/ ? $1 : () } @ARGV;
$_->autoflush(1) for $port, $monitor;
my ($folder) = $0 =~ m{(.*)/};
open my $ready, '>', "$folder/ready" or die;
sub event { print $monitor qq({"event": "SHUTDOWN", "data": {"reason": "$_[0]"}}\n) }
sub frames { open my $file, '<', "$folder/$_[0]" or die; local $/; print $port readline $file }
"#;

/// A program that stands for QEMU, and what it sends on the port.
struct Fake {
    folder: tempfile::TempDir,
    request: BootRequest,
}

impl Fake {
    fn new(body: &str, wall: Duration, silence: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("qemu.pl"), format!("{PRELUDE}{body}\n")).unwrap();
        let machine = Machine {
            arch: lab_core::plan::Arch::X86_64,
            accelerator: Accelerator::Tcg,
            clock: Clock::Virtual,
            cpu_model: "max".into(),
            kernel_parameters: String::new(),
            cpus: 1,
            memory_mib: 64,
            console: crate::machine::boot::ConsoleDevice::Serial,
            turns: None,
        };
        let request = BootRequest {
            machine,
            kernel_image: "bzImage".into(),
            initramfs: "initramfs".into(),
            nonce: NONCE,
            host_cpus: Binding::default(),
            live_console: Some(folder.path().join("console.live")),
            profile: None,
            debugger: None,
            terminal: None,
            wall_limit: wall,
            silence_limit: silence,
        };
        Fake { folder, request }
    }

    fn frames(self, name: &str, frames: &[(Kind, &[u8])]) -> Self {
        let bytes: Vec<u8> =
            frames.iter().flat_map(|(kind, payload)| encode(*kind, NONCE, payload)).collect();
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
        self
    }

    /// Starts it, and waits until it is connected, however long that takes here: limits are those of what it does then.
    fn start(&self, arguments: &[String]) -> anyhow::Result<Qemu> {
        let script = self.folder.path().join("qemu.pl").display().to_string();
        let mut qemu = Qemu::start("perl", &[&[script], arguments].concat(), &Binding::default(), None)?;
        while qemu.ended().is_none() && !self.folder.path().join("ready").exists() {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(qemu)
    }

    /// Watches it in a thread, as a watch that never ends must not keep the test. The limit is one that only such a watch
    /// reaches.
    fn watch(self, interrupt: &Interrupt) -> Capture {
        let interrupt = interrupt.clone();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let capture = watch(&self.request, &interrupt, |arguments| self.start(arguments)).unwrap();
            let live = std::fs::metadata(self.request.live_console.as_ref().unwrap()).unwrap().len();
            assert!(live <= super::super::CONSOLE_KEPT_BYTES as u64);
            let _ = sender.send(capture);
        });
        receiver.recv_timeout(Duration::from_secs(300)).expect("the watch ends")
    }
}

/// When, and by which of its limits, a boot is ended of whose console something is heard after so many seconds. Nothing
/// runs, and no time passes.
pub(crate) fn ended_by_limits(request: &BootRequest, heard_s: &[u64], until_s: u64) -> Option<(u64, End)> {
    let mut watch = Watch::new(request).unwrap();
    (1..=until_s).find_map(|second| {
        watch.timers.look(Duration::from_secs(1), BTreeMap::new());
        if heard_s.contains(&second) {
            watch.received.take(Event::Bytes(Stream::Console, b"x\r\n".to_vec()), &mut watch.timers);
        }
        Some((second, watch.timers.passed(watch.limits)?))
    })
}

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_secs(1);

fn console(capture: &Capture) -> String {
    String::from_utf8(capture.console.bytes()).unwrap()
}

fn progress() -> Vec<u8> {
    let progress = Progress { stage: Milestone::Mounted, workload: None, uptime_us: 1 };
    serde_json::to_vec(&progress).unwrap()
}

#[test]
fn a_boot_that_ends_in_order() {
    let hello = serde_json::to_vec(&Hello { kernel_release: "6.12".into(), uptime_us: 5 }).unwrap();
    let body = r#"
        print "[    0.000000] Linux version 6.12\r\n";
        frames("frames");
        sysread $answers, my $confirmed, 1;
        print "[    1.000000] END: $confirmed\r\n";
        event("guest-shutdown");
        print STDERR "qemu: a warning\n";
        exit 3;
    "#;
    let fake = Fake::new(&body.replace("END", END_MARK), LONG, LONG).frames(
        "frames",
        &[
            (Kind::Hello, &hello),
            (Kind::Progress, &progress()),
            (Kind::Report, b"{}"),
            (Kind::RequestLog, b"log"),
        ],
    );
    let capture = fake.watch(&Interrupt::default());
    assert_eq!(capture.end, End::returned(3));
    assert_eq!(
        console(&capture),
        format!("[    0.000000] Linux version 6.12\r\n[    1.000000] {END_MARK}: R\r\n")
    );
    assert_eq!(capture.hello.map(|(hello, _)| hello.uptime_us), Some(5));
    assert_eq!(capture.progress.map(|progress| progress.stage), Some(Milestone::Mounted));
    assert_eq!((capture.report.as_deref(), capture.requests.as_slice()), (Some(&b"{}"[..]), &b"log"[..]));
    assert_eq!(capture.qmp, [r#"{"event": "SHUTDOWN", "data": {"reason": "guest-shutdown"}}"#]);
    assert_eq!((capture.qemu_stderr.as_str(), capture.frame_error), ("qemu: a warning\n", None));
}

/// What QEMU itself says is no sign of life of the guest. It is asked where the guest is, then ended; one that does not
/// take the hint is killed.
#[test]
fn silence_is_that_of_the_guest() {
    let body = r#"
        $SIG{TERM} = 'IGNORE';
        print "[    0.000000] Linux version 6.12\r\n";
        my $asked = IO::Select->new($monitor);
        while (1) {
            print STDERR "$$\n";
            print $monitor qq({"pid": $$}\n);
            print $monitor $_ if $asked->can_read(0.05) && sysread $monitor, $_, 4096;
        }
    "#;
    let capture = Fake::new(body, LONG, SHORT).watch(&Interrupt::default());
    assert_eq!(capture.end, End::Silence);
    let asked: Vec<&String> = capture.qmp.iter().filter(|line| line.contains("execute")).collect();
    assert_eq!(asked, [qmp::CAPABILITIES, &qmp::command(qmp::STATUS, "lab-status")], "it gave no answer");
    assert_eq!(
        came(&capture),
        "Status: nothing; Registers: not tried; RegistersAgain: not tried; TaskDump: not tried; Nmi: not tried; \
         Terminate: nothing; Kill: QEMU ended"
    );
    let pid = capture.qemu_stderr.lines().next().unwrap().parse().ok().and_then(Pid::from_raw);
    assert_eq!(test_kill_process(pid.unwrap()), Err(Errno::SRCH));
}

/// What came of each step of the ladder.
fn came(capture: &Capture) -> String {
    let came = |tried: &Tried| {
        let came = match &tried.came {
            Came::Answer { said } => said,
            Came::Nothing { .. } => "nothing",
            Came::Refused { why } => why,
            Came::NotTried { .. } => "not tried",
        };
        format!("{:?}: {came}", tried.step)
    };
    let steps = capture.hang.as_ref().map(|hang| hang.steps.iter().map(came).collect::<Vec<_>>());
    steps.unwrap_or_default().join("; ")
}

/// Answers as QEMU does. BREAK is what it says to the order for one; KEY is done when a key comes, NMI at an NMI.
const ANSWERING: &str = r#"
    print "[    0.000000] Linux version 6.12\r\n";
    my $questions = '';
    my $asked = IO::Select->new($monitor, \*STDIN);
    while (my @ready = $asked->can_read) {
        for my $from (@ready) {
            if ($from != $monitor) {
                sysread STDIN, my $key, 1 or exit;
                KEY
                next;
            }
            sysread $monitor, my $piece, 4096 or exit;
            $questions .= $piece;
            while ($questions =~ s/^(.*)\n//) {
                my $line = $1;
                my ($id) = $line =~ /"id":"([^"]*)"/;
                my $said = $line =~ /query-status/ ? '{"status": "running"}' : '{}';
                $said = '"\r\nCPU#0\r\nRIP=ffffffff8128c4fb CPL=0 HLT=1\r\n"' if $line =~ /registers/;
                $said = '"BREAK"' if $line =~ /send-break/;
                print $monitor qq({"return": $said, "id": "$id"}\n) if defined $id;
                if ($line =~ /inject-nmi/) { NMI }
            }
        }
    }
"#;

#[test]
fn a_kernel_that_hangs_is_asked_for_its_tasks() {
    let key = r#"print "[    9.000000] sysrq: Show State\r\n[    9.000000] task:dd    state:D stack:0\r\n" if $key eq 't';"#;
    let body = ANSWERING.replace("KEY", key).replace("NMI", "die").replace("BREAK", "");
    let capture = Fake::new(&body, LONG, SHORT).watch(&Interrupt::default());
    assert_eq!(capture.end, End::Silence);
    assert_eq!(
        came(&capture),
        "Status: running; Registers: kept in qmp.jsonl; RegistersAgain: kept in qmp.jsonl; TaskDump: 1 task, 1 blocked \
         (dd), kept in task-dump.log; Nmi: not tried; Terminate: QEMU ended"
    );
    // What was provoked is not the guest's own word.
    assert_eq!(console(&capture), "[    0.000000] Linux version 6.12\r\n");
    let dump = String::from_utf8(capture.task_dump.bytes()).unwrap();
    assert!(dump.starts_with("[    9.000000] sysrq: Show State\r\n"), "{dump}");
    let cpus = capture.hang.unwrap().cpus;
    assert_eq!(cpus.len(), 1);
    assert_eq!(cpus[0].later.as_ref(), Some(&cpus[0].first));
}

/// Without a break there is an NMI. The kernel panics at it, and QEMU ends by itself.
#[test]
fn a_kernel_that_does_not_hear_a_break_gets_an_nmi() {
    let nmi = r#"print "[    9.000000] RIP: 0010:f+0x1/0x2\r\n"; event("guest-reset"); exit 0;"#;
    let body = ANSWERING.replace("KEY", "die;").replace("NMI", nmi).replace("BREAK", "no such chardev");
    let capture = Fake::new(&body, LONG, SHORT).watch(&Interrupt::default());
    assert_eq!(capture.end, End::Silence, "the lab ended it, whatever it did then");
    assert_eq!(
        came(&capture),
        "Status: running; Registers: kept in qmp.jsonl; RegistersAgain: kept in qmp.jsonl; TaskDump: no such chardev; \
         Nmi: 1 line, from f+0x1/0x2, kept in task-dump.log; Terminate: not tried"
    );
}

#[test]
fn what_comes_over_the_port_breaks_the_silence() {
    let body = "while (1) { frames('frames'); select undef, undef, undef, 0.05 }";
    let fake = Fake::new(body, Duration::from_secs(9), Duration::from_secs(6));
    let capture = fake.frames("frames", &[(Kind::Progress, &progress())]).watch(&Interrupt::default());
    assert_eq!(capture.end, End::WallLimit);
}

#[test]
fn a_guest_that_prints_without_end_is_ended() {
    let body = r#"my $line = "x" x 65535 . "\n"; print $line while 1"#;
    let capture = Fake::new(body, SHORT, LONG).watch(&Interrupt::default());
    assert_eq!(capture.end, End::WallLimit);
    assert!(capture.console.received_bytes() > 0);
}

/// It sends what is answered and takes no answer, until the socket has no room for another byte.
#[test]
fn a_guest_that_reads_nothing_does_not_hold_up_the_watch() {
    let fake = Fake::new("frames('frames'); frames('frames') while 1", SHORT, LONG);
    let reports: Vec<(Kind, &[u8])> = vec![(Kind::Report, b"{}"); 4096];
    let capture = fake.frames("frames", &reports).watch(&Interrupt::default());
    assert_eq!(capture.end, End::WallLimit);
    assert_eq!(capture.report.as_deref(), Some(&b"{}"[..]));
    assert_eq!(capture.frame_error.as_deref(), Some("Report frame: a second one"));
}

/// Its socket has no room for another byte, and what is said to it is given up.
#[test]
fn a_qemu_that_does_not_listen_does_not_hold_up_the_watch() {
    let (mut writer, _reader) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    while writer.write(&[0; 4096]).is_ok() {}
    writer.set_nonblocking(false).unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut received = Received::new(&Fake::new("", LONG, LONG).request).unwrap();
        let writer = with_write_limit(writer).unwrap();
        received.take(Event::Connected(Stream::Monitor, writer), &mut Timers::default());
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(Duration::from_secs(300)).expect("the watch goes on");
}

#[test]
fn a_guest_that_rings_without_end_takes_no_memory() {
    let body = r#"
        my $ring = qq({"event": "GUEST_PANICKED", "data": {"action": "run"}}\n) x 1000;
        print $monitor $ring for 1 .. 500;
        print $monitor "y" x 1000000 for 1 .. 20;
        print $monitor "\n";
        event("guest-reset");
    "#;
    let capture = Fake::new(body, LONG, LONG).watch(&Interrupt::default());
    assert_eq!(capture.end, End::returned(0));
    let bytes: usize = capture.qmp.iter().map(String::len).sum();
    assert!(bytes < 8 << 20, "{bytes}");
    assert!(capture.qmp[0].contains("GUEST_PANICKED"), "{}", capture.qmp[0]);
    let marks: Vec<&String> = capture.qmp.iter().filter(|line| line.contains("patchlab")).collect();
    assert_eq!(marks.len(), 2, "{marks:?}");
    assert_eq!(marks[1], r#"{"patchlab": "a line of 20000001 bytes cut here"}"#);
    assert!(capture.qmp.last().unwrap().contains("guest-reset"));
}

/// On a host that has no CPU for the lab it takes long to look at what was received before QEMU ended.
#[test]
fn what_waits_when_qemu_has_ended_is_received_without_a_limit() {
    let mut watch = Watch::new(&Fake::new("", LONG, LONG).request).unwrap();
    let (sender, inbox) = channel();
    for number in 0..MOST_WAITING {
        sender.send(Event::Bytes(Stream::Stderr, format!("{number}\n").into_bytes())).unwrap();
    }
    watch.receive_rest(Duration::ZERO, &inbox);
    let capture = watch.received.finish(End::returned(0));
    assert!(
        capture.qemu_stderr.ends_with(&format!("\n{}\n", MOST_WAITING - 1)),
        "{}",
        capture.qemu_stderr.len()
    );
}

/// Nothing comes to an end that somebody else goes on with.
#[test]
fn what_talks_in_place_of_qemu_is_not_listened_to_for_ever() {
    let mut watch = Watch::new(&Fake::new("", LONG, LONG).request).unwrap();
    let (sender, inbox) = channel();
    thread::spawn(move || while sender.send(Event::Bytes(Stream::Stderr, b"x".to_vec())).is_ok() {});
    watch.receive_rest(LONG, &inbox);
}

/// However often a guest says how far it is, the last word is all that is kept. What is kept is in the capture's text.
#[test]
fn a_guest_that_tells_its_progress_without_end_takes_no_memory() {
    let told = |uptime_us| {
        let workload = Some("x".repeat(1000));
        serde_json::to_vec(&Progress { stage: Milestone::WorkloadStarted, workload, uptime_us }).unwrap()
    };
    let (some, last) = (told(1), told(2));
    let frames: Vec<(Kind, &[u8])> = vec![(Kind::Progress, &some); 1000];
    let body = "frames('frames') for 1 .. 20; frames('last'); event('guest-reset')";
    let fake = Fake::new(body, LONG, LONG).frames("frames", &frames);
    let capture = fake.frames("last", &[(Kind::Progress, &last)]).watch(&Interrupt::default());
    assert_eq!(capture.progress.as_ref().map(|progress| progress.uptime_us), Some(2));
    let kept = format!("{capture:?}").len();
    assert!(kept < 8 << 10, "{kept} bytes");
}

/// Whoever stops the lab may have stopped QEMU as well, so that both are seen at once.
#[test]
fn an_interrupt_comes_before_the_end_that_it_caused() {
    let fake = Fake::new("event('host-signal'); exit 0", LONG, LONG);
    let interrupt = Interrupt::default();
    interrupt.set();
    let capture = watch(&fake.request, &interrupt, |arguments| {
        let mut qemu = fake.start(arguments)?;
        while qemu.ended().is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(qemu)
    });
    assert_eq!(capture.unwrap().end, End::Interrupted);
}

#[test]
fn a_qemu_that_is_stopped_by_the_user_ends() {
    let fake = Fake::new("print 'x'; sleep 1 while 1", LONG, LONG);
    let interrupt = Interrupt::default();
    let later = interrupt.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        later.set();
    });
    assert_eq!(fake.watch(&interrupt).end, End::Interrupted);
}

#[test]
fn a_qemu_that_fails_at_once_or_is_killed() {
    let failed = Fake::new("BEGIN { print STDERR qq(no such device\\n); exit 1 }", LONG, LONG);
    let capture = failed.watch(&Interrupt::default());
    assert_eq!((capture.end, capture.qemu_stderr.as_str()), (End::returned(1), "no such device\n"));
    let killed = Fake::new("print 'x'; kill 'KILL', $$; sleep 1 while 1", LONG, LONG);
    assert_eq!(killed.watch(&Interrupt::default()).end, End::killed(9));
}
