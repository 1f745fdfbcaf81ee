//! Acts that the tests of the composers describe. It is compiled for tests only.

use std::sync::Arc;

use deltrail_core::domain::Timestamp;

use crate::sandbox::act::{Act, Call, Caller};
use crate::sandbox::principal::{Kind, Principal};

/// 2026-11-23T12:00:00.250Z, when the acts begin; they take 40 ms.
pub(in crate::sandbox) const STARTED: Timestamp = Timestamp::from_millis(1_795_435_200_250);

pub(in crate::sandbox) fn principal(kind: Kind, name: &str) -> Arc<Principal> {
    Arc::new(Principal {
        name: name.into(),
        kind,
        account: "111122223333".into(),
        access_key_id: "AKIAIMAGESERVICE".into(),
        secret_access_key: "secret".into(),
    })
}

/// An act of the image service, a role, in its bucket `images`.
pub(in crate::sandbox) fn act(call: Call) -> Act {
    let kind = Kind::Role { session: "i-0abc".into() };
    Act {
        started_at: STARTED,
        ended_at: Timestamp::from_millis(STARTED.as_millis() + 40),
        request_id: "REQUEST000000001".into(),
        host_id: "host/id=".into(),
        caller: Caller {
            principal: Some(principal(kind, "image-service")),
            source_address: "198.51.100.7".into(),
            user_agent: "aws-sdk-rust/1.3.9 os/linux".into(),
            host: "images.s3.eu-west-1.amazonaws.com".into(),
        },
        bucket: "images".into(),
        bucket_account: "111122223333".into(),
        region: "eu-west-1".into(),
        call,
        refusal: None,
    }
}

/// What a gzip stream holds, by a reader that the composers do not share.
#[expect(clippy::disallowed_types, reason = "tests read only what the sandbox itself wrote")]
pub(in crate::sandbox) fn inflated(body: &[u8]) -> Vec<u8> {
    let mut document = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(body), &mut document).unwrap();
    document
}
