//! One HTTP GET to a daemon of this host, for the commands that look at one. It knows no path.

mod any_certificate;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Of an answer, more than a daemon with 500 buckets of metrics has.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// How the daemon speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// In clear text.
    Http,
    /// Encrypted. Whose certificate it is, is not looked at.
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        })
    }
}

/// The body of a 200.
///
/// # Errors
/// In words for a person: nobody there, no answer within 2 s, no HTTP, or another status with what
/// came with it.
pub(super) async fn http_get(
    scheme: Scheme,
    address: SocketAddr,
    path: &str,
) -> Result<String, String> {
    let exchange = exchange(scheme, address, path);
    let answer = match tokio::time::timeout(TIMEOUT, exchange).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(format!("cannot ask {address}: {error}")),
        Err(_) => return Err(format!("{address} did not answer within 2 s")),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).filter(|_| head.starts_with("HTTP/1."));
    let said = body.trim_end();
    match status {
        Some("200") => Ok(said.to_owned()),
        Some(status) => Err(format!("{address} answered {status}: {said}")),
        None => Err(format!("what listens on {address} does not speak {scheme}")),
    }
}

async fn exchange(scheme: Scheme, address: SocketAddr, path: &str) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    match scheme {
        Scheme::Http => ask(stream, address, path).await,
        Scheme::Https => {
            let connector = any_certificate::connector().map_err(io::Error::other)?;
            let name = ServerName::IpAddress(address.ip().into());
            ask(connector.connect(name, stream).await?, address, path).await
        }
    }
}

async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    path: &str,
) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::{Scheme, http_get};

    /// A listener that gives one answer, and what was asked.
    async fn answering(answer: &'static str) -> (SocketAddr, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (address, asked)
    }

    #[tokio::test]
    async fn a_healthy_daemon_is_a_yes() {
        let (address, asked) = answering("HTTP/1.1 200 OK\r\n\r\nhealthy\n").await;
        assert_eq!(http_get(Scheme::Http, address, "/-/healthy").await, Ok("healthy".to_owned()));
        assert!(asked.await.unwrap().starts_with("GET /-/healthy HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn an_unhealthy_daemon_is_a_no_with_its_words() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\n\r\npoller has not ticked for 75 s\n";
        let (address, _) = answering(answer).await;
        let error = http_get(Scheme::Http, address, "/-/healthy").await.unwrap_err();
        assert!(error.ends_with("answered 503: poller has not ticked for 75 s"), "{error}");
    }

    #[tokio::test]
    async fn something_else_on_the_port_is_a_no() {
        let (address, _) = answering("SSH-2.0-OpenSSH\r\n").await;
        assert!(
            http_get(Scheme::Http, address, "/-/healthy")
                .await
                .unwrap_err()
                .ends_with("does not speak HTTP")
        );
    }

    #[tokio::test]
    async fn clear_text_where_tls_was_expected_is_a_no() {
        let (address, _) = answering("HTTP/1.1 200 OK\r\n\r\nhealthy\n").await;
        let error = http_get(Scheme::Https, address, "/-/healthy").await.unwrap_err();
        assert!(error.starts_with(&format!("cannot ask {address}: ")), "{error}");
    }

    #[tokio::test]
    async fn nobody_there_is_a_no() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(
            http_get(Scheme::Http, address, "/-/healthy")
                .await
                .unwrap_err()
                .starts_with("cannot ask 127.0.0.1:")
        );
    }
}
