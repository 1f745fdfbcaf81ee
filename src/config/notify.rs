//! Who is told of findings: the settings, and which of them make sense together. It opens no file
//! and reaches nobody.

use std::path::PathBuf;

use deltrail_core::domain::Severity;

use super::parse::file;
use super::reading::Reading;
use super::settings::{self, Setting};
use crate::notify::{HttpUrl, Secret, TopicArn};

/// Who is told of findings, and of which. Secrets are here or in the file beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// A generic webhook.
    pub webhook: Option<HttpUrl>,
    /// What its messages are signed with.
    pub webhook_secret: Option<Secret>,
    /// The file that holds it instead.
    pub webhook_secret_file: Option<PathBuf>,
    /// An incoming webhook of Slack.
    pub slack_url: Option<HttpUrl>,
    /// The file that holds it instead.
    pub slack_url_file: Option<PathBuf>,
    /// An SNS topic.
    pub sns_topic: Option<TopicArn>,
    /// Every Alertmanager of a cluster.
    pub alertmanagers: Vec<HttpUrl>,
    /// Findings below it are not told.
    pub least_severity: Severity,
    /// Where people reach the page; links in messages begin with it.
    pub external_url: Option<HttpUrl>,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            webhook: None,
            webhook_secret: None,
            webhook_secret_file: None,
            slack_url: None,
            slack_url_file: None,
            sns_topic: None,
            alertmanagers: Vec::new(),
            least_severity: Severity::Warning,
            external_url: None,
        }
    }
}

impl Notify {
    pub(super) fn read(&mut self, read: &mut Reading<'_>) {
        read.one(&settings::NOTIFY_WEBHOOK, &mut self.webhook, some(HttpUrl::parse));
        read.one(&settings::NOTIFY_WEBHOOK_SECRET, &mut self.webhook_secret, some(Secret::parse));
        read.one(&settings::NOTIFY_WEBHOOK_SECRET_FILE, &mut self.webhook_secret_file, file);
        read.one(
            &settings::NOTIFY_SLACK_URL,
            &mut self.slack_url,
            some(HttpUrl::parse_confidential),
        );
        read.one(&settings::NOTIFY_SLACK_URL_FILE, &mut self.slack_url_file, file);
        read.one(&settings::NOTIFY_SNS_TOPIC, &mut self.sns_topic, some(TopicArn::parse));
        read.many(&settings::NOTIFY_ALERTMANAGER, &mut self.alertmanagers, HttpUrl::parse);
        read.one(&settings::NOTIFY_SEVERITY, &mut self.least_severity, severity);
        read.one(&settings::EXTERNAL_URL, &mut self.external_url, some(HttpUrl::parse));
    }
}

fn some<T>(
    parse: impl Fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Option<T>, String> {
    move |text| parse(text).map(Some)
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::named(text).ok_or_else(|| "is neither info, warning nor critical".to_owned())
}

/// A secret is given once, and not for nothing.
pub(super) fn check(read: &mut Reading<'_>) {
    let is_given = |read: &Reading<'_>, setting: &Setting| read.given.get(setting).is_some();
    for (one, other) in [
        (&settings::NOTIFY_WEBHOOK_SECRET, &settings::NOTIFY_WEBHOOK_SECRET_FILE),
        (&settings::NOTIFY_SLACK_URL, &settings::NOTIFY_SLACK_URL_FILE),
    ] {
        if is_given(read, one) && is_given(read, other) {
            read.refuse(other, &format!("{} is given too: keep one of them", one.name));
        }
    }
    if !is_given(read, &settings::NOTIFY_WEBHOOK) {
        for secret in [&settings::NOTIFY_WEBHOOK_SECRET, &settings::NOTIFY_WEBHOOK_SECRET_FILE] {
            read.refuse(secret, "there is no webhook to sign for: set notify-webhook too");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use deltrail_core::domain::Severity;

    use super::super::{Config, Given, Purpose, Surroundings, settings};

    const REQUIRED: &str = "any-log-bucket = true\n\
        queue-url = \"https://sqs.eu-west-1.amazonaws.com/111122223333/trail\"\n";

    fn config(file: &str) -> Result<Config, String> {
        let file = format!("{REQUIRED}{file}");
        let given = Given::default().with_file_text(&file, Path::new("d.toml")).unwrap();
        Config::of(&given, &Surroundings::of_test(&[]), Purpose::Run)
            .map_err(|problems| problems.to_string())
    }

    #[test]
    fn every_notifier_reaches_the_program() {
        let config = config(
            r#"
            notify-webhook = "https://receiver.example.com/hooks/hunter2"
            notify-webhook-secret = "correct-horse-battery"
            notify-slack-url-file = "/run/secrets/slack"
            notify-sns-topic = "arn:aws:sns:eu-west-1:111122223333:alerts"
            notify-alertmanager = ["http://am-0:9093", "http://am-1:9093/prefix"]
            notify-severity = "critical"
            external-url = "https://deltrail.example.com/"
            "#,
        )
        .unwrap();
        let shown = |setting| config.show(setting);
        assert_eq!(shown(&settings::NOTIFY_WEBHOOK), "https://receiver.example.com/***");
        assert_eq!(shown(&settings::NOTIFY_WEBHOOK_SECRET), "***");
        assert_eq!(shown(&settings::NOTIFY_SLACK_URL_FILE), "/run/secrets/slack");
        assert_eq!(shown(&settings::NOTIFY_SNS_TOPIC), "arn:aws:sns:eu-west-1:111122223333:alerts");
        assert_eq!(
            shown(&settings::NOTIFY_ALERTMANAGER),
            "http://am-0:9093/,http://am-1:9093/prefix"
        );
        assert_eq!(shown(&settings::NOTIFY_SEVERITY), "critical");
        assert_eq!(shown(&settings::EXTERNAL_URL), "https://deltrail.example.com/");
        assert_eq!(config.notify.least_severity, Severity::Critical);
        let told = format!("{config:?}");
        assert!(!told.contains("hunter2") && !told.contains("horse"), "{told}");
    }

    #[test]
    fn notifiers_that_make_no_sense_are_refused_and_no_secret_is_repeated() {
        let told = config(
            r#"
            notify-webhook = "receiver.example.com/hooks/hunter2"
            notify-webhook-secret = "hunter2"
            notify-slack-url = "http://hooks.slack.com/services/hunter2"
            notify-sns-topic = "alerts"
            notify-alertmanager = ["am-0:9093"]
            notify-severity = "high"
            external-url = "deltrail"
            "#,
        )
        .unwrap_err();
        insta::assert_snapshot!(told, @r#"
        d.toml: notify-webhook: the value is no URL: write it as in https://receiver.example.com/path
        d.toml: notify-webhook-secret: the value is no secret to sign with: write 16 to 1024 letters and digits that nobody can guess, for example what openssl rand -hex 32 prints
        d.toml: notify-slack-url: the value is as secret as a password: begin it with https://
        d.toml: notify-sns-topic: "alerts" is not a topic's ARN: write it as in arn:aws:sns:eu-west-1:111122223333:alerts
        d.toml: notify-alertmanager: "am-0:9093" is no URL: write it as in https://receiver.example.com/path
        d.toml: notify-severity: "high" is neither info, warning nor critical
        d.toml: external-url: "deltrail" is no URL: write it as in https://receiver.example.com/path
        "#);
    }

    #[test]
    fn a_secret_is_given_once_and_with_what_it_is_for() {
        let told = config(
            r#"
            notify-webhook-secret = "correct-horse-battery"
            notify-webhook-secret-file = "/run/secrets/webhook"
            notify-slack-url = "https://hooks.slack.com/services/hunter2"
            notify-slack-url-file = "/run/secrets/slack"
            "#,
        )
        .unwrap_err();
        insta::assert_snapshot!(told, @r#"
        d.toml: notify-webhook-secret-file: notify-webhook-secret is given too: keep one of them
        d.toml: notify-slack-url-file: notify-slack-url is given too: keep one of them
        d.toml: notify-webhook-secret: there is no webhook to sign for: set notify-webhook too
        d.toml: notify-webhook-secret-file: there is no webhook to sign for: set notify-webhook too
        "#);
    }
}
