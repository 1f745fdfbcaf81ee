//! What keys have in common at their beginning. It knows keys only.

use std::collections::BTreeMap;

/// Prefixes that are named at most.
const PREFIXES_MAX: usize = 3;
/// A prefix has to be shared by this part of the keys, as one of so many.
const SHARE: usize = 10;

/// The longest prefixes, each up to a `/`, that many of these keys share: most keys first, at most
/// 3, each shared by a tenth of the keys or more. None for keys that have no `/` in common.
#[must_use]
pub fn common_prefixes(keys: &[String]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for key in keys {
        for (end, _) in key.match_indices('/') {
            *counts.entry(&key[..=end]).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count * SHARE >= keys.len() && *count > 1);
    let is_outer_of = |outer: &str, outer_count: usize| {
        counts.iter().any(|(inner, count)| {
            inner.len() > outer.len() && inner.starts_with(outer) && *count * 10 >= outer_count * 9
        })
    };
    let mut named: Vec<(&str, usize)> = counts
        .iter()
        .map(|(prefix, count)| (*prefix, *count))
        .filter(|(prefix, count)| !is_outer_of(prefix, *count))
        .collect();
    named.sort_by(|a, b| b.1.cmp(&a.1).then(b.0.len().cmp(&a.0.len())).then(a.0.cmp(b.0)));
    let mut kept: Vec<&str> = Vec::new();
    for (prefix, _) in named {
        let is_told = |other: &&str| prefix.starts_with(*other) || other.starts_with(prefix);
        if kept.len() < PREFIXES_MAX && !kept.iter().any(is_told) {
            kept.push(prefix);
        }
    }
    kept.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::common_prefixes;

    fn keys(of: &[(&str, usize)]) -> Vec<String> {
        let under = |(prefix, count): &(&str, usize)| {
            let prefix = (*prefix).to_owned();
            (0..*count).map(move |nth| format!("{prefix}{nth}.jpg"))
        };
        of.iter().flat_map(under).collect()
    }

    #[test]
    fn the_longest_prefix_that_most_keys_share_is_named() {
        assert_eq!(common_prefixes(&keys(&[("thumbs/2024/a/", 95)])), ["thumbs/2024/a/"]);
        let mixed = keys(&[("thumbs/2024/", 60), ("raw/", 35), ("tmp/", 5)]);
        assert_eq!(common_prefixes(&mixed), ["thumbs/2024/", "raw/"]);
    }

    #[test]
    fn keys_that_are_spread_share_the_folder_above() {
        let spread: Vec<(String, usize)> =
            (0..50).map(|nth| (format!("users/{nth:02}/"), 1)).collect();
        let spread: Vec<(&str, usize)> = spread.iter().map(|(p, n)| (p.as_str(), *n)).collect();
        assert_eq!(common_prefixes(&keys(&spread)), ["users/"]);
        assert_eq!(common_prefixes(&keys(&[("", 9)])), Vec::<String>::new());
    }
}
