//! The words of the house: slots, evidence, requests, removals and the totals they move. Nothing
//! here knows where evidence comes from or where rows are kept.

mod actor;
mod creation;
mod evidence;
mod fact;
mod fold;
#[cfg(test)]
mod fold_laws;
#[cfg(test)]
mod fold_worlds;
mod intent;
mod matching;
mod moment;
mod protection;
mod removal;
mod request;
mod slot;
mod source;
mod time;
mod totals;
#[cfg(test)]
mod totals_laws;

pub use actor::{Actor, ActorKind};
pub use creation::Creation;
pub use evidence::{Api, Call, Cause, Evidence, Mark, Outcome, RemovalRole};
pub use fact::Fact;
pub use fold::{PAIR_MILLIS_MAX, fold};
pub use intent::Intent;
pub use moment::Moment;
pub use protection::ProtectionChange;
pub use removal::{Kind, Removal};
pub use request::Request;
pub use slot::{Slot, Target};
pub use source::{Source, SourceSet};
pub use time::{ParseTimestampError, Timestamp};
pub use totals::{
    Counted, Delta, DiscardedLatency, Family, LATENCY_BUCKETS_MS, Part, Recount, Series,
    count_latency, count_removals, count_request,
};
