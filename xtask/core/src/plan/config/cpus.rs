//! How many CPUs a guest may have: no more than its kernel takes, and in real time no more than the host has.

use std::collections::BTreeMap;

use super::inventory::{CheckoutPart, Reference};
use super::{Config, ConfigError, Document, FRAGMENT_DIR};
use crate::plan::Clock;
use crate::text::arch::Arch;
use crate::text::kconfig::Line;

/// The option that says how many CPUs a kernel takes.
const OPTION: &str = "CONFIG_NR_CPUS";

impl Config {
    /// Compares every machine with what the kernel is configured for. `read` gives the text of a fragment, or what is wrong
    /// with it.
    ///
    /// # Errors
    /// The first machine with more CPUs, or the first fragment that cannot be read.
    pub fn check_cpus(&self, read: impl Fn(&str) -> Result<String, String>) -> Result<(), ConfigError> {
        let document = Document { file: &self.file, text: &self.text };
        let mut most: BTreeMap<Arch, (u32, usize, &str)> = BTreeMap::new();
        // Those of all kernels: a fragment of one plan says nothing about the others.
        let of_all = |reference: &&Reference| {
            reference.part == CheckoutPart::Fragment && self.kernel.config.contains(&reference.name)
        };
        for fragment in self.references.iter().filter(of_all) {
            let text = read(&fragment.name)
                .map_err(|message| document.error(&fragment.span, &fragment.path, message))?;
            // Of two values the later one counts.
            let limits = Arch::ALL.into_iter().filter_map(|arch| Some((arch, limit(&text, arch)?)));
            most.extend(limits.map(|(arch, (cpus, line))| (arch, (cpus, line, fragment.name.as_str()))));
        }
        self.check_each(|name, cpus| {
            let (most, line, fragment) = *most.get(&self.machines.get(name)?.arch)?;
            (cpus > most).then(|| {
                format!(
                    "{cpus} CPUs are more than the {most} that the kernel takes; use {most} or less, or raise {OPTION} in \
                     {FRAGMENT_DIR}/{fragment}:{line}"
                )
            })
        })
    }

    /// Compares the machine of a plan in real time with the CPUs of the host that the lab may use. A plan with the virtual
    /// clock, or one that is not there, is not looked at.
    ///
    /// # Errors
    /// If the host has fewer.
    pub fn check_host_cpus(&self, plan: &str, host_cpus: u32) -> Result<(), ConfigError> {
        let machine = self.plans.get(plan).map(|plan| plan.machine.as_str());
        self.check_each(|name, cpus| {
            let is_meant =
                Some(name) == machine && self.machines.get(name).is_some_and(|it| it.clock == Clock::Wall);
            (is_meant && cpus > host_cpus).then(|| {
                format!(
                    "{cpus} CPUs in real time need as many of the host's, and the lab may use {host_cpus}; use {host_cpus} \
                     or less, or another host"
                )
            })
        })
    }

    fn check_each(&self, wrong: impl Fn(&str, u32) -> Option<String>) -> Result<(), ConfigError> {
        let document = Document { file: &self.file, text: &self.text };
        let mistakes = self.cpus.iter().filter_map(|(name, place)| {
            let message = wrong(name, self.machines.get(name)?.cpus)?;
            Some((place, message))
        });
        // The one that a reader of the file comes to first.
        match mistakes.min_by_key(|(place, _)| place.span.start) {
            Some((place, message)) => Err(document.error(&place.span, &place.path, message)),
            None => Ok(()),
        }
    }
}

/// The last value of the option in a fragment, and its line; the smallest, if it depends on the kernel.
fn limit(fragment: &str, arch: Arch) -> Option<(u32, usize)> {
    let mut most: Option<(u32, usize)> = None;
    for (number, text) in (1..).zip(fragment.lines()) {
        if let Line::Option(line) = Line::of(text)
            && line.option == OPTION
            && line.condition.is_on(arch)
            && let Ok(cpus) = line.value.parse()
            && most.is_none_or(|(known, _)| line.condition.is_always() || cpus < known)
        {
            most = Some((cpus, number));
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::tests::{GOOD, shown_with_message};
    use super::*;

    fn config(cpus: &str) -> Config {
        let wall =
            "[plans.wall]\nlike = \"default\"\nmachine = \"wall\"\nvariants = [\"original\", \"again\"]\n";
        Config::parse("lab.toml", &format!("{}{wall}", GOOD.replace("cpus = 2", cpus))).unwrap()
    }

    #[test]
    fn no_more_than_the_kernel_takes() {
        let show = |(cpus, fragment): (&str, &str)| {
            let message = config(cpus).check_cpus(|name| match fragment {
                "" => Err(format!("{name} cannot be read")),
                text => Ok(text.to_owned()),
            });
            let message = message.err().map(|error| error.to_string()).unwrap_or_default();
            shown_with_message(&format!("{cpus} of {fragment}"), &message)
        };
        expect![[r#"
            cpus = 16 of CONFIG_SMP=y\nCONFIG_NR_CPUS=16
                accepted
            cpus = 17 of CONFIG_SMP=y\nCONFIG_NR_CPUS=16
                lab.toml:89:8: machines.wall.cpus: 17 CPUs are more than the 16 that the kernel takes; use 16 or less, or raise CONFIG_NR_CPUS in images/kernel/base.config:2
            cpus = 17 of CONFIG_NR_CPUS=16\nCONFIG_NR_CPUS=32
                accepted
            cpus = 17 of CONFIG_NR_CPUS=32\nCONFIG_NR_CPUS=16  # until 6.…
                lab.toml:89:8: machines.wall.cpus: 17 CPUs are more than the 16 that the kernel takes; use 16 or less, or raise CONFIG_NR_CPUS in images/kernel/base.config:2
            cpus = 17 of CONFIG_NR_CPUS=32\nCONFIG_NR_CPUS=16  # on arm64
                accepted
            cpus = 255 of CONFIG_SMP=y
                accepted
            cpus = 1 of 
                lab.toml:4:11: kernel.config: base.config cannot be read
        "#]].assert_eq(
            &[
                ("cpus = 16", "CONFIG_SMP=y\nCONFIG_NR_CPUS=16"),
                ("cpus = 17", "CONFIG_SMP=y\nCONFIG_NR_CPUS=16"),
                ("cpus = 17", "CONFIG_NR_CPUS=16\nCONFIG_NR_CPUS=32"),
                (
                    "cpus = 17",
                    "CONFIG_NR_CPUS=32\nCONFIG_NR_CPUS=16  # until 6.19\nCONFIG_NR_CPUS=64  # from 7.0",
                ),
                ("cpus = 17", "CONFIG_NR_CPUS=32\nCONFIG_NR_CPUS=16  # on arm64"),
                ("cpus = 255", "CONFIG_SMP=y"),
                ("cpus = 1", ""),
            ]
            .map(show)
            .concat(),
        );
    }

    #[test]
    fn no_more_than_the_host_has() {
        let show = |(plan, cpus, host): (&str, &str, u32)| {
            let message = config(cpus).check_host_cpus(plan, host).err().map(|error| error.to_string());
            shown_with_message(&format!("{plan}, {cpus} of {host}"), &message.unwrap_or_default())
        };
        expect![[r#"
            wall, cpus = 2 of 2
                accepted
            wall, cpus = 4 of 2
                lab.toml:89:8: machines.wall.cpus: 4 CPUs in real time need as many of the host's, and the lab may use 2; use 2 or less, or another host
            default, cpus = 4 of 1
                accepted
        "#]].assert_eq(
            &[
                ("wall", "cpus = 2", 2),
                ("wall", "cpus = 4", 2),
                // Guest time is counted: the host's CPUs do not matter.
                ("default", "cpus = 4", 1),
            ]
            .map(show)
            .concat(),
        );
    }
}
