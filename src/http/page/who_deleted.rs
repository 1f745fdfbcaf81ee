//! `/who-deleted`: somebody pastes what is gone, and reads first, in a sentence, who removed it,
//! when, and whether it can be got back; then everything else that is known of the key. When nobody
//! is known to have removed it, the page says why that may be so.

mod below;
mod history;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use deltrail_core::domain::{Address, AddressError};
use maud::{Markup, html};

use super::layout::{Page, Section};
use super::parameters::Asked;
use super::pieces::{Tone, notice};
use super::text::plain;
use crate::http::app::Shared;
use crate::http::app::ask::answer;
use crate::http::problem::Problem;
use crate::store::{DeletionFilter, KeyQuestion, Within};

/// Removals below a prefix that are counted by whoever made them.
const BELOW_MAX: usize = 1_000;

/// What the URL asks for.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    Nothing,
    Unreadable(AddressError),
    Key(KeyQuestion),
    /// All keys of a bucket that begin so; a folder may be a key itself.
    Below {
        bucket: String,
        prefix: String,
    },
}

impl Question {
    fn of(asked: &Asked) -> Self {
        if let (Some(bucket), Some(key)) = (asked.text("bucket"), asked.text("key")) {
            let version_id = asked.text("version_id").map(str::to_owned);
            return Self::Key(KeyQuestion { bucket: bucket.into(), key: key.into(), version_id });
        }
        let Some(pasted) = asked.text("q").filter(|text| !text.trim().is_empty()) else {
            return Self::Nothing;
        };
        match Address::parse(pasted) {
            Err(error) => Self::Unreadable(error),
            Ok(address) => match address.prefix() {
                Some(prefix) if address.version_id.is_none() => {
                    Self::Below { prefix: prefix.to_owned(), bucket: address.bucket }
                }
                _ => {
                    let Address { bucket, key, version_id } = address;
                    Self::Key(KeyQuestion { bucket, key, version_id })
                }
            },
        }
    }
}

/// Answers what was pasted.
pub(super) async fn show(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let asked = Asked::of(&uri);
    let page = Page::new(&shared, "Who deleted this?").section(Section::WhoDeleted);
    let pasted = asked.text("q").unwrap_or_default();
    match Question::of(&asked) {
        Question::Nothing => Ok(page.show(&html! { (form("")) (forms_that_are_read()) })),
        Question::Unreadable(error) => {
            let told = html! { p { (plain(&error.to_string())) "." } };
            let body = html! {
                (form(pasted)) (notice(Tone::Warning, &told)) (forms_that_are_read())
            };
            Ok(page.show_as(StatusCode::BAD_REQUEST, &body))
        }
        Question::Key(question) => {
            let asking = question.clone();
            let history = answer(&shared, |store| store.key_history(asking)).await?;
            let newest = match history.deletions.first() {
                Some(row) => {
                    let name = row.name();
                    answer(&shared, |store| store.removal_evidence(name)).await?
                }
                None => None,
            };
            let told = history::of_key(&question, &history, newest.as_ref());
            let pasted = history::name_of(&question);
            let page = page.complete(&history.completeness);
            Ok(page.show(&html! { (form(&pasted)) (told) }))
        }
        Question::Below { bucket, prefix } => {
            let filter = filter_below(bucket.clone(), prefix.clone());
            let found = answer(&shared, |store| store.deletions(filter)).await?;
            let told = below::of_prefix(&bucket, &prefix, &found);
            let page = page.complete(&found.completeness);
            Ok(page.show(&html! { (form(pasted)) (told) }))
        }
    }
}

fn filter_below(bucket: String, prefix: String) -> DeletionFilter {
    DeletionFilter {
        within: if prefix.is_empty() {
            Within::Bucket(bucket)
        } else {
            Within::Prefix { bucket, prefix }
        },
        principal: None,
        since: None,
        until: None,
        request_id: None,
        kind: None,
        only: None,
        after: None,
        limit: BELOW_MAX,
    }
}

fn form(pasted: &str) -> Markup {
    html! {
        form.ask action="/who-deleted" method="get" role="search" {
            label for="q" { "What is gone?" }
            div.cluster {
                input #q type="text" name="q" value=(pasted) placeholder="s3://bucket/key"
                    autocomplete="off" spellcheck="false" autocapitalize="none" required
                    aria-describedby="forms";
                button type="submit" { "Ask" }
            }
            p #forms .muted {
                "An s3:// address, an https URL of S3 or of its console, an ARN, or a folder that \
                 ends with a slash."
            }
        }
    }
}

/// For whoever does not know what to paste.
fn forms_that_are_read() -> Markup {
    let forms = [
        ("s3://photos/2026/cat.jpg", "the key exactly as S3 has it"),
        (
            "s3://photos/2026/cat.jpg?versionId=3HL4kqtJlcpXroDTDmJ",
            "one version, or a delete marker",
        ),
        ("https://photos.s3.eu-west-1.amazonaws.com/2026/cat.jpg", "any URL of S3, presigned too"),
        ("arn:aws:s3:::photos/2026/cat.jpg", "an ARN"),
        ("s3://photos/2026/", "everything below a folder; with a star, everything that begins so"),
    ];
    html! {
        h2 { "What you may paste" }
        ul { @for (form, means) in forms { li { code { (form) } ": " (means) } } }
    }
}
