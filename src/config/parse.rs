//! What single values mean: text in, value or what is wrong with it out. It does not know where a
//! text was given.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use deltrail_core::detect::Sensitivity;
use deltrail_core::domain::{Detector, Mode};

use super::units::{format_size, parse_size, parse_time};
use super::{AppToken, LogFormat, MissingObject, OBJECT_MEMORY_BYTES};
use crate::queue::Queue;
use crate::store::Location;

/// SQS lets a queue have this many messages in flight.
const IN_FLIGHT_MESSAGES: RangeInclusive<usize> = 1..=120_000;

/// Whether a removal is stale must be decided while the creations before it are still kept.
const STALE_WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

/// Facts are settled, and gauges look back, within a day. A hundred years are for ever.
const RETENTION: RangeInclusive<Duration> =
    Duration::from_hours(24)..=Duration::from_hours(36_500 * 24);

pub(super) fn queue_url(text: &str) -> Result<String, String> {
    if let Some(arn) = text.strip_prefix("arn:") {
        let parts: Vec<_> = arn.split(':').collect();
        return Err(match parts.as_slice() {
            ["aws", "sqs", region, account, name] => format!(
                "is an ARN: write the queue's URL, \
                 https://sqs.{region}.amazonaws.com/{account}/{name}"
            ),
            _ => "is an ARN: write the queue's URL".to_owned(),
        });
    }
    Queue::check_url(text).map_err(|problem| {
        format!(
            "is not a queue's URL: it {problem}; \
             write it as in https://sqs.eu-west-1.amazonaws.com/111122223333/trail"
        )
    })?;
    Ok(text.to_owned())
}

pub(super) fn account(text: &str) -> Result<Option<String>, String> {
    if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("is not an account: write its 12 digits, in quotes in the file".to_owned());
    }
    Ok(Some(text.to_owned()))
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "is neither true nor false".to_owned())
}

pub(super) fn missing_object(text: &str) -> Result<MissingObject, String> {
    match text {
        "retry" => Ok(MissingObject::Retry),
        "skip" => Ok(MissingObject::Skip),
        _ => Err("is neither retry nor skip".to_owned()),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is neither text nor json".to_owned()),
    }
}

pub(super) fn store(text: &str) -> Result<Location, String> {
    Location::parse(text).map_err(|error| format!("does not name a store: {error}"))
}

pub(super) fn instance(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
        return Err("is not a name: write 1 to 255 characters without control characters".into());
    }
    Ok(text.to_owned())
}

pub(super) fn ops_listen(text: &str) -> Result<SocketAddr, String> {
    listen_address(text, SocketAddr::from(([0, 0, 0, 0], 10_118)))
}

pub(super) fn app_listen(text: &str) -> Result<SocketAddr, String> {
    listen_address(text, SocketAddr::from(([127, 0, 0, 1], 10_119)))
}

/// `example` is shown to who wrote something else, with what can be kept of that.
fn listen_address(text: &str, mut example: SocketAddr) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.rsplit(':').next().unwrap_or_default();
        if let Ok(port) = port.parse() {
            example.set_port(port);
            if text.starts_with("localhost") {
                example.set_ip([127, 0, 0, 1].into());
            }
        }
        format!("is not an IP address with a port: write it as in {example}")
    })
}

pub(super) fn app_token(text: &str) -> Result<Option<AppToken>, String> {
    AppToken::parse(text).map(Some)
}

pub(super) fn file(text: &str) -> Result<Option<PathBuf>, String> {
    match text {
        "" => Err("names no file: write the path of one".to_owned()),
        path => Ok(Some(path.into())),
    }
}

pub(super) fn stale_window(text: &str) -> Result<Duration, String> {
    let window = parse_time(text)?;
    if !STALE_WINDOW.contains(&window) {
        return Err("is out of range: write a time from 1s to 24h".to_owned());
    }
    Ok(window)
}

pub(super) fn sensitivity(text: &str) -> Result<Sensitivity, String> {
    Sensitivity::named(text).ok_or_else(|| "is none of low, normal and high".to_owned())
}

pub(super) fn detector_mode(text: &str) -> Result<(Detector, Mode), String> {
    let (name, mode) =
        text.split_once('=').ok_or_else(|| "has no =: write NAME=MODE".to_owned())?;
    let names = || Detector::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
    let detector = Detector::named(name.trim())
        .ok_or_else(|| format!("names no detector: there are {}", names()))?;
    let mode = Mode::named(mode.trim())
        .ok_or_else(|| "has no mode of live, dry_run and off".to_owned())?;
    Ok((detector, mode))
}

pub(super) fn retention(text: &str) -> Result<Duration, String> {
    let retention = parse_time(text)?;
    if !RETENTION.contains(&retention) {
        return Err("is out of range: write a time from 1d to 36500d".to_owned());
    }
    Ok(retention)
}

pub(super) fn poison_after(text: &str) -> Result<u32, String> {
    let count = count(text, 1..=1000)?;
    u32::try_from(count).map_err(|_| "is too large".to_owned())
}

pub(super) fn labelled_buckets(text: &str) -> Result<usize, String> {
    count(text, 0..=100_000)
}

pub(super) fn workers(text: &str) -> Result<usize, String> {
    count(text, 1..=1024)
}

pub(super) fn messages(text: &str) -> Result<usize, String> {
    count(text, IN_FLIGHT_MESSAGES)
}

pub(super) fn objects(text: &str) -> Result<usize, String> {
    count(text, 1..=10_000)
}

pub(super) fn memory_budget(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if bytes < OBJECT_MEMORY_BYTES {
        let least = format_size(OBJECT_MEMORY_BYTES);
        return Err(format!("is too small for one log object: write at least {least}"));
    }
    Ok(bytes)
}

pub(super) fn inflated_size(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("lets nothing in: write at least 1".to_owned()),
        bytes => Ok(bytes),
    }
}

pub(super) fn record_size(text: &str) -> Result<usize, String> {
    let bytes = inflated_size(text)?;
    usize::try_from(bytes).map_err(|_| "is larger than the memory can be".to_owned())
}

fn count(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| range.contains(count));
    count.ok_or_else(|| format!("is not a whole number from {} to {}", range.start(), range.end()))
}
