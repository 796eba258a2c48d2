//! What must hold before numbers are put side by side.

use anyhow::bail;
use serde_json::Value;

use super::VariantSummary;
use crate::campaign::{BootData, Campaign, Setup};
use crate::text::fields::{FieldPair, pair_fields};

/// The setup of all boots.
///
/// # Errors
/// If two boots differ in it, or a record stands for a boot that the plan does not have.
pub(super) fn same_setup(campaign: &Campaign) -> anyhow::Result<Option<Setup>> {
    let Some(first) = campaign.boots.first() else { return Ok(None) };
    for boot in &campaign.boots {
        if !campaign.file.plan.boots.contains(&boot.record.boot) {
            bail!("comparing {}: the plan has no such boot as that of {}", campaign.name, boot.folder);
        }
        let mut fields = pair_fields(&first.record.setup, &boot.record.setup)?.into_iter();
        if let Some(FieldPair { name, values }) = fields.find(FieldPair::differs) {
            let [left, right] = values.map(|value| value.as_ref().map(Value::to_string).unwrap_or_default());
            bail!(
                "comparing {}: {name} is {left} in {} and {right} in {}; only boots that differ in nothing but the \
                 variant can be compared: run the plan again",
                campaign.name,
                first.folder,
                boot.folder,
            );
        }
    }
    Ok(Some(first.record.setup.clone()))
}

/// The boots of one variant.
///
/// # Errors
/// If not all of them booted the same kernel.
pub(super) fn boots_of<'a>(campaign: &'a Campaign, variant: &str) -> anyhow::Result<Vec<&'a BootData>> {
    let boots: Vec<_> = campaign.boots.iter().filter(|boot| boot.record.boot.variant == variant).collect();
    if let [first, others @ ..] = &boots[..]
        && let Some(other) = others.iter().find(|other| other.record.kernel != first.record.kernel)
    {
        bail!(
            "comparing {}: {variant} is the kernel {} in {} and {} in {}; run the plan again",
            campaign.name,
            first.record.kernel.digest,
            first.folder,
            other.record.kernel.digest,
            other.folder,
        );
    }
    Ok(boots)
}

/// For each variant whether it is the baseline's kernel under another label; the first is the baseline itself. One with
/// a slowdown planted is another one, and so is another scenario where scenarios are compared.
pub(super) fn same_kernel_as_baseline(variants: &[VariantSummary]) -> Vec<bool> {
    let booted = |variant: &VariantSummary| {
        variant.kernel.as_ref().map(|kernel| (kernel.bzimage_sha256.clone(), variant.own()))
    };
    let baseline = variants.first().and_then(booted);
    let same = |variant| baseline.is_some() && booted(variant) == baseline;
    variants.iter().enumerate().map(|(place, variant)| place > 0 && same(variant)).collect()
}
