//! Names that are longer than any that AWS gives, made as long as an index can hold: whoever may
//! send a request may put any text into a log, and one such text must not stop the rest of its file
//! from being kept. It knows no database.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use deltrail_core::domain::{Creation, Evidence, Fact, Intent, ProtectionChange, Target};

use super::Batch;

/// S3 has no longer key.
const KEY_BYTES_MAX: usize = 1_024;
/// Ids of requests, events and versions are shorter than this.
const ID_BYTES_MAX: usize = 400;
/// What a fact is known by may hold its key.
const NAME_BYTES_MAX: usize = 1_600;
/// How many characters stand for the rest of a text.
const DIGEST_CHARS: usize = 64;

/// Shortens the names in a batch that are too long: the same text alike everywhere, and different
/// ones differently.
pub(super) fn bounded(mut batch: Batch) -> Batch {
    for stored in &mut batch.facts {
        match &mut stored.fact {
            Fact::Deletion(evidence) => bound_evidence(evidence),
            Fact::Creation(creation) => bound_creation(creation),
            Fact::Intent(intent) => bound_intent(intent),
            Fact::Protection(change) => bound_protection(change),
        }
    }
    batch
}

fn bound_evidence(evidence: &mut Evidence) {
    bound(&mut evidence.id, NAME_BYTES_MAX);
    bound_any(&mut evidence.key, KEY_BYTES_MAX);
    if let Some(id) = evidence.request_id.as_ref().and_then(|id| shortened(id, ID_BYTES_MAX)) {
        evidence.request_id = Some(id.into());
    }
    for id in [
        &mut evidence.event_id,
        &mut evidence.shared_event_id,
        &mut evidence.amends_event_id,
        &mut evidence.marker_version_id,
    ] {
        bound_any(id, ID_BYTES_MAX);
    }
    if let Target::Version(version) = &mut evidence.target {
        bound(version, ID_BYTES_MAX);
    }
}

fn bound_creation(creation: &mut Creation) {
    bound(&mut creation.id, NAME_BYTES_MAX);
    bound(&mut creation.key, KEY_BYTES_MAX);
    bound_any(&mut creation.request_id, ID_BYTES_MAX);
    bound_any(&mut creation.version_id, ID_BYTES_MAX);
    bound_any(&mut creation.sequencer, ID_BYTES_MAX);
}

fn bound_intent(intent: &mut Intent) {
    bound(&mut intent.id, NAME_BYTES_MAX);
    for key in &mut intent.keys {
        bound(key, KEY_BYTES_MAX);
    }
}

fn bound_protection(change: &mut ProtectionChange) {
    bound(&mut change.id, NAME_BYTES_MAX);
}

fn bound_any(text: &mut Option<String>, bytes_max: usize) {
    if let Some(text) = text {
        bound(text, bytes_max);
    }
}

fn bound(text: &mut String, bytes_max: usize) {
    if let Some(short) = shortened(text, bytes_max) {
        *text = short;
    }
}

/// The beginning of a text that is too long, and a digest of all of it.
fn shortened(text: &str, bytes_max: usize) -> Option<String> {
    if text.len() <= bytes_max {
        return None;
    }
    let mut short = text[..text.floor_char_boundary(bytes_max - DIGEST_CHARS - 1)].to_owned();
    short.push('~');
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        // Writing to a text does not fail.
        let _ = write!(short, "{byte:02x}");
    }
    Some(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables::fixtures::{batch, delete, removed, stores};

    /// Text that nothing can make shorter, and that a database may count double.
    fn noise(bytes: usize, seed: u64) -> String {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..bytes).map(|_| char::from(random.u8(1..128))).collect()
    }

    #[test]
    fn a_text_that_is_too_long_keeps_its_beginning_and_is_told_from_others() {
        let (one, other) = ("a".repeat(2_000), format!("{}b", "a".repeat(1_999)));
        let short = shortened(&one, KEY_BYTES_MAX).unwrap();
        assert_eq!(short.len(), KEY_BYTES_MAX);
        assert!(short.starts_with("aaaa"));
        assert_ne!(Some(short), shortened(&other, KEY_BYTES_MAX));
        assert_eq!(shortened(&"é".repeat(512), KEY_BYTES_MAX), None);
        assert!(shortened(&"é".repeat(2_000), ID_BYTES_MAX).unwrap().len() <= ID_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_name_of_any_length_stops_nobody_and_is_counted_once() {
        for store in stores(500) {
            let mut hostile = delete("b", &noise(8_000, 1), &noise(8_000, 2));
            hostile.id = noise(20_000, 3);
            hostile.event_id = Some(noise(8_000, 4));
            hostile.shared_event_id = Some(noise(8_000, 5));
            hostile.target = Target::Version(noise(8_000, 6));
            hostile.marker_version_id = Some(noise(8_000, 7));
            let longest = delete("b", &noise(KEY_BYTES_MAX, 8), "longest");
            for _ in 0..2 {
                let told = [hostile.clone(), longest.clone(), delete("b", "cat.jpg", "A")];
                store.commit(batch(told)).await.unwrap();
                assert_eq!(removed(&store, "b").await, 3);
            }
        }
    }
}
