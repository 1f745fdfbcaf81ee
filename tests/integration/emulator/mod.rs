//! The outside world of the end-to-end tests: an AWS emulator that this project did not write
//! (`ministack`), the daemon as its own process, and what the daemon says on `/metrics`. Knows
//! CloudTrail no more than S3 does: keys and bytes.

mod daemon;
mod estate;
mod scrape;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub use daemon::Daemon;
pub use estate::Estate;
pub use scrape::Scrape;

use crate::requirement::{root, scratch, skipped, tool};

/// Runs the emulator until this test process is gone, however it went: the shell's `cat` ends when
/// the pipe from here is closed.
pub const KEEPER: &str =
    r#""$@" & emulator=$!; cat > /dev/null; kill "$emulator"; wait "$emulator""#;

/// The emulator, one for all tests of this process; their buckets and queues are apart by name.
pub struct Emulator {
    /// Where S3 and SQS are, as `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The keeper's pipe: closed when the process ends, and that ends the emulator.
    _keeper: Child,
}

/// The running emulator; `None` when it is not installed, which has been said then.
pub fn emulator() -> Option<&'static Emulator> {
    static EMULATOR: OnceLock<Option<Emulator>> = OnceLock::new();
    EMULATOR
        .get_or_init(|| {
            let python = tool("venv/bin", "python")?;
            if !root().join("target/venv/bin/ministack").exists() {
                skipped("ministack is missing; `make test-tools` installs it");
                return None;
            }
            let address = free_address();
            let log = scratch("ministack").join("output.log");
            let output = File::create(&log).unwrap();
            let keeper = Command::new("sh")
                .args(["-c", KEEPER, "emulator"])
                .arg(python)
                .args(["-m", "ministack"])
                .envs([("BIND_HOST", "127.0.0.1"), ("LOG_LEVEL", "WARNING")])
                .env("GATEWAY_PORT", address.port().to_string())
                .env("TMPDIR", log.parent().unwrap())
                .stdin(Stdio::piped())
                .stdout(output.try_clone().unwrap())
                .stderr(output)
                .spawn()
                .unwrap();
            let deadline = Instant::now() + Duration::from_mins(1);
            while !matches!(http_get(address, "/_ministack/health"), Ok((200, _))) {
                assert!(Instant::now() < deadline, "ministack is not ready: see {}", log.display());
                std::thread::sleep(Duration::from_millis(100));
            }
            Some(Emulator { endpoint: format!("http://{address}"), _keeper: keeper })
        })
        .as_ref()
}

/// An address on loopback that was free a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Status and body of a GET.
pub fn http_get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut connection = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    write!(connection, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.unwrap_or_default(), body.to_owned()))
}

/// Asks again and again until there is an answer; fails with `what` and the last refusal when
/// there is none in time.
pub async fn eventually<T>(
    seconds: u64,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(refusal) if Instant::now() >= deadline => {
                panic!("not within {seconds} s: {what}\n{refusal}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
