//! Findings that are known, and mistakes in them.

use expect_test::expect;

use super::*;
use crate::evidence::klog::Kind;
use crate::evidence::known::Known;

fn with(table: &str) -> Result<Config, ConfigError> {
    Config::parse("lab.toml", &format!("{GOOD}\n{table}\n"))
}

#[test]
fn they_are_read_in_their_order() {
    let config = with(
        "[[known]]\ntitle = \"WARNING in f*\"\nreason = \"a\"\n[[known]]\ntitle = \"WARNING in f*\"\nkind = \"rcu-stall\"\n\
         reason = \"b\"",
    );
    let known = |kind, reason: &str| Known { title: "WARNING in f*".into(), kind, reason: reason.into() };
    assert_eq!(config.unwrap().known, [known(None, "a"), known(Some(Kind::RcuStall), "b")]);
    assert_eq!(with("").unwrap().known, []);
}

#[test]
fn mistakes() {
    let lines = GOOD.lines().count();
    let mut shown = String::new();
    for table in [
        "[[known]]\ntitle = \"x\"",
        "[[known]]\nreason = \"x\"",
        "[[known]]\ntitle = \"x\"\nreason = \" \"",
        "[[known]]\ntitle = \"\"\nreason = \"x\"",
        "[[known]]\ntitle = \"* *\"\nreason = \"x\"",
        "[[known]]\ntitle = \"BUG kmalloc-64: x+0x1/0x2\"\nreason = \"x\"",
        "[[known]]\ntitle = \"x\"\nkind = \"warn\"\nreason = \"x\"",
        "[[known]]\ntitle = \"x\"\nreason = \"x\"\nwhy = \"x\"",
        "[[known]]\ntitle = \"x\"\nreason = \"x\"\n[[known]]\ntitle = \"x\"\nreason = \"y\"",
        "[known]\ntitle = \"x\"",
    ] {
        let error = with(table).unwrap_err().to_string();
        // The place is counted from the end of the good file.
        let (place, rest) = error.strip_prefix("lab.toml:").unwrap().split_once(':').unwrap();
        let line = place.parse::<usize>().unwrap() - lines;
        shown += &format!("+{line}:{rest}\n");
    }
    expect![[r#"
        +2:1: known[1].reason: missing; set it to a string
        +2:1: known[1].title: missing; set it to a string
        +4:10: known[1].reason: is empty; say why the finding is known
        +3:9: known[1].title: `` means every finding; write the title of one, as `cargo xtask show` prints it, with * for any text
        +3:9: known[1].title: `* *` means every finding; write the title of one, as `cargo xtask show` prints it, with * for any text
        +3:9: known[1].title: no title is like `BUG kmalloc-64: x+0x1/0x2`: numbers are N in titles and addresses ADDR, and offsets are left out; use `BUG kmalloc-N: x`
        +4:8: known[1].kind: `warn` is no kind of finding; use one of `oops`, `kasan`, `kmsan`, `kcsan`, `kfence`, `ubsan`, `lockdep`, `warning`, `rcu-stall`, `soft-lockup`, `hard-lockup`, `workqueue-lockup`, `hung-task`, `oom`, `allocation-failure`, `panic`, `leak`, `refcount`, `list-corruption`, `slab`, `cfi`, `machine-check`, `irq`, `bug`, `info`, `reboot`
        +5:1: known[1]: there is no key `why`; there are: title, kind, reason
        +6:9: known[2].title: `x` is listed twice; list it once
        +2:1: known: a table is of the wrong type; use a list of tables, [] for none
    "#]].assert_eq(&shown);
}
