//! Where calls go: Port's token is sent nowhere else.

use reqwest::Url;

use crate::seams::CatalogError;

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
        return true;
    }
    let is_below = |domain: &&str| host.strip_suffix(*domain).is_some_and(|rest| rest.ends_with('.'));
    address.scheme() == "https" && DOMAINS_OF_PORT.iter().any(is_below)
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
            "file:///etc/passwd",
            "ingest.port.io",
        ] {
            assert!(address(base, bad).is_err(), "{bad}");
        }
        // A proxy in front of Port gives what Port says, and a test's Port is somewhere on this machine.
        assert!(address("https://proxy.example", "https://ingest.port.io/x").is_ok());
        assert!(address("http://127.0.0.1:1", "http://127.0.0.1:2/x").is_ok());
    }
}
