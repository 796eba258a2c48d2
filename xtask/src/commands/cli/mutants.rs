//! The arguments of `mutants`.

use clap::Args;

/// Arguments of `mutants`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask mutants async-dio --list
  cargo xtask mutants async-dio --limit 20
  cargo xtask mutants async-dio --only fuse_io_end --verbose")]
pub struct Mutants {
    /// The series, a folder below kernel-patches/. A variant of lab.toml has to list it; what stands before it there is
    /// applied first, and what the variant is said to behave like is what its probes are held against.
    pub series: String,
    /// The plan of lab.toml that says what each kernel runs: its machine, its first scenario, its workloads, its probes.
    #[arg(long, value_name = "NAME", default_value = "behaviour")]
    pub plan: String,
    /// Only these mutants: an id, its number (m017), its name (what follows the number), or all of a function.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// At most so many, of each rule as many as there are of the others.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only list the mutants, each with its change. Nothing is built or booted.
    #[arg(long, conflicts_with = "rules")]
    pub list: bool,
    /// Only say how many mutants there are of each rule. Nothing is built or booted.
    #[arg(long)]
    pub rules: bool,
    /// How many kernels are booted at a time, instead of one for each CPU.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: Option<u32>,
}
