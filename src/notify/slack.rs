//! The shape of Slack's incoming webhooks: a title, the text as it is, and where it belongs. What
//! keys, names and user agents say is shown and never obeyed: no mention, link or format comes out
//! of them. It knows no URL.
//!
//! Slack takes 150 characters in a header, 3 000 in a section, 50 blocks, and refuses blocks that
//! have about 13 000 characters together, which its documentation does not say.

use hyper::header::HeaderMap;
use serde_json::{Value, json};

use super::endpoint::{Endpoint, is_page};
use super::text::{cut, paragraph};
use super::{Notice, NotifyError};

const HEADER_UNITS_MAX: usize = 150;
/// Less than Slack takes, for the fence around it.
const SECTION_UNITS_MAX: usize = 2_900;
/// Of the text in all sections.
const TEXT_UNITS_MAX: usize = 8_000;
/// Of the line that notifications show.
const FALLBACK_UNITS_MAX: usize = 1_000;

/// Posts a notice to an incoming webhook.
pub(super) async fn send(
    endpoint: &Endpoint,
    notice: &Notice,
    url: Option<&str>,
) -> Result<(), NotifyError> {
    let body = message(notice, url).to_string().into_bytes();
    let words = endpoint.post(HeaderMap::new(), body).await?;
    // Slack answers "ok"; what has its shape answers other words, or JSON.
    if is_page(&words) {
        return Err(NotifyError::WebPage { to: endpoint.place.clone() });
    }
    Ok(())
}

fn message(notice: &Notice, url: Option<&str>) -> Value {
    let header = json!({
        "type": "header",
        "text": {
            "type": "plain_text",
            "text": escaped(&notice.title, HEADER_UNITS_MAX),
            "emoji": false
        }
    });
    let mut blocks = vec![header];
    // Verbatim: Slack looks for no names of people and channels in it.
    let markup = |text: String| json!({ "type": "mrkdwn", "text": text, "verbatim": true });
    // Its first line stands in the header, unless that had no room for it.
    let has_room = units(&notice.title) <= HEADER_UNITS_MAX;
    let rest = notice.text.strip_prefix(&notice.title).and_then(|rest| rest.strip_prefix('\n'));
    let sections = sections(rest.filter(|_| has_room).unwrap_or(&notice.text));
    blocks.extend(sections.into_iter().map(|section| {
        let text = markup(format!("```\n{section}\n```"));
        json!({ "type": "section", "text": text })
    }));
    let context = markup(context(notice, url));
    blocks.push(json!({ "type": "context", "elements": [context] }));
    json!({
        "text": escaped(&fallback(notice), FALLBACK_UNITS_MAX),
        "blocks": blocks,
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false
    })
}

/// What phones and lists of channels show; blocks stand in its place elsewhere.
fn fallback(notice: &Notice) -> String {
    match notice.change() {
        "updated" => format!("updated: {}", notice.short_text),
        _ => notice.short_text.clone(),
    }
}

/// An incoming webhook cannot answer in a thread, so a message says which finding it is about.
fn context(notice: &Notice, url: Option<&str>) -> String {
    let id = notice.id();
    let finding = match url {
        Some(url) => format!("<{}|finding {id}>", escaped(url, SECTION_UNITS_MAX)),
        None => format!("finding {id}"),
    };
    let (change, severity) = (notice.change(), notice.finding.severity.as_str());
    let told = if notice.was_told { ", told before" } else { "" };
    format!("{finding} {change}, {severity}{told}")
}

/// The text in parts that Slack takes, cut between lines where that is possible.
fn sections(text: &str) -> Vec<String> {
    let text = unfenced(&escaped(text, TEXT_UNITS_MAX));
    let mut sections: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = cut(line, SECTION_UNITS_MAX, char::len_utf16);
        match sections.last_mut() {
            Some(last) if units(last) + 1 + units(&line) <= SECTION_UNITS_MAX => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => sections.push(line),
        }
    }
    sections
}

/// A text that Slack shows as it is, cut to what it has then. `&`, `<` and `>` are all that it
/// obeys.
fn escaped(text: &str, units_max: usize) -> String {
    let weight = |character: char| match character {
        '&' => 5,
        '<' | '>' => 4,
        character => character.len_utf16(),
    };
    let text = cut(&paragraph(text, units_max), units_max, weight);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Without what would end the fence around it.
fn unfenced(text: &str) -> String {
    text.replace('`', "'")
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::State;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::Notice;
    use super::super::notice::tests::notice;
    use super::{message, units};

    /// All texts in a message.
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::Object(fields) => fields
                .iter()
                .flat_map(|(name, value)| match value {
                    Value::String(text) if name == "text" => vec![text.as_str()],
                    value => texts(value),
                })
                .collect(),
            Value::Array(values) => values.iter().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_finding_is_told_with_its_title_text_and_id() {
        let url = Some("https://deltrail.example.com/findings/1?a=1&b=2");
        let told = serde_json::to_string_pretty(&message(&notice(), url)).unwrap();
        insta::assert_snapshot!(told);
    }

    #[test]
    fn what_comes_after_says_which_finding_it_is_about() {
        let resolved = Notice { state: State::Resolved, was_told: true, ..notice() };
        let told = message(&resolved, None);
        let id = resolved.id();
        let updated = message(&Notice { state: State::Open, ..resolved.clone() }, None);
        assert!(updated["text"].as_str().unwrap().starts_with("updated: role/"), "{updated}");
        let context = format!("finding {id} resolved, critical, told before");
        assert_eq!(texts(&told["blocks"][2]), [context]);
    }

    #[test]
    fn a_key_calls_nobody_and_ends_no_fence() {
        let mut notice = notice();
        notice.text = "Keys: <!channel> ``` <@U1> <https://evil.example|ok> a&b\u{202e}".to_owned();
        notice.title = "<!here> *deleted*".to_owned();
        notice.short_text = "<!everyone>".to_owned();
        let told = message(&notice, None);
        let section = texts(&told["blocks"][1])[0];
        assert_eq!(
            section,
            "```\nKeys: &lt;!channel&gt; ''' &lt;@U1&gt; &lt;https://evil.example|ok&gt; \
             a&amp;b\\u{202e}\n```"
        );
        assert!(texts(&told).iter().all(|text| !text.contains('<')), "{told}");
    }

    proptest! {
        #[test]
        fn every_message_is_within_the_limits_of_slack(
            lines in prop::collection::vec("[a-z&<>`\u{1f4a5}\u{202e} ]{0,4000}", 0..20),
            title in "[a-z&<\u{1f4a5}]{0,400}",
        ) {
            let told = message(&Notice { title, text: lines.join("\n"), ..notice() }, None);
            let blocks = told["blocks"].as_array().unwrap();
            prop_assert!(blocks.len() <= 50);
            prop_assert!(units(texts(&blocks[0])[0]) <= 150);
            let sizes: Vec<usize> = texts(&told["blocks"]).into_iter().map(units).collect();
            prop_assert!(sizes.iter().all(|&size| size <= 3_000), "{:?}", sizes);
            prop_assert!(sizes.iter().sum::<usize>() <= 10_000, "{:?}", sizes);
        }
    }
}
