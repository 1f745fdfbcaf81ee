//! Who the caller is, and what time it is at AWS. It does not know what either is wanted for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;

use super::client::{config, default_region};
use super::refusal::{Asked, Refusal};

/// Whose credentials are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The account, 12 digits.
    pub account: String,
    /// The user or the session of a role.
    pub arn: String,
}

/// Two clocks at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// What an answer of AWS says, in milliseconds since 1970; it says whole seconds.
    pub aws_millis: i64,
    /// What this host said when the answer came.
    pub own_millis: i64,
}

/// Asks who the caller is. The time is known when AWS answered anything at all.
pub async fn identity(aws: &SdkConfig) -> (Result<Identity, Refusal>, Option<Clocks>) {
    let dated = Dated::default();
    let client = aws_sdk_sts::Client::new(&config(aws, &default_region(aws)));
    let ask = client.get_caller_identity().customize().interceptor(dated.clone());
    let identity = match ask.send().await {
        Ok(answer) => Ok(Identity {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
        }),
        Err(error) => Err(Refusal::of(Asked::new("sts:GetCallerIdentity", "the caller"), &error)),
    };
    let clocks = *dated.0.lock().unwrap_or_else(PoisonError::into_inner);
    (identity, clocks)
}

/// Keeps the time in an answer, whatever else that says.
#[derive(Debug, Clone, Default)]
struct Dated(Arc<Mutex<Option<Clocks>>>);

impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "Dated"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(aws_millis) = date.and_then(|date| date.to_millis().ok()) {
            let own = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let own_millis = i64::try_from(own.as_millis()).unwrap_or(i64::MAX);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Clocks { aws_millis, own_millis });
        }
        Ok(())
    }
}
