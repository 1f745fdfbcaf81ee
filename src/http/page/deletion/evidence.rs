//! What each source says of a removal, one beside the other. It judges nothing.

use deltrail_core::domain::{Api, Evidence, Mark, RemovalRole, Target};
use maud::{Markup, html};

use super::super::pieces::{Column, coarse_time, table, time};
use super::super::removal::source_name;
use super::super::text::{foreign, foreign_or_dash, key};
use crate::store::{Piece, RemovalEvidence};

/// Pieces that fit beside one another.
const BESIDE_MAX: usize = 5;

/// All pieces, a column for each.
pub(super) fn side_by_side(found: &RemovalEvidence) -> Markup {
    html! {
        @if found.pieces.is_empty() {
            p { "The evidence itself is older than what is kept; the removal is still counted." }
        }
        @for pieces in found.pieces.chunks(BESIDE_MAX) { (beside(pieces)) }
        @if found.has_more_pieces { p { "There is more of it than is told here." } }
    }
}

fn beside(pieces: &[Piece]) -> Markup {
    let columns: Vec<Column> = std::iter::once(Column::text("Says"))
        .chain(pieces.iter().map(|piece| Column::wide(source_name(piece.evidence.source))))
        .collect();
    let rows = LINES.iter().filter_map(|(name, tell)| {
        let told: Vec<Option<Markup>> = pieces.iter().map(tell).collect();
        told.iter().any(Option::is_some).then(|| {
            let told = told.into_iter().map(|it| it.unwrap_or_else(|| foreign_or_dash(None)));
            std::iter::once(html! { (name) }).chain(told).collect()
        })
    });
    table("What each source says", &columns, rows)
}

/// What one piece says on one point; none when it says nothing.
type Tell = fn(&Piece) -> Option<Markup>;

const LINES: [(&str, Tell); 19] = [
    ("As", |piece| Some(html! { (role(&piece.evidence)) })),
    ("At", |piece| Some(at(&piece.evidence))),
    ("Begun", |piece| piece.evidence.started_at.map(time)),
    ("Ended", |piece| piece.evidence.ended_at.map(time)),
    ("Total time", |piece| piece.evidence.total_millis.map(|millis| html! { (millis) " ms" })),
    ("What", |piece| mark(piece.evidence.mark).map(|what| html! { (what) })),
    ("Version named", |piece| match &piece.evidence.target {
        Target::Version(id) => Some(key(id)),
        Target::Current => Some(html! { "none" }),
        Target::Unknown => None,
    }),
    ("Marker made", |piece| piece.evidence.marker_version_id.as_deref().map(key)),
    ("Status", |piece| piece.evidence.http_status.map(|status| html! { (status) })),
    ("Error", |piece| text(piece.evidence.error_code.as_deref())),
    ("Caller", |piece| text(piece.evidence.actor.principal().map(|it| it.name))),
    ("ARN", |piece| text(piece.evidence.actor.arn.as_deref())),
    ("From address", |piece| text(piece.evidence.actor.source_ip.as_deref())),
    ("Program", |piece| text(piece.evidence.actor.user_agent.as_deref())),
    ("Request id", |piece| text(piece.evidence.request_id.as_deref())),
    ("Event id", |piece| text(piece.evidence.event_id.as_deref())),
    ("Written for", |piece| written_for(&piece.evidence)),
    ("Sequencer", |piece| text(piece.evidence.sequencer.as_deref())),
    ("Stands in", |piece| Some(place(piece))),
];

fn text(text: Option<&str>) -> Option<Markup> {
    text.map(foreign)
}

fn role(evidence: &Evidence) -> &'static str {
    let is_bulk = evidence.call.is_some_and(|call| call.api == Api::DeleteObjects);
    match evidence.role {
        RemovalRole::Child => "one key of a bulk delete",
        RemovalRole::Claim => "this removal",
        RemovalRole::None if evidence.amends_event_id.is_some() => "a correction of a record",
        RemovalRole::None if is_bulk => "the bulk delete as a whole",
        RemovalRole::None => "no removal",
    }
}

fn at(evidence: &Evidence) -> Markup {
    let is_fine = evidence.at.as_millis() % 1_000 != 0 || !evidence.moment().is_coarse;
    if is_fine { time(evidence.at) } else { coarse_time(evidence.at) }
}

const fn mark(mark: Mark) -> Option<&'static str> {
    match mark {
        Mark::Unknown => None,
        Mark::Object => Some("an object, for good"),
        Mark::Version => Some("a version, for good"),
        Mark::Marker => Some("a delete marker was made"),
    }
}

fn written_for(evidence: &Evidence) -> Option<Markup> {
    let parts = [evidence.account.as_str(), evidence.region.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| foreign(&parts.join(", ")))
}

fn place(piece: &Piece) -> Markup {
    html! {
        @match &piece.place {
            Some(place) => { "record " (place.record_index) " of " (key(&place.object.key)) },
            None => span.muted { "a message, which is not kept" },
        }
    }
}
