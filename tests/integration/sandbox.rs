//! The project's own S3 and SQS inside the test process, empty, at the world's pace. It knows no
//! test.

use deltrail::sandbox::clock::Clock;
use deltrail::sandbox::faults::Faults;
use deltrail::sandbox::principal::{Kind, Principal};
use deltrail::sandbox::{Options, Sandbox};
use deltrail_core::domain::Timestamp;

/// The region of every bucket and queue in it.
pub const REGION: &str = "us-east-1";

/// Starts it with one user, who signs with this key and secret.
pub async fn sandbox_of(user: &str, key: [&str; 2]) -> Sandbox {
    sandbox_at(Timestamp::from_millis(1_795_435_200_000), user, key).await
}

/// The same, where it is this time now.
pub async fn sandbox_at(
    now: Timestamp,
    user: &str,
    [access_key_id, secret_access_key]: [&str; 2],
) -> Sandbox {
    Sandbox::start(Options {
        listen: ([127, 0, 0, 1], 0).into(),
        seed: 1,
        clock: Clock::starting_at(now, 1.0),
        pace: Clock::starting_at(now, 1.0),
        account: "111122223333".into(),
        region: REGION.into(),
        principals: vec![Principal {
            name: user.into(),
            kind: Kind::User,
            account: "111122223333".into(),
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
        }],
        faults: Faults::none(),
        trail: None,
        access_log_delay_seconds: 1..2,
    })
    .await
    .unwrap()
}
