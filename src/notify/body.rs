//! A notice as JSON, for programs: what a webhook and the queues behind an SNS topic are given. It
//! knows no receiver.

use deltrail_core::domain::{Finding, Reason, Tally, Who};
use serde::Serialize;

use super::Notice;
use super::text::paragraph;

/// Longer texts are cut.
const TEXT_CHARS_MAX: usize = 12_000;
const BRIEF_TEXT_CHARS_MAX: usize = 1_000;
const TITLE_CHARS_MAX: usize = 400;
/// Keys, notes and names beyond these are left out.
const LIST_LENGTH_MAX: usize = 10;
/// S3 lets a key have 1024 bytes.
const WORD_CHARS_MAX: usize = 1024;

/// The document; its fields are the contract of the README.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    r#type: &'static str,
    version: u32,
    /// All messages of one finding have the same.
    thread: String,
    revision: i64,
    change: &'static str,
    at: String,
    title: String,
    text: String,
    url: Option<&'a str>,
    finding: Facts<'a>,
}

/// The finding itself: texts as they are in the evidence.
#[derive(Debug, Serialize)]
struct Facts<'a> {
    id: String,
    detector: &'static str,
    bucket: &'a str,
    severity: &'static str,
    state: &'static str,
    first_at: String,
    last_at: String,
    principals: u64,
    who: Vec<Who>,
    removed: u64,
    #[serde(flatten)]
    tally: Tally,
    reason: Reason,
    origins: Vec<String>,
    agents: Vec<String>,
    related: Vec<&'static str>,
    notes: Vec<String>,
    prefixes: Vec<String>,
    sample_keys: Vec<String>,
}

impl<'a> Body<'a> {
    /// The document of a notice; `url` is where more is to be seen.
    pub(super) fn of(notice: &'a Notice, url: Option<&'a str>) -> Self {
        Self {
            r#type: "deltrail.finding",
            version: 1,
            thread: notice.id(),
            revision: notice.revision,
            change: notice.change(),
            at: notice.at.to_string(),
            title: paragraph(&notice.title, TITLE_CHARS_MAX),
            text: paragraph(&notice.text, TEXT_CHARS_MAX),
            url,
            finding: facts(&notice.finding, notice.state.as_str()),
        }
    }

    /// The document as bytes. One that has more than `bytes_max`, which must be 24 KiB at least,
    /// loses its lists and most of its text.
    pub(super) fn into_json(mut self, bytes_max: usize) -> Vec<u8> {
        let whole = json(&self);
        if whole.len() <= bytes_max {
            return whole;
        }
        self.text = paragraph(&self.text, BRIEF_TEXT_CHARS_MAX);
        let facts = &mut self.finding;
        facts.who.clear();
        let lists = [&mut facts.origins, &mut facts.agents, &mut facts.notes];
        let keys = [&mut facts.prefixes, &mut facts.sample_keys];
        lists.into_iter().chain(keys).for_each(Vec::clear);
        json(&self)
    }
}

/// A document of texts and numbers can always be written.
fn json(body: &Body<'_>) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

fn facts<'a>(finding: &'a Finding, state: &'static str) -> Facts<'a> {
    let who = finding.who.iter().take(LIST_LENGTH_MAX).map(|who| Who {
        principal: word(&who.principal),
        sessions: words(&who.sessions),
        objects: who.objects,
    });
    Facts {
        id: finding.id(),
        detector: finding.detector.as_str(),
        bucket: &finding.bucket,
        severity: finding.severity.as_str(),
        state,
        first_at: finding.first_at.to_string(),
        last_at: finding.last_at.to_string(),
        principals: finding.principals,
        who: who.collect(),
        removed: finding.tally.removed(),
        tally: finding.tally,
        reason: Reason { sentence: word(&finding.reason.sentence), ..finding.reason.clone() },
        origins: words(&finding.origins),
        agents: words(&finding.agents),
        related: finding.related.iter().map(|detector| detector.as_str()).collect(),
        notes: words(&finding.notes),
        prefixes: words(&finding.prefixes),
        sample_keys: words(&finding.sample_keys),
    }
}

fn words(texts: &[String]) -> Vec<String> {
    texts.iter().take(LIST_LENGTH_MAX).map(|text| word(text)).collect()
}

fn word(text: &str) -> String {
    text.chars().take(WORD_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::super::notice::tests::notice;
    use super::Body;

    #[test]
    fn a_document_that_is_too_large_keeps_what_matters() {
        let mut notice = notice();
        notice.finding.sample_keys = vec!["\u{1}".repeat(2_000); 50];
        let whole: serde_json::Value =
            serde_json::from_slice(&Body::of(&notice, None).into_json(1 << 20)).unwrap();
        assert_eq!(whole["finding"]["sample_keys"].as_array().unwrap().len(), 10);

        notice.text = "\u{1f4a5}\"".repeat(20_000);
        notice.title = "\u{1}".repeat(20_000);
        notice.finding.reason.sentence = "\u{1}".repeat(20_000);
        let brief = Body::of(&notice, Some("https://deltrail.example.com/findings/1"));
        let brief = brief.into_json(24 << 10);
        assert!(brief.len() <= 24 << 10, "{}", brief.len());
        let brief: serde_json::Value = serde_json::from_slice(&brief).unwrap();
        assert_eq!(brief["finding"]["bucket"], "acme-img");
        assert_eq!(brief["finding"]["sample_keys"], serde_json::json!([]));
    }
}
