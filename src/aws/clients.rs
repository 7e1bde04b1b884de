//! The SDK clients of one identity.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_types::SdkConfig;
use aws_types::region::Region;

use super::limits::{KnownQuota, LimitedHttpClient, Limiter, quota_of};

/// The SDK clients of one identity, made when first needed.
///
/// All of them share one HTTP client; what a client adds is its service's configuration and the limit of its calls,
/// which are worth keeping over the pages of a target.
pub struct Clients {
    config: SdkConfig,
    quotas: &'static [KnownQuota],
    made: Mutex<HashMap<(TypeId, String), Box<dyn Any + Send>>>,
}

impl Clients {
    /// `config` carries the identity and the shared HTTP client; its region is replaced for each client. Without an HTTP
    /// client of its own a call keeps to no limit.
    pub fn new(config: SdkConfig, quotas: &'static [KnownQuota]) -> Self {
        Self { config, quotas, made: Mutex::new(HashMap::new()) }
    }

    /// The client of a service in a region.
    pub fn get<C: Clone + Send + Sync + 'static>(&self, region: &str, new: fn(&SdkConfig) -> C) -> C {
        let mut made = self.made.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let key = (TypeId::of::<C>(), region.to_owned());
        if let Some(client) = made.get(&key).and_then(|client| client.downcast_ref::<C>()) {
            return client.clone();
        }
        let mut config = self.config.to_builder().region(Region::new(region.to_owned()));
        if let Some(inner) = self.config.http_client() {
            let limiter = Arc::new(Limiter::new(&quota_of(TypeId::of::<C>(), self.quotas)));
            config = config.http_client(LimitedHttpClient { inner, limiter });
        }
        let client = new(&config.build());
        made.insert(key, Box::new(client.clone()));
        client
    }
}
