//! How large what is usual may grow.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Baselines;
use crate::detect::{Cell, Counts, Input, PAST_DAYS, Settings, WINDOWS_PER_DAY, Window};
use crate::domain::{Actor, Day};

/// What one series may take, and 50 000 of them.
const SERIES_BYTES_MAX: usize = 1_024;
const FIFTY_THOUSAND_BYTES_MAX: usize = 256 << 20;

#[test]
fn a_series_of_a_long_name_and_much_past_takes_no_more_than_one_kibibyte() {
    let day = Day::numbered(20_780);
    let arn = format!("arn:aws:sts::111122223333:assumed-role/{}/s", "r".repeat(64));
    let callers: BTreeMap<i64, Arc<Actor>> = (0..40)
        .map(|number| {
            let actor = Actor {
                arn: Some(arn.clone()),
                source_ip: Some(format!("203.0.{number}.1")),
                user_agent: Some(format!("agent-{number}/1")),
                ..Actor::default()
            };
            (number, actor.into())
        })
        .collect();
    let begin = day.plus(-PAST_DAYS).number() * WINDOWS_PER_DAY;
    let past: Vec<Cell> = (0..(PAST_DAYS - 1) * WINDOWS_PER_DAY)
        .map(|at| Cell {
            window: Window::numbered(begin + at),
            caller: at % 40,
            counts: Counts::from_numbers([1 << 40; 10]),
        })
        .collect();
    let baselines = Baselines::of(&Input {
        bucket: "photos",
        day,
        cells: &[],
        past: &past,
        callers: &callers,
        suspects: &[],
        traces: &[],
        past_traces: &[],
        changes: &[],
        unresolved_calls: 0,
        watermarks: &BTreeMap::new(),
        observed_since: day.plus(-400).start(),
        announced: &[],
        settings: &Settings::default(),
    });
    let (id, principal) = baselines.principals.iter().next().unwrap();
    let of_bucket = baselines.bucket().memory_bytes();
    let of_principal = size_of::<String>() + id.len() + principal.memory_bytes();
    assert!(baselines.memory_bytes() >= of_bucket + of_principal);
    assert!(of_bucket <= SERIES_BYTES_MAX, "{of_bucket} bytes");
    assert!(of_principal <= SERIES_BYTES_MAX, "{of_principal} bytes");
    assert!(50_000 * of_principal.max(of_bucket) <= FIFTY_THOUSAND_BYTES_MAX);
    assert_eq!(baselines.bucket().removed.today[0].largest, u32::MAX);
}
