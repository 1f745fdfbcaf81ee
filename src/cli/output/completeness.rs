//! How far an answer may be believed, in lines for people.

use std::fmt::Write as _;

use super::text::shown;
use crate::http::told::missing;
use crate::store::{Completeness, SourceState};

/// Why a removal is not called stale, and never can be.
pub(in crate::cli) const STALE_IS_OFF: &str =
    "off, because no ObjectCreated notifications of this bucket are known";

/// Completeness in lines for people.
pub(in crate::cli) fn lines(completeness: &Completeness) -> Vec<String> {
    let mut lines = vec![match completeness.until {
        Some(until) => format!("complete up to {until}; later removals may still be on their way"),
        None => "nothing that was delivered says up to when this is complete".to_owned(),
    }];
    lines.extend(completeness.sources.iter().map(line_of));
    lines.extend(missing(completeness).into_iter().map(|it| {
        let sources = it.sources.join(" or ");
        format!("no {sources}: {}; to change that, {}", it.means, it.remedy)
    }));
    lines
}

fn line_of(state: &SourceState) -> String {
    let mut line = state.key.source.as_str().to_owned();
    let place: Vec<String> = [&state.key.account, &state.key.region]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| shown(text))
        .collect();
    if !place.is_empty() {
        let _ = write!(line, " ({})", place.join(", "));
    }
    match state.watermark_at {
        Some(at) => {
            let _ = write!(line, ": complete up to {at}");
        }
        None => line.push_str(": not known up to when it is complete"),
    }
    if let Some(at) = state.last_delivery_at {
        let _ = write!(line, ", last delivery {at}");
    }
    if state.is_silent {
        line.push_str(", silent for more than a day while others told");
    }
    line
}
