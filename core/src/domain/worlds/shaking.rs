//! What becomes of evidence on its way: whole sources are missing, elements come again, nothing
//! comes in order, and all of it is cut into batches anywhere. It knows no truth.

use crate::domain::dice::Dice;
use crate::domain::{Evidence, Source, SourceSet};

/// How evidence arrives.
pub(super) struct Delivery {
    pub(super) kept: SourceSet,
    pub(super) batches: Vec<Vec<Evidence>>,
    /// What became of it, for the census.
    pub(super) seen: Vec<&'static str>,
}

/// The sources that write of deletes.
pub(super) const WRITERS: [Source; 4] =
    [Source::CloudTrail, Source::S3Notification, Source::EventBridge, Source::AccessLog];

/// The sources that are left in the `nth` of all cases but the one of none.
pub(super) fn kept_in(nth: usize) -> SourceSet {
    let bits = nth % 15 + 1;
    WRITERS
        .into_iter()
        .enumerate()
        .filter(|(bit, _)| bits >> bit & 1 == 1)
        .map(|(_, source)| source)
        .collect()
}

/// Delivers what the `kept` sources wrote.
pub(super) fn deliver(written: &[Evidence], kept: SourceSet, dice: &mut Dice) -> Delivery {
    let mut arriving: Vec<Evidence> =
        written.iter().filter(|piece| kept.contains(piece.source)).cloned().collect();
    let order = put_in_order(&mut arriving, dice);
    let repeated = arriving.len() / 4;
    for _ in 0..repeated {
        let again = dice.pick(&arriving).clone();
        arriving.insert(dice.below(arriving.len() + 1), again);
    }
    let (cut, batch_max) = match dice.below(3) {
        0 => ("cut: one batch", usize::MAX),
        1 => ("cut: one by one", 1),
        _ => ("cut: anywhere", 20),
    };
    let mut batches = Vec::new();
    while !arriving.is_empty() {
        let size = if batch_max == 20 { 1 + dice.below(batch_max) } else { batch_max };
        let rest = arriving.split_off(size.min(arriving.len()));
        batches.push(std::mem::replace(&mut arriving, rest));
    }
    let mut seen = vec!["redelivery"; repeated];
    seen.extend([order, cut]);
    Delivery { kept, batches, seen }
}

fn put_in_order(arriving: &mut [Evidence], dice: &mut Dice) -> &'static str {
    match dice.below(5) {
        0 => {
            arriving.sort_by_key(|piece| piece.at);
            "order: by time"
        }
        1 => {
            arriving.sort_by_key(|piece| std::cmp::Reverse(piece.at));
            "order: latest first"
        }
        2 => {
            dice.shuffle(arriving);
            let mut sources = Source::ALL;
            dice.shuffle(&mut sources);
            let turn = |piece: &Evidence| sources.iter().position(|s| *s == piece.source);
            arriving.sort_by_key(|piece| turn(piece));
            "order: source after source"
        }
        _ => {
            dice.shuffle(arriving);
            "order: none"
        }
    }
}
