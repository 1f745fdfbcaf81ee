//! What is kept of what is usual, and what goes first when that is too much.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltrail_core::detect::{Baselines, Cell, Counts, Input, Sensitivity, Settings, Window};
use deltrail_core::domain::{Actor, Day, Source, Timestamp};

use super::{BYTES_MAX, CALLER_BYTES, Callers, Learnt};

const DAY: Day = Day::numbered(20_780);
static SETTINGS: Settings =
    Settings { sensitivity: Sensitivity::Normal, modes: BTreeMap::new(), is_important: false };
static WATERMARKS: BTreeMap<Source, Timestamp> = BTreeMap::new();

/// Callers whose descriptions alone take a hundredth of what may be kept.
fn callers() -> Arc<Callers> {
    let arn = |number| format!("arn:aws:iam::111122223333:user/{number}");
    let caller = |number| Actor { arn: Some(arn(number)), ..Actor::default() };
    let count = i64::try_from(BYTES_MAX / CALLER_BYTES / 100).unwrap();
    Arc::new((0..count).map(|number| (number, caller(number).into())).collect())
}

/// A bucket from which two of them removed something a week ago.
fn past() -> [Cell; 2] {
    let window = Window::of(DAY.plus(-7).start());
    let counts = Counts { removed: 5, markers: 5, ..Counts::default() };
    [1, 2].map(|caller| Cell { window, caller, counts })
}

fn input<'a>(bucket: &'a str, past: &'a [Cell], callers: &'a Callers) -> Input<'a> {
    Input {
        bucket,
        day: DAY,
        cells: &[],
        past,
        callers,
        suspects: &[],
        traces: &[],
        past_traces: &[],
        changes: &[],
        unresolved_calls: 0,
        watermarks: &WATERMARKS,
        observed_since: Timestamp::from_millis(0),
        announced: &[],
        settings: &SETTINGS,
    }
}

#[test]
fn what_was_not_used_for_the_longest_time_goes_and_is_counted_and_learnt_again_alike() {
    let (past, callers) = (past(), callers());
    let names: Vec<String> = (0..150).map(|nth| format!("bucket-{nth}")).collect();
    let mut learnt = Learnt::default();
    let asked = |nth: usize| input(&names[nth], &past, &callers);
    let mut evicted = 0;
    for nth in 0..names.len() {
        learnt.learn(&asked(nth), 1, Arc::clone(&callers));
        assert!(learnt.bytes <= BYTES_MAX);
        // The first bucket is looked at again and again.
        assert!(learnt.get(&asked(0), 1).is_some());
        evicted += learnt.take_evicted_series();
    }
    let kept = (0..names.len()).filter(|nth| learnt.get(&asked(*nth), 1).is_some()).count();
    assert!((90..100).contains(&kept), "{kept}");
    assert_eq!(learnt.get(&asked(1), 1), None, "it was the oldest");
    // Of each bucket that of the bucket and those of two principals.
    assert_eq!(evicted, 3 * (names.len() - kept) as u64);
    let again = learnt.learn(&asked(1), 1, Arc::clone(&callers));
    assert_eq!(*again, Baselines::of(&asked(1)));
}

#[test]
fn what_is_too_large_alone_is_not_kept() {
    let (past, callers) = (past(), callers());
    let count = i64::try_from(callers.len()).unwrap();
    let many = (0..101 * count).map(|number| (number, Arc::clone(&callers[&(number % count)])));
    let many: Arc<Callers> = Arc::new(many.collect());
    let mut learnt = Learnt::default();
    let asked = input("photos", &past, &callers);
    learnt.learn(&asked, 1, many);
    assert_eq!((learnt.bytes, learnt.get(&asked, 1)), (0, None));
    assert_eq!(learnt.take_evicted_series(), 3);
}
