//! How the words of the domain are written in a store's columns, and read back. Both stores write
//! them alike; what is not known reads as `None`, since a newer version may have written it.

use deltrail_core::domain::{Api, Cause, Kind, Mark, Outcome, Part, RemovalRole, Source, Target};

pub(super) fn source(text: &str) -> Option<Source> {
    Source::ALL.into_iter().find(|source| source.as_str() == text)
}

pub(super) fn api(text: &str) -> Option<Api> {
    [Api::DeleteObject, Api::DeleteObjects].into_iter().find(|api| api.as_str() == text)
}

pub(super) fn outcome(text: &str) -> Option<Outcome> {
    let all = [Outcome::Ok, Outcome::Failed, Outcome::Denied];
    all.into_iter().find(|outcome| outcome.as_str() == text)
}

pub(super) fn cause(text: &str) -> Option<Cause> {
    [Cause::Api, Cause::Lifecycle].into_iter().find(|cause| cause.as_str() == text)
}

pub(super) fn kind(text: &str) -> Option<Kind> {
    Kind::named(text)
}

pub(super) const fn role_text(role: RemovalRole) -> &'static str {
    match role {
        RemovalRole::None => "none",
        RemovalRole::Claim => "claim",
        RemovalRole::Child => "child",
    }
}

pub(super) fn role(text: &str) -> Option<RemovalRole> {
    let all = [RemovalRole::None, RemovalRole::Claim, RemovalRole::Child];
    all.into_iter().find(|role| role_text(*role) == text)
}

pub(super) const fn mark_text(mark: Mark) -> &'static str {
    match mark {
        Mark::Unknown => "unknown",
        Mark::Object => "object",
        Mark::Version => "version",
        Mark::Marker => "marker",
    }
}

pub(super) fn mark(text: &str) -> Option<Mark> {
    let all = [Mark::Unknown, Mark::Object, Mark::Version, Mark::Marker];
    all.into_iter().find(|mark| mark_text(*mark) == text)
}

/// Reads what [`Target`] displays.
pub(super) fn target(text: &str) -> Option<Target> {
    match (text, text.strip_prefix("version ")) {
        ("unknown", _) => Some(Target::Unknown),
        ("current", _) => Some(Target::Current),
        (_, version) => version.map(|version| Target::Version(version.to_owned())),
    }
}

pub(super) fn part_text(part: Part) -> String {
    match part {
        Part::Value => "value".to_owned(),
        Part::SumMillis => "sum_millis".to_owned(),
        Part::Bucket(index) => format!("bucket {index}"),
    }
}

pub(super) fn part(text: &str) -> Option<Part> {
    match text {
        "value" => Some(Part::Value),
        "sum_millis" => Some(Part::SumMillis),
        _ => text.strip_prefix("bucket ")?.parse().ok().map(Part::Bucket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_what_it_was() {
        for value in Source::ALL {
            assert_eq!(source(value.as_str()), Some(value));
        }
        for value in [RemovalRole::None, RemovalRole::Claim, RemovalRole::Child] {
            assert_eq!(role(role_text(value)), Some(value));
        }
        for value in [Mark::Unknown, Mark::Object, Mark::Version, Mark::Marker] {
            assert_eq!(mark(mark_text(value)), Some(value));
        }
        let named = Target::Version("version current".into());
        for value in [Target::Unknown, Target::Current, named, Target::Version(String::new())] {
            assert_eq!(target(&value.to_string()), Some(value));
        }
        for value in [Part::Value, Part::SumMillis, Part::Bucket(0), Part::Bucket(17)] {
            assert_eq!(part(&part_text(value)), Some(value));
        }
    }

    #[test]
    fn a_word_of_a_newer_version_is_not_guessed() {
        assert_eq!(source("telepathy"), None);
        assert_eq!(part("bucket many"), None);
        assert_eq!(target("versions"), None);
    }
}
