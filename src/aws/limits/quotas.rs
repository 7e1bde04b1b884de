//! What is known of the quotas of services before they refuse anything.

use std::any::TypeId;
use std::time::Duration;

/// How many calls a service is given at most, for one identity in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub most_in_flight: usize,
    /// Between the beginnings of two calls.
    pub shortest_interval: Duration,
    /// Calls that go without regard to the interval until one is refused: a place with little to read is read at once.
    pub unpaced: usize,
}

/// A service, by the type of its client, and its quota.
#[derive(Clone, Copy, Debug)]
pub struct KnownQuota {
    client: TypeId,
    quota: Quota,
}

/// Of a service that says nothing else.
const USUAL: Quota = Quota { most_in_flight: 8, shortest_interval: Duration::ZERO, unpaced: 0 };

/// Services that are known to be slow.
pub const KNOWN_QUOTAS: &[KnownQuota] = &[
    // One call a second for everything but sending: <https://docs.aws.amazon.com/ses/latest/dg/quotas.html>.
    KnownQuota {
        client: TypeId::of::<aws_sdk_sesv2::Client>(),
        quota: Quota { most_in_flight: 1, shortest_interval: Duration::from_secs(1), unpaced: 8 },
    },
    // Its quotas are those of the whole organization, and whatever else calls it has its share of them:
    // <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>.
    KnownQuota {
        client: TypeId::of::<aws_sdk_organizations::Client>(),
        quota: Quota { most_in_flight: 1, shortest_interval: Duration::ZERO, unpaced: 0 },
    },
];

/// The quota of the service whose client this is.
pub fn quota_of(client: TypeId, known: &[KnownQuota]) -> Quota {
    known.iter().find(|known| known.client == client).map_or(USUAL, |known| known.quota)
}
