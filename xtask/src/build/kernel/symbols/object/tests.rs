//! Objects made by the real assembler: what must show as a change and what must not.

use lab_core::evidence::symbols::SymbolDifference;
use xshell::{Shell, cmd};

use super::*;

/// A function with every kind of reference, behind code and data whose size moves everything. Between `callee` and
/// `f` lies so much that no jump is a short one.
const CODE: &str = r#"
    .text
    .type callee,@function
callee: ret
    .size callee,.-callee
    .type pad,@function
pad: .skip 1000,0x90
    .size pad,.-pad
    .globl f
    .type f,@function
f:  call callee
    call elsewhere
    movl $.Ltext,%edi
    cmpb $1,flag(%rip)
    movsd .Lnumber(%rip),%xmm0
    jmp *.Ltable(,%rax,8)
.Lone:
    movl $7,%eax
    je callee
    ret
.Ltwo:
    jmp callee
    .size f,.-f
    .section .rodata
    .type before,@object
before: .skip 16
    .size before,.-before
.Ltable: .quad .Lone,.Ltwo
    .section .rodata.str1.1,"aMS",@progbits,1
    .asciz "first"
.Ltext: .asciz "hello"
    .section .rodata.cst8,"aM",@progbits,8
    .quad 1
.Lnumber: .quad 2
    .bss
    .type room,@object
room: .skip 3
    .size room,3
    .type flag,@object
flag: .skip 1
    .size flag,1
    .data
    .type ops,@object
ops: .quad f,callee,.Ltext
    .size ops,.-ops
    .type key.1,@object
key.1: .long 1
    .size key.1,4
"#;

fn assemble(code: &str) -> Vec<Symbol> {
    let sh = Shell::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("x.o");
    cmd!(sh, "as --64 -o {object} -").stdin(code).run().unwrap();
    symbols(&std::fs::read(object).unwrap()).unwrap()
}

/// Replaces each text by the other one and says which symbols differ then.
fn check(edits: &[(&str, &str)], expected: &str) {
    let mut code = CODE.to_owned();
    for (from, to) in edits {
        assert!(code.contains(from), "{from}");
        code = code.replace(from, to);
    }
    let difference = SymbolDifference::between(&assemble(CODE), &assemble(&code));
    let signed = |sign: &str, names: &[String]| -> Vec<String> {
        names.iter().map(|name| format!("{sign}{name}")).collect()
    };
    let changed: Vec<String> = difference.changed.into_iter().map(|symbol| symbol.name).collect();
    let found =
        [signed("+", &difference.added), signed("-", &difference.removed), signed("~", &changed)].concat();
    assert_eq!(found.join(" "), expected, "{edits:?}");
}

#[test]
fn everything_is_found() {
    let names: Vec<String> = assemble(CODE).into_iter().map(|symbol| symbol.name).collect();
    assert_eq!(names, ["before", "callee", "f", "flag", "key", "ops", "pad", "room"]);
}

#[test]
fn what_moves_does_not_change() {
    check(&[], "");
    check(&[(".skip 1000", ".skip 2000")], "~pad");
    check(&[("before: .skip 16", "before: .skip 800")], "~before");
    check(&[("\"first\"", "\"another text\"")], "");
    check(&[("    .quad 1\n", "    .quad 1\n    .quad 5\n")], "");
    check(&[("room: .skip 3", "room: .skip 64"), (".size room,3", ".size room,64")], "~room");
    check(&[("key.1", "key.27")], "");
    check(
        &[(".skip 1000", ".skip 3000"), ("before: .skip 16", "before: .skip 8"), ("\"first\"", "\"\"")],
        "~before ~pad",
    );
    // The order of functions.
    let callee = "    .type callee,@function\ncallee: ret\n    .size callee,.-callee\n";
    check(&[(callee, ""), ("    .globl f\n", &format!("{callee}    .skip 500\n    .globl f\n"))], "");
}

#[test]
fn what_changes_shows() {
    check(&[("movl $7", "movl $8")], "~f");
    check(&[("callee: ret", "callee: nop; ret")], "~callee");
    check(&[("call elsewhere", "call somewhere")], "~f");
    check(&[("call callee", "call pad")], "~f");
    check(&[("jmp callee", "jmp pad")], "~f");
    check(&[("\"hello\"", "\"hullo\"")], "~f ~ops");
    check(&[("cmpb $1,flag", "cmpb $1,room")], "~f");
    check(&[("cmpb $1,flag", "cmpb $2,flag")], "~f");
    check(&[(".Lnumber: .quad 2", ".Lnumber: .quad 3")], "~f");
    check(&[(".quad .Lone,.Ltwo", ".quad .Ltwo,.Lone")], "~f");
    check(&[(".quad f,callee", ".quad callee,f")], "~ops");
    check(&[("key.1: .long 1", "key.1: .long 2")], "~key");
    check(&[("flag", "other")], "+other -flag ~f");
    check(&[("    .bss\n", "    .section .init.data,\"aw\"\n")], "~flag ~room");
}

/// The byte of a call at the end of an instruction, and an open place behind it: no call, wherever it seems to lead.
#[test]
fn what_only_looks_like_a_call() {
    let code = |gap: &str| {
        format!(
            "    .text\n    .type f,@function\nf: movq %r13,%rax\n    movq flag(%rip),%rax\n    ret\n    .size f,.-f\n\
             .org f+3+{gap}\n    .type g,@function\ng: ret\n    .size g,.-g\n"
        )
    };
    // 4c 89 e8, then 48 8b 05 and the place: read as a call it leads 0x58b48 bytes ahead.
    let difference = SymbolDifference::between(&assemble(&code("0x58b48+4")), &assemble(&code("0x58b48+20")));
    assert!(difference.is_empty(), "{difference:?}");
}

/// A number that holds the byte of a call, with nothing open behind it: it would lead to `g`, or beside it.
#[test]
fn a_byte_of_a_number_is_no_call() {
    let code = |place: &str| {
        format!(
            "    .text\n    .type f,@function\nf: .byte 0x48,0xb8,0xe8\n    .long 0x100\n    .byte 0,0,0\n    ret\n\
             .size f,.-f\n    .org f+{place}\n    .type g,@function\ng: ret\n    .size g,.-g\n"
        )
    };
    // 48 b8 e8 00 01 00 00 ...: read as a call, its end is at 7.
    let difference = SymbolDifference::between(&assemble(&code("0x107")), &assemble(&code("0x120")));
    assert!(difference.is_empty(), "{difference:?}");
}

#[test]
fn what_is_no_such_object() {
    let error = |bytes: &[u8]| format!("{:#}", symbols(bytes).unwrap_err());
    assert!(error(b"no ELF").starts_with("it is no 64-bit ELF file: "), "{}", error(b"no ELF"));
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(error(&program), "it is no relocatable object for x86-64 or arm64");
}
