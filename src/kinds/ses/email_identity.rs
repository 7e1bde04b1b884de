//! Domains and addresses that mail is sent from.

use aws_sdk_sesv2::Client;

use super::super::fields::{Field, Form, write_times};
use super::super::json::{ResponseBody, required_text};
use super::super::{Kind, Page, PageToken, ReadError, Reading, Resource, Scope};
use super::{Listing, page};

/// Identities that one call lists, which is the most that SES takes.
const IDENTITIES_PER_CALL: i32 = 1000;

pub const EMAIL_IDENTITY: Kind = Kind {
    name: "AWS::SES::EmailIdentity",
    scope: Scope::Regional,
    calls: "n/1000 ListEmailIdentities, n GetEmailIdentity one after the other",
    iam_actions: &["ses:ListEmailIdentities", "ses:GetEmailIdentity"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(email_identities(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("IdentityName", Form::Text),
    ("IdentityType", Form::Text),
    ("SendingEnabled", Form::Boolean),
    ("FeedbackForwardingStatus", Form::Boolean),
    ("VerifiedForSendingStatus", Form::Boolean),
    ("DkimAttributes", Form::Object),
    ("DkimAttributes.LastKeyGenerationTimestamp", Form::Time),
    ("MailFromAttributes", Form::Object),
    ("Policies", Form::Object),
    ("Tags", Form::Objects),
    ("ConfigurationSetName", Form::Text),
    ("VerificationStatus", Form::Text),
    ("VerificationInfo", Form::Object),
    ("VerificationInfo.LastCheckedTimestamp", Form::Time),
    ("VerificationInfo.LastSuccessTimestamp", Form::Time),
];

async fn email_identities(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let listing = reading.shared("ses:ListEmailIdentities", || list(&client)).await?;
    Ok(page(&listing, cursor, |identity| with_details(&client, identity)).await)
}

async fn list(client: &Client) -> Result<Listing, ReadError> {
    const CALL: &str = "ses:ListEmailIdentities";
    let mut listing = Listing::default();
    let mut token = PageToken::first(CALL);
    loop {
        let body = ResponseBody::default();
        let call =
            client.list_email_identities().page_size(IDENTITIES_PER_CALL).set_next_token(token.to_send()).customize();
        let output = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
        for identity in body.objects(CALL, "EmailIdentities")? {
            let name = required_text(CALL, &identity, "IdentityName")?;
            listing.0.insert(name, identity);
        }
        if !token.go_on(output.next_token)? {
            return Ok(listing);
        }
    }
}

/// The identity with what only its own call tells; none when it was deleted in between.
async fn with_details(client: &Client, mut identity: Resource) -> Option<Resource> {
    const CALL: &str = "ses:GetEmailIdentity";
    let body = ResponseBody::default();
    let call = client.get_email_identity().email_identity(&identity.key).customize();
    let answer = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL));
    match answer.and_then(|_| body.object(CALL)) {
        Ok(details) => identity.properties.extend(details),
        Err(error) if error.code() == "NotFoundException" => return None,
        Err(error) => identity.lacks("GetEmailIdentity", &error),
    }
    write_times(&mut identity.properties, FIELDS);
    Some(identity)
}
