//! Worlds of deletes that are acted out. An actor plays callers, lifecycle rules and replication
//! against three small buckets and writes down what really happened; from the same acts it derives
//! what each source of AWS would write. Whatever is then lost, repeated, mixed up or cut to
//! pieces, rows and counters have to equal the truth that the remaining sources allow.
//!
//! Nothing here computes a truth with the code under test: the fold and the counters are called by
//! the [`ledger`] only, and the ledger knows no truth.
//!
//! | file | idea |
//! |---|---|
//! | `dice` | chance from a seed |
//! | `acts` | what can happen, as data |
//! | `bucket` | what S3 does with a delete, by versioning |
//! | `acting`, `serving` | what happens in one world, by seed |
//! | `writing`, `trail` | what each source writes of it |
//! | `shaking` | which sources are left, in what order and cut how |
//! | `truth` | the rows, requests and totals that the remaining sources allow |
//! | `judging` | what can be said of the removals: repeated, stale, undone, declared |
//! | `ledger` | what the code under test says, commit by commit |
//! | `mutants` | folds that are wrong on purpose |
//! | `census` | how often everything occurred |
//!
//! Some things cannot be known from some sources. Such worlds are not acted, or their truth is
//! written as what can be known; each such place says so where it is decided.

mod acting;
mod acts;
mod bucket;
mod census;
mod judging;
mod ledger;
mod mutants;
mod serving;
mod shaking;
mod tests;
mod trail;
mod truth;
mod writing;
