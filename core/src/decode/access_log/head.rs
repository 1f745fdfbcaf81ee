//! The first eight fields of a line, up to the operation. All of them are S3's own words, and stand
//! before anything that a caller may have written.

use jiff::fmt::strtime;

use crate::domain::Timestamp;

/// What the beginning of a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) bucket: &'a str,
    /// `23/Nov/2026:12:00:00 +0000`
    time: &'a str,
    pub(super) remote_ip: &'a str,
    pub(super) requester: &'a str,
    pub(super) request_id: &'a str,
    pub(super) operation: &'a str,
    /// The line from its key on.
    pub(super) rest: &'a str,
}

impl<'a> Head<'a> {
    /// Reads the beginning of `line`; `None` when it has not so many fields.
    pub(super) fn of(line: &'a str) -> Option<Self> {
        let (bucket, time, rest) = bucket_and_time(line)?;
        let (remote_ip, rest) = rest.split_once(' ')?;
        let (requester, rest) = rest.split_once(' ')?;
        let (request_id, rest) = rest.split_once(' ')?;
        let (operation, rest) = rest.split_once(' ')?;
        Some(Self { bucket, time, remote_ip, requester, request_id, operation, rest })
    }

    /// When S3 received the request, in whole seconds.
    pub(super) fn at(&self) -> Option<Timestamp> {
        time_of(self.time)
    }
}

/// Whether a text that begins with `head` is an access log: its first line has a time in the place
/// where these have it, behind an owner and a bucket. Other servers' logs have it elsewhere.
pub(in crate::decode) fn is_access_log(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    bucket_and_time(&head).is_some_and(|(_, time, _)| time_of(time).is_some())
}

fn bucket_and_time(line: &str) -> Option<(&str, &str, &str)> {
    let (_owner, rest) = line.split_once(' ')?;
    let (bucket, rest) = rest.split_once(" [")?;
    let (time, rest) = rest.split_once("] ")?;
    (!bucket.contains(' ')).then_some((bucket, time, rest))
}

fn time_of(written: &str) -> Option<Timestamp> {
    let time = strtime::parse("%d/%b/%Y:%H:%M:%S %z", written).ok()?.to_timestamp().ok()?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::{Head, is_access_log};

    #[test]
    fn an_access_log_is_told_by_the_place_of_its_time() {
        let line = "owner images [23/Nov/2026:12:00:00 +0000] 192.0.2.3 - R REST.GET.OBJECT k";
        assert!(is_access_log(line.as_bytes()));
        for other in [
            "",
            "images [23/Nov/2026:12:00:00 +0000] x",
            "192.0.2.3 - - [23/Nov/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 5",
            "http 2026-11-23T12:00:00Z app/lb/1 [23/Nov/2026:12:00:00 +0000] x",
            "INFO main [worker 7] started",
            "owner images [23/Nov/2026:12:00:00] x",
            "owner images [23/Nov/2026:12:00:00 +0000",
        ] {
            assert!(!is_access_log(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_time_may_have_any_offset() {
        let at = |time: &str| {
            let line = format!("o b [{time}] 192.0.2.3 - R REST.GET.OBJECT k");
            Head::of(&line).unwrap().at().map(|at| at.to_string())
        };
        let noon = Some("2026-11-23T12:00:00.000Z".to_owned());
        assert_eq!(at("23/Nov/2026:12:00:00 +0000"), noon);
        assert_eq!(at("23/Nov/2026:21:00:00 +0900"), noon);
        assert_eq!(at("23/Nov/2026:06:30:00 -0530"), noon);
        for odd in ["23/Nov/2026:12:00:00", "31/Feb/2026:12:00:00 +0000", "-", ""] {
            assert_eq!(at(odd), None, "{odd}");
        }
    }
}
