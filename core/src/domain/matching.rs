//! Maximum matching between two small sets. It knows nothing about what is matched.

use std::collections::VecDeque;

/// For each of `left` items the index of its partner among `right` items, in a matching of maximum
/// size. `fits(tier, l, r)` says whether two may be partners; a lower tier allows no pair that a
/// higher one forbids, and pairs of the lower tiers are made first, so that the surest pairs are
/// not given away. It is asked again and again rather than stored, because real slots hold a
/// handful of items and hostile ones would hold a huge table. The result depends on the order of
/// the items only, so callers sort them.
pub(super) fn maximum_matching(
    left: usize,
    right: usize,
    tiers: usize,
    fits: impl Fn(usize, usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let mut partner_of_left = vec![None; left];
    let mut partner_of_right: Vec<Option<usize>> = vec![None; right];
    for (tier, start) in (0..tiers).flat_map(|tier| (0..left).map(move |start| (tier, start))) {
        if partner_of_left[start].is_some() {
            continue;
        }
        // Breadth first over alternating paths; `reached_from[r]` is the left item before `r`.
        let mut reached_from: Vec<Option<usize>> = vec![None; right];
        let mut queue = VecDeque::from([start]);
        let mut free = None;
        'search: while let Some(l) = queue.pop_front() {
            for r in 0..right {
                if reached_from[r].is_some() || !fits(tier, l, r) {
                    continue;
                }
                reached_from[r] = Some(l);
                let Some(next) = partner_of_right[r] else {
                    free = Some(r);
                    break 'search;
                };
                queue.push_back(next);
            }
        }
        // Turn the path around: every left item on it takes the right item it was reached by.
        while let Some(r) = free {
            let Some(l) = reached_from[r] else { break };
            partner_of_right[r] = Some(l);
            free = partner_of_left[l].replace(r);
            if l == start {
                break;
            }
        }
    }
    partner_of_left
}

#[cfg(test)]
mod tests {
    use super::maximum_matching;
    use proptest::prelude::*;

    /// The size of a maximum matching, by trying everything.
    fn brute_force(edges: &[Vec<bool>], row: usize, used: u32) -> usize {
        let Some(fits) = edges.get(row) else { return 0 };
        let without = brute_force(edges, row + 1, used);
        (0..fits.len())
            .filter(|&r| fits[r] && used & (1 << r) == 0)
            .map(|r| 1 + brute_force(edges, row + 1, used | 1 << r))
            .fold(without, usize::max)
    }

    proptest! {
        #[test]
        fn the_matching_is_valid_and_of_maximum_size(
            edges in (0usize..6, 0usize..6).prop_flat_map(|(l, r)| {
                prop::collection::vec(prop::collection::vec(any::<bool>(), r), l)
            })
        ) {
            let right = edges.first().map_or(0, Vec::len);
            let partners = maximum_matching(edges.len(), right, 1, |_, l, r| edges[l][r]);
            let mut taken: Vec<_> = partners.iter().flatten().collect();
            taken.sort_unstable();
            taken.dedup();
            let size = partners.iter().flatten().count();
            prop_assert_eq!(taken.len(), size, "a right item has one partner");
            for (l, r) in partners.iter().enumerate().filter_map(|(l, r)| r.map(|r| (l, r))) {
                prop_assert!(edges[l][r]);
            }
            prop_assert_eq!(size, brute_force(&edges, 0, 0));
        }
    }
}
