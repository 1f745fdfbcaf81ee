//! How each fault of the sandbox's S3 looks to a client that does not try again, and what is
//! denied. It does not know when faults strike.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use deltrail::sandbox::faults::Fault;

use super::{KEY, SECRET, Service, code};
use crate::sandbox::sandbox_of;

const BUCKET: &str = "contract-faults";

/// A body long enough to be cut.
fn body() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// What a read of the object gives: its body, or the error code of the answer or of its body.
async fn read(service: &Service) -> Result<Vec<u8>, String> {
    let answer = service.s3.get_object().bucket(BUCKET).key("k").send().await;
    match answer {
        Ok(answer) => match answer.body.collect().await {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(_) => Err("a body that is cut".into()),
        },
        error => Err(code(error)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_s3_looks_as_it_does_at_aws_and_passes() {
    let sandbox = sandbox_of("tester", [KEY, SECRET]).await;
    let faults = sandbox.faults().clone();
    let service = Service::at(sandbox.endpoint(), KEY, SECRET);
    service.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
    let put = service.s3.put_object().bucket(BUCKET).key("k").body(ByteStream::from(body()));
    put.send().await.unwrap();
    let looks: [(Fault, Result<Vec<u8>, String>); 7] = [
        (Fault::S3InternalError, Err("InternalError".into())),
        (Fault::S3SlowDown, Err("SlowDown".into())),
        (Fault::S3AccessDenied, Err("AccessDenied".into())),
        (Fault::S3WrongRegion, Err("PermanentRedirect".into())),
        (Fault::S3ClockSkew, Err("RequestTimeTooSkewed".into())),
        (Fault::S3BodyReset, Err("a body that is cut".into())),
        (Fault::S3SlowBody, Ok(body())),
    ];
    for (fault, look) in looks {
        faults.set(fault, 1_000);
        assert!(read(&service).await == look, "{fault:?}");
        faults.set(fault, 0);
        assert!(read(&service).await == Ok(body()), "after {fault:?}");
        assert_eq!(faults.injected()[&fault], 1);
    }
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_is_named_with_who_asked_and_for_what() {
    let sandbox = sandbox_of("tester", [KEY, SECRET]).await;
    let faults = sandbox.faults().clone();
    let service = Service::at(sandbox.endpoint(), KEY, SECRET);
    service.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
    service.s3.put_object().bucket(BUCKET).key("k").send().await.unwrap();
    for action in ["s3:GetObject", "kms:Decrypt"] {
        faults.deny(action, BUCKET);
        let denied = service.s3.get_object().bucket(BUCKET).key("k").send().await.unwrap_err();
        assert_eq!(denied.code(), Some("AccessDenied"), "{action}");
        let message = denied.message().unwrap_or_default();
        assert!(message.contains("user/tester") && message.contains(action), "{message}");
        faults.allow(action, BUCKET);
    }
    assert!(service.s3.get_object().bucket(BUCKET).key("k").send().await.is_ok());
    sandbox.stop().await;
}
