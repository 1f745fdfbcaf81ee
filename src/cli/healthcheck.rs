//! `deltrail healthcheck`: asks the daemon of this host whether it is healthy, so that a container
//! image needs no other program for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{FAILED, USAGE, fail, tell};
use crate::config::{OPS_LISTEN, Purpose, SettingFlags, Surroundings};

const TIMEOUT: Duration = Duration::from_secs(2);

/// Of an answer, more than any health text has.
const ANSWER_BYTES_MAX: u64 = 16 << 10;

/// Arguments of `deltrail healthcheck`.
#[expect(clippy::doc_markdown, reason = "help is plain text")]
#[derive(Debug, Args)]
pub(super) struct HealthcheckArguments {
    /// Where the daemon serves health [env: DELTRAIL_OPS_LISTEN] [default: 0.0.0.0:10118]
    #[arg(long, value_name = "ADDRESS")]
    ops_listen: Option<String>,
    /// File with settings [env: DELTRAIL_CONFIG] [default: deltrail.toml, if there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prints what the daemon says; the answer is no if it says nothing for 2 s.
pub(super) fn check(arguments: &HealthcheckArguments, surroundings: &Surroundings) -> ExitCode {
    let mut flags = SettingFlags::with_file(arguments.config.clone());
    if let Some(address) = &arguments.ops_listen {
        flags = flags.with(&OPS_LISTEN, address);
    }
    let address = match flags.config(surroundings, Purpose::Inspect) {
        Ok(config) => reachable(config.ops_listen),
        Err(problems) => return fail(USAGE, &format!("the settings are not valid\n{problems}")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &format!("cannot start the runtime: {error}")),
    };
    match runtime.block_on(ask(address)) {
        Ok(text) => tell(&format!("{text}\n")),
        Err(text) => fail(FAILED, &text),
    }
}

/// A daemon that listens on every address is asked on loopback.
fn reachable(mut listens: SocketAddr) -> SocketAddr {
    match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listens.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listens.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    listens
}

async fn ask(address: SocketAddr) -> Result<String, String> {
    let answer = match tokio::time::timeout(TIMEOUT, exchange(address)).await {
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
        None => Err(format!("what listens on {address} does not speak HTTP")),
    }
}

async fn exchange(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET /-/healthy HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
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

    use super::{ask, reachable};

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
        assert_eq!(ask(address).await, Ok("healthy".to_owned()));
        assert!(asked.await.unwrap().starts_with("GET /-/healthy HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn an_unhealthy_daemon_is_a_no_with_its_words() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\n\r\npoller has not ticked for 75 s\n";
        let (address, _) = answering(answer).await;
        let error = ask(address).await.unwrap_err();
        assert!(error.ends_with("answered 503: poller has not ticked for 75 s"), "{error}");
    }

    #[tokio::test]
    async fn something_else_on_the_port_is_a_no() {
        let (address, _) = answering("SSH-2.0-OpenSSH\r\n").await;
        assert!(ask(address).await.unwrap_err().ends_with("does not speak HTTP"));
    }

    #[tokio::test]
    async fn nobody_there_is_a_no() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(ask(address).await.unwrap_err().starts_with("cannot ask 127.0.0.1:"));
    }

    #[test]
    fn a_daemon_on_every_address_is_asked_on_loopback() {
        let asked = |listens: &str| reachable(listens.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:10118"), "127.0.0.1:10118");
        assert_eq!(asked("[::]:10118"), "[::1]:10118");
        assert_eq!(asked("10.0.0.5:80"), "10.0.0.5:80");
    }
}
