//! Groups of rules that apply to the mail sent with them.

use aws_sdk_sesv2::Client;
use serde_json::{Map, Value};

use super::super::fields::{Field, Form, write_times};
use super::super::json::ResponseBody;
use super::super::{Kind, Page, PageToken, ReadError, Reading, Resource, Scope};
use super::{Listing, page};

pub const CONFIGURATION_SET: Kind = Kind {
    name: "AWS::SES::ConfigurationSet",
    scope: Scope::Regional,
    calls: "one ListConfigurationSets for each page (of the service's own size), n GetConfigurationSet one after the other",
    iam_actions: &["ses:ListConfigurationSets", "ses:GetConfigurationSet"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(configuration_sets(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ConfigurationSetName", Form::Text),
    ("TrackingOptions", Form::Object),
    ("DeliveryOptions", Form::Object),
    ("ReputationOptions", Form::Object),
    ("ReputationOptions.LastFreshStart", Form::Time),
    ("SendingOptions", Form::Object),
    ("Tags", Form::Objects),
    ("SuppressionOptions", Form::Object),
    ("VdmOptions", Form::Object),
    ("ArchivingOptions", Form::Object),
    ("MessageSecurityOptions", Form::Object),
];

async fn configuration_sets(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let listing = reading.shared("ses:ListConfigurationSets", || list(&client)).await?;
    Ok(page(&listing, cursor, |set| with_details(&client, set)).await)
}

/// Pages of the size that SES chooses: it documents no largest one for this listing.
async fn list(client: &Client) -> Result<Listing, ReadError> {
    const CALL: &str = "ses:ListConfigurationSets";
    let mut listing = Listing::default();
    let mut token = PageToken::first(CALL);
    loop {
        let answer = client.list_configuration_sets().set_next_token(token.to_send()).send().await;
        let output = answer.map_err(ReadError::of(CALL))?;
        for name in output.configuration_sets.unwrap_or_default() {
            let properties = Map::from_iter([("ConfigurationSetName".to_owned(), Value::from(name.as_str()))]);
            listing.0.insert(name, properties);
        }
        if !token.go_on(output.next_token)? {
            return Ok(listing);
        }
    }
}

/// The configuration set with what only its own call tells; none when it was deleted in between.
async fn with_details(client: &Client, mut set: Resource) -> Option<Resource> {
    const CALL: &str = "ses:GetConfigurationSet";
    let body = ResponseBody::default();
    let call = client.get_configuration_set().configuration_set_name(&set.key).customize();
    let answer = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL));
    match answer.and_then(|_| body.object(CALL)) {
        Ok(details) => set.properties.extend(details),
        Err(error) if error.code() == "NotFoundException" => return None,
        Err(error) => set.lacks("GetConfigurationSet", &error),
    }
    write_times(&mut set.properties, FIELDS);
    Some(set)
}
