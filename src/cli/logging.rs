//! The program's own log: one line for each event, on stderr.

mod mask;

use std::fmt::Write as _;
use std::io::{self, Write};

use deltrail_core::decode::is_obeyed;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::config::LogFormat;
use mask::masked;

/// Starts the log for the whole program.
///
/// # Errors
/// What is wrong with the filter, or that a log is already running.
pub(super) fn start(format: LogFormat, filter: &str) -> Result<(), String> {
    start_with(format, filter, io::stderr)
}

/// Starts the log for the whole program, and writes each line with what `writer` gives.
///
/// # Errors
/// As [`start`].
pub(super) fn start_with<W: Write>(
    format: LogFormat,
    filter: &str,
    writer: impl Fn() -> W + Send + Sync + 'static,
) -> Result<(), String> {
    let subscriber = subscriber(format, filter, move || OneLine(writer()))?;
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| format!("cannot start the log: {error}"))
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, String>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        format!(
            "DELTRAIL_LOG: {filter:?} is not a log filter, such as info or deltrail=debug: {error}"
        )
    })?;
    let lines = fmt::layer().with_ansi(false).with_writer(writer);
    let registry = Registry::default().with(filter).with(filter_fn(may_be_shown));
    Ok(match format {
        LogFormat::Text => Box::new(registry.with(lines)),
        LogFormat::Json => Box::new(registry.with(lines.json().flatten_event(true))),
    })
}

/// At their finest level the libraries write whole requests and answers, with credentials in them
/// when a variable of the SDK asks for that. No filter may bring these into a log.
fn may_be_shown(event: &Metadata<'_>) -> bool {
    let is_ours = event.target().split("::").next().is_some_and(|name| name == "deltrail");
    is_ours || *event.level() != Level::TRACE
}

/// Keys and error texts from outside may hold any character; none of them may begin a line of its
/// own, speak to the terminal or turn the reading direction. The text format of `tracing` lets some
/// through, and the JSON format others.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// Takes a whole event, which is how `tracing` writes.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = masked(text.strip_suffix('\n').unwrap_or(&text));
        let mut line = String::with_capacity(text.len() + 1);
        for character in text.chars() {
            match character {
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\t' => line.push_str("\\t"),
                // As JSON writes it, since a JSON line must stay one.
                _ if is_obeyed(character) => {
                    // A string takes everything that is written to it.
                    let _ = write!(line, "\\u{:04x}", u32::from(character));
                }
                _ => line.push(character),
            }
        }
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::{LogFormat, OneLine, subscriber};
    use crate::objects::{Objects, ObjectsOptions, Revision};
    use crate::queue::Queue;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, log: impl FnOnce()) -> String {
        let written = Written::default();
        let to = written.clone();
        let subscriber = subscriber(format, filter, move || OneLine(to.clone())).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn log_a_hostile_key() {
        let key =
            "a\nERROR deltrail: all is lost\x1b[31m\r\u{85}\u{2028}gpj\u{202e}\u{2066}\u{feff}";
        tracing::info!(key, shown = %key, debug = ?key, "fetched {key}");
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = logged(format, "info", log_a_hostile_key);
            assert_eq!(log.lines().count(), 1, "{log:?}");
            assert!(log.ends_with('\n') && log.contains("all is lost"), "{log:?}");
            let inner = log.trim_end_matches('\n');
            assert!(!inner.chars().any(char::is_control), "{log:?}");
            let turning = ['\u{2028}', '\u{202e}', '\u{2066}', '\u{feff}'];
            assert!(!inner.contains(turning), "{log:?}");
        }
    }

    #[test]
    fn a_json_line_is_one_object() {
        let log = logged(LogFormat::Json, "info", log_a_hostile_key);
        let event: serde_json::Value = serde_json::from_str(&log).unwrap();
        assert_eq!(event["level"], "INFO");
        assert!(event["key"].as_str().unwrap().starts_with("a\nERROR"));
    }

    #[test]
    fn no_filter_shows_the_finest_level_of_libraries() {
        let log = logged(LogFormat::Text, "trace,aws_smithy_runtime::client=trace", || {
            tracing::trace!(target: "aws_smithy_runtime::client::orchestrator", "their request");
            tracing::debug!(target: "aws_smithy_runtime::client::orchestrator", "their step");
            tracing::trace!("our step");
        });
        assert!(!log.contains("their request"), "{log}");
        assert!(log.contains("their step") && log.contains("our step"), "{log}");
    }

    /// A service that gives every request the same refusal, which repeats nothing.
    fn refusing_service() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // A request without body ends with its head, and these fit one packet.
                let _ = io::Read::read(&mut stream, &mut [0; 16_384]);
                let _ = stream.write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n");
            }
        });
        origin
    }

    #[test]
    fn credentials_and_signatures_are_in_no_log() {
        let credentials = aws_sdk_sqs::config::Credentials::new(
            "AKIDEXAMPLE",
            "a-secret-key-to-look-for",
            Some("a-session-token-to-look-for".to_owned()),
            None,
            "test",
        );
        let provider = aws_sdk_sqs::config::SharedCredentialsProvider::new(credentials);
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .credentials_provider(provider)
            .region(aws_config::Region::new("eu-west-1"))
            .endpoint_url(refusing_service())
            .build();
        let log = logged(LogFormat::Json, "trace", || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/trail";
                let queue = Queue::with_attempts(&config, url, 1).unwrap();
                let error = queue.receive(1, Duration::ZERO, None).await.unwrap_err();
                tracing::warn!("{error} {error:?} {queue:?}");
                let options = ObjectsOptions { path_style: true, ..ObjectsOptions::default() };
                let objects = Objects::new(&config, options);
                let refused = objects.get("trail-logs", "key", Revision::default(), None).await;
                let error = refused.unwrap_err();
                tracing::warn!("{error} {error:?} {objects:?}");
            });
        });
        assert!(log.contains("aws_smithy_runtime"), "the SDK wrote nothing: {log}");
        assert!(log.contains("trail-logs/key: access denied"), "{log}");
        for secret in ["a-secret-key-to-look-for", "a-session-token-to-look-for", "Signature="] {
            assert!(!log.contains(secret), "{secret} is in {log}");
        }
    }

    #[test]
    fn the_filter_decides_what_is_written() {
        let log = logged(LogFormat::Text, "warn", || {
            tracing::info!("not shown");
            tracing::warn!("shown");
        });
        assert!(log.contains("shown") && !log.contains("not shown"), "{log}");
        let error = subscriber(LogFormat::Text, "no=such=filter", io::sink).err().unwrap();
        assert!(error.starts_with("DELTRAIL_LOG: \"no=such=filter\" is not"), "{error}");
    }
}
