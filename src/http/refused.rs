//! What a listener did not take, counted by why. It decides nothing: each limit refuses where it
//! stands.

use std::error::Error;
use std::io;

use axum::http::StatusCode;
use prometheus::IntCounterVec;

use super::Listener;
use crate::metrics::{HttpRefusal, Metrics};

/// Counts what one listener refuses.
#[derive(Debug, Clone)]
pub struct Refused {
    counters: IntCounterVec,
    listener: &'static str,
}

impl Refused {
    /// Nothing is refused yet.
    #[must_use]
    pub fn by(listener: Listener, metrics: &Metrics) -> Self {
        let refused = Self { counters: metrics.http_refused.clone(), listener: listener.label() };
        for reason in HttpRefusal::ALL {
            refused.counters.with_label_values(&[refused.listener, reason.as_str()]);
        }
        refused
    }

    pub(super) fn count(&self, reason: HttpRefusal) {
        self.counters.with_label_values(&[self.listener, reason.as_str()]).inc();
    }

    /// Counts an answer, if it refuses.
    pub(super) fn note_answer(&self, status: StatusCode) {
        let reason = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => HttpRefusal::NotAllowed,
            StatusCode::TOO_MANY_REQUESTS => HttpRefusal::TooOften,
            StatusCode::REQUEST_TIMEOUT => HttpRefusal::TooSlow,
            StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::URI_TOO_LONG
            | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => HttpRefusal::TooLarge,
            _ => return,
        };
        self.count(reason);
    }

    /// Counts a connection that ended by an error, if a limit ended it. One over which something
    /// `was_asked` may be silent until its time is over.
    pub(super) fn note_end(&self, error: &hyper::Error, was_asked: bool) {
        let is_cut = || error.source().and_then(<dyn Error>::downcast_ref).is_some_and(is_late);
        if error.is_parse_too_large() {
            self.count(HttpRefusal::TooLarge);
        } else if is_cut() || (error.is_timeout() && !was_asked) {
            self.count(HttpRefusal::TooSlow);
        }
    }
}

pub(super) fn is_late(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

#[cfg(test)]
impl Refused {
    /// Of a listener whose metrics nobody else shows.
    pub(super) fn apart() -> Self {
        Self::by(Listener::Ops, &Metrics::new().unwrap())
    }

    /// How many were refused for each of [`HttpRefusal::ALL`].
    pub(super) fn counts(&self) -> [u64; HttpRefusal::ALL.len()] {
        let counters = &self.counters;
        HttpRefusal::ALL
            .map(|reason| counters.with_label_values(&[self.listener, reason.as_str()]).get())
    }
}
