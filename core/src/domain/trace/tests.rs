//! Sketches of keys: exact while small, right within bounds when large, and always the same for
//! the same keys.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Deed, Hour, KEPT, KeySketch, Touched, Traces};
use crate::domain::{Actor, Timestamp};

fn sketch(keys: impl IntoIterator<Item = u32>) -> KeySketch {
    let mut sketch = KeySketch::default();
    for key in keys {
        sketch.insert(&format!("photos/{key}.jpg"));
    }
    sketch
}

proptest! {
    #[test]
    fn the_same_keys_make_the_same_sketch_in_any_order_and_number_and_in_any_parts(
        keys in prop::collection::vec(0_u32..2_000, 0..1_500),
        cuts in prop::collection::vec(0_usize..1_500, 0..4),
    ) {
        let whole = sketch(keys.iter().copied());
        let mut backwards: Vec<u32> = keys.iter().rev().copied().collect();
        backwards.extend(&keys);
        prop_assert_eq!(&sketch(backwards), &whole);
        let mut joined = KeySketch::default();
        for cut in cuts.iter().chain([&0]) {
            let cut = (*cut).min(keys.len());
            joined.merge(&sketch(keys[cut..].iter().copied()));
        }
        prop_assert_eq!(joined.merge(&whole), joined.merge(&whole) || joined != whole);
        prop_assert_eq!(joined, whole);
    }

    #[test]
    fn a_sketch_is_read_as_it_was_written(keys in prop::collection::vec(any::<u32>(), 0..600)) {
        let sketch = sketch(keys);
        prop_assert_eq!(KeySketch::parse(&sketch.text()), Some(sketch));
    }
}

#[test]
fn few_keys_are_counted_exactly_and_many_about() {
    assert_eq!(sketch([]).keys(), 0);
    assert_eq!(sketch([1, 2, 2, 3]).keys(), 3);
    assert_eq!(sketch(0..255).keys(), 255);
    for keys in [256, 1_000, 20_000] {
        let counted = f64::from(u32::try_from(sketch(0..keys).keys()).unwrap());
        // Three times the error that is usual.
        assert!((counted / f64::from(keys) - 1.0).abs() < 0.19, "{counted} of {keys}");
    }
}

#[test]
fn what_a_full_sketch_leaves_out_lies_above_what_it_is_complete_to() {
    let few = sketch(0..10);
    assert!(few.hashes().iter().all(|hash| *hash < few.complete_to()));
    let many = sketch(0..5_000);
    assert_eq!(many.hashes().len(), KEPT);
    assert_eq!(many.hashes().last(), Some(&many.complete_to()));
    let mut below = sketch(0..5_000);
    assert!(!below.merge(&sketch(4_000..5_000)), "it knows them all, or none of them matters");
}

#[test]
fn no_other_text_is_a_sketch() {
    for text in ["0", "0000000", "00000000p", "0000000p", "0000000/", "0000000\u{e9}"] {
        assert_eq!(KeySketch::parse(text), None, "{text}");
    }
}

#[test]
fn what_sessions_of_one_role_did_in_an_hour_is_one_trace() {
    let session = |name: &str| {
        Arc::new(Actor {
            arn: Some(format!("arn:aws:sts::111122223333:assumed-role/mover/{name}")),
            principal_id: Some(format!("AROAEXAMPLEEXAMPLEXX:{name}")),
            source_ip: Some("192.0.2.3".into()),
            ..Actor::default()
        })
    };
    let account = Arc::new(Actor { account_id: Some("111122223333".into()), ..Actor::default() });
    let mut traces = Traces::default();
    let read = |traces: &mut Traces, key: &str, minute: i64, actor: &Arc<Actor>| {
        let at = Timestamp::from_millis(minute * 60_000);
        traces.note(&Touched { bucket: "photos", key, deed: Deed::Read, at, actor });
    };
    read(&mut traces, "a", 70, &session("i-0a"));
    read(&mut traces, "b", 61, &session("i-0b"));
    read(&mut traces, "c", 130, &session("i-0b"));
    read(&mut traces, "d", 61, &account);
    assert!(traces.memory_bytes() > 0);
    let taken = traces.take();
    assert_eq!(taken.len(), 2, "{taken:?}");
    let first = &taken[0];
    assert_eq!((first.hour, first.keys.keys()), (Hour::numbered(1), 2));
    assert_eq!((first.first_at.as_millis(), first.last_at.as_millis()), (3_660_000, 4_200_000));
    let role = "arn:aws:sts::111122223333:assumed-role/mover";
    assert_eq!(first.actor.arn.as_deref(), Some(role));
    assert_eq!(first.actor.principal_id.as_deref(), Some("AROAEXAMPLEEXAMPLEXX"));
    assert_eq!(first.actor.source_ip, None);
    assert_eq!((traces.take().len(), traces.memory_bytes()), (0, 0));
}
