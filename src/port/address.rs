//! Where calls go: Port's token is sent nowhere else.

use reqwest::{StatusCode, Url};

use crate::seams::CatalogError;
use crate::urls::{http_url, is_loopback, without_secrets};

/// The domains that Port's API and its ingest service are under, in every region of Port.
const DOMAINS_OF_PORT: [&str; 2] = ["port.io", "getport.io"];

/// The whole URL of a call: a path below the API's version, or a URL that Port itself gave.
///
/// # Errors
/// A URL that is not Port's. It comes from the integration record and, with the plan of a run, through the state bucket.
pub(super) fn address(base_url: &str, path: &str) -> Result<String, CatalogError> {
    if path.starts_with('/') {
        return Ok(format!("{base_url}/v1{path}"));
    }
    if is_of_port(base_url, path) {
        return Ok(path.to_owned());
    }
    let given: String = path.chars().take(100).collect();
    Err(CatalogError::Unavailable(format!("`{given}` is no address of Port's: no token is sent there")))
}

fn is_of_port(base_url: &str, address: &str) -> bool {
    let (Ok(base), Ok(address)) = (Url::parse(base_url), Url::parse(address)) else {
        return false;
    };
    let Some(host) = address.host_str() else {
        return false;
    };
    if base.scheme() == address.scheme() && base.host_str() == Some(host) {
        // Another port of a host may be somebody else's server. On this machine it is a test's.
        let is_same_port = base.port_or_known_default() == address.port_or_known_default();
        return is_same_port || is_loopback(&base);
    }
    let is_below = |domain: &&str| host.strip_suffix(*domain).is_some_and(|rest| rest.ends_with('.'));
    // A port is none where it is the scheme's own.
    address.scheme() == "https" && address.port().is_none() && DOMAINS_OF_PORT.iter().any(is_below)
}

/// An answer that sends the caller elsewhere. Nothing follows it: that address would get the token, or the credentials.
pub(super) fn redirected(status: StatusCode, from: &Url, location: Option<&str>) -> CatalogError {
    let target = location.and_then(|location| from.join(location).ok()).and_then(|url| http_url(url.as_str()));
    let reason = match target {
        Some(target) => format!(
            "the answer leads to {}, which is not followed; if that is Port's new address, set OCEAN__PORT__BASE_URL to \
             it, up to `/v1`",
            without_secrets(&target)
        ),
        None => "the answer leads elsewhere, and does not say where in a way that can be understood".to_owned(),
    };
    CatalogError::Rejected { status: status.as_u16(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_the_version_and_a_url_has_to_be_port_s() {
        let base = "https://api.port.io";
        assert_eq!(address(base, "/blueprints").unwrap(), "https://api.port.io/v1/blueprints");
        for good in ["https://ingest.port.io/x", "https://ingest.us.getport.io/x", "https://api.port.io:443/x"] {
            assert_eq!(address(base, good).unwrap(), good);
        }
        for bad in [
            "https://evil.example/x",
            "https://evilport.io/x",
            "https://port.io.evil.example/x",
            "https://ingest.port.io@evil.example/x",
            "http://ingest.port.io/x",
            "http://api.port.io/x",
            "https://api.port.io:8443/x",
            "https://ingest.port.io:8443/x",
            "file:///etc/passwd",
            "ingest.port.io",
        ] {
            assert!(address(base, bad).is_err(), "{bad}");
        }
        // A proxy in front of Port gives what Port says, and a test's Port is somewhere on this machine.
        assert!(address("https://proxy.example", "https://ingest.port.io/x").is_ok());
        for base in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"] {
            assert!(address(base, &base.replace(":1", ":2").replace("::2", "::1")).is_ok(), "{base}");
        }
    }

    #[test]
    fn a_port_of_the_same_host_is_another_place() {
        let base = "https://proxy.example:8443";
        assert!(address(base, "https://proxy.example:8443/x").is_ok());
        for other in ["https://proxy.example:9443/x", "https://proxy.example/x"] {
            assert!(address(base, other).is_err(), "{other}");
        }
        assert!(address("https://proxy.example", "https://proxy.example:443/x").is_ok());
        assert!(address("https://proxy.example:443", "https://proxy.example/x").is_ok());
        assert!(address("https://proxy.example", "https://proxy.example:8443/x").is_err());
        assert!(address("http://127.0.0.1:1", "http://127.0.0.2:1/x").is_err());
    }

    #[test]
    fn an_answer_that_leads_elsewhere_says_where_to_without_secrets() {
        let from = Url::parse("https://api.port.io/v1/auth/access_token").unwrap();
        let reason = |location| match redirected(StatusCode::PERMANENT_REDIRECT, &from, location) {
            CatalogError::Rejected { status: 308, reason } => reason,
            other => panic!("{other}"),
        };
        for (location, told) in [
            ("https://a:hush-hush@new.port.io/v1/x?key=hush-hush#hush-hush", "leads to https://new.port.io/v1/x,"),
            ("http://proxy.example:8080/login", "leads to http://proxy.example:8080/login,"),
            ("/v2/x", "leads to https://api.port.io/v2/x,"),
            ("//new.port.io", "leads to https://new.port.io/,"),
        ] {
            let reason = reason(Some(location));
            assert!(reason.contains(told) && reason.contains("OCEAN__PORT__BASE_URL"), "{reason}");
            assert!(!reason.contains("hush-hush"), "{reason}");
        }
        for location in [None, Some("https://"), Some("mailto:hush-hush")] {
            let reason = reason(location);
            assert!(reason.contains("does not say where") && !reason.contains("hush-hush"), "{reason}");
        }
    }
}
