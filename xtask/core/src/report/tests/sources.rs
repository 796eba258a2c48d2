//! The headers of a campaign whose kernels have several sources.

use super::*;
use crate::campaign::KernelBase;

#[test]
fn each_source_and_configuration_is_said_with_its_variants() {
    let mut campaign = five_arms();
    for boot in &mut campaign.boots {
        let (source, digest) = match boot.record.boot.variant.as_str() {
            "stock" => ("linux-source-7.3 7.3.4-1", "c1"),
            "third-way" => ("linux-source-6.1 6.1.192-2", "c2"),
            _ => ("linux-source-6.12 6.12.117-1~deb12u1", "c0"),
        };
        let (source, config_sha256) = (source.to_owned(), digest.repeat(32));
        boot.record.kernel.base =
            Some(KernelBase { source, config_sha256, compiler: "gcc 12.2.0".to_owned() });
    }
    let comparison = compare(&campaign).unwrap();
    let table = full::render(&comparison);
    let lines = table.lines().filter(|line| line.starts_with("source:") || line.starts_with("config:"));
    expect![[r#"
        source:   linux-source-6.12 6.12.117-1~deb12u1 (original, patched, clean-up)
        source:   linux-source-6.1 6.1.192-2 (third-way)
        source:   linux-source-7.3 7.3.4-1 (stock)
        config:   c0c0c0c0c0c0, built with gcc 12.2.0 (original, patched, clean-up)
        config:   c2c2c2c2c2c2, built with gcc 12.2.0 (third-way)
        config:   c1c1c1c1c1c1, built with gcc 12.2.0 (stock)
    "#]]
    .assert_eq(&lines.map(|line| format!("{line}\n")).collect::<String>());
    let mail = Format::Mail.render(&comparison).unwrap();
    // The line above it says how far it is indented.
    let setup = &mail[mail.find("Setup:\n").unwrap()..];
    expect![[r#"
        Setup:
          base            linux-source-6.12 6.12.117-1~deb12u1 (original,
                          patched, clean-up), linux-source-6.1 6.1.192-2
                          (third-way), linux-source-7.3 7.3.4-1 (stock)
          original        base
          patched         base + async-dio (6 patches)
          clean-up        base + async-dio (6 patches) + clean-up (6 patches)
          third-way       base + async-dio (6 patches) + third-way (6 patches)
          stock           base + stock (6 patches)
    "#]]
    .assert_eq(setup.split("  machine").next().unwrap());
}
