//! The settings in effect, as texts that could be given again.

use std::path::Path;

use super::units::{format_size, format_time};
use super::{Config, LogFormat, MissingObject, Setting, settings};
use crate::notify::HttpUrl;

/// What stands for a secret.
pub(super) const MASK: &str = "***";

impl Config {
    /// The value of a setting in effect; a list has commas, and nothing is `-`.
    #[must_use]
    pub fn show(&self, setting: &Setting) -> String {
        let text = match *setting {
            settings::QUEUE_URL => self.queue_urls.join(","),
            settings::LOG_BUCKET => list(&self.log_buckets.named),
            settings::LOG_BUCKET_OWNER => self.log_bucket_owner.clone().unwrap_or_default(),
            settings::ANY_LOG_BUCKET => self.log_buckets.any.to_string(),
            settings::WATCH_BUCKET => list(&self.watch_buckets),
            settings::IMPORTANT_BUCKET => list(&self.important_buckets),
            settings::MISSING_OBJECT => self.missing_object.as_str().to_owned(),
            settings::POISON_AFTER => self.poison_after.to_string(),
            settings::TRAIL_WRITES => self.trail_writes.to_string(),
            settings::VERIFY_DIGESTS => self.verify_digests.to_string(),
            settings::S3_PATH_STYLE => self.s3_path_style.to_string(),
            settings::STORE => self.store.to_string(),
            settings::INSTANCE => self.instance.clone(),
            settings::MAX_BUCKETS => self.labelled_buckets_max.to_string(),
            settings::OPS_LISTEN => self.ops_listen.to_string(),
            settings::APP_LISTEN => self.app_listen.to_string(),
            settings::APP_TOKEN => {
                self.app_token.as_ref().map(|_| MASK.to_owned()).unwrap_or_default()
            }
            settings::APP_TOKEN_FILE => path(self.app_token_file.as_deref()),
            settings::TLS_CERT => path(self.tls_cert.as_deref()),
            settings::TLS_KEY => path(self.tls_key.as_deref()),
            settings::RETENTION => format_time(self.retention),
            settings::STALE_WINDOW => format_time(self.stale_window),
            settings::SENSITIVITY => self.sensitivity.as_str().to_owned(),
            settings::DETECTOR_MODE => self
                .detector_modes
                .iter()
                .map(|(detector, mode)| format!("{}={}", detector.as_str(), mode.as_str()))
                .collect::<Vec<_>>()
                .join(","),
            settings::NOTIFY_WEBHOOK => shown(self.notify.webhook.as_ref()),
            settings::NOTIFY_WEBHOOK_SECRET => {
                self.notify.webhook_secret.as_ref().map(|_| MASK.to_owned()).unwrap_or_default()
            }
            settings::NOTIFY_WEBHOOK_SECRET_FILE => {
                path(self.notify.webhook_secret_file.as_deref())
            }
            settings::NOTIFY_SLACK_URL => shown(self.notify.slack_url.as_ref()),
            settings::NOTIFY_SLACK_URL_FILE => path(self.notify.slack_url_file.as_deref()),
            settings::NOTIFY_SNS_TOPIC => shown(self.notify.sns_topic.as_ref()),
            settings::NOTIFY_ALERTMANAGER => {
                let urls = self.notify.alertmanagers.iter().map(HttpUrl::reveal);
                urls.collect::<Vec<_>>().join(",")
            }
            settings::NOTIFY_SEVERITY => self.notify.least_severity.as_str().to_owned(),
            settings::EXTERNAL_URL => {
                self.notify.external_url.as_ref().map(HttpUrl::reveal).unwrap_or_default()
            }
            settings::LOG_FORMAT => self.log_format.as_str().to_owned(),
            settings::WORKERS => self.workers.to_string(),
            settings::IN_FLIGHT_MESSAGES => self.in_flight_messages_max.to_string(),
            settings::IN_FLIGHT_OBJECTS => self.in_flight_objects_max.to_string(),
            settings::MEMORY_BUDGET => format_size(self.memory_budget_bytes),
            settings::MAX_INFLATED => format_size(self.inflated_bytes_max),
            settings::MAX_RECORD => format_size(self.record_bytes_max as u64),
            settings::DRAIN_TIMEOUT => format_time(self.drain_timeout),
            // Settings are made in one place only, and a test shows each of them.
            _ => String::new(),
        };
        if text.is_empty() { "-".to_owned() } else { text }
    }
}

impl MissingObject {
    /// The text of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Skip => "skip",
        }
    }
}

impl LogFormat {
    /// The text of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// As it shows itself: of a URL its host alone.
fn shown<T: ToString>(value: Option<&T>) -> String {
    value.map(T::to_string).unwrap_or_default()
}

fn path(file: Option<&Path>) -> String {
    file.map(|file| file.display().to_string()).unwrap_or_default()
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}
