//! `POST /api/v1/expectations`: somebody says what will be deleted, so that it is no finding up to
//! a number, and a harder one beyond; `GET` lists what was said and how much of it came. What is
//! found is decided elsewhere.

mod wanted;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use deltrail_core::detect::Expectation;
use deltrail_core::domain::Timestamp;
use serde::Serialize;

use super::super::problem::Problem;
use super::ask::{FEWER, answer, answer_in};
use super::media_type::{media_type, unsupported};
use super::turn::turn;
use super::{Shared, UNABLE_RETRY_SECONDS, body};
use crate::store::{Announcing, Expected};
use wanted::Wanted;

/// How long what is over is still listed.
const LISTED_MILLIS: i64 = 31 * 24 * 60 * 60 * 1_000;
const LISTED_MAX: usize = 1_000;

/// An expectation as it is kept.
#[derive(Debug, Serialize)]
struct Told<'a> {
    id: &'a str,
    principal: Option<&'a str>,
    bucket: &'a str,
    prefix: &'a str,
    since: String,
    until: String,
    max_objects: u64,
}

impl<'a> Told<'a> {
    fn of(expectation: &'a Expectation) -> Self {
        Self {
            id: &expectation.id,
            principal: expectation.principal.as_deref(),
            bucket: &expectation.bucket,
            prefix: &expectation.prefix,
            since: expectation.since.to_string(),
            until: expectation.until.to_string(),
            max_objects: expectation.objects_max,
        }
    }
}

/// The same with what came of it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    told: Told<'a>,
    by: Option<&'a str>,
    /// Whether it stands in the configuration file.
    is_configured: bool,
    /// How many of the objects came; null when counting them would take too long.
    used: Option<u64>,
    /// How many came beyond them.
    beyond: Option<u64>,
}

impl<'a> Listed<'a> {
    fn of(expected: &'a Expected) -> Self {
        let objects_max = expected.expectation.objects_max;
        Self {
            told: Told::of(&expected.expectation),
            by: expected.said_by.as_deref(),
            is_configured: expected.is_configured,
            used: expected.came.map(|came| came.min(objects_max)),
            beyond: expected.came.map(|came| came.saturating_sub(objects_max)),
        }
    }
}

#[derive(Debug, Serialize)]
struct List<'a> {
    expectations: Vec<Listed<'a>>,
}

/// Keeps an expectation.
pub(super) async fn announce(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let turn = turn(&shared, FEWER).await?;
    let (head, body) = request.into_parts();
    if media_type(&head.headers)? != "application/json" {
        return Err(unsupported("the Content-Type is not application/json; send one expectation"));
    }
    let body = body::read(body, shared.limits.body_timeout).await?;
    let now = (shared.state.clock)();
    let wanted = Wanted::read(&body, &shared.state.watches, now)?;
    drop(body);
    if let Some(reason) = shared.state.readiness.reason() {
        let detail = format!("no expectations are taken now: {reason}; send it again later");
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        return Err(problem.with_retry_after(UNABLE_RETRY_SECONDS));
    }
    let expectation = wanted.expectation(now);
    let (kept, by) = (expectation.clone(), wanted.by.clone());
    match answer_in(&shared, turn, |store| store.announce(kept, by, now)).await? {
        Announcing::Kept => Ok((StatusCode::CREATED, Json(Told::of(&expectation))).into_response()),
        Announcing::Known(known) if wanted.is_as(&known) => {
            Ok(Json(Told::of(&known)).into_response())
        }
        Announcing::Known(known) => Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "there is another expectation of this id, for bucket \"{}\" until {}; send another \
                 id, or none",
                known.bucket, known.until
            ),
        )),
        Announcing::TooMany(count) => Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "{count} expectations for this bucket are not over, and there may be no more; \
                 send one that covers several"
            ),
        )),
    }
}

/// Lists what was announced and is not over for long.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let now = (shared.state.clock)();
    let from = Timestamp::from_millis(now.as_millis().saturating_sub(LISTED_MILLIS));
    let listed = answer(&shared, |store| store.expectations(from, LISTED_MAX)).await?;
    Ok(Json(List { expectations: listed.iter().map(Listed::of).collect() }).into_response())
}
