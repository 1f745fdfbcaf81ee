//! Who, from where, and what: the facts of a finding, each leading to its deletions.

use deltrail_core::domain::Who;
use maud::{Markup, html};

use super::super::parameters::link;
use super::super::pieces::{count, counted, pairs};
use super::super::text::{foreign, key};
use crate::store::FindingRow;

/// What is known, as names and values.
pub(super) fn facts(row: &FindingRow) -> Markup {
    let finding = &row.finding;
    let mut facts = vec![
        ("Detector", html! { code { (finding.detector.as_str()) } }),
        ("Who", who(row)),
        ("From", list(&finding.origins, "no source tells an address")),
        ("With", list(&finding.agents, "no source tells a program")),
        ("Removed", removed(row)),
    ];
    if finding.tally.denied > 0 {
        facts.push(("Refused", html! { (counted(finding.tally.denied, "request", "requests")) }));
    }
    if !finding.prefixes.is_empty() {
        facts.push(("Prefixes", prefixes(row)));
    }
    if !finding.notes.is_empty() {
        facts.push(("Besides", list(&finding.notes, "")));
    }
    if !finding.bucket.is_empty() {
        let href = link("/deletions", &[("bucket", Some(&finding.bucket))]);
        facts.insert(1, ("Bucket", html! { a href=(href) { (key(&finding.bucket)) } }));
    }
    pairs(facts)
}

fn who(row: &FindingRow) -> Markup {
    let finding = &row.finding;
    let more = finding.principals.saturating_sub(finding.who.len() as u64);
    html! {
        @if finding.who.is_empty() { span.muted { "no source names anybody yet" } }
        @else {
            ul.plain {
                @for who in &finding.who { li { (principal(row, who)) } }
                @if more > 0 { li.muted { "and " (more) " more" } }
            }
        }
    }
}

fn principal(row: &FindingRow, who: &Who) -> Markup {
    let bucket = Some(row.finding.bucket.as_str());
    let href = link("/deletions", &[("bucket", bucket), ("principal", Some(&who.principal))]);
    html! {
        a href=(href) { (foreign(&who.principal)) }
        @for session in &who.sessions { ", session " (foreign(session)) }
        @if who.objects > 0 { span.muted { ": " (counted(who.objects, "object", "objects")) } }
    }
}

fn removed(row: &FindingRow) -> Markup {
    let tally = &row.finding.tally;
    let kinds = [
        (tally.markers, "hidden by delete markers, and recoverable by removing them"),
        (tally.versions, "versions removed for good"),
        (tally.objects, "objects of a bucket without versions, for good"),
        (tally.unknown, "of a kind that no source says yet"),
    ];
    html! {
        @if tally.removed() == 0 { "nothing" }
        @else {
            ul.plain {
                @for (number, words) in kinds {
                    @if number > 0 { li { (count(number)) " " (words) } }
                }
            }
        }
    }
}

fn prefixes(row: &FindingRow) -> Markup {
    let finding = &row.finding;
    let (since, until) = (finding.first_at.to_string(), finding.last_at.to_string());
    let href = |prefix: &str| {
        let bucket = Some(finding.bucket.as_str());
        let (since, until) = (Some(since.as_str()), Some(until.as_str()));
        let given =
            [("bucket", bucket), ("prefix", Some(prefix)), ("since", since), ("until", until)];
        link("/deletions", &given)
    };
    html! {
        ul.plain {
            @for prefix in &finding.prefixes { li { a href=(href(prefix)) { (key(prefix)) } } }
        }
    }
}

fn list(texts: &[String], missing: &'static str) -> Markup {
    html! {
        @if texts.is_empty() { span.muted { (missing) } }
        @else { ul.plain { @for text in texts { li { (foreign(text)) } } } }
    }
}
