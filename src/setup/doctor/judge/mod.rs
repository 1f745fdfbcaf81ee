//! What comes of what was seen: one verdict for each check. It asks nobody anything.

mod caller;
mod delivery;
mod log_object;
mod queues;
mod store;
#[cfg(test)]
mod tests;
mod trails;
mod watched;

use super::check::Check;
use super::seen::Seen;

/// Every check, in the order in which a reader would mend what is wrong. `now_millis` is the time
/// of this host.
pub(super) fn judge(seen: &Seen, now_millis: i64) -> Vec<Check> {
    let mut checks = vec![
        caller::credentials(&seen.identity).about("credentials", "this process"),
        caller::clock(seen.clocks).about("clock", "this host"),
        store::place(&seen.store.kind).about("store", seen.store.place.as_str()),
        store::durability(&seen.store.kind).about("store_durability", seen.store.place.as_str()),
    ];
    checks.extend(seen.queues.iter().flat_map(queues::checks));
    checks.extend(seen.log_buckets.iter().flat_map(|bucket| delivery::checks(seen, bucket)));
    checks.extend(seen.log_buckets.iter().flat_map(log_object::checks));
    checks.extend(trails::checks(seen, now_millis));
    checks.extend(watched::checks(&seen.watched));
    checks
}

/// Names for people, a few of many.
fn few(names: &[&str]) -> String {
    const SHOWN_MAX: usize = 5;
    let shown = names.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN_MAX) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
