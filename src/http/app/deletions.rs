//! `GET /api/v1/deletions`: what was removed, newest first, a page at a time; one removal; who
//! removed a key; and one request. What is known of them is decided elsewhere.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use deltrail_core::decode::escaped_excerpt;

use super::super::problem::Problem;
use super::super::told::{DeletionList, ToldRequest, WhoDeleted, deletions_csv};
use super::Shared;
use super::ask::answer;
use super::form::{Form, csv, json};
use super::parameters::{Parameters, chars_max};
use crate::store::{Cursor, DeletionFilter, KeyQuestion, PrincipalPattern, Within};

/// Removals of a page, unless it says how many.
pub(super) const LIMIT: usize = 100;
/// Removals of a page at most.
pub(super) const LIMIT_MAX: usize = 1_000;
const EXCERPT_CHARS_MAX: usize = 80;

/// The parameters of the list.
pub(super) const LIST: [&str; 8] =
    ["bucket", "prefix", "principal", "since", "until", "request_id", "limit", "cursor"];
/// The parameters of the question who removed a key.
pub(super) const WHO_DELETED: [&str; 3] = ["bucket", "key", "version_id"];

/// Lists the removals that fit.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let form = Form::wanted(&headers)?;
    let filter = filter(&uri)?;
    let deletions = answer(&shared, |store| store.deletions(filter)).await?;
    Ok(match form {
        Form::Json => json(&DeletionList::of(&deletions)),
        Form::Csv => {
            let next = deletions.next.as_ref().map(Cursor::to_string);
            csv(deletions_csv(&deletions.rows), next)
        }
    })
}

/// Says who removed a key.
pub(super) async fn who_deleted(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let form = Form::wanted(&headers)?;
    let question = question(&uri)?;
    let history = answer(&shared, |store| store.key_history(question)).await?;
    Ok(match form {
        Form::Json => json(&WhoDeleted::of(&history)),
        Form::Csv => csv(deletions_csv(&history.deletions), None),
    })
}

/// Tells all of one request.
pub(super) async fn request(
    State(shared): State<Arc<Shared>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let form = Form::wanted(&headers)?;
    Parameters::of(&uri, &[])?.finish(())?;
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let known = if id.is_empty() || id.chars().count() > chars_max("request_id") {
        None
    } else {
        answer(&shared, |store| store.request(id.clone())).await?
    };
    let Some(known) = known else {
        let id = escaped_excerpt(&id, EXCERPT_CHARS_MAX);
        let detail = format!("no source tells of a request \"{id}\"; it is an x-amz-request-id");
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    Ok(match form {
        Form::Json => json(&ToldRequest::of(&known)),
        Form::Csv => csv(deletions_csv(&known.deletions.rows), None),
    })
}

/// What the parameters ask for, or everything that is wrong with them.
fn filter(uri: &Uri) -> Result<DeletionFilter, Problem> {
    let mut given = Parameters::of(uri, &LIST)?;
    let (bucket, prefix) = (given.text("bucket"), given.text("prefix"));
    let filter = DeletionFilter {
        within: match (bucket, prefix) {
            (None, None) => Within::Everything,
            (None, Some(prefix)) => Within::Below(prefix),
            (Some(bucket), None) => Within::Bucket(bucket),
            (Some(bucket), Some(prefix)) => Within::Prefix { bucket, prefix },
        },
        principal: given.text("principal").map(|name| PrincipalPattern::new(&name)),
        since: given.time("since"),
        until: given.time("until"),
        request_id: given.text("request_id"),
        limit: given.number("limit", LIMIT_MAX).unwrap_or(LIMIT),
        kind: None,
        only: None,
        after: given.read("cursor", |text| {
            Cursor::parse(text)
                .ok_or_else(|| "is none that this API gave; begin without one".to_owned())
        }),
    };
    given.finish(filter)
}

fn question(uri: &Uri) -> Result<KeyQuestion, Problem> {
    let mut given = Parameters::of(uri, &WHO_DELETED)?;
    let mut required = |name: &'static str, example: &str| {
        let value = given.text(name);
        if value.is_none() {
            given.refuse(name, format!("{name} is missing; give it as in {name}={example}"));
        }
        value.unwrap_or_default()
    };
    let bucket = required("bucket", "example-images");
    let key = required("key", "thumbs%2Fcat.jpg");
    let version_id = given.text("version_id");
    given.finish(KeyQuestion { bucket, key, version_id })
}
