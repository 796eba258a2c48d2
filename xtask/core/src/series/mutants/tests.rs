//! The rules on small pieces of C, and on what a real series adds.

use expect_test::{Expect, expect};

use super::*;

const SUPPORT: &str =
    include_str!("../../../../../kernel-patches/async-dio/0002-fuse-add-support-of-async-IO.patch");

fn file(text: &str, added: impl IntoIterator<Item = usize>) -> PatchedFile {
    PatchedFile { path: "x.c".to_owned(), text: text.to_owned(), added: added.into_iter().collect() }
}

/// The body of a function of which every line was added.
fn body(text: &str) -> PatchedFile {
    let text = format!("int f(bool flag)\n{{\n{text}\n}}\n");
    let lines = text.lines().count();
    file(&text, 1..=lines)
}

fn of(files: &[PatchedFile]) -> Vec<Mutant> {
    mutants(files, &HandWritten::default()).unwrap()
}

/// `rule: before -> after` of every mutant, each on a line.
fn shown(all: &[Mutant]) -> String {
    let one = |mutant: &Mutant| {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}: {} -> {}\n", mutant.rule.word(), flat(&mutant.before), flat(&mutant.after))
    };
    all.iter().map(one).collect()
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&shown(&of(&[body(text)])));
}

#[test]
fn statements_that_are_left_out() {
    check(
        "\ta = b;\n\tg(a,\n\t  b);\n\ti++;",
        expect![[r#"
        drop: a = b; -> ;
        drop: g(a, b); -> ;
        drop: i++; -> ;
    "#]],
    );
    check("\tint a;\n\tint b = g();\n\treturn b;", expect![""]);
    check(
        "\tif (a)\n\t\treturn g();\n\twhile (b)\n\t\tbreak;",
        expect![[r#"
        negate: if (a) -> if (!(a))
        drop: return g(); -> ;
        negate: while (b) -> while (!(b))
    "#]],
    );
}

#[test]
fn references() {
    check(
        "\tkref_get(&io->ref);\n\trefcount_inc(&a);\n\ta = get_conn(b);",
        expect![[r#"
        drop-get: kref_get(&io->ref); -> ;
        drop-get: refcount_inc(&a); -> ;
        drop: a = get_conn(b); -> ;
    "#]],
    );
    check(
        "\tend(io, 0);\n\tkref_put(&io->ref, release);",
        expect![[r#"
        drop: end(io, 0); -> ;
        early-put: end(io, 0); kref_put(&io->ref, release); -> kref_put(&io->ref, release); end(io, 0);
        drop-put: kref_put(&io->ref, release); -> ;
    "#]],
    );
    // What does not use it, or is another branch, is no last use.
    check(
        "\tend(other);\n\tkfree(io);\n\tif (io)\n\t\tend(io);\n\telse\n\t\tkfree(io);",
        expect![[r#"
        drop: end(other); -> ;
        drop-put: kfree(io); -> ;
        negate: if (io) -> if (!(io))
        drop: end(io); -> ;
        drop-put: kfree(io); -> ;
    "#]],
    );
}

#[test]
fn errors_that_get_lost() {
    check(
        "\tif (a)\n\t\treturn -EIO;\n\tif (err)\n\t\treturn err;\n\tif (b)\n\t\tgoto out;\n\treturn a ? -ENOMEM : b;",
        expect![[r#"
        negate: if (a) -> if (!(a))
        drop-error: return -EIO; -> return 0;
        negate: if (err) -> if (!(err))
        drop-error: return err; -> return 0;
        negate: if (b) -> if (!(b))
        drop-error: goto out; -> ;
        negate: return a ? -ENOMEM : b; -> return !(a) ? -ENOMEM : b;
        drop-error: return a ? -ENOMEM : b; -> return a ? 0 : b;
    "#]],
    );
    // What is compared with an error is none.
    check(
        "\tbool a = b == -EIO;\n\treturn a;",
        expect![[r#"
        equality: bool a = b == -EIO; -> bool a = b != -EIO;
    "#]],
    );
}

#[test]
fn operators() {
    check(
        "\tint a = min(b, c);\n\tint d = p->min;\n\treturn b < c;",
        expect![[r#"
        min-max: int a = min(b, c); -> int a = max(b, c);
        boundary: return b < c; -> return b <= c;
    "#]],
    );
    check(
        "\treturn a + 1 >= b[i - 1] && c->d != -1;",
        expect![[r#"
        boundary: return a + 1 >= b[i - 1] && c->d != -1; -> return a >= b[i - 1] && c->d != -1;
        boundary: return a + 1 >= b[i - 1] && c->d != -1; -> return a + 1 > b[i - 1] && c->d != -1;
        boundary: return a + 1 >= b[i - 1] && c->d != -1; -> return a + 1 >= b[i] && c->d != -1;
        and-or: return a + 1 >= b[i - 1] && c->d != -1; -> return a + 1 >= b[i - 1] || c->d != -1;
        equality: return a + 1 >= b[i - 1] && c->d != -1; -> return a + 1 >= b[i - 1] && c->d == -1;
    "#]],
    );
}

#[test]
fn truth_values() {
    check(
        "\tint a = 0, b = 10;\n\tstruct c d = { .e = true };\n\treturn false;",
        expect![[r#"
        constant: int a = 0, b = 10; -> int a = 1, b = 10;
        constant: struct c d = { .e = true }; -> struct c d = { .e = false };
        constant: return false; -> return true;
    "#]],
    );
    // `flag` is the parameter of the function.
    check(
        "\treturn g(true, flag, a->flag, other, &flag, h(flag));",
        expect![[r#"
        argument: return g(true, flag, a->flag, other, &flag, h(flag)); -> return g(false, flag, a->flag, other, &flag, h(flag));
        argument: return g(true, flag, a->flag, other, &flag, h(flag)); -> return g(true, !flag, a->flag, other, &flag, h(flag));
        argument: return g(true, flag, a->flag, other, &flag, h(flag)); -> return g(true, flag, !a->flag, other, &flag, h(flag));
        argument: return g(true, flag, a->flag, other, &flag, h(flag)); -> return g(true, flag, a->flag, other, &flag, h(!flag));
    "#]],
    );
}

#[test]
fn what_is_not_code_has_no_mutants() {
    check(
        "\t/* a < b && c */\n\t// d == e\n#define X (a < b)\n\tint i;\n\treturn g(\"a < b\");",
        expect![""],
    );
    let outside = "#include <a.h>\nstruct a {\n\tbool b:1;\n};\nint f(int a);\nint c = 1 < 2;\n";
    assert_eq!(of(&[file(outside, 1..=6)]), []);
}

#[test]
fn only_added_lines_count() {
    let text = "int f(void)\n{\n\ta();\n\tb(1,\n\t  c < d);\n\tif (e)\n\t\tg();\n}\n";
    expect![[r#"
        boundary: c < d); -> c <= d);
        drop: g(); -> ;
    "#]]
    .assert_eq(&shown(&of(&[file(text, [5, 7])])));
}

#[test]
fn a_fault_is_there_once() {
    let text = "int f(void)\n{\n\tif (a)\n\t\tb();\n\treturn c && d && e;\n}\n";
    let written = HandWritten::parse(
        "[[mutant]]\nname = \"b\"\nfile = \"x.c\"\nfunction = \"f\"\nold = \"b();\"\nnew = \";\"\nwhy = \"b\"\n\
         [equivalent]\n\"and-or-f-4-2\" = \"as I say\"\n",
    )
    .unwrap();
    let all = mutants(&[file(text, 1..=6)], &written).unwrap();
    let lines: Vec<String> =
        all.iter().map(|mutant| format!("{} {:?}", mutant.id, mutant.equivalent)).collect();
    expect![[r#"
        m001-negate-f-2 None
        m002-and-or-f-4 None
        m003-and-or-f-4-2 Some("as I say")
        m004-hand-b None"#]]
    .assert_eq(&lines.join("\n"));
    assert_eq!(all[2].name(), "and-or-f-4-2");
}

#[test]
fn mistakes_in_the_list() {
    let error = |text: &str| {
        let made =
            HandWritten::parse(text).and_then(|written| mutants(&[body("\ta(1);\n\ta(2);")], &written));
        format!("{:#}", made.unwrap_err())
    };
    let mutant = |file: &str, function: &str, old: &str| {
        format!(
            "[[mutant]]\nname = \"n\"\nfile = {file:?}\nfunction = {function:?}\nold = {old:?}\nnew = \";\"\nwhy = \"w\"\n"
        )
    };
    for (text, expected) in [
        (mutant("y.c", "f", "a(1);"), "mutant n: the series does not change y.c"),
        (mutant("x.c", "g", "a(1);"), "mutant n: x.c has no function g"),
        (
            mutant("x.c", "f", "a("),
            "mutant n: its old text is 2 times in f, and has to be there once: write more or less of the line",
        ),
        (mutant("x.c", "f", ";"), "mutant n changes nothing: old and new text are the same"),
        (mutant("x.c", "f", "a(1);").repeat(2), "two mutants are called n: give one another name"),
        (
            "[equivalent]\n\"drop-f-9\" = \"x\"".to_owned(),
            "[equivalent] names drop-f-9, and there is no such mutant: remove the line",
        ),
    ] {
        assert_eq!(error(&text), expected);
    }
}

#[test]
fn lines_of_a_diff() {
    let all = added_lines(SUPPORT);
    let shown: Vec<String> = all
        .iter()
        .map(|(path, lines)| format!("{path} {}: {:?} to {:?}", lines.len(), lines.first(), lines.last()))
        .collect();
    expect![[r#"
        fs/fuse/file.c 123: Some(688) to Some(1128)
        fs/fuse/fuse_i.h 43: Some(29) to Some(1114)"#]]
    .assert_eq(&shown.join("\n"));
}

/// One fault is not made by two rules, and what is no truth value is not turned round.
#[test]
fn what_another_rule_does_is_left_to_it() {
    check(
        "\tif (a == b)\n\t\tc();",
        expect![[r#"
        equality: if (a == b) -> if (a != b)
        drop: c(); -> ;
    "#]],
    );
    check(
        "\tif (a == b && c)\n\t\td();",
        expect![[r#"
        negate: if (a == b && c) -> if (!(a == b && c))
        equality: if (a == b && c) -> if (a != b && c)
        and-or: if (a == b && c) -> if (a == b || c)
        drop: d(); -> ;
    "#]],
    );
    let text = "bool g(void)\n{\n\tbool ret;\n}\nint f(int ret, struct s *p)\n{\n\th(ret, p->ret);\n}\n";
    expect![[r#"
        drop: h(ret, p->ret); -> ;
        argument: h(ret, p->ret); -> h(ret, !p->ret);
    "#]]
    .assert_eq(&shown(&of(&[file(text, 5..=8)])));
}

/// What the second patch of async-dio adds to file.c are whole functions, and a last piece of one.
#[test]
fn a_real_patch() {
    let changes = diff::parse(SUPPORT);
    let change =
        changes.iter().find(|change| change.paths.iter().any(|path| path == "fs/fuse/file.c")).unwrap();
    let text = change.added.join("\n");
    let all = of(&[file(&text, 1..=change.added.len())]);
    let lines: Vec<String> = all
        .iter()
        .map(|mutant| {
            format!(
                "{}: {} -> {}",
                mutant.id,
                mutant.before.replace('\n', " / "),
                mutant.after.replace('\n', " / ")
            )
        })
        .collect();
    expect![[r#"
        m001-drop-put-fuse_io_release-2: kfree(container_of(kref, struct fuse_io_priv, refcnt)); -> ;
        m002-negate-fuse_io_result-2: if (io->err) -> if (!(io->err))
        m003-drop-fuse_io_result-3: return io->err; -> ;
        m004-negate-fuse_io_result-4: if (io->good >= io->size) -> if (!(io->good >= io->size))
        m005-boundary-fuse_io_result-4: if (io->good >= io->size) -> if (io->good > io->size)
        m006-drop-fuse_io_result-5: return io->size; -> ;
        m007-negate-fuse_io_result-7: return io->write ? -EIO : io->good; -> return !(io->write) ? -EIO : io->good;
        m008-drop-error-fuse_io_result-7: return io->write ? -EIO : io->good; -> return io->write ? 0 : io->good;
        m009-negate-fuse_io_complete_iocb-3: if (io->write) -> if (!(io->write))
        m010-drop-fuse_io_complete_iocb-4: fuse_write_update_attr(file_inode(io->iocb->ki_filp), 0, 0); -> ;
        m011-drop-fuse_io_complete_iocb-6: io->iocb->ki_complete(io->iocb, fuse_io_result(io)); -> ;
        m012-drop-fuse_io_end-4: spin_lock(&io->lock); -> ;
        m013-negate-fuse_io_end-5: if (!io->err) -> if (!(!io->err))
        m014-drop-fuse_io_end-6: io->err = err; -> ;
        m015-drop-fuse_io_end-7: io->good = min(io->good, good); -> ;
        m016-min-max-fuse_io_end-7: io->good = min(io->good, good); -> io->good = max(io->good, good);
        m017-drop-fuse_io_end-8: last = !--io->reqs; -> ;
        m018-drop-fuse_io_end-9: spin_unlock(&io->lock); -> ;
        m019-negate-fuse_io_end-11: if (!last) -> if (!(!last))
        m020-drop-fuse_io_end-12: return; -> ;
        m021-negate-fuse_io_end-14: if (io->blocking) -> if (!(io->blocking))
        m022-drop-fuse_io_end-15: complete(&io->done); -> ;
        m023-drop-fuse_io_end-17: fuse_io_complete_iocb(io); -> ;
        m024-negate-fuse_async_req_end-8: if (io->write) { -> if (!(io->write)) {
        m025-drop-fuse_async_req_end-9: pos = ia->write.in.offset; -> ;
        m026-drop-fuse_async_req_end-10: count = ia->write.in.size; -> ;
        m027-drop-fuse_async_req_end-11: done = ia->write.out.size; -> ;
        m028-negate-fuse_async_req_end-12: if (!err && done > count) -> if (!(!err && done > count))
        m029-and-or-fuse_async_req_end-12: if (!err && done > count) -> if (!err || done > count)
        m030-boundary-fuse_async_req_end-12: if (!err && done > count) -> if (!err && done >= count)
        m031-drop-fuse_async_req_end-13: err = -EIO; -> ;
        m032-drop-error-fuse_async_req_end-13: err = -EIO; -> err = 0;
        m033-drop-fuse_async_req_end-15: pos = ia->read.in.offset; -> ;
        m034-drop-fuse_async_req_end-16: count = ia->read.in.size; -> ;
        m035-drop-fuse_async_req_end-17: done = args->out_args[0].size; -> ;
        m036-negate-fuse_async_req_end-20: if (!err && done < count) -> if (!(!err && done < count))
        m037-and-or-fuse_async_req_end-20: if (!err && done < count) -> if (!err || done < count)
        m038-boundary-fuse_async_req_end-20: if (!err && done < count) -> if (!err && done <= count)
        m039-drop-fuse_async_req_end-21: good = pos - io->offset + done; -> ;
        m040-drop-put-fuse_async_req_end-23: fuse_release_user_pages(&ia->ap, err ?: done, io->should_dirty); -> ;
        m041-early-put-fuse_async_req_end-24: fuse_release_user_pages(&ia->ap, err ?: done, io->should_dirty); / fuse_io_free(ia); -> fuse_io_free(ia); / fuse_release_user_pages(&ia->ap, err ?: done, io->should_dirty);
        m042-negate-fuse_async_req_end-23: fuse_release_user_pages(&ia->ap, err ?: done, io->should_dirty); -> fuse_release_user_pages(&ia->ap, !(err) ?: done, io->should_dirty);
        m043-drop-put-fuse_async_req_end-24: fuse_io_free(ia); -> ;
        m044-drop-fuse_async_req_end-26: fuse_io_end(io, err, good); -> ;
        m045-early-put-fuse_async_req_end-27: fuse_io_end(io, err, good); / kref_put(&io->refcnt, fuse_io_release); -> kref_put(&io->refcnt, fuse_io_release); / fuse_io_end(io, err, good);
        m046-drop-put-fuse_async_req_end-27: kref_put(&io->refcnt, fuse_io_release); -> ;
        m047-drop-get-fuse_async_req_send-7: kref_get(&io->refcnt); -> ;
        m048-drop-fuse_async_req_send-8: spin_lock(&io->lock); -> ;
        m049-drop-fuse_async_req_send-9: io->reqs++; -> ;
        m050-drop-fuse_async_req_send-10: io->size += count; -> ;
        m051-drop-fuse_async_req_send-11: spin_unlock(&io->lock); -> ;
        m052-drop-fuse_async_req_send-13: ia->ap.args.end = fuse_async_req_end; -> ;
        m053-drop-fuse_async_req_send-15: ia->ap.args.may_block = io->should_dirty; -> ;
        m054-drop-fuse_async_req_send-17: err = fuse_simple_background(fm, &ia->ap.args, GFP_KERNEL); -> ;
        m055-negate-fuse_async_req_send-18: if (err) { -> if (!(err)) {
        m056-drop-fuse_async_req_send-19: fuse_async_req_end(fm, &ia->ap.args, err); -> ;
        m057-drop-error-fuse_async_req_send-20: return err; -> return 0;"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn some_of_each_rule() {
    let text = "\ta();\n\tb();\n\tc();\n\td();\n\te();\n\tif (x < y)\n\t\tkref_get(z);";
    let all = of(&[body(text)]);
    let chosen = |most| {
        let ids = spread(all.clone(), most).into_iter().map(|mutant| mutant.id);
        ids.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(chosen(0), "");
    expect!["m005-drop-f-6 m006-negate-f-7 m008-drop-get-f-8"].assert_eq(&chosen(3));
    expect!["m003-drop-f-4 m005-drop-f-6 m006-negate-f-7 m007-boundary-f-7 m008-drop-get-f-8"]
        .assert_eq(&chosen(5));
    assert_eq!(spread(all.clone(), 100), all);
    assert_eq!(spread(all.clone(), 8), all);
}

#[test]
fn those_that_were_asked_for() {
    let all = of(&[body("\ta();\n\tb();\n\tif (c)\n\t\td();")]);
    let chosen = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let ids = only(&all, &names)
            .map(|all| all.into_iter().map(|mutant| mutant.id).collect::<Vec<_>>().join(" "));
        ids.unwrap_or_else(|error| error.to_string())
    };
    assert_eq!(chosen(&["drop-f-3", "m001"]), "m001-drop-f-2 m002-drop-f-3");
    assert_eq!(chosen(&["f"]), "m001-drop-f-2 m002-drop-f-3 m003-negate-f-4 m004-drop-f-5");
    expect![
        "there is no mutant `m009`; there are: m001-drop-f-2, m002-drop-f-3, m003-negate-f-4, m004-drop-f-5"
    ]
    .assert_eq(&chosen(&["m009"]));
}
