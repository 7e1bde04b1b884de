//! Where Port's API is. Port has two regions, and people know each by several names.

use reqwest::Url;

use crate::urls::{has_user, http_url, is_loopback, without_secrets};

pub const EUROPE: &str = "https://api.port.io";
pub const UNITED_STATES: &str = "https://api.us.port.io";

/// What Port's regions are called: the word, the API's host, the one that it had before, and the hosts of the user
/// interface, which people copy from the browser.
const NAMES: [(&str, &str); 10] = [
    ("eu", EUROPE),
    ("api.port.io", EUROPE),
    ("api.getport.io", EUROPE),
    ("app.port.io", EUROPE),
    ("app.getport.io", EUROPE),
    ("us", UNITED_STATES),
    ("api.us.port.io", UNITED_STATES),
    ("api.us.getport.io", UNITED_STATES),
    ("app.us.port.io", UNITED_STATES),
    ("app.us.getport.io", UNITED_STATES),
];

/// The base URL of Port's API, without `/v1`: that of a region, where the text names one; else the URL as it is, of a
/// proxy for instance.
///
/// # Errors
/// What is wrong with the text, to go on after `<variable> is `. A text that is no URL is not printed: it may be a
/// secret that was meant for another variable.
pub fn base_url(text: &str) -> Result<String, String> {
    if let Some(known) = named(text) {
        return Ok(known.to_owned());
    }
    let Some(url) = http_url(text) else {
        return Err(format!("neither EU, nor US, nor a URL such as {EUROPE}"));
    };
    let printed = without_secrets(&url);
    if has_user(&url) {
        return Err(format!(
            "`{printed}` with a user name or a password, which are not possible: Port's token is sent instead"
        ));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(format!(
            "`{printed}`: Port's credentials would go over the network in clear text; https is expected"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{printed}` with a query or a fragment, to which no path can be added"));
    }
    Ok(text.trim_end_matches('/').trim_end_matches("/v1").to_owned())
}

/// The region that a word, a host or a URL of Port's names, wherever in it the URL leads.
fn named(text: &str) -> Option<&'static str> {
    let of_name = |name: &str| NAMES.iter().find(|(known, _)| *known == name).map(|(_, base_url)| *base_url);
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) }.ok()?;
    let is_plain = url.scheme() == "https" && url.port().is_none() && !has_user(&url);
    // Hosts are in small letters once they are parsed.
    of_name(url.host_str().filter(|_| is_plain)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_by_every_name_that_people_know() {
        for (name, expected) in NAMES {
            for text in [
                name.to_owned(),
                name.to_uppercase(),
                format!("{name}/"),
                format!("{name}/v1"),
                format!("{name}/v1/"),
                format!("https://{name}"),
                format!("https://{name}/"),
                format!("HTTPS://{name}/v1/"),
            ] {
                assert_eq!(base_url(&text).as_deref(), Ok(expected), "{text}");
            }
        }
        let page = "https://app.us.port.io/organization/catalog?search=a#top";
        assert_eq!(base_url(page).as_deref(), Ok(UNITED_STATES));
    }

    #[test]
    fn any_other_url_is_taken_as_it_is() {
        for (text, expected) in [
            ("https://port.example.com/proxy/", "https://port.example.com/proxy"),
            ("https://port.example.com/v1/", "https://port.example.com"),
            ("https://api.port.io:8443", "https://api.port.io:8443"),
            ("https://api.port.io.example.com", "https://api.port.io.example.com"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://localhost:3000/v1", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(base_url(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_place_of_an_api_is_refused() {
        for text in [
            "port",
            "eu-west-1",
            "port.example.com",
            "ftp://api.port.io",
            "https://",
            "/v1",
            "UK",
            "hush-hush",
            "hush-hush@api.port.io",
            "user:hush-hush@proxy.example",
            "ftp://user:hush-hush@proxy.example",
        ] {
            let problem = base_url(text).expect_err(text);
            assert!(problem.contains("EU") && !problem.contains("hush-hush"), "{problem}");
        }
        for text in ["http://api.port.io", "http://port.example.com", "http://10.0.0.1", "http://localhost.example.com"]
        {
            let problem = base_url(text).expect_err(text);
            assert!(problem.contains(text) && problem.contains("clear text"), "{problem}");
        }
        let problem = base_url("http://10.0.0.1/?key=hush-hush").expect_err("clear text");
        assert!(problem.contains("`http://10.0.0.1/`") && !problem.contains("hush-hush"), "{problem}");
        for text in [
            "https://user:hush-hush@proxy.example/port",
            "http://hush-hush@proxy.example/port",
            "https://:hush-hush@proxy.example/port?key=hush-hush",
        ] {
            let problem = base_url(text).expect_err(text);
            assert!(problem.contains("://proxy.example/port` with a user name"), "{problem}");
            assert!(!problem.contains("hush-hush"), "{problem}");
        }
        assert!(base_url("https://user:password@api.port.io").is_err(), "a host of Port makes it no better");
    }
}
