//! Which keys evidence of deletes says were removed, as the store keeps it beside those that were
//! read. It knows neither records nor what that may mean.

use deltrail_core::detect::principal_names;
use deltrail_core::domain::{Cause, Deed, Evidence, Fact, RemovalRole, Touched, Trace, Traces};

use crate::store::StoredFact;

/// The keys that somebody removed, by these facts.
pub(super) fn removed_keys(facts: &[StoredFact]) -> Vec<Trace> {
    let mut traces = Traces::default();
    for stored in facts {
        if let Fact::Deletion(evidence) = &stored.fact
            && let Some(touched) = removed_key(evidence)
        {
            traces.note(&touched);
        }
    }
    traces.take()
}

/// Whether anybody is named more closely than by an account.
pub(super) fn is_of_somebody(trace: &Trace) -> bool {
    principal_names(&trace.actor).next().is_some()
}

/// The key that a call removed, by this evidence.
fn removed_key(evidence: &Evidence) -> Option<Touched<'_>> {
    let is_removal = evidence.role != RemovalRole::None && evidence.cause == Cause::Api;
    let key = evidence.key.as_deref().filter(|key| is_removal && !key.is_empty())?;
    Some(Touched {
        bucket: &evidence.bucket,
        key,
        deed: Deed::Removed,
        at: evidence.moment().at,
        actor: &evidence.actor,
    })
}
