//! What is kept, and how it is written and asked: every statement of the store, in the SQL that all
//! its databases have in common. It knows neither connections nor threads.

mod actors;
mod commit;
mod creations;
pub(super) mod deliveries;
pub(super) mod expectations;
pub(super) mod finding_rows;
pub(super) mod findings;
mod forget;
mod gauges;
mod heard;
mod history;
mod intents;
mod journal;
mod neighbourhood;
pub(super) mod observations;
mod protections;
pub(super) mod query;
pub(super) mod read;
mod request_rows;
mod requests;
mod rollups;
mod rows;
mod settle;
mod settle_calls;
mod settle_intents;
mod slots;
mod slow;
mod told;
mod totals;
pub(super) mod traces;
mod watermarks;

#[cfg(test)]
mod backfill_tests;
#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod confirmed_tests;
#[cfg(test)]
mod creation_tests;
#[cfg(test)]
mod expectation_tests;
#[cfg(test)]
mod figure_tests;
#[cfg(test)]
mod finding_tests;
#[cfg(test)]
pub(super) mod fixtures;
#[cfg(test)]
pub(super) mod fold_tests;
#[cfg(test)]
pub(super) mod history_tests;
#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod intent_tests;
#[cfg(test)]
mod observation_tests;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod replica_tests;
#[cfg(test)]
mod settle_tests;
#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
pub(super) mod story;
#[cfg(test)]
mod trace_tests;

pub(super) use self::commit::commit_batches;
#[cfg(test)]
pub(crate) use self::fixtures::database as shared_database;
pub(super) use self::forget::forget;
pub(super) use self::gauges::gauges;
pub(super) use self::neighbourhood::CLAIM_MILLIS_MAX;
pub(super) use self::requests::is_child;
pub(super) use self::rows::actor_text;
pub(super) use self::settle::{CREATIONS_KEPT_MILLIS, settle};
pub(super) use self::slots::{slot_key, slots_of};
pub(super) use self::watermarks::advance;
