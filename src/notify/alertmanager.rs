//! Alertmanager's API v2, told what Prometheus would tell it with the rule of this project, for
//! those without that Prometheus. It mirrors the findings as they are, again and again; it keeps
//! nothing between two pushes.

use std::collections::BTreeMap;
use std::time::Duration;

use deltrail_core::domain::{State, Timestamp};
use futures_util::future::join_all;
use hyper::header::HeaderMap;
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::text::paragraph;
use super::{Links, Notice, NotifyError};

/// The name of the rule in `deploy/prometheus`, so that a route or silence is good for both.
const ALERT_NAME: &str = "DeltrailFinding";
/// Prometheus, too, lets an alert live for four times the interval in which it sends it again.
const LIFE_MILLIS: i64 = 4 * 60_000;
/// In one request.
const ALERTS_AT_ONCE: usize = 100;
const SUMMARY_CHARS_MAX: usize = 400;
const DESCRIPTION_CHARS_MAX: usize = 4_000;
/// Of findings that share an alert.
const DESCRIBED_MAX: usize = 5;

/// All Alertmanagers of a cluster: each is told everything, as they want it.
#[derive(Clone)]
pub struct Alertmanager {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) links: Links,
}

/// What makes two alerts the same.
type Labels = BTreeMap<&'static str, String>;

impl Alertmanager {
    /// How often they want to be told again.
    pub const EVERY: Duration = Duration::from_mins(1);

    /// Tells of every finding that is open, and of those that have just stopped being so. Findings
    /// of the same detector, bucket and severity are one alert, which is over when the last of them
    /// is. Nobody has to know what was told before.
    ///
    /// # Errors
    /// See [`NotifyError`]; the first one, after all Alertmanagers were tried.
    pub async fn push(&self, notices: &[Notice], now: Timestamp) -> Result<(), NotifyError> {
        let alerts = alerts(notices, now, &self.links);
        let tried = self.endpoints.iter().map(|endpoint| push_to(endpoint, &alerts));
        join_all(tried).await.into_iter().collect()
    }
}

async fn push_to(endpoint: &Endpoint, alerts: &[Value]) -> Result<(), NotifyError> {
    for some in alerts.chunks(ALERTS_AT_ONCE) {
        let body = Value::from(some).to_string().into_bytes();
        endpoint.post(HeaderMap::new(), body).await?;
    }
    Ok(())
}

/// The labels of the rule's alert. Prometheus drops a label without a value, such as the bucket of
/// a finding about an account.
fn labels(notice: &Notice) -> Labels {
    let finding = &notice.finding;
    let mut labels = Labels::from([
        ("alertname", ALERT_NAME.to_owned()),
        ("detector", finding.detector.as_str().to_owned()),
        ("bucket", finding.bucket.clone()),
        ("severity", finding.severity.as_str().to_owned()),
    ]);
    labels.retain(|_, value| !value.is_empty());
    labels
}

fn alerts(notices: &[Notice], now: Timestamp, links: &Links) -> Vec<Value> {
    let mut alike: BTreeMap<Labels, Vec<&Notice>> = BTreeMap::new();
    for notice in notices {
        alike.entry(labels(notice)).or_default().push(notice);
    }
    alike.iter().map(|(labels, notices)| alert(labels, notices, now, links)).collect()
}

fn alert(labels: &Labels, notices: &[&Notice], now: Timestamp, links: &Links) -> Value {
    let open: Vec<&Notice> =
        notices.iter().copied().filter(|notice| notice.state == State::Open).collect();
    let told = if open.is_empty() { notices } else { &open };
    let first_at = told.iter().map(|notice| notice.finding.first_at).min().unwrap_or(now);
    // An alert must end after it has begun, and one that is over must not end later than now.
    let starts_at = first_at.min(now);
    let ends_at = if open.is_empty() {
        told.iter().map(|notice| notice.at).max().unwrap_or(now).min(now).max(starts_at)
    } else {
        Timestamp::from_millis(now.as_millis().saturating_add(LIFE_MILLIS))
    };
    let summary = match told {
        [one] => one.title.clone(),
        many => format!("{} findings, the first: {}", many.len(), many[0].title),
    };
    let texts: Vec<&str> =
        told.iter().take(DESCRIBED_MAX).map(|notice| notice.text.as_str()).collect();
    let mut alert = json!({
        "labels": labels,
        "annotations": {
            "summary": paragraph(&summary, SUMMARY_CHARS_MAX),
            "description": paragraph(&texts.join("\n\n"), DESCRIPTION_CHARS_MAX)
        },
        "startsAt": starts_at.to_string(),
        "endsAt": ends_at.to_string()
    });
    if let Some(url) = told.first().and_then(|notice| links.of(&notice.id())) {
        alert["generatorURL"] = url.into();
    }
    alert
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::{State, Timestamp};
    use serde_json::json;

    use super::super::notice::tests::notice;
    use super::super::{Links, Notice};
    use super::alerts;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn an_open_finding_is_an_alert_that_lives_while_it_is_sent_again() {
        let now = at("2026-11-23T10:30:00Z");
        let told = alerts(&[notice()], now, &Links::default());
        assert_eq!(
            told[0]["labels"],
            json!({
                "alertname": "DeltrailFinding", "detector": "mass_delete", "bucket": "acme-img",
                "severity": "critical"
            })
        );
        assert_eq!(told[0]["startsAt"], "2026-11-23T10:02:11.000Z");
        assert_eq!(told[0]["endsAt"], "2026-11-23T10:34:00.000Z");
        assert!(told[0].get("generatorURL").is_none());
    }

    #[test]
    fn a_finding_about_an_account_has_no_bucket() {
        let mut notice = notice();
        notice.finding.bucket.clear();
        let told = alerts(&[notice], at("2026-11-23T10:30:00Z"), &Links::default());
        assert!(told[0]["labels"].get("bucket").is_none(), "{told:?}");
    }

    #[test]
    fn an_alert_is_over_when_the_last_of_its_findings_is() {
        let now = at("2026-11-23T11:00:00Z");
        let over = Notice { state: State::Resolved, at: at("2026-11-23T10:50:00Z"), ..notice() };
        let mut other = notice();
        other.finding.subject = "role/Other".to_owned();
        other.title = "another".to_owned();

        let told = alerts(&[over.clone(), other.clone()], now, &Links::default());
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["endsAt"], "2026-11-23T11:04:00.000Z");
        assert_eq!(told[0]["annotations"]["summary"], "another");

        other.state = State::Withdrawn;
        let told = alerts(&[over, other], now, &Links::default());
        assert_eq!(told[0]["endsAt"], "2026-11-23T10:50:00.000Z");
        let summary = told[0]["annotations"]["summary"].as_str().unwrap();
        assert!(summary.starts_with("2 findings, the first: [critical]"), "{summary}");
    }

    #[test]
    fn clocks_that_are_ahead_make_no_alert_that_ends_before_it_begins() {
        let early = at("2026-11-23T09:00:00Z");
        let over = Notice { state: State::Resolved, ..notice() };
        for notice in [notice(), over] {
            let told = alerts(&[notice], early, &Links::default());
            assert_eq!(told[0]["startsAt"], "2026-11-23T09:00:00.000Z");
            assert!(told[0]["endsAt"].as_str() >= told[0]["startsAt"].as_str());
        }
    }
}
