//! Where the kernels of a plan come from: what a variant says, or else its plan, or else `[kernel]`.

use expect_test::expect;

use super::*;
use crate::plan::{Overrides, resolve};

/// Variants of several sources, and plans that mix them.
fn text(more: &str) -> String {
    let variants = "[variants.same]\nsource = { debian = \"linux-source-6.12\" }\nseries = []\n\
                    [variants.older]\nsource = { tree = \"/6.1\" }\nseries = []\n\
                    [variants.newer]\nsource = { debian = \"linux-source-7.3\", suite = \"sid\" }\nseries = []\n\
                    [scenarios.local]";
    let plans = "[plans.versions]\nlike = \"default\"\nbaseline = \"same\"\n\
                 variants = [\"same\", \"older\", \"newer\", \"stock\"]\n\
                 [plans.own]\nlike = \"versions\"\nbaseline = \"stock\"\nsource = { tree = \"/6.1\" }\n\
                 [plans.other]\nlike = \"versions\"\nbaseline = \"older\"\n";
    format!("{}{plans}{more}", GOOD.replace("[scenarios.local]", variants))
}

fn shown(plan: &str) -> String {
    let plan = resolve(&Config::parse("lab.toml", &text("")).unwrap(), plan, &Overrides::default()).unwrap();
    let form = |source: &Source| serde_json::to_string(source).unwrap();
    let variant = |variant: &Variant| {
        let own = variant.source.as_ref().map_or("-".to_owned(), form);
        // What is built is the same, however it is told.
        assert_eq!(
            form(plan.kernel.source_of(variant)),
            if own == "-" { form(&plan.kernel.source) } else { own.clone() }
        );
        format!("{}: {own}", variant.name)
    };
    let all: Vec<String> = plan.variants.iter().map(variant).collect();
    format!(
        "{}, {} sources; {}\n",
        form(&plan.kernel.source),
        plan.kernel.sources(&plan.variants).len(),
        all.join(", ")
    )
}

#[test]
fn a_variants_own_wins_over_that_of_its_plan_and_that_over_that_of_all() {
    expect![[r#"
        {"debian":"linux-source-6.12"}, 1 sources; original: -, stock: -
        {"debian":"linux-source-6.12"}, 3 sources; same: -, older: {"tree":"/6.1"}, newer: {"debian":{"package":"linux-source-7.3","suite":"sid"}}, stock: -
        {"tree":"/6.1"}, 3 sources; same: {"debian":"linux-source-6.12"}, older: -, newer: {"debian":{"package":"linux-source-7.3","suite":"sid"}}, stock: -
        {"tree":"/6.1"}, 3 sources; same: {"debian":"linux-source-6.12"}, older: -, newer: {"debian":{"package":"linux-source-7.3","suite":"sid"}}, stock: {"debian":"linux-source-6.12"}
    "#]].assert_eq(&["default", "versions", "own", "other"].map(shown).concat());
}

/// A campaign says which source each of its variants has, and is read again.
#[test]
fn campaigns_keep_it() {
    let plan =
        resolve(&Config::parse("lab.toml", &text("")).unwrap(), "versions", &Overrides::default()).unwrap();
    let written = toml::to_string_pretty(&plan).unwrap();
    assert!(written.contains("[variants.source]\ntree = \"/6.1\"\n"), "{written}");
    assert_eq!(toml::from_str::<crate::plan::Plan>(&written).unwrap(), plan);
}

#[test]
fn what_has_another_one_is_not_built_without_being_named() {
    let config = Config::parse("lab.toml", &text("")).unwrap();
    let names: Vec<String> =
        config.variants_of_the_source().into_iter().map(|variant| variant.name).collect();
    assert_eq!(names, ["again", "original", "same", "stock"]);
}

/// The same series on another source is no second name of the baseline's kernel.
#[test]
fn the_control_arm_has_the_source_of_the_baseline() {
    let wall = |variants: &str| {
        let plan = format!(
            "[plans.wall]\nlike = \"default\"\nmachine = \"wall\"\nbaseline = \"stock\"\nvariants = [{variants}]\n"
        );
        error(&text(&plan))
    };
    assert_eq!(wall("\"stock\", \"same\", \"older\""), "");
    expect!["lab.toml:149:12: plans.wall.variants: the wall clock needs the kernel of `stock` twice, to measure the noise; add a variant with the same source and series under another name"].assert_eq(&wall("\"stock\", \"older\", \"newer\""));
}

#[test]
fn mistakes_are_named_at_their_place() {
    let with = |source: &str| {
        error(&GOOD.replace("[variants.stock]", &format!("[variants.stock]\nsource = {source}")))
    };
    expect![
        "lab.toml:10:41: variants.stock.source.commit: `v6.1` is no full commit id; use 40 hexadecimal digits"
    ]
    .assert_eq(&with("{ git = \"/src/linux\", commit = \"v6.1\" }"));
    expect![[r#"lab.toml:10:10: variants.stock.source: the string `linux-source-6.1` is of the wrong type; use a table such as { debian = "linux-source-6.12" }"#]].assert_eq(&with("\"linux-source-6.1\""));
    expect![
        "lab.toml:10:10: variants.stock.source: more than one source; name one of debian, tarball, git, tree"
    ]
    .assert_eq(&with("{ tree = \"/a\", debian = \"linux-source-6.1\" }"));
    assert_eq!(with("{ tree = \"/a\" }"), "");
}
