//! One request on its way through S3: when it came, who sent it, whether it is let in, and the act
//! that it becomes. It does not know what the request is about to do.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use deltrail_core::domain::Timestamp;
use s3s::S3Request;

use super::super::act::{Act, Call, Caller, Refusal};
use super::super::faults::{Fault, Faults};
use super::super::identifiers::Identifiers;
use super::super::principal::Principal;
use super::buckets::Buckets;
use super::refused::Refused;

/// Another region than any that the sandbox is likely to be in, for redirects by chance.
const ELSEWHERE: &str = "ap-southeast-4";
/// The key of KMS that objects are encrypted with, as far as refusals name it.
const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// What a request is given as it arrives.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub at: Timestamp,
    pub request_id: String,
    pub host_id: String,
}

/// Something that the caller needs to be allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Permission<'a> {
    /// As policies name it, such as `s3:GetObject`.
    pub action: &'a str,
    pub bucket: &'a str,
    /// None for the bucket itself.
    pub key: Option<&'a str>,
}

impl Permission<'_> {
    fn resource(&self) -> String {
        let key = self.key.map(|key| format!("/{key}")).unwrap_or_default();
        format!("{}{key}", self.bucket)
    }
}

/// A request that is being served.
#[derive(Debug)]
pub(super) struct Visit {
    pub arrival: Arrival,
    caller: Caller,
    bucket: String,
}

impl Visit {
    /// A request over the wire about `bucket`.
    pub fn of<T>(buckets: &Buckets, request: &S3Request<T>, bucket: &str) -> Self {
        let arrival = request.extensions.get::<Arrival>().cloned();
        let access_key_id = request.credentials.as_ref().map(|signed| signed.access_key.as_str());
        let principal = access_key_id.and_then(|id| buckets.principal(id));
        let caller = Caller {
            source_address: source_address(principal.as_deref()),
            principal,
            user_agent: text_of(&request.headers, &header::USER_AGENT),
            host: text_of(&request.headers, &header::HOST),
        };
        let arrival = arrival.unwrap_or_else(|| buckets.arrival());
        Self { arrival, caller, bucket: bucket.to_owned() }
    }

    /// A service of AWS that does something to `bucket` by itself.
    pub fn by_service(buckets: &Buckets, service: Principal, bucket: &str) -> Self {
        let options = buckets.options();
        let caller = Caller {
            source_address: service.name.clone(),
            user_agent: service.name.clone(),
            host: format!("{bucket}.s3.{}.amazonaws.com", options.region),
            principal: Some(Arc::new(service)),
        };
        Self { arrival: buckets.arrival(), caller, bucket: bucket.to_owned() }
    }

    /// Lets the request in, or refuses it: by chance, because the bucket is missing or somebody
    /// else's, or because the caller is not allowed to.
    pub fn admit(
        &self,
        buckets: &Buckets,
        permission: Permission<'_>,
        expected_owner: Option<&str>,
    ) -> Result<(), Refused> {
        meet_chance(&buckets.options().faults)?;
        self.admit_without_chance(buckets, permission, expected_owner)
    }

    /// As [`Visit::admit`], for requests that set a bucket up: those never fail by chance.
    pub fn admit_without_chance(
        &self,
        buckets: &Buckets,
        permission: Permission<'_>,
        expected_owner: Option<&str>,
    ) -> Result<(), Refused> {
        check_bucket(buckets, permission.bucket, expected_owner)?;
        self.check(buckets, permission)
    }

    /// As [`Visit::admit`], for requests whose keys are checked one by one.
    pub fn admit_unchecked(
        &self,
        buckets: &Buckets,
        expected_owner: Option<&str>,
    ) -> Result<(), Refused> {
        meet_chance(&buckets.options().faults)?;
        check_bucket(buckets, &self.bucket, expected_owner)?;
        self.signer().map(|_| ())
    }

    /// Whether the caller is allowed to.
    pub fn check(&self, buckets: &Buckets, permission: Permission<'_>) -> Result<(), Refused> {
        let principal = self.signer()?;
        let faults = &buckets.options().faults;
        let resource = permission.resource();
        let is_denied = faults.denies(permission.action, permission.bucket)
            || faults.denies(permission.action, &resource);
        if !is_denied {
            return Ok(());
        }
        let arn = format!("arn:aws:s3:::{resource}");
        Err(Refusal::access_denied(&principal.arn(), permission.action, &arn).into())
    }

    /// Whether the caller may use the key that the objects of `bucket` are encrypted with.
    pub fn check_key(&self, buckets: &Buckets, bucket: &str) -> Result<(), Refused> {
        let options = buckets.options();
        if !options.faults.denies("kms:Decrypt", bucket) {
            return Ok(());
        }
        let principal = self.signer()?;
        let key_arn = format!("arn:aws:kms:{}:{}:key/{KEY_ID}", options.region, options.account);
        Err(Refused::key_denied(&principal.arn(), &key_arn))
    }

    /// Tells what became of the request. Called once for each request about objects.
    pub fn conclude(self, buckets: &Buckets, call: Call, refused: Option<&Refused>) {
        if refused.is_some_and(|refused| !refused.is_logged()) {
            return;
        }
        let options = buckets.options();
        let service_millis = service_millis(&options.identifiers, &call);
        let act = Act {
            started_at: self.arrival.at,
            ended_at: Timestamp::from_millis(self.arrival.at.as_millis() + service_millis),
            request_id: self.arrival.request_id,
            host_id: self.arrival.host_id,
            caller: self.caller,
            bucket: self.bucket,
            bucket_account: options.account.clone(),
            region: options.region.clone(),
            call,
            refusal: refused.map(|refused| refused.refusal.clone()),
        };
        // Nobody listens any more when the sandbox closes.
        let _ = options.acts.send(act);
    }

    /// Who signed the request. No bucket of the sandbox is open to those who did not.
    fn signer(&self) -> Result<&Principal, Refused> {
        self.caller.principal.as_deref().ok_or_else(Refused::access_denied)
    }
}

fn check_bucket(
    buckets: &Buckets,
    bucket: &str,
    expected_owner: Option<&str>,
) -> Result<(), Refused> {
    if !buckets.has(bucket) {
        return Err(Refused::no_such_bucket());
    }
    if expected_owner.is_some_and(|owner| owner != buckets.options().account) {
        return Err(Refused::access_denied());
    }
    Ok(())
}

/// Lets a fault strike that refuses the request.
fn meet_chance(faults: &Faults) -> Result<(), Refused> {
    let struck = faults.strike(&[
        Fault::S3InternalError,
        Fault::S3SlowDown,
        Fault::S3AccessDenied,
        Fault::S3WrongRegion,
        Fault::S3ClockSkew,
    ]);
    match struck {
        Some(Fault::S3InternalError) => Err(Refused::internal_error()),
        Some(Fault::S3SlowDown) => Err(Refused::slow_down()),
        Some(Fault::S3AccessDenied) => Err(Refused::access_denied()),
        Some(Fault::S3WrongRegion) => Err(Refused::elsewhere(ELSEWHERE)),
        Some(Fault::S3ClockSkew) => Err(Refused::time_too_skewed()),
        _ => Ok(()),
    }
}

/// How long S3 takes by the sandbox's clock, in milliseconds. Real time says nothing, because that
/// clock may run at any speed.
fn service_millis(identifiers: &Identifiers, call: &Call) -> i64 {
    let range = match call {
        Call::BulkDelete { .. } => 60..401,
        _ => 20..181,
    };
    identifiers.number(range).cast_signed()
}

/// An address for documentation that is always the same for the same caller.
fn source_address(principal: Option<&Principal>) -> String {
    let name = principal.map_or("anonymous", |principal| &principal.name);
    let sum = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 254);
    format!("203.0.113.{}", sum + 1)
}

fn text_of(headers: &HeaderMap, name: &header::HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}
