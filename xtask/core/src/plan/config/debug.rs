//! Debug kernels: those that look for faults at every step, and therefore are never timed.

use super::{Config, ConfigError, Document, FRAGMENT_DIR};
use crate::plan::KernelSettings;
use crate::text::arch::Arch;
use crate::text::kconfig::Line;
use crate::text::suggest::quoted;

/// The options that make a kernel slower than any figure of it is worth, and what each does to it. Those that only come
/// with another one of them are not here.
const OPTIONS: [(&str, &str); 16] = [
    ("CONFIG_KASAN", "the kernel checks each access to memory"),
    ("CONFIG_KCSAN", "the kernel watches accesses to memory for races"),
    ("CONFIG_KMSAN", "the kernel checks whether memory was written before it is read"),
    ("CONFIG_PROVE_LOCKING", "the kernel compares each lock with all others that are held"),
    ("CONFIG_LOCK_STAT", "the kernel notes how long each lock is waited for"),
    ("CONFIG_DEBUG_LOCK_ALLOC", "the kernel looks for held locks in all memory that is freed"),
    ("CONFIG_DEBUG_SPINLOCK", "the kernel checks each spinlock that is taken"),
    ("CONFIG_DEBUG_ATOMIC_SLEEP", "the kernel checks at each place that may sleep whether it may"),
    ("CONFIG_DEBUG_PAGEALLOC", "the kernel unmaps each page that is freed"),
    ("CONFIG_SLUB_DEBUG_ON", "the kernel fills and checks each object that is allocated or freed"),
    ("CONFIG_DEBUG_OBJECTS", "the kernel follows the life of timers, work items and others"),
    ("CONFIG_DEBUG_KMEMLEAK", "the kernel notes each allocation"),
    ("CONFIG_DEBUG_VM", "the kernel checks the state of pages wherever they are used"),
    ("CONFIG_DEBUG_LIST", "the kernel checks each list that is changed"),
    ("CONFIG_UBSAN", "the kernel checks arithmetic and indices"),
    ("CONFIG_KCOV", "the kernel notes each branch that is taken"),
];

/// What makes a kernel a debug kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugOption {
    /// With `CONFIG_`.
    name: &'static str,
    /// What it does.
    does: &'static str,
    /// Where it is asked for, fragment and line.
    place: String,
}

/// What an option does that makes a debug kernel, given without `CONFIG_`; none if it makes none.
pub fn why_debug(option: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(name, _)| name.strip_prefix("CONFIG_") == Some(option)).map(|(_, does)| *does)
}

impl Config {
    /// Finds out which plans boot debug kernels. `read` gives the text of a fragment, or what is wrong with it.
    ///
    /// # Errors
    /// The first plan that times one, or a fragment that cannot be read.
    pub fn with_debug_kernels(
        mut self,
        read: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Config, ConfigError> {
        let mut plans = std::mem::take(&mut self.plans);
        let mut wrong = Vec::new();
        for (name, plan) in &mut plans {
            let KernelSettings { config, arch, .. } = self.kernel_of(plan);
            plan.debug =
                find(&config, arch, &read).map_err(|message| ConfigError::new(FRAGMENT_DIR, message))?;
            let place = self.timed.get(name);
            if let (Err(message), Some(place)) =
                (never_timed(name, plan.debug.as_ref(), &plan.workloads), place)
            {
                wrong.push((place.span.start, place, message));
            }
        }
        let document = Document { file: &self.file, text: &self.text };
        // The one that a reader of the file comes to first.
        if let Some((_, place, message)) = wrong.into_iter().min_by_key(|(start, ..)| *start) {
            return Err(document.error(&place.span, &place.path, message));
        }
        self.plans = plans;
        Ok(self)
    }
}

/// A debug kernel runs no workload: each gives figures.
pub(crate) fn never_timed<T>(plan: &str, debug: Option<&DebugOption>, workloads: &[T]) -> Result<(), String> {
    let Some(DebugOption { name, does, place }) = debug.filter(|_| !workloads.is_empty()) else {
        return Ok(());
    };
    Err(format!(
        "debug kernels are never timed, and plan {} has them: with {} ({FRAGMENT_DIR}/{place}) {does}; use workloads = \
         [] with probes = \"all\", or leave that fragment out",
        quoted(plan),
        quoted(name)
    ))
}

/// The first of the options that is on after all fragments.
fn find(
    fragments: &[String],
    arch: Arch,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Option<DebugOption>, String> {
    let mut found: [Option<String>; OPTIONS.len()] = Default::default();
    for fragment in fragments {
        for (number, text) in (1..).zip(read(fragment)?.lines()) {
            let Line::Option(line) = Line::of(text) else { continue };
            if !line.condition.is_on(arch) {
                continue;
            }
            for ((name, _), place) in OPTIONS.iter().zip(&mut found) {
                if line.option != *name {
                    continue;
                }
                // Of two values the later one counts, if it is for every kernel.
                if line.value == "y" {
                    *place = Some(format!("{fragment}:{number}"));
                } else if line.condition.is_always() {
                    *place = None;
                }
            }
        }
    }
    let option = |((name, does), place): (&(&'static str, &'static str), Option<String>)| {
        Some(DebugOption { name, does, place: place? })
    };
    Ok(OPTIONS.iter().zip(found).find_map(option))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::tests::{GOOD, shown_with_message};
    use super::*;
    use crate::plan::{Overrides, Source, resolve};

    const PLAN: &str = "[plans.debug]\nlike = \"default\"\nkernel-config = [\"debug.config\"]\n";

    fn with(plan: &str, fragment: &str) -> Result<Config, ConfigError> {
        let config = Config::parse("lab.toml", &format!("{GOOD}{plan}"))?;
        config.with_debug_kernels(|name| match (name, fragment) {
            ("base.config", _) => Ok("CONFIG_SMP=y\n# CONFIG_KASAN is not set\n".to_owned()),
            (_, "") => Err(format!("{name} cannot be read; make it readable")),
            (_, text) => Ok(text.to_owned()),
        })
    }

    #[test]
    fn debug_kernels_are_never_timed() {
        let show = |fragment: &&str| {
            let message = with(PLAN, fragment).err().map(|error| error.to_string()).unwrap_or_default();
            shown_with_message(fragment, &message)
        };
        expect![[r#"
            CONFIG_FUSE_FS=y\n
                accepted
            CONFIG_KASAN=y\n
                lab.toml:119:13: plans.default.workloads: debug kernels are never timed, and plan `debug` has them: with `CONFIG_KASAN` (images/kernel/debug.config:1) the kernel checks each access to memory; use workloads = [] with probes = "all", or leave that fragment out
            # why\n\nCONFIG_DEBUG_LIST=y\nCONFIG_PROVE_LOCKING=y\n
                lab.toml:119:13: plans.default.workloads: debug kernels are never timed, and plan `debug` has them: with `CONFIG_PROVE_LOCKING` (images/kernel/debug.config:4) the kernel compares each lock with all others that are held; use workloads = [] with probes = "all", or leave that fragment out
            CONFIG_KASAN=y\n# CONFIG_KASAN is not set\n
                accepted
            CONFIG_KASAN=n\n
                accepted
            # CONFIG_KASAN=y\nCONFIG_KASAN_STACK=y\n
                accepted
            CONFIG_KASAN=y  # on arm64\n
                accepted
            CONFIG_KASAN=y  # from 6.13\n
                lab.toml:119:13: plans.default.workloads: debug kernels are never timed, and plan `debug` has them: with `CONFIG_KASAN` (images/kernel/debug.config:1) the kernel checks each access to memory; use workloads = [] with probes = "all", or leave that fragment out
            CONFIG_KASAN=y\n# CONFIG_KASAN is not set  # until 6.12\n
                lab.toml:119:13: plans.default.workloads: debug kernels are never timed, and plan `debug` has them: with `CONFIG_KASAN` (images/kernel/debug.config:1) the kernel checks each access to memory; use workloads = [] with probes = "all", or leave that fragment out

                images/kernel: debug.config cannot be read; make it readable
        "#]].assert_eq(
            &[
                "CONFIG_FUSE_FS=y\n",
                "CONFIG_KASAN=y\n",
                "# why\n\nCONFIG_DEBUG_LIST=y\nCONFIG_PROVE_LOCKING=y\n",
                "CONFIG_KASAN=y\n# CONFIG_KASAN is not set\n",
                "CONFIG_KASAN=n\n",
                "# CONFIG_KASAN=y\nCONFIG_KASAN_STACK=y\n",
                "CONFIG_KASAN=y  # on arm64\n",
                "CONFIG_KASAN=y  # from 6.13\n",
                "CONFIG_KASAN=y\n# CONFIG_KASAN is not set  # until 6.12\n",
                "",
            ]
            .iter()
            .map(show)
            .collect::<String>(),
        );
    }

    #[test]
    fn nor_by_the_command_line() {
        // A plan with all probes has no workloads.
        let mut config = with(PLAN, "CONFIG_FUSE_FS=y\n").unwrap();
        let plan = config.plans.get_mut("debug").unwrap();
        plan.debug =
            find(&["debug.config".to_owned()], Arch::X86_64, |_| Ok("CONFIG_KASAN=y\n".to_owned())).unwrap();
        let overrides = Overrides { workloads: Some(vec!["dd-read".to_owned()]), ..Overrides::default() };
        expect![[r#"--workloads: debug kernels are never timed, and plan `debug` has them: with `CONFIG_KASAN` (images/kernel/debug.config:1) the kernel checks each access to memory; use workloads = [] with probes = "all", or leave that fragment out"#]].assert_eq(&resolve(&config, "debug", &overrides).unwrap_err().to_string());
    }

    /// The plan's own fragments come last, and belong to it alone.
    #[test]
    fn the_kernel_of_a_plan() {
        let config = with(PLAN, "CONFIG_FUSE_FS=y\n").unwrap();
        let fragments = |plan: &str| resolve(&config, plan, &Overrides::default()).unwrap().kernel.config;
        assert_eq!(fragments("default"), ["base.config"]);
        assert_eq!(fragments("debug"), ["base.config", "debug.config"]);
    }

    /// All that the plan lists counts, and what is named beside it; an own source is that of its series.
    #[test]
    fn the_series_whose_needs_are_turned_on() {
        let own = "source = { tree = \"/linux\" }\nseries = [\"of-linux\"]";
        let text = GOOD
            .replace("[scenarios.local]", &format!("[variants.elsewhere]\n{own}\n\n[scenarios.local]"))
            .replace("kernel-config = []", "kernel-config = \"auto\"");
        let config = Config::parse("lab.toml", &text).unwrap();
        let series = |variants: Option<&[&str]>| {
            let variants = variants.map(|names| names.iter().map(|&name| name.to_owned()).collect());
            let overrides = Overrides { variants, ..Overrides::default() };
            let settings = resolve(&config, "default", &overrides).unwrap().kernel;
            assert_eq!(settings.config, ["base.config"]);
            let all = settings.auto.unwrap().into_iter();
            let all: Vec<String> =
                all.map(|kernel| format!("{:?} {:?}", kernel.series, kernel.source)).collect();
            all.join("\n")
        };
        let listed = series(None);
        expect![[r#"["sync-dio"] Debian { package: "linux-source-6.12", suite: None }"#]].assert_eq(&listed);
        assert_eq!(series(Some(&["original", "stock"])), listed);
        let more = series(Some(&["original", "elsewhere"]));
        assert_eq!(more, listed + "\n[\"of-linux\"] Tree(\"/linux\")");
    }

    /// A plan with a source of its own, and one that is like it, leave that of the others alone; and what only they list is not
    /// built of it.
    #[test]
    fn the_source_of_a_plan() {
        let own = "[plans.debug]\nlike = \"default\"\nsource = { tree = \"/linux\" }\n";
        let other =
            "[plans.other]\nlike = \"debug\"\nbaseline = \"stock\"\nvariants = [\"stock\", \"elsewhere\"]\n";
        let text =
            GOOD.replace("[scenarios.local]", "[variants.elsewhere]\nseries = []\n\n[scenarios.local]");
        let config = Config::parse("lab.toml", &format!("{text}{own}{other}")).unwrap();
        let source = |plan: &str| resolve(&config, plan, &Overrides::default()).unwrap().kernel.source;
        assert_eq!(source("default"), config.kernel.source);
        assert_eq!(
            [source("debug"), source("other")],
            ["/linux", "/linux"].map(|path| Source::Tree(path.to_owned()))
        );
        let names: Vec<String> =
            config.variants_of_the_source().into_iter().map(|variant| variant.name).collect();
        assert!(!names.contains(&"elsewhere".to_owned()), "{names:?}");
        assert_eq!(names.len() + 1, config.variants.len());
    }
}
