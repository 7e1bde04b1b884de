//! The body of an answer, as long as it is not too large.

use super::client::unreachable;
use crate::seams::CatalogError;

/// An eighth of the functions' memory. The largest answers are the pages of our own entities: 5,000, so that each may
/// have 13 KB.
pub(super) const LARGEST_BODY_BYTES: usize = 64 << 20;

/// Reads a body part by part; one that is too large is not read to its end.
///
/// # Errors
/// When the connection fails, or with the size that is too large.
pub(super) async fn read(mut response: reqwest::Response, allowed: usize) -> Result<Vec<u8>, CatalogError> {
    if let Some(length) = response.content_length()
        && length > allowed as u64
    {
        return Err(CatalogError::Unavailable(format!("an answer of {length} bytes; at most {allowed} are read")));
    }
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + part.len() > allowed {
            return Err(CatalogError::Unavailable(format!("an answer of more than the {allowed} bytes that are read")));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What becomes of one answer with these headers and this body.
    async fn answer(head: &str, body: &str, allowed: usize) -> Result<Vec<u8>, CatalogError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let text = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
        let serve = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            assert!(connection.read(&mut request).await.unwrap() > 0);
            connection.write_all(text.as_bytes()).await.unwrap();
            connection
        };
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let (response, _connection) = tokio::join!(client.get(url).send(), serve);
        read(response.unwrap(), allowed).await
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let known = "content-length: 10";
        assert_eq!(answer(known, "0123456789", 10).await.unwrap(), b"0123456789");
        let told = answer(known, "", 9).await.unwrap_err().to_string();
        assert!(told.contains("an answer of 10 bytes; at most 9"), "{told}");
        // One that does not say how large it is, and does not end.
        let parts = "5\r\n01234\r\n5\r\n56789\r\n";
        let told = answer("transfer-encoding: chunked", parts, 9).await.unwrap_err().to_string();
        assert!(told.contains("more than the 9 bytes"), "{told}");
        let whole = format!("{parts}0\r\n\r\n");
        assert_eq!(answer("transfer-encoding: chunked", &whole, 10).await.unwrap(), b"0123456789");
    }
}
