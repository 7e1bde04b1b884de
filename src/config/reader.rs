//! Reading the settings: each variable once, with everything that is wrong with it.

use std::collections::BTreeMap;

use super::ignored::is_read;
use super::{DefaultResources, IntegrationSettings, PortCredentialSource, PortSettings, Settings, port_region};
use crate::run::is_path_segment;
use crate::urls::http_url;

const DEFAULT_TYPE: &str = "aws-v3";

/// Reads variables and gathers what is wrong with them. After a problem it goes on with an empty value, which never
/// leaves it.
pub struct Reader {
    pub variables: BTreeMap<String, String>,
    pub problems: Vec<String>,
}

impl Reader {
    pub fn settings(&mut self) -> Settings {
        Settings {
            port: PortSettings { base_url: self.base_url(), credentials: self.port_credentials() },
            integration: self.integration(),
            accounts: self.accounts(),
            queue_url: self.url("PORTOLAN_QUEUE_URL"),
            dead_letter_queue_url: self.url("PORTOLAN_DEAD_LETTER_QUEUE_URL"),
            state_bucket: self.required("PORTOLAN_STATE_BUCKET"),
        }
    }

    /// A variable's trimmed value; blank is the same as unset, because templates set empty parameters as empty
    /// variables.
    pub fn optional(&self, name: &str) -> Option<String> {
        debug_assert!(is_read(name), "{name} is not in the list of variables that are read");
        self.variables.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        match self.optional(name) {
            Some(value) => value,
            None => {
                self.problems.push(format!("{name} is not set"));
                String::new()
            }
        }
    }

    fn url(&mut self, name: &str) -> String {
        let value = self.required(name);
        if !value.is_empty() && http_url(&value).is_none() {
            self.problems.push(format!("{name} is `{value}`, which is no URL"));
        }
        value
    }

    fn base_url(&mut self) -> String {
        let name = "OCEAN__PORT__BASE_URL";
        let Some(value) = self.optional(name) else {
            return port_region::EUROPE.to_owned();
        };
        port_region::base_url(&value).unwrap_or_else(|problem| {
            self.problems.push(format!("{name} is {problem}"));
            String::new()
        })
    }

    fn port_credentials(&mut self) -> PortCredentialSource {
        if let Some(arn) = self.optional("PORTOLAN_PORT_SECRET_ARN") {
            if !arn.starts_with("arn:") {
                // It may be the secret itself: nothing of it is printed.
                self.problems.push(
                    "PORTOLAN_PORT_SECRET_ARN is no ARN such as arn:aws:secretsmanager:eu-west-1:111111111111:secret:port"
                        .to_owned(),
                );
            }
            return PortCredentialSource::Secret { arn };
        }
        let client_id = self.optional("OCEAN__PORT__CLIENT_ID");
        let client_secret = self.optional("OCEAN__PORT__CLIENT_SECRET");
        let (Some(client_id), Some(client_secret)) = (client_id, client_secret) else {
            self.problems.push("no credentials of Port: set PORTOLAN_PORT_SECRET_ARN, or both OCEAN__PORT__CLIENT_ID and OCEAN__PORT__CLIENT_SECRET".to_owned());
            return PortCredentialSource::Secret { arn: String::new() };
        };
        PortCredentialSource::Variables { client_id, client_secret }
    }

    fn integration(&mut self) -> IntegrationSettings {
        let kind = self.optional("OCEAN__INTEGRATION__TYPE").unwrap_or_else(|| DEFAULT_TYPE.to_owned());
        let identifier =
            self.optional("OCEAN__INTEGRATION__IDENTIFIER").unwrap_or_else(|| format!("my-{kind}-integration"));
        for (name, value) in [("OCEAN__INTEGRATION__TYPE", &kind), ("OCEAN__INTEGRATION__IDENTIFIER", &identifier)] {
            if !is_path_segment(value) {
                self.problems.push(format!("{name} is `{value}`; letters, digits, `-`, `_` and `.` are possible"));
            }
        }
        let default_resources = self.default_resources();
        // A capital letter makes the integration invisible in Port's UI.
        IntegrationSettings { kind: kind.to_lowercase(), identifier: identifier.to_lowercase(), default_resources }
    }

    fn default_resources(&mut self) -> DefaultResources {
        let are_wanted = self.flag("OCEAN__INITIALIZE_PORT_RESOURCES", true);
        let name = "PORTOLAN_DEFAULT_RESOURCES";
        let value = self.optional(name).unwrap_or_else(|| "core".to_owned());
        let chosen = match value.to_lowercase().as_str() {
            "core" => DefaultResources::Core,
            "all" => DefaultResources::All,
            "none" => DefaultResources::None,
            _ => {
                self.problems.push(format!("{name} is `{value}`; core, all or none is expected"));
                DefaultResources::None
            }
        };
        if are_wanted { chosen } else { DefaultResources::None }
    }

    fn flag(&mut self, name: &str, default: bool) -> bool {
        let Some(value) = self.optional(name) else {
            return default;
        };
        match value.to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.problems.push(format!("{name} is `{value}`; true or false is expected"));
                default
            }
        }
    }
}
