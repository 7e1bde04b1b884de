//! Third stage: targets that left for good. An account or region that is merely missing is no evidence: it is asked for
//! by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::held_back::HeldBack;
use super::told::Told;
use super::{Flow, Stage, Sweep};
use crate::ledger::{LedgerError, Ledgers};
use crate::run::Plan;
use crate::seams::Standing;
use crate::target::{AccountId, Target};
use crate::work::{StepContext, StepError};

/// Accounts that words name; how many there are is said, too.
const MOST_NAMED: usize = 20;

/// What of the ledgers belongs to nothing that exists any more.
#[derive(Default, Serialize, Deserialize)]
pub struct Retirement {
    /// Accounts with entities of ours that the plan does not have.
    missing: BTreeSet<AccountId>,
    /// Those of them that are gone for good, each with the evidence.
    gone: BTreeMap<AccountId, String>,
    /// The last account that the stage is through with.
    after: Option<AccountId>,
    /// Why accounts that look gone were not retired.
    pub held_back: Told<String>,
    /// Whether a person confirmed that what looks changed or gone is meant to be.
    pub is_confirmed: bool,
}

impl Retirement {
    /// Why a target is gone for good, if it is.
    pub fn reason(&self, plan: &Plan, target: &Target) -> Option<String> {
        let account = target.account()?;
        if plan.narrowing.is_narrowed() {
            return None;
        }
        if let (Some(planned), Some(region)) = (plan.accounts.get(account), target.region())
            && planned.disabled_regions.iter().any(|disabled| disabled == region)
        {
            return Some(format!("AWS reports the region {region} as disabled in account {account}"));
        }
        self.gone.get(account).cloned()
    }
}

/// Finds the accounts that have entities of ours and are not in the plan, and whether it is in doubt that they went
/// away.
pub async fn find_missing(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let plan = &context.snapshot.plan;
    if plan.narrowing.is_narrowed() {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Survey));
    }
    let mut targets: BTreeMap<AccountId, Vec<(Target, bool)>> = BTreeMap::new();
    for item in sweep.ledger_targets().await?.iter() {
        let account = item.target.account().filter(|account| !plan.knows_account(account));
        if let Some(account) = account {
            targets.entry(account.clone()).or_default().push((item.target.clone(), item.has_ledger));
        }
    }
    let after = sweep.progress.retirement.after.clone();
    for (account, targets) in
        targets.into_iter().filter(|(account, _)| after.as_ref().is_none_or(|after| account > after))
    {
        if has_entities(context, targets).await? {
            sweep.progress.retirement.missing.insert(account.clone());
        }
        sweep.progress.retirement.after = Some(account);
        if sweep.pace.is_over(context) {
            return Ok(Flow::TimeIsOver);
        }
    }
    sweep.progress.retirement.after = None;
    if sweep.progress.retirement.missing.is_empty() {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Survey));
    }
    settle_doubt(sweep).await
}

/// Whether an account has entities of ours, as far as its ledgers tell.
async fn has_entities(context: &StepContext<'_>, targets: Vec<(Target, bool)>) -> Result<bool, StepError> {
    let ledgers = Ledgers { store: context.worker.store.as_ref(), place: &context.place };
    for (target, has_ledger) in targets {
        if !has_ledger {
            return Ok(true);
        }
        match ledgers.load(&target).await {
            Ok(file) if file.ledger.claims_incomplete => return Ok(true),
            Ok(file) if file.ledger.entries().any(|(_, _, entry)| entry.may_become_stale()) => return Ok(true),
            Ok(_) => {}
            Err(LedgerError::Format { .. }) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

async fn settle_doubt(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let plan = &context.snapshot.plan;
    let missing = sweep.progress.retirement.missing.clone();
    let Some(reason) = reason_to_doubt(sweep, &missing).await? else {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Standing));
    };
    // Also where they are confirmed: the threshold may hold them yet, and who confirms that confirms both.
    HeldBack::of_this_run(context).await?.with_missing_accounts(missing.clone()).write(context).await?;
    if let Some(confirmed) = HeldBack::confirmed(context).await?
        && confirmed.strategy == plan.strategy
        && missing.is_subset(&confirmed.missing_accounts)
    {
        sweep.progress.retirement.is_confirmed = true;
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Standing));
    }
    let excluded: BTreeSet<AccountId> = missing.intersection(&plan.strategy.excluded_accounts).cloned().collect();
    let excluded = match excluded.is_empty() {
        true => String::new(),
        false => format!(" (PORTOLAN_EXCLUDED_ACCOUNTS names {})", list(&excluded)),
    };
    sweep.progress.retirement.held_back.tell(format!(
        "accounts {} are missing{excluded}, but {reason}: their entities stay; if they are meant to go, invoke the scheduler with \
         {{\"confirm\":\"{}\"}}",
        list(&missing),
        plan.run
    ));
    Ok(sweep.enter_after(Flow::GoesOn, Stage::Survey))
}

fn list(accounts: &BTreeSet<AccountId>) -> String {
    let named: Vec<&str> = accounts.iter().take(MOST_NAMED).map(|account| account.as_str()).collect();
    match accounts.len().saturating_sub(MOST_NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Why missing accounts more likely come from a changed setting than from accounts that went away.
async fn reason_to_doubt(sweep: &mut Sweep<'_>, missing: &BTreeSet<AccountId>) -> Result<Option<String>, StepError> {
    let strategy = &sweep.context.snapshot.plan.strategy;
    let Some((before, found_before)) = sweep.known().await?.and_then(|known| Some((known, known.strategy.as_ref()?)))
    else {
        return Ok(Some("no earlier run left word of how it found accounts".to_owned()));
    };
    if found_before != strategy {
        return Ok(Some("the way in which accounts are found was changed since the last run".to_owned()));
    }
    // The setting is the only evidence, whoever has set it and how often.
    if !missing.is_disjoint(&strategy.excluded_accounts) {
        return Ok(Some("nobody has confirmed that what a setting leaves out is meant to go".to_owned()));
    }
    // Those that the last run knew: accounts that this one brought must not make the missing ones look few.
    let known: BTreeSet<&AccountId> = before.ledgers.iter().filter_map(Target::account).collect();
    let known = known.len();
    if missing.len() * 2 > known {
        return Ok(Some(format!("that is more than half of the {known} accounts known")));
    }
    Ok(None)
}

/// Asks for each missing account.
pub async fn judge(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let after = sweep.progress.retirement.after.clone();
    let missing = sweep.progress.retirement.missing.clone();
    for account in missing.into_iter().filter(|account| after.as_ref().is_none_or(|after| account > after)) {
        let standing = context.worker.cloud.standing(&context.snapshot.plan, &account).await;
        let retirement = &mut sweep.progress.retirement;
        match standing {
            Standing::Gone { evidence } => {
                retirement.gone.insert(account.clone(), evidence);
            }
            Standing::Present => retirement.held_back.tell(format!(
                "account {account} is missing, but AWS Organizations does not say that it is closed or elsewhere: its entities stay"
            )),
            Standing::Unknown { reason } => retirement
                .held_back
                .tell(format!("account {account} is missing, and it is unknown why: its entities stay ({reason})")),
        }
        retirement.after = Some(account);
        if sweep.pace.is_over(context) {
            return Ok(Flow::TimeIsOver);
        }
    }
    Ok(sweep.enter_after(Flow::GoesOn, Stage::Survey))
}
