//! What was run and where, and what the programs printed.

use lab_protocol::WorkloadTask;
use maud::{Markup, html};

use super::{Attached, scrolling};
use crate::comparison::Comparison;
use crate::report::{scenario, text};

/// The section of what was run.
pub(super) fn render(comparison: &Comparison, attached: &Attached) -> Markup {
    html! {
        section id="run" aria-labelledby="run-title" {
            h2 id="run-title" { "What was run" }
            dl.facts {
                @for (name, value) in facts(comparison, attached) {
                    dt { (name) }
                    dd { (value) }
                }
            }
            h3 { "Kernels" }
            (scrolling("Kernels", &kernels(comparison)))
            @if !comparison.scenarios.is_empty() {
                h3 { "Scenarios" }
                dl.facts {
                    @for (name, ground) in scenario::grounds(comparison) {
                        dt { (name) }
                        dd { (ground.replace("+-", "±")) }
                    }
                }
            }
            @if !attached.workloads.is_empty() {
                h3 { "Workloads" }
                (scrolling("Workloads", &workloads(&attached.workloads)))
            }
        }
    }
}

fn facts(comparison: &Comparison, attached: &Attached) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Command", comparison.command.clone()),
        ("Begun", comparison.begun.clone()),
        ("Lab", comparison.lab_commit.clone()),
    ];
    if let Some(setup) = &comparison.setup {
        facts.extend([
            ("Source", text::sources(comparison, setup).join("; ")),
            ("Configuration", configuration(comparison, attached).unwrap_or_default()),
            ("Image", setup.image_sha256.clone()),
            (
                "Machine",
                format!(
                    "QEMU {} -machine {}, -cpu {}, {} vCPU, {} MiB",
                    setup.qemu_version, setup.machine, setup.cpu_model, setup.cpus, setup.memory_mib
                ),
            ),
            ("Accelerator", format!("{}: {}", setup.accelerator, comparison.accelerator_reason)),
            ("Clock", text::clock(setup)),
            ("Kernel command line", setup.kernel_command_line.clone()),
        ]);
    }
    let host = &comparison.host;
    facts.push(("Host", format!("{}, {} CPUs, {}, {}", host.cpu, host.cpus, host.system, host.kernel)));
    facts
}

fn configuration(comparison: &Comparison, attached: &Attached) -> Option<String> {
    let digests = text::configurations(comparison, comparison.setup.as_ref()?).join("; ");
    Some(match attached.config.is_empty() {
        true => digests,
        false => format!("{digests}, from {}", attached.config.join(", ")),
    })
}

fn kernels(comparison: &Comparison) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Variant" }
                    th scope="col" { "Release" }
                    th scope="col" { "Kernel" }
                    th scope="col" { "Boots" }
                }
            }
            tbody {
                @for variant in &comparison.variants {
                    tr {
                        th scope="row" { (variant.name) @if variant.name == comparison.baseline { span.unit { " baseline" } } }
                        td { (variant.release.as_deref().unwrap_or("no report")) }
                        td { (text::kernel(comparison, variant)) }
                        td.whole { (text::boots(&variant.boots)) }
                    }
                }
            }
        }
    }
}

fn workloads(workloads: &[WorkloadTask]) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Workload" }
                    th scope="col" { "Command" }
                    th.number scope="col" { "File, MiB" }
                    th.number scope="col" { "Samples a boot" }
                }
            }
            tbody {
                @for task in workloads {
                    tr {
                        th scope="row" { (task.name) }
                        td { code { (command(task)) } }
                        td.number { (task.file_mib) }
                        td.number { (task.samples) }
                    }
                }
            }
        }
    }
}

fn command(task: &WorkloadTask) -> String {
    let program = task.tool.guest_path();
    let program = program.rsplit('/').next().unwrap_or(program);
    [&[program.to_owned()], &task.args[..]].concat().join(" ")
}

/// The section of what programs printed; none if none did.
pub(super) fn output(attached: &Attached) -> Option<Markup> {
    (!attached.outputs.is_empty()).then(|| {
        html! {
            section id="output" aria-labelledby="output-title" {
                h2 id="output-title" { "What the programs printed" }
                p.note { "As they printed it, boot by boot. Consoles and everything else lie in the campaign's folder." }
                @for output in &attached.outputs {
                    details { summary { (output.folder) } pre tabindex="0" { (output.text) } }
                }
            }
        }
    })
}
