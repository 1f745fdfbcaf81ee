//! What is usual in the buckets that were looked at last, so that their past is not read with every
//! look. It is a cache: what it forgets is learnt again from the store, to the same end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use deltrail_core::detect::{Baselines, Input};
use deltrail_core::domain::{Actor, Day, Timestamp};

/// What all of it may take; beyond that, what was not used for the longest time goes.
const BYTES_MAX: usize = 64 << 20;
/// What a caller's description takes, about.
const CALLER_BYTES: usize = 600;

/// The callers that cells name, by number.
pub(super) type Callers = BTreeMap<i64, Arc<Actor>>;

/// What was learnt of buckets, each for a day.
#[derive(Default)]
pub(super) struct Learnt {
    kept: HashMap<(String, Day), Kept>,
    bytes: usize,
    uses: u64,
    evicted_series: u64,
}

/// What was learnt of a bucket for a day, and from what.
struct Kept {
    baselines: Arc<Baselines>,
    /// The callers of the past.
    callers: Arc<Callers>,
    past_version: i64,
    observed_since: Timestamp,
    /// Who is known by which names: another name may tell that two callers are one.
    names: BTreeSet<Names>,
    bytes: usize,
    used_at: u64,
}

/// The names of a caller, without those that every session has of its own.
type Names = [Option<String>; 5];

impl Learnt {
    /// The callers of the past of a bucket and day, as far as they are known.
    pub(super) fn callers(&self, bucket: &str, day: Day) -> Arc<Callers> {
        let kept = self.kept.get(&(bucket.to_owned(), day));
        kept.map(|kept| Arc::clone(&kept.callers)).unwrap_or_default()
    }

    /// What was learnt, if it holds for this input, whose past is not looked at.
    pub(super) fn get(&mut self, input: &Input<'_>, past_version: i64) -> Option<Arc<Baselines>> {
        self.uses += 1;
        let kept = self.kept.get_mut(&(input.bucket.to_owned(), input.day))?;
        let holds = kept.past_version == past_version
            && kept.observed_since == input.observed_since
            && kept.names == names(input.callers);
        if !holds {
            return None;
        }
        kept.used_at = self.uses;
        Some(Arc::clone(&kept.baselines))
    }

    /// Learns from the past of an input, and keeps it; others may have to go for it.
    pub(super) fn learn(
        &mut self,
        input: &Input<'_>,
        past_version: i64,
        callers: Arc<Callers>,
    ) -> Arc<Baselines> {
        let place = (input.bucket.to_owned(), input.day);
        self.drop(&place);
        let baselines = Arc::new(Baselines::of(input));
        let bytes = baselines.memory_bytes() + callers.len() * CALLER_BYTES;
        self.uses += 1;
        let kept = Kept {
            baselines: Arc::clone(&baselines),
            callers,
            past_version,
            observed_since: input.observed_since,
            names: names(input.callers),
            bytes,
            used_at: self.uses,
        };
        self.bytes += bytes;
        self.kept.insert(place, kept);
        self.evict();
        baselines
    }

    /// How many series had to go for others since this was last asked.
    pub(super) fn take_evicted_series(&mut self) -> u64 {
        std::mem::take(&mut self.evicted_series)
    }

    /// Drops what was not used for the longest time; also the newest, when it is too large alone.
    fn evict(&mut self) {
        while self.bytes > BYTES_MAX {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used_at);
            let Some(place) = oldest.map(|(place, _)| place.clone()) else { break };
            self.evicted_series += self.drop(&place);
            tracing::debug!(bucket = place.0, "what is usual is forgotten, and learnt when needed");
        }
    }

    /// Drops what was learnt; gives of how many series.
    fn drop(&mut self, place: &(String, Day)) -> u64 {
        let Some(kept) = self.kept.remove(place) else { return 0 };
        self.bytes -= kept.bytes;
        kept.baselines.series_count() as u64
    }
}

fn names(callers: &Callers) -> BTreeSet<Names> {
    callers.values().map(|actor| names_of(actor)).collect()
}

fn names_of(actor: &Actor) -> Names {
    let without_session =
        |id: &Option<String>| id.as_deref().map(|id| id.split(':').next().unwrap_or(id).to_owned());
    let role = actor.arn.as_deref().map(|arn| match arn.split_once(":assumed-role/") {
        Some((before, role)) => format!("{before}/{}", role.split('/').next().unwrap_or(role)),
        None => arn.to_owned(),
    });
    [
        role,
        without_session(&actor.principal_id),
        actor.session_issuer_arn.clone(),
        actor.user_name.clone(),
        actor.account_id.clone().or_else(|| actor.invoked_by.clone()),
    ]
}

#[cfg(test)]
mod tests;
