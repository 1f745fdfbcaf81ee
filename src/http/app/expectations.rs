//! `POST /api/v1/expectations`: somebody says what will be deleted, so that it is no finding up to
//! a number, and a harder one beyond; `GET` lists what was said and how much of it came. What is
//! found is decided elsewhere.

mod wanted;

use std::sync::Arc;

use super::super::problem::Problem;
use super::super::told::{ExpectationList, ListedExpectation, ToldExpectation};
use super::ask::{FEWER, answer, answer_in};
use super::media_type::{media_type, unsupported};
use super::turn::turn;
use super::{Shared, UNABLE_RETRY_SECONDS, body};
use crate::store::Announcing;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use wanted::Wanted;

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
        Announcing::Kept => {
            Ok((StatusCode::CREATED, Json(ToldExpectation::of(&expectation))).into_response())
        }
        Announcing::Known(known) if wanted.is_as(&known) => {
            Ok(Json(ToldExpectation::of(&known)).into_response())
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
    let from = ListedExpectation::listed_from((shared.state.clock)());
    let listed = answer(&shared, |store| store.expectations(from, ListedExpectation::MAX)).await?;
    Ok(Json(ExpectationList::of(&listed)).into_response())
}
