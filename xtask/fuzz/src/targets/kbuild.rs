//! Makefiles and Kconfig files of a kernel, which a series can change, and configuration fragments.

use lab_core::kbuild::{BuildFiles, Configuration, Kconfig};
use lab_core::text::arch::Arch;
use lab_core::text::kconfig::{KernelVersion, Line};

use super::Target;
use crate::inputs::Checkout;
use crate::parts;

pub(super) struct Kbuild;

/// Of more options it is not asked what they need.
const MOST_OPTIONS: usize = 12;

impl Target for Kbuild {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut inputs = vec![parts::join(
            checkout
                .files("xtask/fuzz/seeds/kbuild", |_| true)?
                .into_iter()
                .map(|(name, text)| (name.replace("xtask/fuzz/seeds/kbuild/", ""), text)),
        )];
        let fragments = checkout.files("images/kernel", |name| name.ends_with(".config"))?;
        inputs.extend(fragments.into_iter().map(|fragment| parts::join([fragment])));
        Ok(inputs)
    }

    fn check(&self, case: &[u8]) {
        let files: Vec<(String, String)> =
            parts::split(case).into_iter().map(|(name, content)| (name, parts::text(&content))).collect();
        let (of_build, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(name, _)| BuildFiles::is_one(name));
        let asked: String = others.iter().map(|(_, text)| text.as_str()).collect();
        fragments(&asked);
        let files = BuildFiles::new(of_build);
        let kconfig = Kconfig::parse(&files);
        let configuration = kconfig.resolved(&Configuration::parse(&asked));
        let names: Vec<String> = kconfig.names().take(MOST_OPTIONS).map(str::to_owned).collect();
        for name in &names {
            let _ = (kconfig.is_switch(name), kconfig.selected_by(name));
            let _ = kconfig.to_turn_on(std::slice::from_ref(name), &configuration);
        }
        let _ = (kconfig.to_turn_on(&names, &configuration), files.objects(&configuration));
        for source in ["fs/fuse/file.c", "fs/fuse/dev.c", "init/main.c", "mm/slub.c", "a.c"] {
            for expression in [files.compiled(source), files.folder_is_built(source)].into_iter().flatten() {
                let _ = (expression.holds(&configuration), expression.wanting(&configuration));
            }
        }
    }
}

fn fragments(text: &str) {
    let version = KernelVersion::parse("6.12.117");
    for line in text.lines() {
        let Line::Option(of_line) = Line::of(line) else { continue };
        if let Some(version) = &version {
            let _ = of_line.condition.holds(Arch::default(), version);
        }
        let _ = KernelVersion::parse(of_line.value);
    }
}
