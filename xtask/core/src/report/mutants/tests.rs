//! The whole texts, of mutants of one function.

use expect_test::expect;

use super::*;
use crate::series::mutants::{HandWritten, PatchedFile, mutants};

/// One that was caught, and one of each other kind.
fn tried() -> Vec<Tried> {
    let text = "int f(bool flag)\n{\n\ta();\n\tb();\n\tif (flag)\n\t\tkref_get(c);\n\treturn d < 1;\n}\n";
    let file = PatchedFile { path: "fs/x.c".to_owned(), text: text.to_owned(), added: (1..=8).collect() };
    let written = HandWritten::parse(
        "[[mutant]]\nname = \"too-late\"\nfile = \"fs/x.c\"\nfunction = \"f\"\nold = \"\\ta();\\n\\tb();\"\n\
         new = \"\\tb();\\n\\ta();\"\nwhy = \"b() uses what a() has made.\"\n\
         [equivalent]\n\"drop-f-3\" = \"b() does nothing here\"\n",
    );
    let all = mutants(&[file], &written.unwrap()).unwrap();
    let notice = |by: &str| Notice { by: by.to_owned(), text: format!("{by} sees it") };
    let caught = |names: &[&str]| Fate::Caught(names.iter().map(|name| notice(name)).collect());
    let fates = [
        caught(&["read-eio", "write-eio", "boot", "guest"]),
        caught(&["read-eio"]),
        Fate::DoesNotBuild("fs/x.c:5: error: no".to_owned()),
        Fate::Lost("QEMU is gone".to_owned()),
        Fate::Equal,
        Fate::Survived,
    ];
    assert_eq!(all.len(), fates.len());
    all.into_iter().zip(fates).map(|(mutant, fate)| Tried { mutant, fate }).collect()
}

#[test]
fn a_table_and_what_it_comes_to() {
    expect![[r#"
        | mutant             | function |                | by                                   |
        |--------------------|----------|----------------|--------------------------------------|
        | m001-drop-2        | f        | caught         | read-eio, write-eio, boot and 1 more |
        | m002-drop-3        | f        | caught         | read-eio                             |
        | m003-negate-4      | f        | does not build |                                      |
        | m004-drop-get-5    | f        | lost           |                                      |
        | m005-boundary-6    | f        | equal          |                                      |
        | m006-hand-too-late | f        | survived       |                                      |

        m003-negate-f-4 does not build: fs/x.c:5: error: no

        m004-drop-get-f-5 was lost, which says nothing of it: QEMU is gone

        m002-drop-f-3 is marked as equivalent (b() does nothing here), and was noticed by read-eio: either
          the mark is wrong, or what noticed it

        m006-hand-too-late survived  fs/x.c:3 f()
          b() uses what a() has made.
          @@ -1,7 +1,7 @@
           int f(bool flag)
           {
          -	a();
          -	b();
          +	b();
          +	a();
           	if (flag)
           		kref_get(c);
           	return d < 1;

        6 mutants: 1 equal, 1 not built, 1 lost; of the other 3, 2 caught (66.7 %), 1 survived
    "#]]
    .assert_eq(&render(&tried()));
}

#[test]
fn one_line_for_each() {
    expect![[r#"
        caught by read-eio: read-eio sees it (and 3 more)
        caught by read-eio: read-eio sees it
        does not build
        lost: QEMU is gone
        equal: nothing that is built differs
        SURVIVED: a(); b(); -> b(); a();
    "#]]
    .assert_eq(&tried().iter().map(|tried| line(tried) + "\n").collect::<String>());
}

#[test]
fn what_noticed_them() {
    expect![[r#"
        m001-drop-f-2  a(); -> ;
          read-eio: read-eio sees it
          write-eio: write-eio sees it
          boot: boot sees it
          and 1 more
        m002-drop-f-3  b(); -> ;
          read-eio: read-eio sees it
    "#]]
    .assert_eq(&notices(&tried()));
}

#[test]
fn lists() {
    let all: Vec<Mutant> = tried().into_iter().map(|tried| tried.mutant).collect();
    expect![[r#"
        | rule       | mutants | what it does                                                                  |
        |------------|---------|-------------------------------------------------------------------------------|
        | drop       |       2 | a statement is left out                                                       |
        | drop-get   |       1 | a reference is not taken                                                      |
        | drop-put   |       0 | a reference, memory or a page is not given back                               |
        | early-put  |       0 | something is given back one statement too early, before its last use          |
        | negate     |       1 | a condition is turned round                                                   |
        | drop-error |       0 | an error code becomes 0, or the goto of an error is left out                  |
        | min-max    |       0 | min becomes max, and the other way round                                      |
        | boundary   |       1 | < becomes <=, > becomes >=, and the other way round; + 1 and - 1 are left out |
        | equality   |       0 | == becomes !=, and the other way round                                        |
        | and-or     |       0 | && becomes ||, and the other way round                                        |
        | constant   |       0 | an assigned true or 1 becomes false or 0, and the other way round             |
        | argument   |       0 | a truth value is passed to a function turned round                            |
        | hand       |       1 | written by hand, with the reason why it matters                               |
        | all        |       6 |                                                                               |
    "#]].assert_eq(&rules(&all));
    expect![[r#"
        m001-drop-f-2  fs/x.c:3
            a(); -> ;
        m002-drop-f-3  fs/x.c:4
            b(); -> ;
            equivalent: b() does nothing here
        m003-negate-f-4  fs/x.c:5
            if (flag) -> if (!(flag))
        m004-drop-get-f-5  fs/x.c:6
            kref_get(c); -> ;
        m005-boundary-f-6  fs/x.c:7
            return d < 1; -> return d <= 1;
        m006-hand-too-late  fs/x.c:3
            a(); b(); -> b(); a();
            b() uses what a() has made.
    "#]]
    .assert_eq(&list(&all));
}

#[test]
fn what_does_not_count_is_named() {
    let tried = tried();
    let check = |chosen: &[usize], expected: &str| {
        let chosen: Vec<Tried> = chosen.iter().map(|place| tried[*place].clone()).collect();
        assert_eq!(summary(&chosen), expected);
    };
    check(&[0], "1 mutant, 1 caught (100.0 %), 0 survived");
    check(&[0, 5], "2 mutants, 1 caught (50.0 %), 1 survived");
    check(&[4, 5], "2 mutants: 1 equal; of the other 1, 0 caught (0.0 %), 1 survived");
    check(
        &[2, 4],
        "2 mutants: 1 equal, 1 not built; none is left that a boot could tell from the right kernel",
    );
}
