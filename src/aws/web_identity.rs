//! What a web identity token says of itself. Nothing is verified here, STS does that: it is read to tell an operator
//! which identity was refused. The token itself is a secret and is never printed.

use aws_smithy_types::base64;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The claims of a token that trust policies and providers are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenClaims {
    issuer: String,
    subject: String,
    audiences: Vec<String>,
    expires: Option<OffsetDateTime>,
}

/// RFC 7519, section 4.1. All of them are optional there.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RegisteredClaims {
    iss: String,
    sub: String,
    aud: Audiences,
    /// Seconds since 1970, which may have a fraction.
    exp: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Several(Vec<String>),
}

impl Default for Audiences {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl TokenClaims {
    /// The claims of a JSON web token; none where it is no such token.
    pub fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let payload = decode_url_safe(payload)?;
        let claims: RegisteredClaims = serde_json::from_slice(&payload).ok()?;
        let audiences = match claims.aud {
            Audiences::One(audience) => vec![audience],
            Audiences::Several(audiences) => audiences,
        };
        let expires = claims.exp.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds as i64).ok());
        Some(Self { issuer: claims.iss, subject: claims.sub, audiences, expires })
    }

    /// When the token ends, as RFC 3339 has it.
    pub fn expiry(&self) -> Option<String> {
        self.expires.and_then(|expires| expires.format(&Rfc3339).ok())
    }
}

impl std::fmt::Display for TokenClaims {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let audiences = self.audiences.join(", ");
        write!(formatter, "the issuer `{}`, the audience `{audiences}` and the subject `{}`", self.issuer, self.subject)
    }
}

/// Base64 as tokens have it (RFC 7515): with `-` and `_`, without padding.
fn decode_url_safe(text: &str) -> Option<Vec<u8>> {
    let mut standard = text.replace('-', "+").replace('_', "/");
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    base64::decode(standard).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        let encode = |text: &str| base64::encode(text).replace('+', "-").replace('/', "_").replace('=', "");
        format!("{}.{}.c2lnbmF0dXJl", encode(r#"{"alg":"RS256"}"#), encode(payload))
    }

    #[test]
    fn the_claims_that_trust_depends_on_are_told() {
        // The subject makes both letters that base64 for URLs has of its own.
        let one =
            r#"{"iss":"https://oidc.example.com/id/A","aud":"sts.amazonaws.com","sub":"ö?>~~ü","exp":4102444800.5}"#;
        let token = token(one);
        assert!(token.contains(['-', '_']), "{token}");
        let claims = TokenClaims::of(&token).unwrap();
        let told =
            "the issuer `https://oidc.example.com/id/A`, the audience `sts.amazonaws.com` and the subject `ö?>~~ü`";
        assert_eq!(claims.to_string(), told);
        assert_eq!(claims.expiry().as_deref(), Some("2100-01-01T00:00:00Z"));
    }

    #[test]
    fn audiences_may_be_several_and_claims_may_be_missing() {
        let several = TokenClaims::of(&token(r#"{"aud":["a","b"]}"#)).unwrap();
        assert_eq!(several.to_string(), "the issuer ``, the audience `a, b` and the subject ``");
        assert_eq!(several.expiry(), None);
        let none = TokenClaims::of(&token("{}")).unwrap();
        assert_eq!(none.to_string(), "the issuer ``, the audience `` and the subject ``");
    }

    #[test]
    fn what_is_no_token_has_no_claims() {
        for text in ["", "secret", "a.b.c", "a.!.c", "..", &token("no JSON"), &token("[1]"), &token(r#"{"sub":7}"#)] {
            assert_eq!(TokenClaims::of(text), None, "{text}");
        }
    }
}
