//! Faults that are put into a real series.

use expect_test::expect;

use crate::sandbox::TestCheckout;

/// How many there are of each rule in the series as it is; a change of a rule, or of the series, shows here.
#[test]
fn the_mutants_of_a_real_series() {
    let sandbox = TestCheckout::new("");
    let run = sandbox.lab(&["mutants", "async-dio", "--rules"]);
    run.expect_code_in(&[0]);
    let counts: Vec<String> = run
        .stdout
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            Some(format!("{} {}", cells.next()?, cells.next()?))
        })
        .collect();
    expect![[r#"
        rule mutants
        ------------ ---------
        drop 73
        drop-get 1
        drop-put 8
        early-put 3
        negate 32
        drop-error 7
        min-max 1
        boundary 11
        equality 4
        and-or 14
        constant 4
        argument 3
        hand 56
        all 217"#]]
    .assert_eq(&counts.join("\n"));
}

/// One fault that probes notice and one in a file that is not built; both are found again by the next run.
#[test]
fn a_fault_is_noticed() {
    let sandbox = TestCheckout::new("");
    let arguments =
        ["mutants", "async-dio", "--only", "hand-latest-gap-wins,drop-fuse_dax_direct_write-6", "--verbose"];
    let run = sandbox.lab(&arguments);
    run.expect_code_in(&[0]);
    assert!(run.stdout.contains("read-short: read of 2 MiB with 1 KiB in chunk 5 returns 2 MiB"), "{run}");
    assert!(
        run.stdout.ends_with("2 mutants: 1 equal; of the other 1, 1 caught (100.0 %), 0 survived\n"),
        "{run}"
    );
    let again = sandbox.lab(&arguments);
    again.expect_code_in(&[0]);
    assert_eq!(again.stdout, run.stdout);
    assert!(again.stderr.contains("2 of 2 mutants are through already"), "{again}");
}
