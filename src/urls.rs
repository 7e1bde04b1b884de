//! URLs from outside: which can be called, which stay on this machine, and what of one may be printed.

use std::net::IpAddr;

use reqwest::Url;

/// A URL that HTTP can call; none where the text is no such URL.
pub fn http_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether a URL leads to this machine itself.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a URL has a user name or a password in it.
pub fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// A URL as it may be printed: without user name, password, query and fragment, each of which may be a secret.
pub fn without_secrets(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_printed() {
        for (text, printed) in [
            ("https://user:hush-hush@proxy.example/a?key=hush-hush#hush-hush", "https://proxy.example/a"),
            ("https://hush-hush@proxy.example:8443", "https://proxy.example:8443/"),
            ("http://:hush-hush@[::1]:3000/v1/", "http://[::1]:3000/v1/"),
        ] {
            let url = http_url(text).unwrap();
            assert_eq!(without_secrets(&url), printed);
        }
    }

    #[test]
    fn a_user_is_a_name_or_a_password() {
        for (text, expected) in [
            ("https://user:password@proxy.example", true),
            ("https://user@proxy.example", true),
            ("https://:password@proxy.example", true),
            ("https://proxy.example/user@", false),
        ] {
            assert_eq!(has_user(&http_url(text).unwrap()), expected, "{text}");
        }
    }
}
