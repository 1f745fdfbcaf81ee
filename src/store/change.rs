//! What new evidence does to the rows of one slot: pure, and the same for every database.

use std::collections::BTreeMap;

use deltrail_core::domain::{
    Counted, Delta, Evidence, Provenance, Removal, Settling, Timestamp, count_removals, fold,
};

/// What is to be written for one slot.
#[derive(Debug, Default)]
pub(super) struct SlotChange {
    /// Rows to delete, by identity and time: those that turned into others, or moved in time.
    pub(super) vanished: Vec<(String, Timestamp)>,
    /// What rows were that are deleted or written over.
    pub(super) replaced: Vec<(Removal, Counted)>,
    /// Rows to write, new or changed, with what the totals hold for them.
    pub(super) written: Vec<(Removal, Counted)>,
    /// What the totals gain.
    pub(super) delta: Delta,
    /// How many removals were learnt.
    pub(super) gained: u64,
}

/// What `fresh` evidence changes, given the `known` evidence around it, the `standing` rows that
/// are the fold of that, and what the totals hold for each of those rows. `known` is closed:
/// nothing outside of it can be about the same removals.
pub(super) fn slot_change(
    known: &[Evidence],
    fresh: &[&Evidence],
    standing: Vec<Removal>,
    counted: &BTreeMap<String, Counted>,
    bucket_label: &str,
    provenance: Provenance,
) -> SlotChange {
    let after = fold(known.iter().chain(fresh.iter().copied()));
    let recount = count_removals(counted, &after, bucket_label, provenance);
    let gained = after.len().saturating_sub(counted.len());
    let mut standing: BTreeMap<String, Removal> =
        standing.into_iter().map(|removal| (removal.identity.clone(), removal)).collect();
    let mut change = SlotChange {
        delta: recount.delta,
        gained: u64::try_from(gained).unwrap_or(u64::MAX),
        ..SlotChange::default()
    };
    // A row that was lost counts nowhere.
    let with_counted =
        |was: Removal| counted.get(&was.identity).cloned().map(|counted| (was, counted));
    for (removal, now) in after.into_iter().zip(recount.counted) {
        let was = standing.remove(&removal.identity);
        if let Some(was) = was.as_ref().filter(|was| was.at != removal.at) {
            change.vanished.push((was.identity.clone(), was.at));
        }
        if was.as_ref() != Some(&removal) || counted.get(&removal.identity) != Some(&now) {
            let settling = reopened(now.settling);
            change.written.push((removal, Counted { settling, ..now }));
            change.replaced.extend(was.and_then(&with_counted));
        }
    }
    change.vanished.extend(standing.values().map(|was| (was.identity.clone(), was.at)));
    change.replaced.extend(standing.into_values().filter_map(&with_counted));
    change
}

/// What was said of a removal that is another one now has to be said again.
fn reopened(settling: Settling) -> Settling {
    match settling {
        Settling::Settled(said) | Settling::Reopened(said) => Settling::Reopened(said),
        Settling::Open => Settling::Open,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use deltrail_core::domain::{Family, Provenance, fold};

    use super::slot_change;
    use crate::store::tables::fixtures::delete;

    #[test]
    fn a_row_that_stays_as_it_was_is_not_written_again() {
        let known = [delete("b", "k", "A")];
        let fresh = delete("b", "k", "B");
        let first =
            slot_change(&[], &[&known[0]], Vec::new(), &BTreeMap::new(), "b", Provenance::Live);
        let counted = first.written.into_iter().map(|(row, was)| (row.identity, was)).collect();
        let change = slot_change(&known, &[&fresh], fold(&known), &counted, "b", Provenance::Live);
        assert_eq!(change.gained, 1);
        assert_eq!(change.written.len(), 1);
        assert_eq!(change.written[0].0.request_id.as_deref(), Some("B"));
    }

    #[test]
    fn a_row_that_was_lost_is_written_and_counted_again() {
        let known = [delete("b", "k", "A")];
        let fresh = delete("b", "k", "B");
        let change =
            slot_change(&known, &[&fresh], fold(&known), &BTreeMap::new(), "b", Provenance::Live);
        assert_eq!(change.written.len(), 2);
        let removed = change.delta.iter().filter(|(s, _, _)| s.family == Family::ObjectsRemoved);
        assert_eq!(removed.map(|(_, _, amount)| amount).sum::<i64>(), 2);
    }
}
