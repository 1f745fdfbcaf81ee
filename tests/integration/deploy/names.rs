//! Rules and dashboards speak of metrics and labels that the program has, and put the series of
//! several replicas together as the program means them.

use std::collections::BTreeSet;

use deltrail::metrics::{Described, Kind, described};
use deltrail_core::domain::Detector;

use super::dashboards::{panels, variables};
use super::promql::{Expression, Reference, read};
use super::rules::{Rule, rules};

/// Labels that are put on by Prometheus, by Kubernetes, or by our own rules.
const LABELS_OF_OTHERS: [&str; 6] = ["instance", "job", "pod", "le", "alertname", "missing"];

/// What a rule or panel speaks of, with where that stands.
fn expressions() -> Option<Vec<(String, Expression)>> {
    let of_rules = rules()?.iter().map(|rule| (rule.name().to_owned(), read(rule.query())));
    let of_panels = panels().into_iter().flat_map(|panel| {
        let about = format!("{}: {}", panel.dashboard, panel.title);
        panel.targets.into_iter().map(move |target| (about.clone(), read(&target.expression)))
    });
    Some(of_rules.chain(of_panels).collect())
}

/// The family of a series: that of a histogram for its parts.
fn family(name: &str) -> Option<Described> {
    let families = described();
    let of_name = |wanted: &str| families.iter().find(|family| family.name == wanted).copied();
    let of_part = ["_bucket", "_sum", "_count"].iter().find_map(|part| {
        of_name(name.strip_suffix(part)?).filter(|family| family.kind == Kind::Histogram)
    });
    of_name(name).filter(|family| family.kind != Kind::Histogram).or(of_part)
}

#[test]
fn rules_and_panels_speak_of_what_the_program_exports() {
    let Some(expressions) = expressions() else { return };
    let recorded: BTreeSet<&str> =
        rules().unwrap().iter().filter(|rule| !rule.is_alert()).map(Rule::name).collect();
    let known: BTreeSet<&str> = described()
        .iter()
        .flat_map(|family| family.labels.iter().copied())
        .chain(LABELS_OF_OTHERS)
        .collect();
    assert!(expressions.len() > 80, "rules and panels are read");
    for (about, expression) in &expressions {
        for Reference { name, labels, .. } in &expression.references {
            if name.contains(':') {
                assert!(recorded.contains(name.as_str()), "{about}: no rule records {name}");
                continue;
            }
            let family = family(name).unwrap_or_else(|| panic!("{about}: no metric {name}"));
            let strange =
                labels.iter().find(|it| *it != "le" && !family.labels.contains(&it.as_str()));
            assert_eq!(strange, None, "{about}: {name} has the labels {:?}", family.labels);
        }
        let strange = expression.groupings.iter().find(|label| !known.contains(label.as_str()));
        assert_eq!(strange, None, "{about}: no series has this label");
    }
}

/// Every replica shows the same store, so their sum would count it as often as there are replicas;
/// and each counts its own work, so the largest would leave the others out.
#[test]
fn replicas_are_neither_counted_twice_nor_left_out() {
    let Some(expressions) = expressions() else { return };
    for (about, expression) in &expressions {
        for Reference { name, aggregation, .. } in &expression.references {
            let Some(family) = family(name) else { continue };
            let aggregation = aggregation.as_deref();
            if family.is_durable {
                assert_eq!(aggregation, Some("max"), "{about}: {name} is of the store");
            } else if family.kind != Kind::Gauge {
                assert_eq!(aggregation, Some("sum"), "{about}: {name} is of one process");
            }
        }
    }
}

#[test]
fn variables_ask_for_labels_that_the_program_has() {
    for (about, query) in variables() {
        let inside = query.strip_prefix("label_values(").and_then(|it| it.strip_suffix(')'));
        let (name, label) = inside.and_then(|it| it.split_once(", ")).unwrap_or_default();
        let labels = family(name).map_or(&[][..], |family| family.labels);
        assert!(labels.contains(&label), "{about}: {query}: {name} has the labels {labels:?}");
    }
}

#[test]
fn the_detector_that_the_fallback_stands_in_for_is_one() {
    let Some(rules) = rules() else { return };
    let fallback = rules.iter().filter(|rule| rule.name() == "DeltrailMassDeletion");
    let wanted = format!("detector=\"{}\"", Detector::MassDelete.as_str());
    let named = fallback.map(|rule| rule.query().contains(&wanted));
    assert_eq!(named.collect::<Vec<_>>(), [true, true]);
}
