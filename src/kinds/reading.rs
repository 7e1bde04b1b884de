//! What a kind's list function has at hand: where it reads, as whom, and what it was asked for.

use std::future::Future;
use std::sync::Arc;

use aws_types::SdkConfig;
use futures::StreamExt;
use time::OffsetDateTime;

use super::ReadError;
use super::options::Options;
use super::shared::{Shareable, SharedAnswers};
use crate::aws::Clients;
use crate::target::AccountId;

/// Resources of a page that are enriched at once. How many of their calls are in flight is decided by each service's
/// limit, which may be lower.
const ENRICHED_AT_ONCE: usize = 8;

/// One kind in one target, as its list function sees it.
pub struct Reading {
    /// The account that is read; for the organization, the management account.
    pub account: AccountId,
    /// The name of the account.
    pub account_name: String,
    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub partition: String,
    /// The region of a regional target; for others one of `enabled_regions`.
    pub region: String,
    /// The account's enabled regions, for kinds that are read once per account.
    pub enabled_regions: Vec<String>,
    /// What mapping entries ask for.
    pub options: Options,
    /// When the run started: what an age is measured from.
    pub run_start: OffsetDateTime,
    pub clients: Arc<Clients>,
    /// What other kinds of the target have read already.
    pub shared: Arc<SharedAnswers>,
}

impl Reading {
    /// Whether an enrichment of `includeActions` is asked for.
    pub fn wants(&self, action: &str) -> bool {
        self.options.wants(action)
    }

    /// The oldest start of a history that is still read; none where all of it is.
    pub fn oldest(&self) -> Option<OffsetDateTime> {
        self.options.history.oldest(self.run_start)
    }

    /// An answer that other kinds of the target build upon too: read now, or by the first of them.
    pub async fn shared<T, F>(&self, name: &str, read: impl FnOnce() -> F) -> Result<Arc<T>, ReadError>
    where
        T: Shareable,
        F: Future<Output = Result<T, ReadError>>,
    {
        self.shared.get_or_read(name, read).await
    }

    /// The ARN of something in the account and region that are read.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let Self { partition, region, account, .. } = self;
        format!("arn:{partition}:{service}:{region}:{}:{resource}", account.as_str())
    }

    /// The client of a service in the target's region.
    pub fn client<C: Clone + Send + Sync + 'static>(&self, new: fn(&SdkConfig) -> C) -> C {
        self.clients.get(&self.region, new)
    }

    /// The client of a service in another region.
    pub fn client_in<C: Clone + Send + Sync + 'static>(&self, region: &str, new: fn(&SdkConfig) -> C) -> C {
        self.clients.get(region, new)
    }

    /// Does something for every item, for a few of them at once; results are in the order of the items.
    pub async fn for_each<T, R, F>(&self, items: impl IntoIterator<Item = T>, work: impl Fn(T) -> F) -> Vec<R>
    where
        F: Future<Output = R>,
    {
        futures::stream::iter(items).map(work).buffered(ENRICHED_AT_ONCE).collect().await
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A place without AWS behind it, for what needs no call.
    pub fn reading() -> Reading {
        let config = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        Reading {
            account: "123456789012".parse().unwrap(),
            account_name: "test".to_owned(),
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            enabled_regions: vec!["eu-west-1".to_owned()],
            options: Options::default(),
            run_start: OffsetDateTime::UNIX_EPOCH,
            clients: Arc::new(Clients::new(config, &[])),
            shared: Arc::default(),
        }
    }
}
