//! Who is told of findings: the settings, with the secrets out of the files that some of them name.
//! What a good secret is, the adapter knows.

use aws_config::SdkConfig;

use super::secret_file::held_by;
use crate::config::{NOTIFY_SLACK_URL_FILE, NOTIFY_WEBHOOK_SECRET_FILE, Notify};
use crate::notify::{HttpUrl, Notifiers, Secret, Settings};

/// Who is to be told. Nobody is reached yet.
///
/// # Errors
/// When a file with a secret is of no use.
pub(super) fn of(notify: &Notify, aws: &SdkConfig) -> anyhow::Result<Notifiers> {
    let webhook_secret = match (&notify.webhook_secret, &notify.webhook_secret_file) {
        (Some(secret), _) => Some(secret.clone()),
        (None, Some(file)) => {
            Some(held_by(file, ("secret", NOTIFY_WEBHOOK_SECRET_FILE.name), Secret::parse)?)
        }
        (None, None) => None,
    };
    let slack = match (&notify.slack_url, &notify.slack_url_file) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(file)) => {
            Some(held_by(file, ("URL", NOTIFY_SLACK_URL_FILE.name), HttpUrl::parse_confidential)?)
        }
        (None, None) => None,
    };
    let settings = Settings {
        webhook: notify.webhook.clone(),
        webhook_secret,
        slack,
        sns_topic: notify.sns_topic.clone(),
        alertmanagers: notify.alertmanagers.clone(),
        external_url: notify.external_url.clone(),
        least_severity: notify.least_severity,
    };
    Ok(Notifiers::new(settings, aws)?)
}

#[cfg(test)]
mod tests {
    use aws_config::SdkConfig;

    use super::of;
    use crate::config::Notify;
    use crate::notify::HttpUrl;

    fn told_of(notify: &Notify) -> Result<Vec<&'static str>, String> {
        let notifiers = of(notify, &SdkConfig::builder().build());
        notifiers.map(|all| all.names()).map_err(|error| error.to_string())
    }

    #[test]
    fn secrets_come_out_of_files_and_are_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("slack");
        let notify = Notify { slack_url_file: Some(file.clone()), ..Notify::default() };
        assert!(told_of(&notify).unwrap_err().contains("(notify-slack-url-file) cannot be read"));
        std::fs::write(&file, "http://hooks.slack.com/services/hunter2\n").unwrap();
        let told = told_of(&notify).unwrap_err();
        assert!(told.ends_with("is as secret as a password: begin it with https://"), "{told}");
        std::fs::write(&file, "https://hooks.slack.com/services/hunter2\n").unwrap();
        assert_eq!(told_of(&notify).unwrap(), ["slack"]);

        let webhook = HttpUrl::parse("https://receiver.example.com/hooks/1").ok();
        let notify =
            Notify { webhook, webhook_secret_file: Some(file.clone()), ..Notify::default() };
        std::fs::write(&file, "hunter2\n").unwrap();
        let told = told_of(&notify).unwrap_err();
        assert!(told.contains("holds no secret") && !told.contains("hunter2"), "{told}");
        std::fs::write(&file, "correct-horse-battery\n").unwrap();
        assert_eq!(told_of(&notify).unwrap(), ["webhook"]);
    }
}
