//! Texts for people: what a terminal would obey is escaped, times say how fine their clock is. It
//! knows no deletion.

use std::fmt::Write as _;

use deltrail_core::decode::is_obeyed;
use deltrail_core::domain::{Actor, Source, SourceSet, Timestamp};

/// A text of somebody else, with everything escaped that would move a cursor or turn the reading
/// direction.
pub(in crate::cli) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_obeyed(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A text of somebody else, a dash when there is none.
pub(in crate::cli) fn shown_or_dash(text: Option<&str>) -> String {
    text.map_or_else(|| "-".to_owned(), shown)
}

/// A time to the millisecond, or to the second when its clock shows no more.
pub(in crate::cli) fn time(at: Timestamp, is_coarse: bool) -> String {
    let text = at.to_string();
    match text.strip_suffix(".000Z") {
        Some(seconds) if is_coarse => format!("{seconds}Z"),
        _ => text,
    }
}

/// Milliseconds as seconds for people: to the millisecond below a minute, else in words of time.
pub(in crate::cli) fn duration(millis: i64) -> String {
    let (sign, magnitude) =
        if millis < 0 { ("-", millis.unsigned_abs()) } else { ("", millis.unsigned_abs()) };
    let seconds = magnitude / 1_000;
    let text = match seconds {
        0..60 => format!("{seconds}.{:03} s", magnitude % 1_000),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    };
    format!("{sign}{text}")
}

/// The names of sources, in the order of their numbers.
pub(in crate::cli) fn source_names(sources: SourceSet) -> Vec<&'static str> {
    Source::ALL.into_iter().filter(|source| sources.contains(*source)).map(Source::as_str).collect()
}

/// Who asked, in one line: the name, the session apart, and what tells them from others.
pub(in crate::cli) fn who(actor: &Actor) -> Option<String> {
    let principal = actor.principal()?;
    let mut text = shown(principal.name);
    let mut add = |what: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = write!(text, ", {what}{}", shown(value));
        }
    };
    add("session ", principal.session);
    add("", actor.arn.as_deref().filter(|arn| *arn != principal.name));
    add("account ", actor.account_id.as_deref().filter(|_| actor.arn.is_none()));
    add("access key ", actor.access_key_id.as_deref());
    add("through ", actor.invoked_by.as_deref().filter(|service| *service != principal.name));
    add("", actor.console.then_some("in the console"));
    Some(text)
}

/// Who asked, as short as can be.
pub(in crate::cli) fn who_briefly(actor: &Actor) -> String {
    let Some(principal) = actor.principal() else { return "no source tells who".to_owned() };
    let session = principal.session.map(|session| format!(", session {}", shown(session)));
    shown(principal.name) + &session.unwrap_or_default()
}

/// Where a request came from, in one line.
pub(in crate::cli) fn origin(actor: &Actor) -> Option<String> {
    let parts = [actor.source_ip.as_deref(), actor.user_agent.as_deref()];
    let parts: Vec<String> = parts.into_iter().flatten().map(shown).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Rows of cells under a header, each column as wide as its widest cell.
pub(in crate::cli) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(shown("a\u{1b}[2Jb\r\n\u{9b}"), "a\\u{1b}[2Jb\\r\\n\\u{9b}");
        assert_eq!(shown("exe\u{202e}gpj.\u{200b}"), "exe\\u{202e}gpj.\\u{200b}");
        assert_eq!(shown("ключ 図 a%20b\\"), "ключ 図 a%20b\\");
    }

    #[test]
    fn a_coarse_clock_is_seen_in_the_time() {
        let at = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
        assert_eq!(time(at, true), "2026-11-23T10:00:00Z");
        assert_eq!(time(at, false), "2026-11-23T10:00:00.000Z");
    }

    #[test]
    fn durations_are_read_at_a_glance() {
        let told = [42, -42, 59_999, 61_000, 3_720_000].map(duration);
        assert_eq!(told, ["0.042 s", "-0.042 s", "59.999 s", "1 min 1 s", "1 h 2 min"]);
    }
}
