//! The gauges of the store as a whole. A series that was shown once falls to 0 rather than out.

use std::collections::{BTreeMap, BTreeSet};

use deltrail_core::domain::{Detector, Severity, Timestamp};
use prometheus::IntGaugeVec;

use crate::metrics::Metrics;
use crate::store::Gauges;

/// The bucket labels that each family has shown.
#[derive(Default)]
pub(super) struct Shown {
    unresolved: BTreeSet<String>,
    unconfirmed: BTreeSet<String>,
    unfulfilled: BTreeSet<String>,
    settled: BTreeSet<String>,
    findings: BTreeSet<(Detector, String, Severity)>,
}

impl Shown {
    pub(super) fn show(&mut self, metrics: &Metrics, gauges: &Gauges) {
        set_all(
            &metrics.unresolved_bulk_deletes,
            &mut self.unresolved,
            &gauges.unresolved_bulk_deletes,
        );
        set_all(&metrics.unconfirmed_removals, &mut self.unconfirmed, &gauges.unconfirmed_removals);
        set_all(&metrics.unfulfilled_intents, &mut self.unfulfilled, &gauges.unfulfilled_intents);
        if let Some((end, removals)) = &gauges.settled_window {
            set_all(&metrics.settled_removals, &mut self.settled, removals);
            metrics.settled_window_end.with_label_values::<&str>(&[]).set(seconds(*end));
        }
        self.findings.extend(gauges.open_findings.iter().cloned());
        for finding in &self.findings {
            let (detector, bucket, severity) = finding;
            let labels = [detector.as_str(), bucket, severity.as_str()];
            let is_open = gauges.open_findings.contains(finding);
            metrics.finding_active.with_label_values(&labels).set(i64::from(is_open));
        }
        for (source, at) in &gauges.watermarks {
            metrics.watermark_timestamp.with_label_values(&[source.as_str()]).set(seconds(*at));
        }
        // What arrives here is shown at once; this is what arrived elsewhere or before a restart.
        for (source, at) in &gauges.last_deliveries {
            let last = metrics.last_delivery_timestamp.with_label_values(&[source.as_str()]);
            if last.get() < seconds(*at) {
                last.set(seconds(*at));
            }
        }
    }
}

fn set_all(family: &IntGaugeVec, shown: &mut BTreeSet<String>, values: &BTreeMap<String, u64>) {
    shown.extend(values.keys().cloned());
    for bucket in shown.iter() {
        let value = values.get(bucket).copied().unwrap_or_default();
        family.with_label_values(&[bucket]).set(i64::try_from(value).unwrap_or(i64::MAX));
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1e3
}
