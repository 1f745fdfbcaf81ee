//! Drawings: numbers side by side, a share of a whole. They are made of attributes alone, hidden
//! from whoever does not see them, and always stand beside the numbers themselves. It knows not
//! what is counted.

use maud::{Markup, html};

use super::pieces::grouped;

/// The width of a bar that is all there is.
const WHOLE: f64 = 100.0;

/// Numbers side by side, each with its name.
pub(super) fn compared(rows: &[(&str, u64, &'static str)]) -> Markup {
    let top = rows.iter().map(|(_, value, _)| *value).max().unwrap_or(0);
    html! {
        dl.compared {
            @for (name, value, colour) in rows {
                div {
                    dt { (name) }
                    dd { (share(*value, top, colour)) span.number { (grouped(*value)) } }
                }
            }
        }
    }
}

/// How much of a whole something is.
fn share(value: u64, whole: u64, colour: &str) -> Markup {
    let width = value as f64 / whole.max(1) as f64 * WHOLE;
    html! {
        svg.share viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"
            focusable="false" {
            rect.rest width="100" height="10" {}
            rect class=(colour) width=(short(width.min(WHOLE))) height="10" {}
        }
    }
}

/// A coordinate, to a hundredth.
fn short(place: f64) -> String {
    let text = format!("{place:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
