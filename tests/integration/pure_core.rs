//! The world against the pure core alone: its files through the decoder and the fold, in memory.
//! What the daemon adds (queue, store, restarts) is tried elsewhere; when this fails, that will.

use std::collections::BTreeMap;

use deltrail_core::decode::{Limits, LogDecoder, LogKey};
use deltrail_core::domain::{
    Counted, Delta, Evidence, Family, Part, Request, Slot, count_latency, count_removals,
    count_request, fold,
};

use crate::world::{Counts, Truth, World};

/// Everything that the core makes of the world's files, as the truth words it.
fn told_by_core(world: &World) -> Truth {
    let limits = Limits { inflated_bytes_max: 1 << 30, record_bytes_max: 4 << 20 };
    let mut told = Truth::default();
    let mut requests: BTreeMap<(String, String), Request> = BTreeMap::new();
    let mut slots: BTreeMap<Slot, Vec<Evidence>> = BTreeMap::new();
    for file in &world.files {
        let LogKey::Log(path) = LogKey::of(&file.key) else { panic!("{}", file.key) };
        let mut decoder = LogDecoder::new(limits, path);
        decoder.push(&file.body()).and_then(|()| decoder.finish()).unwrap();
        let found = decoder.take();
        told.evidence_records += found.facts.len() as u64;
        told.ignored_records += found.ignored;
        for rejected in &found.rejected {
            *told.rejected.entry(vec![rejected.reason.as_str().to_owned()]).or_default() += 1;
        }
        for evidence in found.facts.into_iter().filter_map(|located| located.fact.deletion()) {
            if let Some(request) = Request::of(&evidence) {
                let at = (request.bucket.to_string(), request.identity.clone());
                let joined = match requests.remove(&at) {
                    Some(before) => before.join(request),
                    None => request,
                };
                requests.insert(at, joined);
            }
            let key = evidence.key.clone().unwrap_or_default();
            let slot = Slot { bucket: evidence.bucket.clone().into(), key };
            slots.entry(slot).or_default().push(evidence);
        }
    }
    let mut delta = Delta::default();
    for request in requests.values() {
        count_request(None, request, &request.bucket, &mut delta);
        let _ = count_latency(None, request, &request.bucket, &mut delta);
    }
    let nothing: BTreeMap<String, Counted> = BTreeMap::new();
    for (slot, evidence) in &slots {
        delta.merge(
            count_removals(
                &nothing,
                &fold(evidence),
                &slot.bucket,
                deltrail_core::domain::Provenance::Live,
            )
            .delta,
        );
    }
    told.requests = counts(&delta, Family::DeleteRequests);
    told.removed = counts(&delta, Family::ObjectsRemoved);
    told.kinds = counts(&delta, Family::RemovalsByKind);
    let latency = Family::RequestToDeleteLatency;
    let sum = |wanted: fn(Part) -> bool| -> u64 {
        let parts =
            delta.iter().filter(|(series, part, _)| series.family == latency && wanted(*part));
        parts.map(|(_, _, amount)| u64::try_from(amount).unwrap()).sum()
    };
    told.timed_requests = sum(|part| matches!(part, Part::Bucket(_)));
    told.service_millis = sum(|part| part == Part::SumMillis);
    told
}

fn counts(delta: &Delta, family: Family) -> Counts {
    delta
        .iter()
        .filter(|(series, ..)| series.family == family)
        .map(|(series, _, amount)| (series.labels.clone(), u64::try_from(amount).unwrap()))
        .collect()
}

#[test]
fn the_core_alone_tells_the_truth_about_the_world() {
    for seed in 1..=5 {
        let world = World::full(seed, 1_795_428_000_000, 50);
        let mut expected = world.truth.clone();
        // Bystanders are told by their keys, before anything is decoded.
        for bystander in &world.bystanders {
            let reason = match LogKey::of(&bystander.key) {
                LogKey::Log(_) if bystander.body.is_empty() => "zero_byte",
                key => key.skip_reason().unwrap(),
            };
            assert_eq!(expected.rejected.remove(&vec![reason.to_owned()]), Some(1), "{reason}");
        }
        assert_eq!(told_by_core(&world), expected, "seed {seed}");
    }
}

#[test]
fn a_poison_file_never_decodes() {
    let world = World::full(1, 1_795_428_000_000, 50);
    let poison = world.poison.unwrap();
    let LogKey::Log(path) = LogKey::of(&poison.key) else { panic!("{}", poison.key) };
    let limits = Limits { inflated_bytes_max: 1 << 30, record_bytes_max: 4 << 20 };
    let mut decoder = LogDecoder::new(limits, path);
    assert!(decoder.push(&poison.body).and_then(|()| decoder.finish()).is_err());
}
