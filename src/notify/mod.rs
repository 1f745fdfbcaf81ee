//! Adapter to those who are told of findings: a webhook, Slack, an SNS topic, and Alertmanager.
//!
//! It refuses to know when somebody is to be told, what was told before and where that is kept: it
//! is given one notice and tells it once, or says why not and when to try again.

mod alertmanager;
mod backoff;
mod body;
mod endpoint;
mod error;
mod http_url;
mod notice;
mod secret;
mod slack;
mod sns;
mod text;
mod tls;
mod topic;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use deltrail_core::domain::Severity;

pub use alertmanager::Alertmanager;
pub use error::{NotifyError, Place};
pub use http_url::HttpUrl;
pub use notice::Notice;
pub use secret::Secret;
pub use tls::connector;
pub use topic::TopicArn;

use endpoint::Endpoint;
use sns::Sns;
use webhook::Webhook;

/// By then [`Notifiers::send`] has ended, so that who claims a message must hold it for longer.
pub const SEND_TIME_MAX: Duration = Duration::from_secs(15);
const _: () = assert!(SEND_TIME_MAX.as_secs() > endpoint::PATIENCE.as_secs());

/// Who is told, and of what.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A generic webhook.
    pub webhook: Option<HttpUrl>,
    /// What its messages are signed with; without one they are not signed.
    pub webhook_secret: Option<Secret>,
    /// An incoming webhook of Slack, or of what takes the same shape.
    pub slack: Option<HttpUrl>,
    /// An SNS topic.
    pub sns_topic: Option<TopicArn>,
    /// Every Alertmanager of a cluster.
    pub alertmanagers: Vec<HttpUrl>,
    /// Where people reach the page of this daemon.
    pub external_url: Option<HttpUrl>,
    /// Findings below it are not told.
    pub least_severity: Severity,
}

/// All that are told. Cheap to clone.
#[derive(Clone)]
pub struct Notifiers {
    all: Arc<[Notifier]>,
    alertmanager: Option<Arc<Alertmanager>>,
    links: Links,
    least_severity: Severity,
}

/// One that is told.
enum Notifier {
    Webhook(Webhook),
    Slack(Endpoint),
    Sns(Sns),
}

impl Notifier {
    const fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Sns(_) => "sns",
        }
    }
}

/// Where more of a finding is to be seen.
#[derive(Debug, Clone, Default)]
struct Links(Option<HttpUrl>);

impl Links {
    fn of(&self, finding_id: &str) -> Option<String> {
        let base = self.0.as_ref()?;
        Some(base.join(&format!("findings/{finding_id}")).reveal())
    }
}

impl Notifiers {
    /// Makes ready who is to be told. Nothing is sent.
    ///
    /// # Errors
    /// [`NotifyError::NoTls`].
    pub fn new(settings: Settings, aws: &SdkConfig) -> Result<Self, NotifyError> {
        let tls = tls::connector()?;
        let links = Links(settings.external_url);
        let webhook = settings.webhook.map(|url| {
            let endpoint = Endpoint::new("webhook", url, &tls);
            Notifier::Webhook(Webhook { endpoint, secret: settings.webhook_secret })
        });
        let slack = settings.slack.map(|url| Notifier::Slack(Endpoint::new("Slack", url, &tls)));
        let sns = settings.sns_topic.map(|topic| Notifier::Sns(Sns::new(aws, topic)));
        let endpoints: Vec<Endpoint> = settings
            .alertmanagers
            .iter()
            .map(|url| Endpoint::new("Alertmanager", url.join("api/v2/alerts"), &tls))
            .collect();
        let alertmanager = Alertmanager { endpoints, links: links.clone() };
        let is_on = !alertmanager.endpoints.is_empty();
        Ok(Self {
            all: [webhook, slack, sns].into_iter().flatten().collect(),
            alertmanager: is_on.then(|| Arc::new(alertmanager)),
            links,
            least_severity: settings.least_severity,
        })
    }

    /// Who is told by [`Notifiers::send`]: some of `webhook`, `slack` and `sns`.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.all.iter().map(Notifier::name).collect()
    }

    /// Findings below it are not told, unless they were told when they were more severe.
    #[must_use]
    pub const fn least_severity(&self) -> Severity {
        self.least_severity
    }

    /// Those who are told of all findings again and again.
    #[must_use]
    pub fn alertmanager(&self) -> Option<&Alertmanager> {
        self.alertmanager.as_deref()
    }

    /// Tells one of them, within [`SEND_TIME_MAX`]. When the answer was lost on its way, what was
    /// told is told again by the next try; a webhook sees that by its `Deltrail-Delivery`, a FIFO
    /// topic by itself.
    ///
    /// # Errors
    /// See [`NotifyError`].
    pub async fn send(&self, name: &str, notice: &Notice) -> Result<(), NotifyError> {
        let url = self.links.of(&notice.id());
        match self.all.iter().find(|notifier| notifier.name() == name) {
            Some(Notifier::Webhook(webhook)) => webhook.send(notice, url.as_deref()).await,
            Some(Notifier::Slack(endpoint)) => slack::send(endpoint, notice, url.as_deref()).await,
            Some(Notifier::Sns(sns)) => sns.send(notice, url.as_deref()).await,
            None => Err(NotifyError::NotConfigured { name: name.to_owned() }),
        }
    }
}
