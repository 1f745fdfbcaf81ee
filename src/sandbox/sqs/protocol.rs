//! Requests to SQS in the AWS JSON 1.0 protocol: who asks, for what, and how the answer is
//! written. What a queue does with its messages is not decided here.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::bad_body;
use super::super::faults::Fault;
use super::Queues;
use super::error::{Kind, SqsError};
use request::{Caller, Request};

mod batches;
mod messages;
mod queues;
mod request;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const TARGET_PREFIX: &str = "AmazonSQS.";

/// Answers a request.
pub(super) async fn answer(queues: &Queues, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
    let mut response = match outcome(queues, headers, body).await {
        // What has no result has no body either.
        Ok(Value::Null) => Response::new(Bytes::new()),
        Ok(result) => Response::new(Bytes::from(result.to_string())),
        Err(error) => refusal(&error),
    };
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(CONTENT_TYPE));
    if let Ok(request_id) = HeaderValue::from_str(&queues.options().identifiers.uuid()) {
        headers.insert("x-amzn-requestid", request_id);
    }
    sent(queues, response)
}

/// The answer as it goes over the wire: all of it, or the half of it and a broken connection.
fn sent(queues: &Queues, answer: Response<Bytes>) -> Response<Body> {
    let length = answer.body().len();
    if length == 0 || !queues.options().faults.strikes(Fault::SqsAnswerReset) {
        return answer.map(Body::from);
    }
    let mut answer = answer.map(|body| Body::from_stream(bad_body::cut(&body)));
    answer.headers_mut().insert("content-length", HeaderValue::from(length));
    answer
}

fn refusal(error: &SqsError) -> Response<Bytes> {
    let SqsError { kind, message } = error;
    let body = json!({"__type": kind.shape(), "message": message}).to_string();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
    if let Ok(code) = HeaderValue::try_from(format!("{};{}", kind.query_code(), kind.fault())) {
        response.headers_mut().insert("x-amzn-query-error", code);
    }
    response
}

async fn outcome(queues: &Queues, headers: &HeaderMap, body: &[u8]) -> Result<Value, SqsError> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or("");
    let action = target.strip_prefix(TARGET_PREFIX).ok_or_else(|| unknown_action(target))?;
    let caller = Caller::of(headers)?;
    let request = Request::parse(body)?;
    let named = request.named_queue().unwrap_or("*");
    if queues.note_request(named, action) && action != "CreateQueue" {
        queues.options().faults.count(Fault::SqsQueueDeleted);
    }
    strike(queues, &caller, action, &request)?;
    allow(queues, &caller, action, &request)?;
    if caller.region != queues.options().region {
        return elsewhere(queues, action);
    }
    match action {
        "CreateQueue" => queues::create(queues, &request),
        "DeleteQueue" => queues::delete(queues, &request),
        "GetQueueUrl" => queues::url(queues, &request),
        "ListQueues" => queues::list(queues, &request),
        "ListDeadLetterSourceQueues" => queues::dead_letter_sources(queues, &request),
        "GetQueueAttributes" => queues::attributes(queues, &request),
        "SetQueueAttributes" => queues::set_attributes(queues, &request),
        "PurgeQueue" => queues::purge(queues, &request),
        "SendMessage" => messages::send(queues, &request.queue(queues)?, &request.part),
        "ReceiveMessage" => messages::receive(queues, &request).await,
        "DeleteMessage" => messages::delete(queues, &request.queue(queues)?, &request.part),
        "ChangeMessageVisibility" => {
            messages::change_visibility(queues, &request.queue(queues)?, &request.part)
        }
        "SendMessageBatch" => {
            batches::check_length(&request)?;
            batches::each(queues, action, &request, messages::send)
        }
        "DeleteMessageBatch" => batches::each(queues, action, &request, messages::delete),
        "ChangeMessageVisibilityBatch" => {
            batches::each(queues, action, &request, messages::change_visibility)
        }
        _ => Err(unknown_action(action)),
    }
}

fn unknown_action(action: &str) -> SqsError {
    let message = format!("The action {action} is not valid for this endpoint.");
    SqsError::new(Kind::InvalidAction, message)
}

/// What the endpoint of this region says to requests that are signed for another one: in AWS the
/// other region just has no such queue.
fn elsewhere(queues: &Queues, action: &str) -> Result<Value, SqsError> {
    match action {
        "ListQueues" => Ok(json!({})),
        "CreateQueue" => {
            let message = format!("There are queues in {} only.", queues.options().region);
            Err(SqsError::new(Kind::UnsupportedOperation, message))
        }
        _ => Err(SqsError::no_such_queue()),
    }
}

/// Fails the request as a whole, by chance.
fn strike(
    queues: &Queues,
    caller: &Caller,
    action: &str,
    request: &Request,
) -> Result<(), SqsError> {
    let kinds =
        [Fault::SqsInternalError, Fault::SqsThrottled, Fault::SqsAccessDenied, Fault::SqsClockSkew];
    match queues.options().faults.strike(&kinds) {
        None => Ok(()),
        Some(Fault::SqsThrottled) => {
            Err(SqsError::new(Kind::RequestThrottled, "Request is throttled."))
        }
        Some(Fault::SqsAccessDenied) => Err(access_denied(queues, caller, action, request)),
        Some(Fault::SqsClockSkew) => Err(signature_expired(queues)),
        Some(_) => Err(SqsError::new(
            Kind::InternalFailure,
            "We encountered an internal error. Please try again.",
        )),
    }
}

/// What a caller hears whose clock is half an hour behind.
fn signature_expired(queues: &Queues) -> SqsError {
    const BEHIND_MILLIS: i64 = 30 * 60_000;
    const ALLOWED_MILLIS: i64 = 15 * 60_000;
    let now = queues.options().clock.now().as_millis();
    let shown = |millis: i64| {
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
        time.strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    let (signed, oldest) = (shown(now - BEHIND_MILLIS), shown(now - ALLOWED_MILLIS));
    let message = format!(
        "Signature expired: {signed} is now earlier than {oldest} ({} - 15 min.)",
        shown(now)
    );
    SqsError::new(Kind::SignatureDoesNotMatch, message)
}

fn allow(
    queues: &Queues,
    caller: &Caller,
    action: &str,
    request: &Request,
) -> Result<(), SqsError> {
    let resource = request.named_queue().unwrap_or("*");
    if queues.options().faults.denies(&permission(action), resource) {
        return Err(access_denied(queues, caller, action, request));
    }
    Ok(())
}

/// The action that a policy allows; a batch needs that of its single call.
fn permission(action: &str) -> String {
    format!("sqs:{}", action.strip_suffix("Batch").unwrap_or(action))
}

fn access_denied(queues: &Queues, caller: &Caller, action: &str, request: &Request) -> SqsError {
    let account = &queues.options().account;
    let user = &caller.access_key_id;
    let action = permission(action).to_ascii_lowercase();
    let resource = queues.arn(request.named_queue().unwrap_or("*"));
    let message = format!(
        "User: arn:aws:iam::{account}:user/{user} is not authorized to perform: {action} on \
         resource: {resource} because no identity-based policy allows the {action} action"
    );
    SqsError::new(Kind::AccessDenied, message)
}
