//! Which program it is: the digest that the linker puts in.

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _};

/// The GNU build id of a program; none if it has none, or is none.
pub(super) fn build_id(program: &[u8]) -> Option<String> {
    let id = ElfFile64::<LittleEndian>::parse(program).ok()?.build_id().ok()??;
    Some(lab_core::text::digest::hex(id))
}

#[cfg(test)]
mod tests {
    use xshell::{Shell, cmd};

    use super::*;

    /// A program that the real linker has made.
    fn linked(option: &str) -> Vec<u8> {
        let sh = Shell::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let _folder = sh.push_dir(folder.path());
        cmd!(sh, "as --64 -o x.o -").stdin(".globl _start\n_start: ret\n").run().unwrap();
        cmd!(sh, "ld {option} -o x x.o").run().unwrap();
        sh.read_binary_file("x").unwrap()
    }

    #[test]
    fn build_ids() {
        let id = "2dd38eb00141f3bc233bcbf0fcd05db8c7e5099d";
        assert_eq!(build_id(&linked(&format!("--build-id=0x{id}"))).as_deref(), Some(id));
        assert_eq!(build_id(b""), None);
        assert_eq!(build_id(&linked("--build-id=none")), None);
    }
}
