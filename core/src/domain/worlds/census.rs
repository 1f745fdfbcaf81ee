//! How often everything occurred. A run in which something is rare proves little about it, so the
//! census fails below [`OCCURRENCES_MIN`].

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::domain::SourceSet;

use super::shaking::{WRITERS, kept_in};

pub(super) const OCCURRENCES_MIN: usize = 100;

/// What has to occur beside the key classes and the sets of missing sources.
const EXPECTED: [&str; 52] = [
    "single delete",
    "single delete, denied",
    "single delete, failed",
    "bulk delete",
    "bulk delete, denied",
    "bulk delete, failed",
    "bulk delete, refused in part",
    "object",
    "version deleted by its id",
    "marker",
    "null marker",
    "null version deleted by name",
    "marker deleted by its id",
    "missing key",
    "lifecycle of an object",
    "lifecycle of a noncurrent version",
    "lifecycle marker",
    "replicated marker, told",
    "replicated marker, not told",
    "cross-account call",
    "amended caller",
    "duplicate client call",
    "two children of one key",
    "upload",
    "replacing upload",
    "intent",
    "plain",
    "space",
    "plus",
    "percent",
    "unicode",
    "slash",
    "child: call's request id, version",
    "child: call's request id, version, own shared id",
    "child: call's request id, version, call's shared id",
    "child: call's request id, no version",
    "child: call's request id, no version, own shared id",
    "child: call's request id, no version, call's shared id",
    "child: no call's id, version",
    "child: no call's id, version, own shared id",
    "child: no call's id, version, call's shared id",
    "child: no call's id, no version",
    "child: no call's id, no version, own shared id",
    "child: no call's id, no version, call's shared id",
    "redelivery",
    "order: by time",
    "order: latest first",
    "order: source after source",
    "order: none",
    "cut: one batch",
    "cut: one by one",
    "cut: anywhere",
];

/// What has to be said of removals and intents.
const VERDICTS: [&str; 6] = [
    "duplicate",
    "stale",
    "undelete",
    "slots where every request is told apart",
    "intent fulfilled",
    "intent not fulfilled",
];

#[derive(Debug, Default)]
pub(super) struct Census(BTreeMap<String, usize>);

impl Census {
    pub(super) fn see(&mut self, what: &str) {
        self.see_times(what, 1);
    }

    pub(super) fn see_times(&mut self, what: &str, times: usize) {
        *self.0.entry(what.to_owned()).or_default() += times;
    }

    pub(super) fn see_missing(&mut self, kept: SourceSet) {
        self.see(&missing(kept));
    }

    /// Everything that occurred, a line each.
    pub(super) fn table(&self) -> String {
        self.0.iter().fold(String::new(), |mut table, (what, count)| {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "{count:>9}  {what}");
            table
        })
    }

    /// What happened too seldom, or is not known to the census.
    pub(super) fn complaints(&self) -> Vec<String> {
        let sets = (0..15).map(|nth| missing(kept_in(nth)));
        let expected: Vec<String> = EXPECTED.into_iter().map(str::to_owned).chain(sets).collect();
        self.rare_or_unknown(&expected)
    }

    /// The same of what was said.
    pub(super) fn complaints_of_verdicts(&self) -> Vec<String> {
        self.rare_or_unknown(&VERDICTS.map(str::to_owned))
    }

    fn rare_or_unknown(&self, expected: &[String]) -> Vec<String> {
        let count = |what: &String| self.0.get(what).copied().unwrap_or_default();
        let rare = expected.iter().filter(|what| count(what) < OCCURRENCES_MIN);
        let unknown = self.0.keys().filter(|what| !expected.contains(what));
        rare.map(|what| format!("only {} times: {what}", count(what)))
            .chain(unknown.map(|what| format!("not in the census: {what}")))
            .collect()
    }
}

fn missing(kept: SourceSet) -> String {
    let names: Vec<&str> = WRITERS
        .into_iter()
        .filter(|source| !kept.contains(*source))
        .map(crate::domain::Source::as_str)
        .collect();
    format!("missing: {}", if names.is_empty() { "none".into() } else { names.join(", ") })
}
