//! What is known of the quotas of services before they refuse anything.

use std::any::TypeId;
use std::time::Duration;

/// How many calls a service is given at most, for one identity in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub most_in_flight: usize,
    /// Between the beginnings of two calls.
    pub shortest_interval: Duration,
    /// Where the service goes on refusing.
    pub longest_interval: Duration,
    /// Calls that go without regard to the interval until one is refused: a place with little to read is read at once.
    pub unpaced: usize,
}

/// A service, by the type of its client, and its quota.
#[derive(Clone, Copy, Debug)]
pub struct KnownQuota {
    client: TypeId,
    quota: Quota,
}

impl KnownQuota {
    /// `C` is the client of the service.
    pub const fn of<C: 'static>(quota: Quota) -> Self {
        Self { client: TypeId::of::<C>(), quota }
    }
}

/// Of a service of which nothing is known. With eight calls waiting, the last one waits for 16 seconds at most: a
/// signature is good for minutes.
pub const USUAL: Quota = Quota {
    most_in_flight: 8,
    shortest_interval: Duration::ZERO,
    longest_interval: Duration::from_secs(2),
    unpaced: 0,
};

/// Services that are known to be slow.
pub const KNOWN_QUOTAS: &[KnownQuota] = &[
    // One call a second for everything but sending: <https://docs.aws.amazon.com/ses/latest/dg/quotas.html>.
    KnownQuota::of::<aws_sdk_sesv2::Client>(Quota {
        most_in_flight: 1,
        shortest_interval: Duration::from_secs(1),
        unpaced: 8,
        ..USUAL
    }),
    // Its quotas are those of the whole organization, and whatever else calls it has its share of them:
    // <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>.
    KnownQuota::of::<aws_sdk_organizations::Client>(Quota { most_in_flight: 1, ..USUAL }),
];

/// The quota of the service whose client this is.
pub fn quota_of(client: TypeId, known: &[KnownQuota]) -> Quota {
    known.iter().find(|known| known.client == client).map_or(USUAL, |known| known.quota)
}
