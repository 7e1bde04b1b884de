//! Targets that left for good. An account or region that is merely missing is no evidence: it is asked for by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Evidence;
use crate::run::{Known, read_json};
use crate::seams::Standing;
use crate::target::{AccountId, Target};
use crate::work::{StepContext, StepError};

/// What of the ledgers belongs to nothing that exists any more.
#[derive(Debug, Default)]
pub struct Retirement {
    /// Retired targets, each with the evidence.
    pub targets: BTreeMap<Target, String>,
    /// Why accounts that look gone were not retired.
    pub held_back: Vec<String>,
}

pub async fn judge(context: &StepContext<'_>, evidence: &Evidence) -> Result<Retirement, StepError> {
    let plan = &context.snapshot.plan;
    let mut retirement = Retirement::default();
    if plan.narrowing.is_narrowed() {
        return Ok(retirement);
    }
    let mut missing: BTreeSet<&AccountId> = BTreeSet::new();
    let targets = evidence.targets();
    for target in &targets {
        let Some(account) = target.account() else { continue };
        if !plan.knows_account(account) {
            missing.insert(account);
        }
        if let (Some(planned), Some(region)) = (plan.accounts.get(account), target.region())
            && planned.disabled_regions.iter().any(|disabled| disabled == region)
        {
            retirement
                .targets
                .insert((*target).clone(), format!("AWS reports the region {region} as disabled in account {account}"));
        }
    }
    if missing.is_empty() {
        return Ok(retirement);
    }
    if let Some(reason) = reason_to_doubt(context, missing.len()).await? {
        let accounts: Vec<&str> = missing.iter().map(|account| account.as_str()).collect();
        retirement
            .held_back
            .push(format!("accounts {} are missing, but {reason}: their entities stay", accounts.join(", ")));
        return Ok(retirement);
    }
    for account in missing {
        match context.worker.cloud.standing(plan, account).await {
            Standing::Gone { evidence: words } => {
                let targets = targets.iter().filter(|target| target.account() == Some(account));
                retirement.targets.extend(targets.map(|target| ((*target).clone(), words.clone())));
            }
            Standing::Present => retirement.held_back.push(format!(
                "account {account} is missing, but AWS Organizations does not say that it is closed or elsewhere: its entities stay"
            )),
            Standing::Unknown { reason } => retirement
                .held_back
                .push(format!("account {account} is missing, and it is unknown why: its entities stay ({reason})")),
        }
    }
    Ok(retirement)
}

/// Why missing accounts more likely come from a changed setting than from accounts that went away.
async fn reason_to_doubt(context: &StepContext<'_>, missing: usize) -> Result<Option<String>, StepError> {
    let before = read_json::<Known>(context.worker.store.as_ref(), &context.place.known()).await?;
    let Some((before, _)) = before else {
        return Ok(Some("no earlier run left word of how it found accounts".to_owned()));
    };
    if before.strategy != context.snapshot.plan.strategy {
        return Ok(Some("the way in which accounts are found was changed since the last run".to_owned()));
    }
    // Those that the last run knew: accounts that this one brought must not make the missing ones look few.
    let known: BTreeSet<&AccountId> = before.ledgers.iter().filter_map(Target::account).collect();
    let known = known.len();
    if missing * 2 > known {
        return Ok(Some(format!("that is more than half of the {known} accounts known")));
    }
    Ok(None)
}
