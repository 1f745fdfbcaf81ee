//! The generic webhook: a JSON body for programs, signed so that nobody else can write it or send
//! it again later. It does not know who listens.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::body::Body;
use super::endpoint::Endpoint;
use super::{Notice, NotifyError, Secret};

/// Larger bodies lose their lists.
const BODY_BYTES_MAX: usize = 256 << 10;

/// The time of sending and the signature: `t=UNIX_SECONDS,v1=HEX`.
const SIGNATURE: HeaderName = HeaderName::from_static("deltrail-signature");
/// The same on every try of one message.
const DELIVERY: HeaderName = HeaderName::from_static("deltrail-delivery");

/// A webhook and what its messages are signed with.
#[derive(Clone)]
pub(super) struct Webhook {
    pub(super) endpoint: Endpoint,
    pub(super) secret: Option<Secret>,
}

impl Webhook {
    pub(super) async fn send(&self, notice: &Notice, url: Option<&str>) -> Result<(), NotifyError> {
        let body = Body::of(notice, url).into_json(BODY_BYTES_MAX);
        let mut headers = HeaderMap::new();
        let delivery = format!("{}-{}", notice.id(), notice.revision);
        headers.extend(HeaderValue::try_from(delivery).map(|value| (DELIVERY, value)));
        if let Some(secret) = &self.secret {
            let signed = signature(secret, unix_seconds(), &body);
            headers.extend(HeaderValue::try_from(signed).map(|value| (SIGNATURE, value)));
        }
        self.endpoint.post(headers, body).await.map(|_| ())
    }
}

/// HMAC-SHA256 over the time, a dot and the body, with the time before it. A receiver refuses what
/// is older than a few minutes, so that a message that was overheard is of no use.
fn signature(secret: &Secret, unix_seconds: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
    let mut signing = hmac::Context::with_key(&key);
    signing.update(format!("{unix_seconds}.").as_bytes());
    signing.update(body);
    let signed = format!("t={unix_seconds},v1=");
    signing.sign().as_ref().iter().fold(signed, |mut signed, byte| {
        // Writing to a text cannot fail.
        let _ = write!(signed, "{byte:02x}");
        signed
    })
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{Secret, signature};

    /// Made with `printf '%s' '1763892499.{"a":1}' | openssl dgst -sha256 -hmac SECRET`.
    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        let secret = Secret::parse("correct-horse-battery").unwrap();
        assert_eq!(
            signature(&secret, 1_763_892_499, br#"{"a":1}"#),
            "t=1763892499,v1=983ad7d43e5e3a5d03994243ec6184ba703367160c169b424782600b4fb1eab7"
        );
    }
}
