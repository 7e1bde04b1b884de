//! Web identity tokens, as a cluster's OIDC provider issues them but for the signature, and what trusts them.

use aws_smithy_types::base64;
use serde_json::{Value, json};

use super::{AccountInRegion, Organization};

/// The audience that AWS's SDKs and EKS use.
pub const STS_AUDIENCE: &str = "sts.amazonaws.com";
const ISSUED_AT: u64 = 1_577_836_800; // 2020
const EXPIRED_AT: u64 = 1_577_923_200; // a day later
const EXPIRES_AT: u64 = 4_102_444_800; // 2100

/// An OIDC provider, known by its issuer.
#[derive(Clone, Debug)]
pub struct OidcIssuer {
    /// Without the scheme, as ARNs and condition keys have it.
    host_and_path: String,
}

impl OidcIssuer {
    /// The issuer of an EKS cluster.
    pub fn of_cluster(id: &str) -> Self {
        Self { host_and_path: format!("oidc.eks.us-east-1.amazonaws.com/id/{id}") }
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.host_and_path)
    }

    /// The name of a claim as a condition key: `aud` or `sub`.
    pub fn condition_key(&self, claim: &str) -> String {
        format!("{}:{claim}", self.host_and_path)
    }

    /// A token that is good for many years. Each one is another text.
    pub fn token(&self, audience: &str, subject: &str) -> String {
        self.token_until(audience, subject, EXPIRES_AT)
    }

    /// A token that ended on 2020-01-02.
    pub fn expired_token(&self, audience: &str, subject: &str) -> String {
        self.token_until(audience, subject, EXPIRED_AT)
    }

    /// Makes the issuer known in an account, for tokens of these audiences.
    pub async fn add_provider(&self, place: &AccountInRegion<'_>, audiences: &[&str]) {
        let order = json!({"Url": self.url(), "ClientIDList": audiences, "ThumbprintList": ["0".repeat(40)]});
        place.call("iam", "create_open_id_connect_provider", order).await;
    }

    /// The trust policy of a role in an account, for tokens of this audience and subject.
    pub fn trust(&self, account: &str, audience: &str, subject: &str) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": format!("arn:aws:iam::{account}:oidc-provider/{}", self.host_and_path)},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {self.condition_key("aud"): audience, self.condition_key("sub"): subject},
            },
        }]})
    }

    /// Lets the read roles of all accounts trust this audience and subject, and nobody else.
    pub async fn trust_in_all_accounts(&self, organization: &Organization<'_>, audience: &str, subject: &str) {
        for (name, account) in organization.accounts() {
            self.add_provider(&organization.place(name, "us-east-1"), &[audience]).await;
            organization.set_trust_of_read_role(account, &self.trust(account, audience, subject)).await;
        }
    }

    fn token_until(&self, audience: &str, subject: &str, expires: u64) -> String {
        let header = json!({"alg": "RS256", "kid": "of-the-test", "typ": "JWT"});
        // A cluster gives the audience as a list.
        let claims = json!({
            "iss": self.url(),
            "aud": [audience],
            "sub": subject,
            "iat": ISSUED_AT,
            "exp": expires,
            "jti": uuid::Uuid::new_v4().to_string(),
        });
        let signature = uuid::Uuid::new_v4().to_string();
        format!("{}.{}.{}", encode(&header.to_string()), encode(&claims.to_string()), encode(&signature))
    }
}

fn encode(text: &str) -> String {
    base64::encode(text).replace('+', "-").replace('/', "_").replace('=', "")
}
