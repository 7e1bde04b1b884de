//! Why a role could not be assumed, and what to look at.

use super::web_identity::TokenClaims;
use crate::kinds::ReadError;

/// What STS answers when it does not take the credentials that a call is signed with.
const CREDENTIALS_REFUSED: [&str; 5] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// What STS answers when it does not take the session policy that a call goes with.
const POLICY_REFUSED: [&str; 2] = ["MalformedPolicyDocument", "PackedPolicyTooLarge"];

const NO_EXTERNAL_ID: &str = "that it asks for no external id, for Portolan has none \
    (OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID, parameter ExternalId): both sides must have the same";
const SAME_EXTERNAL_ID: &str = "that both sides have the same external id (sts:ExternalId in the policy; for Portolan \
    OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID, parameter ExternalId)";

/// A role that could not be assumed. Whatever STS is asked, the text begins with the words that people search for.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Inaccessible {
    #[error("unable to assume role {role}: {}: {}", source.class(), source.failure())]
    Role {
        role: String,
        shown: Shown,
        #[source]
        source: ReadError,
    },
    /// STS answered with credentials of another account than the one asked for.
    #[error("unable to assume role {role}: STS gave credentials of another account: {given}")]
    WrongAccount { role: String, given: String },
    #[error("{0}")]
    NotPlanned(String),
    #[error("unable to assume role {role}: the web identity token in {path} cannot be read: {reason}")]
    Token { role: String, path: String, reason: String },
}

/// What STS was shown beside the name of the role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    ExternalId,
    NoExternalId,
    Token(Box<ShownToken>),
}

/// A web identity token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownToken {
    path: String,
    /// None where it is no JSON web token.
    claims: Option<TokenClaims>,
}

impl ShownToken {
    pub fn of(path: &str, token: &str) -> Self {
        Self { path: path.to_owned(), claims: TokenClaims::of(token) }
    }

    fn expiry(&self) -> Option<String> {
        self.claims.as_ref().and_then(TokenClaims::expiry)
    }
}

impl std::fmt::Display for ShownToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.claims {
            Some(claims) => write!(formatter, "the token in {} has {claims}", self.path),
            None => write!(formatter, "what is in {} is no JSON web token", self.path),
        }
    }
}

impl Inaccessible {
    /// What an operator should look at.
    pub fn check(&self) -> String {
        match self {
            Self::Role { source: ReadError::Throttled(_), .. } => "nothing: the next run tries again".to_owned(),
            Self::Role { role, source: ReadError::NotHere(failure), .. } if failure.code == "RegionDisabledException" => {
                format!(
                    "that STS is active in the account of {role} (IAM, account settings), in the functions' region or in the default \
                     region of the partition, which is asked next"
                )
            }
            Self::Role { role, source, .. } if POLICY_REFUSED.contains(&source.code()) => format!(
                "the kinds of the mapping and their `includeActions`: the session policy that narrows {role} is made of them, and STS \
                 does not take it. Fewer make it smaller; one that is malformed is a defect of Portolan. The role and its trust are \
                 not at fault"
            ),
            Self::Role { role, shown, source } => match shown {
                Shown::Token(token) => check_with_token(role, token, source),
                Shown::ExternalId => check_with_credentials(role, SAME_EXTERNAL_ID, source),
                Shown::NoExternalId => check_with_credentials(role, NO_EXTERNAL_ID, source),
            },
            Self::WrongAccount { .. } => "the endpoint that STS calls go to".to_owned(),
            Self::NotPlanned(_) => "that scheduler and worker have the same configuration".to_owned(),
            Self::Token { .. } => {
                "that AWS_WEB_IDENTITY_TOKEN_FILE names a file that the process may read, and that something writes a token \
                 into it"
                    .to_owned()
            }
        }
    }

    /// The same failure as an error of reading.
    pub fn into_read_error(self) -> ReadError {
        match self {
            Self::Role { source, .. } => source,
            other => ReadError::undecodable("sts:AssumeRole", other.to_string()),
        }
    }
}

fn check_with_credentials(role: &str, external_id: &str, source: &ReadError) -> String {
    if CREDENTIALS_REFUSED.contains(&source.code()) {
        return "the credentials that Portolan itself runs with: AWS does not take them, or does not any more"
            .to_owned();
    }
    if !matches!(source, ReadError::Denied(_)) {
        return check_the_way(role);
    }
    format!(
        "that {role} exists (the StackSet may not have reached the account), that its trust policy names the identity that \
         Portolan runs as, and {external_id}"
    )
}

fn check_with_token(role: &str, token: &ShownToken, source: &ReadError) -> String {
    match source.code() {
        "ExpiredTokenException" => {
            let expiry = token.expiry().map(|expiry| format!(" at {expiry}")).unwrap_or_default();
            format!("what renews the token in {}: it expired{expiry}", token.path)
        }
        "InvalidIdentityToken" => format!(
            "that the account of {role} has an OIDC provider of the token's issuer, with the token's audience in its list: {token}"
        ),
        // The API reference of the call: the provider says that the claim is invalid, mostly expired or revoked.
        "IDPRejectedClaim" => {
            let expiry = token.expiry().map(|expiry| format!("; it says that it ends at {expiry}")).unwrap_or_default();
            format!("at the issuer whether the token has expired or was revoked: {token}{expiry}")
        }
        "IDPCommunicationError" => format!("that AWS can reach the issuer over the internet: {token}"),
        _ if matches!(source, ReadError::Denied(_)) => format!(
            "that {role} exists (the StackSet may not have reached the account), and that its trust policy names the OIDC provider \
             of its own account, with conditions on audience and subject that the token meets: {token}"
        ),
        _ => check_the_way(role),
    }
}

fn check_the_way(role: &str) -> String {
    format!("that STS can be reached, that there are credentials to call it with, and that {role} is spelt right")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Failure;

    const ROLE: &str = "arn:aws:iam::111111111111:role/PortOceanReadRole";

    fn failure(code: &str) -> Failure {
        Failure { call: "sts:AssumeRole", code: code.to_owned(), message: String::new() }
    }

    fn check(shown: &Shown, source: ReadError) -> String {
        Inaccessible::Role { role: ROLE.to_owned(), shown: shown.clone(), source }.check()
    }

    #[test]
    fn credentials_that_aws_does_not_take_are_no_fault_of_the_role() {
        for code in ["ExpiredToken", "InvalidClientTokenId"] {
            let text = check(&Shown::ExternalId, ReadError::Failed(failure(code)));
            assert!(text.contains("credentials that Portolan itself runs with") && !text.contains(ROLE), "{text}");
        }
        let unreachable = check(&Shown::ExternalId, ReadError::Failed(failure("")));
        assert!(unreachable.contains("STS can be reached") && unreachable.contains(ROLE), "{unreachable}");
    }

    #[test]
    fn an_sts_that_is_not_active_in_the_account_is_told_as_that() {
        for shown in [Shown::NoExternalId, Shown::Token(Box::new(ShownToken::of("/token", "secret")))] {
            let text = check(&shown, ReadError::NotHere(failure("RegionDisabledException")));
            assert!(text.contains(&format!("STS is active in the account of {ROLE}")), "{text}");
            assert!(text.contains("default region of the partition") && !text.contains("can be reached"), "{text}");
        }
        let no_such_name = check(&Shown::NoExternalId, ReadError::NotHere(failure("")));
        assert!(no_such_name.contains("STS can be reached"), "{no_such_name}");
    }

    #[test]
    fn a_session_policy_that_sts_does_not_take_is_no_fault_of_the_role() {
        for shown in [Shown::ExternalId, Shown::Token(Box::new(ShownToken::of("/token", "secret")))] {
            for code in ["MalformedPolicyDocument", "PackedPolicyTooLarge"] {
                let text = check(&shown, ReadError::Failed(failure(code)));
                assert!(text.contains("kinds of the mapping") && text.contains("session policy"), "{text}");
                assert!(!text.contains("can be reached") && !text.contains("external id"), "{text}");
            }
        }
    }

    #[test]
    fn a_claim_that_the_issuer_rejects_is_expired_or_revoked() {
        // `{"iss":"https://oidc.example.com","sub":"portolan","exp":1577923200}`
        let payload = "eyJpc3MiOiJodHRwczovL29pZGMuZXhhbXBsZS5jb20iLCJzdWIiOiJwb3J0b2xhbiIsImV4cCI6MTU3NzkyMzIwMH0";
        let token = ShownToken::of("/token", &format!("e30.{payload}.c2VjcmV0"));
        let text = check(&Shown::Token(Box::new(token)), ReadError::Failed(failure("IDPRejectedClaim")));
        for part in ["expired or was revoked", "https://oidc.example.com", "`portolan`", "2020-01-02T00:00:00Z"] {
            assert!(text.contains(part), "{text} should tell {part}");
        }
        assert!(!text.contains("c2VjcmV0") && !text.contains("can be reached"), "{text}");
    }

    #[test]
    fn an_issuer_that_aws_cannot_reach_is_named_as_that() {
        let token = Shown::Token(Box::new(ShownToken::of("/token", "secret")));
        let text = check(&token, ReadError::Failed(failure("IDPCommunicationError")));
        assert!(text.contains("reach the issuer") && text.contains("/token is no JSON web token"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        let throttled = check(&token, ReadError::Throttled(failure("Throttling")));
        assert_eq!(throttled, "nothing: the next run tries again");
    }
}
