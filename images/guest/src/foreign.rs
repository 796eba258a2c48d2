//! A FUSE server that is not the lab's own: started, waited for until it has mounted, found wherever it has gone, and stopped.
//!
//! It says nothing. That it serves is seen by its mount, and which processes it has by who has `/dev/fuse` open: a daemon may
//! go to the background, and then the process that was started is not the one that serves.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use lab_protocol::ForeignServer;
use rustix::mount::{UnmountFlags, unmount};

use crate::process::{Process, command};
use crate::server::{describe_end, stderr};

/// How long it may take until it has mounted, guest time.
pub const MOUNT_LIMIT: Duration = Duration::from_secs(60);
/// How often it is looked whether it has.
const LOOK_EACH: Duration = Duration::from_millis(10);
/// How long it may take to end: after its file system is unmounted, after SIGTERM, and after SIGKILL.
const END_LIMIT: Duration = Duration::from_secs(5);

/// What it stands between.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The folder whose files it serves.
    pub storage: PathBuf,
    /// The folder that it mounts on.
    pub mount: PathBuf,
    /// What takes all that it says. A file and not a pipe: nobody wakes up for it.
    pub said: PathBuf,
}

/// The running server.
#[derive(Debug)]
pub struct ForeignProcess {
    name: String,
    folders: Folders,
    started: Process,
    /// How the process ended that was started, if it was collected.
    ended: Option<ExitStatus>,
    /// Those that have `/dev/fuse` open: the one that was started, or others that it has left behind.
    serving: Vec<Process>,
}

impl ForeignProcess {
    /// Starts it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(server: &ForeignServer, folders: &Folders) -> anyhow::Result<Self> {
        let argv = server.argv(&folders.storage.display().to_string(), &folders.mount.display().to_string());
        let name = server.program.shown();
        let start = || -> anyhow::Result<Process> {
            let (program, arguments) = argv.split_first().context("no program")?;
            let said = File::options().create(true).append(true).open(&folders.said)?;
            let mut command = command(program, arguments);
            command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
            Process::new(command.spawn()?)
        };
        let started = start().with_context(|| format!("starting {name}"))?;
        Ok(ForeignProcess { name, folders: folders.clone(), started, ended: None, serving: Vec::new() })
    }

    /// Waits until it has mounted, answers, and it is known which processes it has.
    ///
    /// # Errors
    /// If it does not come to that within `limit`, with what it said.
    pub fn wait_mounted(&mut self, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        self.wait_for_the_mount(deadline, limit)?;
        self.wait_for_an_answer(limit)?;
        // A process that has put another one into the background is about to end.
        let mut serving = holders()?;
        if serving.len() > 1 && serving.contains(&self.started.pid()) {
            self.look_whether_it_ended(Instant::now() + Duration::from_secs(1))?;
            serving = holders()?;
        }
        ensure!(!serving.is_empty(), "{} has mounted, and no process has /dev/fuse open", self.name);
        let process = |pid: u32| {
            let pid = rustix::process::Pid::from_raw(pid as i32).context("a process without a number")?;
            Process::of(pid)
        };
        self.serving = serving.into_iter().map(process).collect::<anyhow::Result<_>>()?;
        Ok(())
    }

    fn wait_for_the_mount(&mut self, deadline: Instant, limit: Duration) -> anyhow::Result<()> {
        let mount = self.folders.mount.display().to_string();
        loop {
            let mounts = fs::read_to_string("/proc/self/mountinfo").context("reading the mounts")?;
            if is_served(&mounts, &mount) {
                return Ok(());
            }
            self.look_whether_it_ended(Instant::now())?;
            if self.ended.is_some_and(|ended| !ended.success()) {
                bail!(self.how_it_ended());
            }
            if Instant::now() >= deadline {
                let how = match self.ended {
                    Some(_) => "ended with exit code 0 and",
                    None => "runs and",
                };
                bail!(
                    "{} {how} has mounted no FUSE file system on {mount} within {} s; is it a FUSE server, and do its arguments tell it \
                     to mount there?{}",
                    self.name,
                    limit.as_secs(),
                    self.what_it_said()
                );
            }
            thread::sleep(LOOK_EACH);
        }
    }

    /// Whoever asks a server that does not answer may never come back: a thread of its own does.
    fn wait_for_an_answer(&mut self, limit: Duration) -> anyhow::Result<()> {
        let (asked, answered) = mpsc::channel();
        let mount = self.folders.mount.clone();
        thread::spawn(move || asked.send(fs::metadata(mount).map(drop)));
        let mount = self.folders.mount.display().to_string();
        match answered.recv_timeout(limit) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                self.look_whether_it_ended(Instant::now() + Duration::from_secs(1))?;
                let how = if self.ended.is_some() { self.how_it_ended() } else { self.what_it_said() };
                bail!("{} has mounted, and does not say what {mount} is: {error}; {how}", self.name)
            }
            Err(_) => bail!(
                "{} has mounted, and does not say within {} s what {mount} is{}",
                self.name,
                limit.as_secs(),
                self.what_it_said()
            ),
        }
    }

    /// The processes that serve, once it has mounted.
    pub fn pids(&self) -> impl Iterator<Item = u32> + '_ {
        self.serving.iter().map(Process::pid)
    }

    /// Whether none of them is left. The kernel still tells what they have used.
    pub fn has_ended(&self) -> bool {
        self.has_ended_by(Instant::now())
    }

    fn has_ended_by(&self, deadline: Instant) -> bool {
        self.serving.iter().all(|process| process.ends_before(deadline).unwrap_or(false))
    }

    /// How it ended, if it ends within `limit`.
    pub fn end_within(&mut self, limit: Duration) -> Option<String> {
        let deadline = Instant::now() + limit;
        if !self.has_ended_by(deadline) {
            return None;
        }
        self.collect(deadline);
        Some(self.how_it_ended())
    }

    /// Unmounts its file system and has it end: most do by themselves then, others are told by SIGTERM, and killed if they do not
    /// listen.
    ///
    /// # Errors
    /// If the file system cannot be unmounted, or the server does not end, or ends with an error.
    pub fn end(mut self) -> anyhow::Result<()> {
        let mount = &self.folders.mount;
        unmount(mount, UnmountFlags::empty()).with_context(|| format!("unmounting {}", mount.display()))?;
        let mut is_told = false;
        if !self.all_end() {
            is_told = true;
            self.all().for_each(Process::terminate);
            if !self.all_end() {
                self.all().for_each(Process::kill);
                self.all_end();
                bail!(
                    "{} did not end within {} s of the unmount, nor of SIGTERM, and was killed",
                    self.name,
                    END_LIMIT.as_secs()
                );
            }
        }
        self.collect(Instant::now());
        let is_well = self.ended.is_none_or(|ended| {
            use std::os::unix::process::ExitStatusExt as _;
            ended.success() || is_told && ended.signal() == Some(libc::SIGTERM)
        });
        if is_well { Ok(()) } else { bail!(self.how_it_ended()) }
    }

    fn all(&self) -> impl Iterator<Item = &Process> {
        std::iter::once(&self.started).filter(|_| self.ended.is_none()).chain(&self.serving)
    }

    fn all_end(&self) -> bool {
        let deadline = Instant::now() + END_LIMIT;
        self.all().all(|process| process.ends_before(deadline).unwrap_or(false))
    }

    fn look_whether_it_ended(&mut self, deadline: Instant) -> anyhow::Result<()> {
        if self.ended.is_none() {
            self.ended = self.started.collect(deadline)?.map(|ended| ended.status);
        }
        Ok(())
    }

    /// Collects what has ended. What went to the background and lost its parent is process 1's.
    fn collect(&mut self, deadline: Instant) {
        let is_started = |process: &&Process| process.pid() == self.started.pid();
        let left: Vec<ExitStatus> = self
            .serving
            .iter()
            .filter(|process| !is_started(process))
            .filter_map(|process| process.collect(deadline).ok()?)
            .map(|ended| ended.status)
            .collect();
        let worst = left.iter().copied().find(|status| !status.success());
        if self.ended.is_none() {
            self.ended = self.started.collect(deadline).ok().flatten().map(|ended| ended.status);
        }
        self.ended = worst.or(self.ended);
    }

    fn how_it_ended(&self) -> String {
        let text = match self.ended {
            Some(status) => describe_end(status, &stderr(&self.folders.said)),
            None => "the server has ended, and nobody knows how".to_owned(),
        };
        text.replacen("the server", &self.name, 1)
    }

    fn what_it_said(&self) -> String {
        match stderr(&self.folders.said).trim_end() {
            "" => " It said nothing.".to_owned(),
            text => format!(" It said:\n{text}"),
        }
    }
}

/// The processes that have `/dev/fuse` open. What ends meanwhile is left out.
fn holders() -> anyhow::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("reading /proc")? {
        let entry = entry.context("reading /proc")?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(open) = fs::read_dir(entry.path().join("fd")) else { continue };
        let is_device = |file: fs::DirEntry| {
            fs::read_link(file.path()).is_ok_and(|target| target == Path::new("/dev/fuse"))
        };
        if open.flatten().any(is_device) {
            found.push(pid);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether a FUSE file system is mounted on `target`, by the text of `/proc/self/mountinfo` (proc(5)).
fn is_served(mounts: &str, target: &str) -> bool {
    mounts.lines().any(|line| {
        let Some((place, kind)) = line.split_once(" - ") else { return false };
        place.split(' ').nth(4) == Some(target) && kind.starts_with("fuse")
    })
}

#[cfg(test)]
mod tests {
    use lab_protocol::ServerProgram;

    use super::*;

    /// A folder of a test, which goes with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("lab-guest-{}-{test}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Starts a shell with a script as a server that has nowhere to be but on this machine.
    fn start(folder: &Path, script: &str) -> ForeignProcess {
        let said = folder.join("said");
        let folders = Folders { storage: folder.to_owned(), mount: folder.to_owned(), said: said.clone() };
        let out = File::options().create(true).append(true).open(said).unwrap();
        let mut command = command("/bin/sh", &["-c".to_owned(), script.to_owned()]);
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        ForeignProcess {
            name: "the program".to_owned(),
            folders,
            started: Process::new(command.spawn().unwrap()).unwrap(),
            ended: None,
            serving: Vec::new(),
        }
    }

    #[test]
    fn what_never_mounts_says_why() {
        let folder = Folder::new("never");
        let mount = folder.0.display().to_string();
        let check = |script: &str, limit: Duration, expected: &str| {
            let mut server = start(&folder.0, script);
            let error = server.wait_mounted(limit).unwrap_err().to_string();
            server.started.kill();
            assert_eq!(error, expected.replace("MOUNT", &mount), "{script}");
            fs::remove_file(folder.0.join("said")).unwrap();
        };
        // Whatever the limit: that it failed is known at once.
        check(
            "echo bad option >&2; exit 3",
            Duration::from_secs(600),
            "the program ended with exit code 3; its standard error:\nbad option",
        );
        check("kill -9 $$", Duration::from_secs(600), "the program ended with signal 9 and said nothing");
        check(
            "exec sleep 1000",
            Duration::ZERO,
            "the program runs and has mounted no FUSE file system on MOUNT within 0 s; is it a FUSE server, and do its arguments \
             tell it to mount there? It said nothing.",
        );
    }

    #[test]
    fn what_ends_well_without_a_mount_is_no_server() {
        let folder = Folder::new("well");
        let mut server = start(&folder.0, "echo done");
        assert!(server.started.ends_before(Instant::now() + MOUNT_LIMIT).unwrap());
        let error = server.wait_mounted(Duration::ZERO).unwrap_err().to_string();
        assert!(
            error.starts_with("the program ended with exit code 0 and has mounted no FUSE file system"),
            "{error}"
        );
        assert!(error.ends_with("It said:\ndone"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let folder = Folder::new("absent");
        let server = ForeignServer {
            program: ServerProgram::Host("/usr/bin/no-server".to_owned()),
            arguments: vec!["{mount}".to_owned()],
        };
        let path = folder.0.clone();
        let folders = Folders { storage: path.clone(), mount: path.clone(), said: path.join("said") };
        let error = ForeignProcess::start(&server, &folders).unwrap_err();
        assert!(format!("{error:#}").starts_with("starting /usr/bin/no-server: "), "{error:#}");
    }

    /// Lines of a guest's mountinfo.
    #[test]
    fn mounts_of_fuse_are_told_from_others() {
        let mounts = "22 1 0:20 / /storage rw,relatime - tmpfs tmpfs rw,size=327680k\n\
            23 1 0:21 / /mnt/fuse rw,nosuid,nodev,relatime - fuse /storage rw,user_id=0,group_id=0\n\
            24 1 0:22 / /mnt/ll rw,relatime shared:3 - fuse.passthrough_ll passthrough_ll rw,user_id=0\n";
        for (target, expected) in
            [("/mnt/fuse", true), ("/mnt/ll", true), ("/storage", false), ("/mnt", false), ("fuse", false)]
        {
            assert_eq!(is_served(mounts, target), expected, "{target}");
        }
    }
}
