//! Any evidence about one slot, in any order, repeated and cut into commits anyhow: the same
//! removals, counted once each, and never fewer than before.
#![no_main]

use std::collections::BTreeMap;

use deltrail_core::domain::{
    Actor, Cause, Counted, Evidence, Family, Mark, Part, Provenance, RemovalRole, Source, Target,
    Timestamp, count_removals, fold,
};
use libfuzzer_sys::fuzz_target;

/// Bytes of the input that make one piece.
const PIECE_BYTES: usize = 6;
const PIECES_MAX: usize = 24;

fuzz_target!(|bytes: &[u8]| {
    let (cuts, pieces) = bytes.split_at(bytes.len().min(4));
    let pieces: Vec<Evidence> =
        pieces.chunks_exact(PIECE_BYTES).take(PIECES_MAX).map(piece).collect();
    let whole = fold(&pieces);

    let mut shaken: Vec<&Evidence> = pieces.iter().rev().chain(&pieces).collect();
    let turn = cuts.iter().map(|&cut| usize::from(cut)).sum::<usize>();
    let middle = turn % shaken.len().max(1);
    shaken.rotate_left(middle);
    assert_eq!(fold(shaken), whole, "by order or repetition");

    let mut rows: BTreeMap<String, Counted> = BTreeMap::new();
    let mut counted = 0;
    let mut known = 0;
    let mut cuts = cuts.iter().cycle();
    while known < pieces.len() {
        let taken = 1 + cuts.next().map_or(0, |&cut| usize::from(cut) % 4);
        known = (known + taken).min(pieces.len());
        let removals = fold(&pieces[..known]);
        let recount = count_removals(&rows, &removals, "images", Provenance::Live);
        for (series, part, amount) in recount.delta.iter() {
            assert!(amount > 0, "a counter falls: {series:?}");
            if series.family == Family::ObjectsRemoved && part == Part::Value {
                counted += amount;
            }
        }
        assert!(rows.len() <= removals.len(), "fewer removals than before");
        assert_eq!(usize::try_from(counted), Ok(removals.len()), "counted once each");
        let identities = removals.iter().map(|removal| removal.identity.clone());
        rows = identities.zip(recount.counted).collect();
        assert_eq!(rows.len(), removals.len(), "two removals of one identity");
    }
});

/// From few requests, versions, accounts and times, so that pieces meet often. The same bytes are
/// the same piece.
fn piece(bytes: &[u8]) -> Evidence {
    let [source, role, ids, target, seconds, event] = bytes else { unreachable!("a whole piece") };
    let source = Source::ALL[usize::from(*source) % 4];
    let is_trail = source == Source::CloudTrail;
    let role = match role % 8 {
        0 => RemovalRole::None,
        1..4 if is_trail => RemovalRole::Child,
        _ => RemovalRole::Claim,
    };
    let request = (ids % 8 > 0).then(|| format!("R{}", ids % 8 / 2));
    let shared = (is_trail && ids / 8 % 8 > 4).then(|| format!("S{}", ids / 8 % 8));
    let target = match target % 8 {
        0 | 1 if role == RemovalRole::Child => Target::Unknown,
        0..4 => Target::Current,
        version => Target::Version(format!("v{version}")),
    };
    let at = Timestamp::from_millis(i64::from(*seconds) * 500);
    let event_id = (is_trail && event % 16 > 0).then(|| format!("event {event}"));
    let is_update = role == RemovalRole::None && event % 2 == 1;
    Evidence {
        id: format!("{bytes:02x?}"),
        source,
        call: None,
        role,
        bucket: "images".into(),
        key: Some("cat.jpg".into()),
        target,
        mark: [Mark::Unknown, Mark::Object, Mark::Version, Mark::Marker][usize::from(event / 64)],
        cause: if event % 32 == 7 { Cause::Lifecycle } else { Cause::Api },
        request_id: request.map(Into::into),
        amends_event_id: event_id.clone().filter(|_| is_update),
        event_id,
        shared_event_id: shared,
        account: (ids / 64).to_string().into(),
        region: "eu-west-1".into(),
        at,
        started_at: None,
        ended_at: (is_trail && seconds % 3 == 0).then_some(at),
        total_millis: None,
        sequencer: (source == Source::S3Notification).then(|| format!("{seconds:04X}")),
        http_status: None,
        error_code: None,
        marker_version_id: None,
        actor: Actor { arn: Some(format!("arn:{event}")), ..Actor::default() }.into(),
    }
}
