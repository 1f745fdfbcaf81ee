//! What can go wrong when people are told, each as one line that names the receiver and the next
//! step, and no secret: of a URL, scheme and host. It does not try again.

use std::fmt;
use std::time::Duration;

use super::backoff;

/// A receiver as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The notifier in words.
    pub notifier: &'static str,
    /// Where it sends to: a URL without its path, or an ARN.
    pub at: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.notifier, self.at)
    }
}

/// Why somebody was not told. `detail` is what the receiver answered, or the cause in the network,
/// on one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "a variant says what its fields are for")]
pub enum NotifyError {
    /// A message is left of a notifier that is not set any more.
    #[error("no notifier {name} is configured: set it again, or the message is not sent")]
    NotConfigured { name: String },
    /// TLS cannot be spoken at all.
    #[error("TLS to receivers cannot be set up ({detail}); this is a fault of the program")]
    NoTls { detail: String },
    /// No connection.
    #[error("{to} cannot be reached ({detail}); check its address, DNS, network and endpoint")]
    Unreachable { to: Place, detail: String },
    /// No answer in time.
    #[error("{to} did not answer within {} s; check the network if it goes on", .after.as_secs())]
    TimedOut { to: Place, after: Duration },
    /// Its certificate is not believed.
    #[error(
        "{to} has a certificate that is not trusted ({detail}); have it renewed, or name a file \
         with its authority in SSL_CERT_FILE"
    )]
    Untrusted { to: Place, detail: String },
    /// It broke off, or speaks something else.
    #[error(
        "{to} broke off or does not speak HTTP ({detail}); check scheme and port of its URL if it \
         goes on"
    )]
    Broken { to: Place, detail: String },
    /// It asks for fewer messages.
    #[error("{to} takes no more for now ({detail}); it is asked again")]
    Throttled { to: Place, detail: String, retry_after: Option<Duration> },
    /// It has trouble of its own.
    #[error("{to} failed ({detail}); look into its log if it goes on")]
    Unavailable { to: Place, detail: String, retry_after: Option<Duration> },
    /// It points elsewhere.
    #[error(
        "{to} answered HTTP {status}, which points to {location}; that is not followed: set the \
         URL that it points to"
    )]
    Redirected { to: Place, status: u16, location: String },
    /// It does not want this.
    #[error("{to} refused ({detail}); {remedy}")]
    Refused { to: Place, detail: String, remedy: String },
    /// Something else answered in its place.
    #[error(
        "{to} answered with a web page, so that something else answers in its place; check the \
         URL, and for a proxy or login page on the way"
    )]
    WebPage { to: Place },
    /// No credentials could be loaded, or they are no good.
    #[error(
        "{to}: the AWS credentials are missing or refused ({detail}); set AWS_PROFILE, or give the \
         task or instance a role, and check the clock of this host"
    )]
    Credentials { to: Place, detail: String },
}

impl NotifyError {
    /// Whether it may pass without anybody changing a setting, a permission or a receiver.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Broken { .. }
                | Self::Throttled { .. }
                | Self::Unavailable { .. }
        )
    }

    /// How long the receiver wants to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// How long to wait before the next try, or `None` to give up. `failures` counts this one;
    /// `since_first` is the time since the first try. What is not transient is tried again too,
    /// once in an hour: somebody may mend it, and then nothing was lost.
    #[must_use]
    pub fn next_try(
        &self,
        failures: u32,
        since_first: Duration,
        message_id: &str,
    ) -> Option<Duration> {
        if matches!(self, Self::NotConfigured { .. }) {
            return None;
        }
        let is_transient = self.is_transient();
        backoff::next_try(failures, since_first, message_id, is_transient, self.retry_after())
    }
}
