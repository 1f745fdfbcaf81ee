//! Faults of S3 and SQS, and whatever comes of them: schedules are drawn from seeds and played side
//! by side, each by a daemon of its own in this process, and in the end every one of them must know
//! all that happened, once. It knows no rule of counting.
//!
//! `DELTRAIL_FAULTS_SEED` plays the one schedule of a seed that failed, `DELTRAIL_FAULTS_SCHEDULES`
//! as many as are asked for.

pub mod estate;
mod outage;
mod poison;
mod run;
mod schedule;
pub mod traffic;
pub mod truth;

use std::collections::BTreeSet;
use std::sync::Arc;

use deltrail::sandbox::faults::Fault;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::run::{Strikes, play};

const SCHEDULES: u64 = 100;
/// So many schedules at a time: most of them wait.
const SIDE_BY_SIDE: usize = 100;
/// How often every kind of fault has to strike in so many schedules and more.
const STRIKES_MIN: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_everything_is_known_once_in_the_end() {
    if let Some(seed) = number("DELTRAIL_FAULTS_SEED") {
        println!("seed {seed}: {:?}", play(seed).await.unwrap_or_else(|error| panic!("{error}")));
        return;
    }
    let schedules = number("DELTRAIL_FAULTS_SCHEDULES").unwrap_or(SCHEDULES);
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut running = JoinSet::new();
    for seed in 1..=schedules {
        let places = Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            (seed, play(seed).await)
        });
    }
    let (mut strikes, mut failed) = (Strikes::new(), BTreeSet::new());
    while let Some(played) = running.join_next().await {
        match played.unwrap() {
            (_, Ok(struck)) => {
                for (kind, count) in struck {
                    *strikes.entry(kind).or_default() += count;
                }
            }
            (seed, Err(error)) => {
                println!("schedule {seed} failed; again: DELTRAIL_FAULTS_SEED={seed}\n{error}");
                failed.insert(seed);
            }
        }
    }
    assert!(failed.is_empty(), "failed schedules: {failed:?}");
    let faults = Fault::ALL.into_iter().map(|fault| format!("{fault:?}"));
    for kind in faults.chain(poison::names()) {
        let count = strikes.get(&kind).copied().unwrap_or_default();
        assert!(
            schedules < SCHEDULES || count >= STRIKES_MIN,
            "{kind} struck {count} times: {strikes:?}"
        );
    }
}

/// A number that a variable of the environment asks for.
pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
