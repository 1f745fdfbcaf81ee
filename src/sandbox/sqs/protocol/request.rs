//! The members of SQS requests and who sends them. It reads them and answers nothing.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::super::Queues;
use super::super::error::{Kind, SqsError};

/// Who signed a request, and for which region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) access_key_id: String,
    pub(super) region: String,
}

impl Caller {
    /// Reads the credential of an `Authorization` header of Signature Version 4; the signature
    /// itself is not looked at.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, SqsError> {
        let header = headers.get("authorization").ok_or_else(|| {
            SqsError::new(Kind::MissingAuthenticationToken, "Missing Authentication Token")
        })?;
        let credential = header.to_str().ok().and_then(|text| {
            let (_, rest) = text.strip_prefix("AWS4-HMAC-SHA256 ")?.split_once("Credential=")?;
            rest.split(',').next()
        });
        let mut parts = credential.unwrap_or("").split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(key), Some(_day), Some(region), Some("sqs"), Some("aws4_request")) => {
                Ok(Self { access_key_id: key.into(), region: region.into() })
            }
            _ => Err(SqsError::new(
                Kind::IncompleteSignature,
                "Authorization header requires a 'Credential' parameter scoped to this service.",
            )),
        }
    }
}

/// The members of every action's request that mean something here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Request {
    queue_url: Option<String>,
    pub(super) queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    pub(super) queue_owner: Option<String>,
    pub(super) queue_name_prefix: Option<String>,
    pub(super) max_results: Option<usize>,
    pub(super) next_token: Option<String>,
    pub(super) attributes: Option<BTreeMap<String, String>>,
    pub(super) attribute_names: Option<Vec<String>>,
    pub(super) message_system_attribute_names: Option<Vec<String>>,
    pub(super) max_number_of_messages: Option<i64>,
    pub(super) wait_time_seconds: Option<i64>,
    pub(super) entries: Option<Vec<Part>>,
    /// What the request is about if it is no batch.
    #[serde(flatten)]
    pub(super) part: Part,
}

/// What a request says of one message: an entry of a batch, or the single call.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Part {
    pub(super) id: Option<String>,
    pub(super) message_body: Option<String>,
    pub(super) delay_seconds: Option<i64>,
    pub(super) message_attributes: Option<BTreeMap<String, Value>>,
    pub(super) message_system_attributes: Option<BTreeMap<String, Value>>,
    pub(super) receipt_handle: Option<String>,
    pub(super) visibility_timeout: Option<i64>,
}

impl Request {
    pub(super) fn parse(body: &[u8]) -> Result<Self, SqsError> {
        serde_json::from_slice(body).map_err(|error| {
            SqsError::new(Kind::Serialization, format!("the request is not understood: {error}"))
        })
    }

    /// The name in `QueueUrl`, else `QueueName`; whether there is such a queue is not asked.
    pub(super) fn named_queue(&self) -> Option<&str> {
        let of_url = self.queue_url.as_deref().and_then(|url| url.rsplit('/').next());
        of_url.or(self.queue_name.as_deref())
    }

    /// The name of the queue that `QueueUrl` stands for.
    pub(super) fn queue(&self, queues: &Queues) -> Result<String, SqsError> {
        let url = self.queue_url.as_deref().ok_or_else(|| SqsError::missing("QueueUrl"))?;
        let mut parts = url.rsplit('/');
        let (Some(name), Some(account), true) = (parts.next(), parts.next(), url.contains("://"))
        else {
            let message = format!("The address {url} is not valid for this endpoint.");
            return Err(SqsError::new(Kind::InvalidAddress, message));
        };
        if account != queues.options().account {
            return Err(SqsError::no_such_queue());
        }
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(authorization: &str) -> Result<Caller, Kind> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", authorization.parse().expect("a header"));
        Caller::of(&headers).map_err(|error| error.kind)
    }

    #[test]
    fn the_caller_is_read_from_the_credential_scope() {
        let scope = "Credential=AKIAEXAMPLE/20261123/eu-west-1/sqs/aws4_request";
        let header = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00");
        let expected = Caller { access_key_id: "AKIAEXAMPLE".into(), region: "eu-west-1".into() };
        assert_eq!(caller(&header), Ok(expected));
    }

    #[test]
    fn a_request_for_another_service_or_without_signature_is_refused() {
        for header in [
            "Basic dXNlcjpwYXNz",
            "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261123/eu-west-1/s3/aws4_request",
            "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE",
        ] {
            assert_eq!(caller(header), Err(Kind::IncompleteSignature), "{header}");
        }
        let unsigned = Caller::of(&HeaderMap::new()).expect_err("unsigned");
        assert_eq!(unsigned.kind, Kind::MissingAuthenticationToken);
    }

    #[test]
    fn what_is_not_the_json_of_a_request_is_a_serialization_error() {
        for body in ["", "{", "[]", "7", r#"{"QueueUrl":7}"#, r#"{"Entries":{}}"#] {
            let error = Request::parse(body.as_bytes()).expect_err(body);
            assert_eq!(error.kind, Kind::Serialization, "{body}");
        }
    }
}
