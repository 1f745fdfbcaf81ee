//! One thing to tell of one finding, whoever is told. It knows no receiver and no form.

use deltrail_core::domain::{
    Day, Detector, Finding, Reason, Severity, State, Tally, Timestamp, Who,
};

/// What people are told of a finding: that it began, what became of it, that it is over. All of
/// one finding belong together, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The finding as it stands now.
    pub finding: Finding,
    /// How far it has come.
    pub state: State,
    /// Which change of the finding this is, counting up; the same on every try and for every
    /// notifier.
    pub revision: i64,
    /// Whether this notifier was told of the finding before.
    pub was_told: bool,
    /// When that became so.
    pub at: Timestamp,
    /// The finding in one line, with what became of it.
    pub title: String,
    /// All that a person has to know, in several lines; the first may be the title.
    pub text: String,
    /// The same in a sentence or two, for small screens.
    pub short_text: String,
}

impl Notice {
    /// The id of the finding.
    #[must_use]
    pub fn id(&self) -> String {
        self.finding.id()
    }

    /// What became of the finding: `opened`, `updated`, `resolved` or `withdrawn`.
    #[must_use]
    pub const fn change(&self) -> &'static str {
        match self.state {
            State::Open if !self.was_told => "opened",
            State::Open => "updated",
            State::Resolved => State::Resolved.as_str(),
            State::Withdrawn => State::Withdrawn.as_str(),
        }
    }

    /// A notice by which people can see that they are reached; of no bucket that is theirs.
    #[must_use]
    pub fn test(now: Timestamp) -> Self {
        let finding = Finding {
            detector: Detector::MassDelete,
            bucket: "deltrail-notify-test".to_owned(),
            subject: now.to_string(),
            day: Day::of(now),
            severity: Severity::Info,
            who: vec![Who { principal: "nobody".to_owned(), sessions: Vec::new(), objects: 0 }],
            principals: 1,
            tally: Tally::default(),
            reason: Reason {
                observed: 0,
                threshold: 0,
                baseline: 0,
                sentence: "it is a test, and nothing was deleted".to_owned(),
            },
            first_at: now,
            last_at: now,
            origins: Vec::new(),
            agents: Vec::new(),
            related: Vec::new(),
            notes: Vec::new(),
            prefixes: Vec::new(),
            sample_keys: Vec::new(),
        };
        Self {
            finding,
            state: State::Resolved,
            revision: 1,
            was_told: false,
            at: now,
            title: "deltrail can reach you".to_owned(),
            text: "This is a test: nothing was deleted. Findings will arrive here.\n  \
                   Do: nothing"
                .to_owned(),
            short_text: "This is a test of deltrail: nothing was deleted.".to_owned(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use deltrail_core::domain::{State, Timestamp};

    use super::Notice;

    /// A first notice of 12 480 objects that somebody removed from `acme-img`.
    pub(in crate::notify) fn notice() -> Notice {
        let mut notice = Notice::test(Timestamp::parse("2026-11-23T10:08:19Z").unwrap());
        notice.state = State::Open;
        notice.finding.bucket = "acme-img".to_owned();
        notice.finding.subject = String::new();
        notice.finding.severity = deltrail_core::domain::Severity::Critical;
        notice.finding.first_at = Timestamp::parse("2026-11-23T10:02:11Z").unwrap();
        notice.finding.tally.markers = 12_480;
        notice.finding.sample_keys = vec!["thumbs/2024/a/1.jpg".to_owned()];
        notice.title = "[critical] mass_delete: role/ThumbCleaner deleted 12480 objects".to_owned();
        notice.text = format!("{}\n  How unusual: 31 times", notice.title);
        notice.short_text = "role/ThumbCleaner deleted 12480 objects in acme-img".to_owned();
        notice
    }

    #[test]
    fn the_test_says_that_it_is_one_and_is_over() {
        let notice = Notice::test(Timestamp::parse("2026-11-23T10:00:00Z").unwrap());
        assert_eq!(notice.change(), "resolved");
        assert!(notice.text.contains("test") && notice.short_text.contains("test"));
    }

    #[test]
    fn what_became_of_a_finding_has_a_word() {
        let mut told = Vec::new();
        for (state, was_told) in [
            (State::Open, false),
            (State::Open, true),
            (State::Resolved, true),
            (State::Withdrawn, true),
        ] {
            told.push(Notice { state, was_told, ..notice() }.change());
        }
        assert_eq!(told, ["opened", "updated", "resolved", "withdrawn"]);
    }
}
