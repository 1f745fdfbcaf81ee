//! The program's own log: one line for each event, on stderr.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::LogFormat;

/// Starts the log for the whole program.
///
/// # Errors
/// What is wrong with the filter, or that a log is already running.
pub(super) fn start(format: LogFormat, filter: &str) -> Result<(), String> {
    let subscriber = subscriber(format, filter, || OneLine(io::stderr()))?;
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
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer);
    Ok(match format {
        LogFormat::Text => Box::new(builder.finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    })
}

/// Keys and error texts from outside may hold any character; none of them may begin a line of its
/// own or speak to the terminal. The text format of `tracing` lets some through.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// Takes a whole event, which is how `tracing` writes.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = String::with_capacity(text.len() + 1);
        for character in text.chars() {
            match character {
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\t' => line.push_str("\\t"),
                // As JSON writes it, since a JSON line must stay one.
                _ if character.is_control() => {
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

    use super::{LogFormat, OneLine, subscriber};

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
        let key = "a\nERROR deltrail: all is lost\x1b[31m\r\u{85}\u{2028}";
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
