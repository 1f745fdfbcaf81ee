//! The words of the house: slots, evidence, requests, removals and the totals they move. Nothing
//! here knows where evidence comes from or where rows are kept.

mod actor;
mod address;
mod counting;
#[cfg(test)]
mod counting_laws;
mod creation;
#[cfg(test)]
pub(crate) mod dice;
mod evidence;
mod fact;
mod finding;
mod finding_text;
mod fold;
#[cfg(test)]
mod fold_laws;
mod intent;
mod latency;
mod matching;
mod moment;
mod principal;
mod protection;
mod recovery;
mod removal;
mod request;
mod slot;
mod source;
mod time;
mod totals;
mod trace;
mod verdict;
mod watermark;
#[cfg(test)]
mod worlds;

pub use actor::{Actor, ActorKind};
pub use address::{Address, AddressError};
pub use counting::{
    Counted, Provenance, Recount, Said, Settling, count_confirmed_latency, count_removals,
    count_request, count_settled,
};
pub use creation::{Created, Creation, fold_creations};
pub use evidence::{Api, Call, Cause, Evidence, Mark, Outcome, RemovalRole};
pub use fact::Fact;
pub use finding::{Detector, Finding, Mode, Reason, Severity, State, Tally, Who};
pub(crate) use finding_text::some;
pub use finding_text::{FindingText, Standing, next_steps, title};
pub use fold::{PAIR_MILLIS_MAX, fold, fold_told};
pub use intent::Intent;
pub use latency::{
    Basis, DiscardedLatency, FAST_INTENT_MILLIS_MAX, FAST_REQUEST_MILLIS_MAX, PLAUSIBLE_MILLIS_MAX,
    count_latency, observe_latency, slow_intent_millis, slow_request_millis,
};
pub use moment::Moment;
pub use principal::Principal;
pub use protection::ProtectionChange;
pub use recovery::{Aftermath, KnownVersion, Recovery, S3Call, Step, shell_quoted};
pub use removal::{Kind, Removal};
pub use request::Request;
pub use slot::{Slot, Target};
pub use source::{Source, SourceSet};
pub use time::{Day, ParseTimestampError, Timestamp};
pub use totals::{Delta, Family, LATENCY_BUCKETS_MS, Part, Series};
pub use trace::{Deed, Hour, KeySketch, Touched, Trace, Traces};
pub use verdict::{DUPLICATE_MILLIS_MAX, History, Verdict, fulfilment, judge};
pub use watermark::{SETTLE_MILLIS, lateness_millis};
