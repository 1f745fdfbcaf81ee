//! What a person is told of a finding: the same words in alerts, chats, answers and logs. It knows
//! no way of sending them, and no markup of those who show them.

mod advice;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Detector, Finding, Source, State, Timestamp};

pub use advice::next_steps;

/// How many sample keys are told.
const KEYS_TOLD: usize = 5;
/// How many characters of a key, a name or a prefix are told.
const NAME_CHARS_MAX: usize = 200;

/// How far a finding has come, and how complete what it rests on is.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// How far it has come.
    pub state: State,
    /// Whether evidence of it still came in lately.
    pub is_rising: bool,
    /// Up to when each source that tells of its bucket is complete.
    pub watermarks: &'a BTreeMap<Source, Timestamp>,
    /// Why it was withdrawn, when it was.
    pub withdrawn_because: Option<&'a str>,
}

/// What is told, piece by piece, for those who lay it out themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingText {
    /// One line: how severe, what, who, how much, where.
    pub title: String,
    /// Names of the pieces, each with its text of one line; none is ever missing.
    pub fields: Vec<(&'static str, String)>,
}

impl FindingText {
    /// What is told of a finding that stands so.
    #[must_use]
    pub fn of(finding: &Finding, standing: &Standing<'_>) -> Self {
        let mut fields = vec![
            ("How unusual", shown(&finding.reason.sentence)),
            ("When", when(finding, standing)),
            ("Who", who(finding)),
            ("From", from(finding)),
            ("Kind", kind(finding)),
            ("Keys", keys(finding)),
            ("Also", also(finding)),
            ("Do", advice::advice(finding)),
        ];
        if let Some(because) = standing.withdrawn_because {
            fields.insert(0, ("Withdrawn", shown(because)));
        }
        Self { title: title(finding, standing.state), fields }
    }

    /// As lines: the title, then each piece on a line of its own.
    #[must_use]
    pub fn lines(&self) -> String {
        self.fields.iter().fold(self.title.clone(), |mut lines, (name, text)| {
            // Writing to a text cannot fail.
            let _ = write!(lines, "\n  {name}: {text}");
            lines
        })
    }

    /// The same in at most so many characters: pieces are cut or left out from those that can best
    /// be looked up, and what is left ends with "..." where it was cut.
    #[must_use]
    pub fn lines_within(&self, chars_max: usize) -> String {
        const FIRST: [&str; 8] =
            ["Withdrawn", "How unusual", "Do", "When", "Who", "Kind", "From", "Also"];
        let mut left = chars_max.saturating_sub(count(&self.title));
        let mut kept: BTreeMap<usize, String> = BTreeMap::new();
        let place = |name: &str| FIRST.iter().position(|it| *it == name).unwrap_or(FIRST.len());
        let mut order: Vec<usize> = (0..self.fields.len()).collect();
        order.sort_by_key(|index| place(self.fields[*index].0));
        for index in order {
            let (name, text) = &self.fields[index];
            let line = format!("\n  {name}: {text}");
            let room = left.min(count(&line));
            // A line that is cut to its name tells nothing.
            if room == count(&line) || room > count(name) + 24 {
                kept.insert(index, cut(&line, room));
                left -= room;
            }
        }
        let mut lines = cut(&self.title, chars_max);
        lines.extend(kept.into_values());
        lines
    }
}

/// One line: how severe, what, who, how much, where.
#[must_use]
pub fn title(finding: &Finding, state: State) -> String {
    let standing = match state {
        State::Open => finding.severity.as_str().to_owned(),
        State::Resolved | State::Withdrawn => {
            format!("{}, {}", state.as_str(), finding.severity.as_str())
        }
    };
    let place = if finding.bucket.is_empty() {
        String::new()
    } else {
        format!(" in s3://{}", shown(&finding.bucket))
    };
    let prefix = finding.prefixes.first().map_or_else(String::new, |prefix| {
        let more = if finding.prefixes.len() > 1 { " and more" } else { "" };
        format!(" (prefix {}{more})", shown(prefix))
    });
    let detector = finding.detector.as_str();
    format!("[{standing}] {detector}: {}{place}{prefix}", what(finding))
}

/// Who did how much.
fn what(finding: &Finding) -> String {
    let name = actor(finding);
    let observed = finding.reason.observed;
    let removed = finding.tally.removed();
    match finding.detector {
        Detector::DeleteDenied => {
            let (deletes, were) =
                (some(finding.tally.denied, "delete"), were(finding.tally.denied));
            format!("{deletes} by {name} {were} refused")
        }
        Detector::VersionPurge => {
            format!("{name} removed {} for good", some(finding.tally.versions, "version"))
        }
        Detector::LifecycleSurge => {
            format!("lifecycle rules removed {}", some(observed, "object"))
        }
        Detector::StaleDelete => {
            format!("{name} removed {}", some(observed, "fresh upload"))
        }
        Detector::RedundantDelete => {
            format!("{name} deleted {} again", some(observed, "key"))
        }
        Detector::ProtectionOff => format!("{name} switched off what protects objects"),
        Detector::LogTamper => format!("{name} changed what tells of deletions"),
        Detector::BlindSpot => "removals are not told by every source".to_owned(),
        Detector::UnfulfilledIntent => {
            format!("{} did not happen", some(observed, "declared delete"))
        }
        Detector::LatencySlo => {
            format!("{} took too long", some(observed, "delete"))
        }
        Detector::ReadThenDestroy if removed == 0 => {
            format!("{name} encrypted {} with a foreign key", some(observed, "object"))
        }
        Detector::ReadThenDestroy => {
            format!("{name} read and removed {}", some(removed, "object"))
        }
        Detector::MassDelete
        | Detector::OffPattern
        | Detector::NewDeleter
        | Detector::NewOrigin => format!("{name} removed {}", some(removed, "object")),
    }
}

/// So many of a thing.
pub(crate) fn some(count: u64, thing: &str) -> String {
    if count == 1 { format!("{count} {thing}") } else { format!("{count} {thing}s") }
}

const fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

fn actor(finding: &Finding) -> String {
    let Some(first) = finding.who.first() else { return "somebody".to_owned() };
    let name = shown(&first.principal);
    match finding.principals.saturating_sub(1) {
        0 => name,
        1 => format!("{name} and another one"),
        more => format!("{name} and {more} others"),
    }
}

fn when(finding: &Finding, standing: &Standing<'_>) -> String {
    let begin = minute(finding.first_at);
    let last = minute(finding.last_at);
    let same_day = begin.get(..10) == last.get(..10);
    let last = if same_day { last.get(11..).unwrap_or(&last) } else { &last };
    let mut text = format!("{begin} to {last} UTC");
    let rising = match (standing.state, standing.is_rising) {
        (State::Open, true) => "still rising",
        (State::Open, false) => "no longer rising",
        (State::Resolved, _) => "nothing for half an hour",
        (State::Withdrawn, _) => "no longer supported by what is known",
    };
    let complete: Vec<String> = standing
        .watermarks
        .iter()
        .map(|(source, at)| format!("{} complete to {}", source.as_str(), minute(*at)))
        .collect();
    let complete = if complete.is_empty() {
        "no source says how complete it is".to_owned()
    } else {
        complete.join(", ")
    };
    let may = match standing.state {
        State::Withdrawn => "",
        _ if may_be_withdrawn(finding.detector) => "; may still be withdrawn",
        _ => "; numbers can only grow",
    };
    // Writing to a text cannot fail.
    let _ = write!(text, " ({rising}; {complete}{may})");
    text
}

/// Whether later evidence may take it back: an absence, what a write in between would excuse, or a
/// share of what was removed.
fn may_be_withdrawn(detector: Detector) -> bool {
    matches!(
        detector,
        Detector::StaleDelete
            | Detector::RedundantDelete
            | Detector::BlindSpot
            | Detector::UnfulfilledIntent
            | Detector::ReadThenDestroy
    )
}

fn who(finding: &Finding) -> String {
    if finding.who.is_empty() {
        return "no source names anybody yet".to_owned();
    }
    let mut told: Vec<String> = Vec::new();
    for who in &finding.who {
        let mut text = shown(&who.principal);
        if !who.sessions.is_empty() {
            let sessions: Vec<String> = who.sessions.iter().map(|it| shown(it)).collect();
            let _ = write!(text, " (session {})", sessions.join(", "));
        }
        if who.objects > 0 {
            let _ = write!(text, " {}", who.objects);
        }
        told.push(text);
    }
    let more = finding.principals.saturating_sub(finding.who.len() as u64);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told.join("; ")
}

fn from(finding: &Finding) -> String {
    let list = |names: &[String], missing: &str| {
        if names.is_empty() {
            return missing.to_owned();
        }
        names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ")
    };
    let origins = list(&finding.origins, "no address told");
    format!("{origins}; {}", list(&finding.agents, "no user agent told"))
}

fn kind(finding: &Finding) -> String {
    let tally = &finding.tally;
    let mut told = Vec::new();
    for (count, words) in [
        (tally.markers, "delete markers (recoverable: remove the marker)"),
        (tally.versions, "versions for good"),
        (tally.objects, "objects of a bucket without versions, for good"),
        (tally.unknown, "of a kind that no source says yet"),
        (tally.denied, "refused"),
    ] {
        if count > 0 {
            told.push(format!("{count} {words}"));
        }
    }
    if told.is_empty() { "nothing was removed".to_owned() } else { told.join(", ") }
}

fn keys(finding: &Finding) -> String {
    if finding.sample_keys.is_empty() {
        return "none known".to_owned();
    }
    let told = finding.sample_keys.iter().take(KEYS_TOLD);
    let mut keys = told.map(|key| shown(key)).collect::<Vec<_>>().join(", ");
    let all = finding.tally.removed().max(finding.sample_keys.len() as u64);
    let more = all.saturating_sub(finding.sample_keys.len().min(KEYS_TOLD) as u64);
    if more > 0 {
        let _ = write!(keys, " and {more} more");
    }
    keys
}

fn also(finding: &Finding) -> String {
    let related = finding.related.iter().map(|detector| detector.as_str().to_owned());
    let told: Vec<String> = related.chain(finding.notes.iter().map(|it| shown(it))).collect();
    if told.is_empty() { "nothing else was found".to_owned() } else { told.join("; ") }
}

/// `2026-11-23 10:05`.
fn minute(at: Timestamp) -> String {
    at.to_string().replace('T', " ").chars().take(16).collect()
}

/// A text of others on one line: what would break it, or turn the direction of reading, is escaped.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (place, letter) in text.chars().enumerate() {
        if place == NAME_CHARS_MAX {
            shown.push_str("...");
            break;
        }
        let is_hidden = letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(letter, '\u{2066}'..='\u{2069}' | '\u{feff}');
        if is_hidden {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

fn count(text: &str) -> usize {
    text.chars().count()
}

/// The text in at most so many characters.
fn cut(text: &str, chars_max: usize) -> String {
    if count(text) <= chars_max {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(chars_max.saturating_sub(3)).collect();
    cut.extend(std::iter::repeat_n('.', chars_max.min(3)));
    cut
}

#[cfg(test)]
mod tests;
