//! Resources that Cloud Control has.

use serde_json::{Value, json};

use super::AccountInRegion;

impl AccountInRegion<'_> {
    /// Registers a resource type in the account. Its schema: `{primaryIdentifier: [names], properties: [names],
    /// listedProperties?: [names] (else all), requiredToList?: [names], handlers?: ["list", "read"], regions?: [names],
    /// isGlobal?}`.
    pub async fn register_type(&self, name: &str, schema: Value) {
        let order = json!({"account": self.account(), "type": name, "schema": schema});
        self.aws().post::<Value>("/testbed/cloud-control", &order).await;
    }

    /// Sets the resources of a registered type here, each by its model, in place of those it had.
    pub async fn put_resources(&self, name: &str, models: Value) {
        let order = json!({"account": self.account(), "region": self.region(), "type": name, "resources": models});
        self.aws().post::<Value>("/testbed/cloud-control", &order).await;
    }
}
