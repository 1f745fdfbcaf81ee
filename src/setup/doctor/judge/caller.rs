//! Who calls, and whether the clock of this host is right.

use crate::setup::doctor::check::Verdict;
use crate::setup::doctor::seen::Answer;
use crate::setup::identity::{Clocks, Identity};
use crate::setup::refusal::Refusal;

/// Times of events are compared with this clock, and a watermark must not be seconds ahead.
const SKEW_WARN_MILLIS: u64 = 5_000;
/// Beyond this AWS refuses signatures ("Signing AWS requests", 15 minutes).
const SKEW_FAIL_MILLIS: u64 = 15 * 60_000;

pub(super) fn credentials(identity: &Answer<Identity>) -> Verdict {
    match identity {
        Ok(Identity { account, arn }) => Verdict::ok(format!("{arn}, account {account}")),
        Err(refusal @ (Refusal::Credentials { .. } | Refusal::Silent { .. })) => {
            Verdict::fail(refusal.to_string(), refusal.remedy())
        }
        Err(refusal) => Verdict::unanswered(refusal),
    }
}

pub(super) fn clock(clocks: Option<Clocks>) -> Verdict {
    let Some(Clocks { aws_millis, own_millis }) = clocks else {
        return Verdict::unknown(
            "no answer of AWS told the time",
            "see to the credentials and the network first",
        );
    };
    // AWS tells whole seconds; half of one is the least wrong.
    let skew_millis = own_millis - aws_millis - 500;
    let direction = if skew_millis < 0 { "behind" } else { "ahead of" };
    let size = skew_millis.unsigned_abs();
    let seen = format!("{}.{} s {direction} AWS", size / 1_000, size % 1_000 / 100);
    let remedy = "set the clock of this host, and keep it with chrony or systemd-timesyncd";
    match size {
        0..=SKEW_WARN_MILLIS => Verdict::ok(seen),
        _ if size <= SKEW_FAIL_MILLIS => Verdict::warn(seen, remedy),
        _ => Verdict::fail(format!("{seen}: AWS refuses what it signs"), remedy),
    }
}
