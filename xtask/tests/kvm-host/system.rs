//! The system of the emulated host: Debian's kernel, and an initramfs of busybox and the modules that it needs.
//!
//! Both are kept in the cache. What they were made from stays what they are made from until the recipe changes: a newer
//! kernel of Debian is taken only when nothing is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};
use xtask::lab::archive::{self, ArchiveEntry};
use xtask::lab::cache::Cache;
use xtask::lab::digest;

/// Names Debian's newest kernel by what it depends on.
const KERNEL: &str = "linux-image-amd64";
const BUSYBOX: &str = "busybox-static";
/// What is loaded, each after what it needs: the bus, the shared folders, the layer above them, KVM.
const MODULES: [&str; 5] = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "kvm-amd"];
/// Where something is mounted.
const FOLDERS: [&str; 6] = ["/dev", "/layer", "/lower", "/proc", "/root", "/sys"];
const INIT: &str = include_str!("init.sh");

/// The two files that QEMU starts.
pub(crate) struct System {
    pub(crate) kernel: PathBuf,
    pub(crate) initramfs: PathBuf,
}

/// The system, from the cache or made now.
pub(crate) fn ensure(sh: &Shell) -> System {
    let cache = Cache::from_environment().expect("the cache");
    let folder = cache.join("kvm-host").join(key());
    let _lock = cache.lock("kvm-host", |who| eprintln!("waiting for {who}, which makes the emulated host"));
    if !folder.exists() {
        cache.sweep("kvm-host-").expect("what a killed test left is removed");
        let temporary = cache.temporary_folder("kvm-host-").expect("a folder in the cache");
        make(sh, temporary.path());
        temporary.publish(&folder).expect("the host is moved into the cache");
    }
    System { kernel: folder.join("vmlinuz"), initramfs: folder.join("initramfs") }
}

fn key() -> String {
    let parts = digest::Parts::default().with("kernel", KERNEL).with("busybox", BUSYBOX).with("init", INIT);
    parts.with("modules", MODULES.join(" ")).with("folders", FOLDERS.join(" ")).finish()
}

fn make(sh: &Shell, folder: &Path) {
    let scratch = tempfile::tempdir_in(folder).expect("a folder in the cache");
    let kernel = newest_kernel(sh);
    let unpacked = unpack(sh, scratch.path(), &[&kernel, BUSYBOX]);
    let version = kernel.strip_prefix("linux-image-").expect("the name of a kernel package");
    let modules = Modules::below(&unpacked.join("lib/modules").join(version));
    let mut entries: Vec<ArchiveEntry> =
        FOLDERS.iter().map(|path| ArchiveEntry::folder(path, 0o755)).collect();
    entries.push(ArchiveEntry::file("/init", 0o755, INIT.into()));
    entries.push(ArchiveEntry::file("/bin/busybox", 0o755, read(&unpacked.join("bin/busybox"))));
    for (number, path) in modules.in_order(&MODULES).into_iter().enumerate() {
        let name = path.file_name().expect("a file").to_string_lossy();
        entries.push(ArchiveEntry::file(&format!("/modules/{number:02}-{name}"), 0o644, read(path)));
    }
    fs::write(folder.join("initramfs"), archive::write(&entries).expect("an archive"))
        .expect("the initramfs");
    let image = unpacked.join(format!("boot/vmlinuz-{version}"));
    fs::copy(image, folder.join("vmlinuz")).expect("Debian's kernel");
}

/// The package that `KERNEL` stands for, e.g. `linux-image-6.1.0-56-amd64`.
fn newest_kernel(sh: &Shell) -> String {
    let text = cmd!(sh, "apt-cache show --no-all-versions {KERNEL}").quiet().read();
    let text = text.expect("apt knows Debian's kernel; if it does not: apt-get update");
    let depends = text.lines().find_map(|line| line.strip_prefix("Depends: "));
    let first = depends.and_then(|line| line.split([' ', ',']).next());
    first.unwrap_or_else(|| panic!("no dependency in: {text}")).to_owned()
}

/// Fetches packages and unpacks them into one folder.
fn unpack(sh: &Shell, scratch: &Path, packages: &[&str]) -> PathBuf {
    let _folder = sh.push_dir(scratch);
    // apt-get would drop to the user _apt, who may not write here.
    cmd!(sh, "apt-get download --quiet --quiet -o APT::TestCheckout::User=root {packages...}")
        .quiet()
        .run()
        .expect("the packages of the emulated host; try `apt-get update`");
    let unpacked = scratch.join("unpacked");
    for entry in fs::read_dir(scratch).expect("packages").flatten() {
        let deb = entry.path();
        cmd!(sh, "dpkg -x {deb} {unpacked}").quiet().run().expect("a package is unpacked");
    }
    unpacked
}

/// The modules of a kernel by name, with `_` for `-`, since the kernel does not tell the two apart.
struct Modules(BTreeMap<String, PathBuf>);

impl Modules {
    fn below(folder: &Path) -> Self {
        let mut found = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries =
                fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            for path in entries.flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "ko") {
                    let name = path.file_stem().expect("a name").to_string_lossy().replace('-', "_");
                    found.insert(name, path);
                }
            }
        }
        Modules(found)
    }

    /// `wanted` and all that they need, each after what it needs.
    fn in_order(&self, wanted: &[&str]) -> Vec<&Path> {
        let mut order = Vec::new();
        wanted.iter().for_each(|name| self.add(name, &mut order));
        order
    }

    fn add<'a>(&'a self, name: &str, order: &mut Vec<&'a Path>) {
        let path = self.0.get(&name.replace('-', "_")).unwrap_or_else(|| panic!("no module {name}"));
        if order.contains(&path.as_path()) {
            return;
        }
        needs(&read(path)).iter().for_each(|need| self.add(need, order));
        order.push(path);
    }
}

/// What a module says that it needs: the string `depends=a,b` in its section of information.
fn needs(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let at = module.windows(KEY.len()).position(|window| window == KEY).expect("what the module needs");
    let text = module[at + KEY.len()..].split(|&byte| byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
