//! How far an answer may be believed: who tells of a bucket and up to when, who does not, what that
//! means, and what to switch on. It knows no answer.

use maud::{Markup, html};

use super::pieces::{Column, Tone, minute, section, table, tag};
use super::removal::source_name;
use super::text::foreign;
use crate::http::told::missing;
use crate::store::{Completeness, SourceState};

/// All of it, in a section.
pub(super) fn extent(completeness: &Completeness) -> Markup {
    let body = html! {
        p {
            @match completeness.until {
                Some(until) => {
                    "The log is complete up to " strong { (minute(until)) }
                    ". What was removed later may still be on its way."
                },
                None => "Nothing that was delivered says up to when this is complete.",
            }
        }
        @if completeness.sources.is_empty() {
            p { "No source has told of this bucket yet." }
        } @else {
            (sources(&completeness.sources))
        }
        (gaps(completeness))
    };
    section("How complete this is", &body)
}

/// What nobody tells, and how to change that.
pub(super) fn gaps(completeness: &Completeness) -> Markup {
    let missing = missing(completeness);
    html! {
        @if !missing.is_empty() {
            h3 { "What is missing" }
            ul {
                @for gap in &missing {
                    li {
                        "No " (gap.sources.join(" or ")) ": " (gap.means) ". To change that, "
                        (gap.remedy) "."
                    }
                }
            }
        }
    }
}

fn sources(states: &[SourceState]) -> Markup {
    let columns = [
        Column::text("Source"),
        Column::text("Account"),
        Column::text("Region"),
        Column::text("Complete up to"),
        Column::text("Last delivery"),
        Column::text("Last event"),
    ];
    let never = || html! { span.muted { "not known" } };
    let cells = |state: &SourceState| {
        vec![
            html! {
                (source_name(state.key.source))
                @if state.is_silent { " " (tag(Tone::Warning, "silent for more than a day")) }
            },
            foreign(&state.key.account),
            foreign(&state.key.region),
            state.watermark_at.map_or_else(never, minute),
            state.last_delivery_at.map_or_else(never, minute),
            state.newest_event_at.map_or_else(never, minute),
        ]
    };
    table("Sources that tell of it", &columns, states.iter().map(cells))
}
