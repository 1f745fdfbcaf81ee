//! What to do next, by detector. It knows the commands of the program and of AWS, and judges
//! nothing.

use super::shown;
use crate::domain::{Detector, Finding};

/// What to do next, in steps on one line.
pub(super) fn advice(finding: &Finding) -> String {
    let steps = next_steps(finding).into_iter().enumerate();
    let numbered: Vec<String> = steps.map(|(at, step)| format!("{}) {step}", at + 1)).collect();
    numbered.join("  ")
}

/// What to do next, step by step; texts of others in it are escaped.
#[must_use]
pub fn next_steps(finding: &Finding) -> Vec<String> {
    let look = look(finding);
    let look = look.as_str();
    let steps: Vec<&str> = match finding.detector {
        Detector::MassDelete | Detector::OffPattern => vec![
            look,
            "not yours: take the principal's rights or revoke its sessions",
            "bring objects back by removing their delete markers, or from a backup",
            "expected: announce it with POST /api/v1/expectations",
        ],
        Detector::NewDeleter | Detector::NewOrigin => vec![
            look,
            "ask the owner of the principal whether this is meant",
            "not meant: revoke its sessions and keys",
        ],
        Detector::VersionPurge => vec![
            look,
            "not meant: deny s3:DeleteObjectVersion to the principal at once, for nothing brings \
             these versions back",
            "look for copies: replication, backup, inventory",
        ],
        Detector::StaleDelete => vec![
            look,
            "bring the uploads back by removing their delete markers, or upload again",
            "let the program delete by version id or with If-Match, not by key alone",
        ],
        Detector::RedundantDelete => {
            vec![look, "see whether the call is made twice, retried, or made by two jobs"]
        }
        Detector::DeleteDenied => vec![
            look,
            "a program of yours: give it s3:DeleteObject or stop it",
            "else: revoke the principal's sessions, somebody tries what is not allowed",
        ],
        Detector::ProtectionOff => vec![
            "ask who made the change whether it is meant",
            "not meant: switch it on again, then look at what was removed since",
            look,
        ],
        Detector::LifecycleSurge => vec![
            "look at the bucket's lifecycle rules and who changed them last",
            "not meant: disable the rule, it goes on every day",
            look,
        ],
        Detector::ReadThenDestroy => {
            vec![look, "revoke the principal's sessions and keys", "look for copies of the data"]
        }
        Detector::LogTamper => vec![
            "ask who made the change whether it is meant",
            "not meant: restore the trail or notification, then revoke the principal's sessions",
            "believe no quiet until it is restored",
        ],
        Detector::BlindSpot => vec![
            "check trail, event selectors, notifications and queues: deltrail doctor",
            "look whether somebody changed them: deltrail findings",
            look,
        ],
        Detector::UnfulfilledIntent => vec![
            "look at the program that declared them: was the call made, and answered?",
            "look for refused deletes of these keys: deltrail who-deleted",
        ],
        Detector::LatencySlo => {
            vec![look, "look at the size of bulk calls and at 503 SlowDown answers"]
        }
    };
    steps.into_iter().map(str::to_owned).collect()
}

/// The command that shows what it is about.
fn look(finding: &Finding) -> String {
    format!(
        "deltrail deletions --bucket {} --since {} --until {}",
        shown(&finding.bucket),
        finding.first_at,
        finding.last_at
    )
}
