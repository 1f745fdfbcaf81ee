//! `/sources`: where evidence comes from, how far each source has come, what was not understood,
//! and what cannot be found for want of a source. It decides none of that.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use deltrail_core::domain::{Detector, Source, Timestamp};
use maud::{Markup, html};

use super::super::app::Shared;
use super::super::app::ask::answer;
use super::super::problem::Problem;
use super::super::told::missing;
use super::findings::learning;
use super::layout::{Page, Section};
use super::parameters::link;
use super::pieces::{
    Column, Tone, count, duration, empty, minute, notice, section, table, tag, time,
};
use super::text::{foreign, foreign_or_dash, key};
use crate::store::{Completeness, FindingFilter, RejectRow, SourceHealth, SourceState};

/// Shows all sources.
pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let health = answer(&shared, |store| store.source_health()).await?;
    let newest = FindingFilter { limit: 1, ..FindingFilter::default() };
    let found = answer(&shared, |store| store.findings(newest)).await?;
    let now = (shared.state.clock)();
    let page = Page::new(&shared, "Sources")
        .section(Section::Sources)
        .lead(html! { "What tells of deletions, how far it has come, and what is missing." })
        .complete(&health.completeness);
    Ok(page.show(&html! {
        (learning(&found, now))
        (section("How far each source has come", &progress(&health.completeness, now)))
        (section("What nobody tells", &unsaid(&health.completeness)))
        (section("Bulk deletes without keys", &unresolved(&health)))
        (section("What was not understood", &rejects(&health.rejects)))
        div #detectors {
            (section("Detectors that cannot look", &detectors(&found.detectors_off())))
        }
    }))
}

fn progress(completeness: &Completeness, now: Timestamp) -> Markup {
    let columns = [
        Column::text("Source"),
        Column::text("Account"),
        Column::text("Region"),
        Column::text("Complete up to"),
        Column::number("Behind"),
        Column::text("Last delivery"),
        Column::wide("State"),
    ];
    let row = |state: &SourceState| {
        vec![
            html! { (name(state.key.source)) },
            foreign_or_dash(Some(state.key.account.as_str()).filter(|text| !text.is_empty())),
            foreign_or_dash(Some(state.key.region.as_str()).filter(|text| !text.is_empty())),
            or_dash(state.watermark_at, minute),
            or_dash(state.watermark_at, |at| duration(now.millis_since(at).max(0))),
            or_dash(state.last_delivery_at, time),
            health(state),
        ]
    };
    html! {
        @if completeness.sources.is_empty() {
            (empty(&html! {
                p { "Nothing has arrived yet that tells how complete it is." }
                p { "CloudTrail delivers 2 to 20 minutes after the event. If nothing comes at all, "
                    code { "deltrail doctor" } " looks for the reason." }
            }))
        } @else {
            (table("One row for each source, account and region", &columns,
                completeness.sources.iter().map(row)))
        }
    }
}

/// Sources and up to when each is complete, in few columns.
pub(super) fn states(caption: &str, completeness: &Completeness) -> Markup {
    let columns = [
        Column::text("Source"),
        Column::text("Account and region"),
        Column::text("Complete up to"),
        Column::wide("State"),
    ];
    let row = |state: &SourceState| {
        vec![
            html! { (name(state.key.source)) },
            html! { (foreign(&state.key.account)) " " (foreign(&state.key.region)) },
            or_dash(state.watermark_at, minute),
            health(state),
        ]
    };
    html! {
        @if completeness.sources.is_empty() {
            p.muted { "No source says up to when it is complete." }
        } @else {
            (table(caption, &columns, completeness.sources.iter().map(row)))
        }
    }
}

fn or_dash<T>(value: Option<T>, show: impl FnOnce(T) -> Markup) -> Markup {
    value.map_or_else(|| foreign_or_dash(None), show)
}

/// A source as people call it.
pub(super) const fn name(source: Source) -> &'static str {
    match source {
        Source::CloudTrail => "CloudTrail",
        Source::S3Notification => "S3 notifications",
        Source::EventBridge => "EventBridge",
        Source::AccessLog => "Access logs",
        Source::Intent => "Declared intents",
    }
}

/// Sources by their words in the API.
fn names(words: &[&str]) -> String {
    let source = |word: &&str| Source::ALL.into_iter().find(|it| it.as_str() == *word);
    let names: Vec<&str> = words.iter().filter_map(source).map(name).collect();
    names.join(" or ")
}

fn health(state: &SourceState) -> Markup {
    if state.is_silent {
        tag(Tone::Warning, "silent for a day while others told")
    } else if state.watermark_at.is_none() {
        tag(Tone::Info, "nothing says how complete it is")
    } else {
        tag(Tone::Good, "tells")
    }
}

fn unsaid(completeness: &Completeness) -> Markup {
    let missing = missing(completeness);
    html! {
        @if missing.is_empty() {
            p.muted { "Nothing: who, what and whether it was confirmed are told." }
        }
        @for it in &missing {
            (notice(Tone::Warning, &html! {
                "no " (names(it.sources)) ": " (it.means) ". To change that, " (it.remedy) "."
            }))
        }
    }
}

fn unresolved(health: &SourceHealth) -> Markup {
    let columns = [Column::wide("Bucket"), Column::number("Bulk deletes")];
    let row = |(bucket, calls): &(String, u64)| {
        let href = link("/deletions", &[("bucket", Some(bucket))]);
        vec![html! { a href=(href) { (key(bucket)) } }, count(*calls)]
    };
    html! {
        @if health.unresolved.is_empty() {
            p.muted { "None: of every bulk delete that is settled, some source tells the keys." }
        } @else {
            p {
                "S3 accepted these DeleteObjects calls, and no source tells what was in them. "
                "Notifications or access logs of the bucket tell the keys of the next ones."
            }
            (table("Accepted bulk deletes of which no key is known", &columns,
                health.unresolved.iter().map(row)))
        }
    }
}

fn rejects(rejects: &[RejectRow]) -> Markup {
    let columns = [
        Column::text("When"),
        Column::text("Source"),
        Column::text("Reason"),
        Column::text("What exactly"),
        Column::wide("Where it came from"),
    ];
    let row = |reject: &RejectRow| {
        vec![
            time(reject.at),
            html! { (name(reject.source)) },
            html! { code { (foreign(&reject.reason)) } },
            foreign(&reject.detail),
            origin(reject),
        ]
    };
    html! {
        @if rejects.is_empty() { p.muted { "Nothing was rejected." } }
        @else { (table("The newest of what was rejected", &columns, rejects.iter().map(row))) }
    }
}

fn origin(reject: &RejectRow) -> Markup {
    html! {
        @if let Some((bucket, name)) = &reject.log_object {
            div {
                (key(&format!("s3://{bucket}/{name}")))
                @if let Some(index) = reject.record_index { ", record " (index) }
            }
        }
        @if let Some(queue) = &reject.queue {
            div {
                "queue " (foreign(queue))
                @if let Some(id) = &reject.message_id { ", message " (key(id)) }
            }
        }
    }
}

fn detectors(off: &[(Detector, &'static str)]) -> Markup {
    let columns = [Column::text("Detector"), Column::wide("Off, because")];
    let row = |(detector, because): &(Detector, &'static str)| {
        vec![html! { code { (detector.as_str()) } }, html! { (because) }]
    };
    html! {
        @if off.is_empty() { p.muted { "None: what each of them needs is told." } }
        @else {
            (table("What cannot be found until more is told", &columns, off.iter().map(row)))
        }
    }
}

#[cfg(test)]
mod tests;
