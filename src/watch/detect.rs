//! The loop of detection: days of buckets that something changed on are looked at again, and what
//! detectors find in them is kept. What a finding is, the core says; who is told of it, `tell`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deltrail_core::detect::{
    Input, PAST_DAYS, Settings, common_prefixes, detect_with, withdrawn_because,
};
use deltrail_core::domain::{Day, Finding, Mode, Severity, State};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::baselines::{Callers, Learnt};
use super::{Options, millis};
use crate::metrics::Metrics;
use crate::store::{Cells, DueDay, FindingRow, Found, Store, StoreError, Traces};

/// How often is looked: a finding comes that much later at most.
const TICK: Duration = Duration::from_secs(2);
/// How long a finding that changed stays open at least, by no clock but that of this machine:
/// longer than the time between two scrapes.
const SHOWN: Duration = Duration::from_secs(90);
/// Days of buckets that are taken at a time.
const DUE_MAX: usize = 500;
/// Keys that a finding's prefixes are made of.
const SAMPLE_KEYS: usize = 1_000;
/// Keys that a finding names.
const NAMED_KEYS: usize = 5;

/// Looks until `closing`.
pub(super) async fn detect_until_closed(
    options: &Options,
    store: &Store,
    metrics: &Metrics,
    closing: &CancellationToken,
) {
    let mut every = interval(TICK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_failing = false;
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = closing.cancelled() => return,
        }
        let looked = look(options, store, &mut seen, closing).await;
        metrics.baselines_evicted.inc_by(seen.learnt.take_evicted_series());
        match looked {
            Ok(()) => is_failing = false,
            Err(error) if !is_failing && !closing.is_cancelled() => {
                is_failing = true;
                tracing::warn!("nothing can be detected for now: {error}; tried again");
            }
            Err(error) => tracing::debug!("{error}"),
        }
    }
}

/// What was seen in earlier looks.
#[derive(Default)]
struct Seen {
    shown: Shown,
    said: Said,
    learnt: Learnt,
}

/// The findings that changed a moment ago: however fast the clock goes, they stay open until
/// everybody who scrapes has seen them.
#[derive(Default)]
struct Shown(BTreeMap<String, Instant>);

impl Shown {
    fn begin(&mut self, row: &FindingRow) {
        if row.state == State::Open {
            self.0.insert(row.id.clone(), Instant::now());
        }
    }

    fn now(&mut self) -> BTreeSet<String> {
        self.0.retain(|_, changed_at| changed_at.elapsed() < SHOWN);
        self.0.keys().cloned().collect()
    }
}

/// Looks at everything that is due, and resolves what has been quiet.
async fn look(
    options: &Options,
    store: &Store,
    seen: &mut Seen,
    closing: &CancellationToken,
) -> Result<(), StoreError> {
    loop {
        let due = store.due_days(DUE_MAX).await?;
        let has_more = due.len() >= DUE_MAX;
        for (bucket, due) in by_bucket(due) {
            if closing.is_cancelled() {
                return Ok(());
            }
            let found = find(options, store, &mut seen.learnt, (bucket, due)).await?;
            for row in &store.write_findings(found).await?.changed {
                seen.said.say(row);
                seen.shown.begin(row);
            }
        }
        if !has_more {
            break;
        }
    }
    for row in store.resolve_findings((options.clock)(), seen.shown.now()).await? {
        seen.said.say(&row);
    }
    Ok(())
}

fn by_bucket(due: Vec<DueDay>) -> BTreeMap<String, Vec<DueDay>> {
    let mut by_bucket: BTreeMap<String, Vec<DueDay>> = BTreeMap::new();
    for day in due {
        by_bucket.entry(day.bucket.clone()).or_default().push(day);
    }
    by_bucket
}

/// Looks once at every day that only files of the past made due; the others are left to a daemon,
/// which knows who is to be told. Gives how many findings are new or other than before; withdrawn
/// ones are not among them.
///
/// # Errors
/// When the store cannot be read or written; what was not looked at stays due.
pub async fn look_at_history(
    options: &Options,
    store: &Store,
    closing: &CancellationToken,
) -> Result<usize, StoreError> {
    let mut due = store.due_days(usize::MAX).await?;
    due.retain(|day| !day.is_live);
    let (mut found, mut learnt, mut said) = (0, Learnt::default(), Said::default());
    for (bucket, due) in by_bucket(due) {
        if closing.is_cancelled() {
            break;
        }
        let of_bucket = find(options, store, &mut learnt, (bucket, due)).await?;
        for row in &store.write_findings(of_bucket).await?.changed {
            said.say(row);
            found += usize::from(row.state != State::Withdrawn);
        }
    }
    Ok(found)
}

/// The findings of all days of a bucket that its due days matter to.
async fn find(
    options: &Options,
    store: &Store,
    learnt: &mut Learnt,
    (bucket, due): (String, Vec<DueDay>),
) -> Result<Found, StoreError> {
    let mut found = Found {
        due,
        days: BTreeMap::new(),
        withdrawn_because: BTreeMap::new(),
        notifiers: options.detection.notifiers.clone(),
        told_from: options.detection.told_from,
        now: (options.clock)(),
        bucket,
    };
    let settings = Settings {
        is_important: (options.detection.is_important)(&found.bucket),
        ..options.detection.settings.clone()
    };
    let days = days_that_matter(store, &found).await?;
    let Some((first, last)) = days.first().zip(days.last()) else { return Ok(found) };
    let known = store.standing_findings(&found.bucket, (*first, last.plus(1))).await?;
    for day in days {
        let known = known.iter().filter(|known| known.day == day).collect();
        let place = (&settings, found.bucket.as_str(), day);
        let of_day = of_day(options, store, learnt, place, known).await?;
        found.withdrawn_because.extend(of_day.withdrawn_because);
        found.days.insert(day, of_day.findings);
    }
    Ok(found)
}

/// The due days, those beside them, whose episodes they may be part of or whose windows reach into
/// them, those two days before on which a change of protection was made that they are held against,
/// and the later ones whose past they are.
async fn days_that_matter(store: &Store, found: &Found) -> Result<BTreeSet<Day>, StoreError> {
    let mut days = BTreeSet::new();
    for due in &found.due {
        days.extend((-1..=2).map(|beside| due.day.plus(beside)));
    }
    let all = || found.due.iter().map(|due| due.day);
    let Some((first, last)) = all().min().zip(all().max()) else { return Ok(days) };
    let changed = store.days_of_changes(&found.bucket, (first.plus(-2), last.plus(-1))).await?;
    days.extend(changed.into_iter().filter(|day| all().any(|due| due == day.plus(2))));
    let later = store.days_from(&found.bucket, first.plus(3)).await?;
    days.extend(later.into_iter().filter(|later| {
        let is_past = |due: &DueDay| (due.day.plus(3)..=due.day.plus(PAST_DAYS)).contains(later);
        found.due.iter().any(is_past)
    }));
    Ok(days)
}

/// What is found on a day.
struct OfDay {
    findings: Vec<(Finding, Mode)>,
    /// Why what was known is not among them, by id.
    withdrawn_because: BTreeMap<String, String>,
}

async fn of_day(
    options: &Options,
    store: &Store,
    learnt: &mut Learnt,
    (settings, bucket, day): (&Settings, &str, Day),
    known: Vec<&Finding>,
) -> Result<OfDay, StoreError> {
    let observed = store.observations(bucket, day, millis(options.stale_window)).await?;
    let keeps_traces = settings.keeps_traces();
    let traced = if keeps_traces { store.traces(bucket, day).await? } else { Traces::default() };
    let present = together(&observed.callers, &traced.callers);
    let input = Input {
        bucket,
        day,
        cells: &observed.cells,
        past: &[],
        callers: &present,
        suspects: &observed.suspects,
        traces: &traced.traces,
        past_traces: &[],
        changes: &observed.changes,
        unresolved_calls: observed.unresolved_calls,
        watermarks: &observed.watermarks,
        observed_since: observed.observed_since.unwrap_or_else(|| (options.clock)()),
        announced: &observed.announced,
        settings,
    };
    let mut callers = together(&present, &learnt.callers(bucket, day));
    let usual = learnt.get(&Input { callers: &callers, ..input }, observed.past_version);
    let baselines = if let Some(usual) = usual {
        usual
    } else {
        let Cells { cells: past, callers: of_past } = store.past(bucket, day).await?;
        let traced =
            if keeps_traces { store.past_traces(bucket, day).await? } else { Traces::default() };
        let of_past = together(&of_past, &traced.callers);
        callers = together(&present, &of_past);
        let input = Input { past: &past, past_traces: &traced.traces, callers: &callers, ..input };
        learnt.learn(&input, observed.past_version, Arc::new(of_past))
    };
    let input = Input { callers: &callers, ..input };
    let found = detect_with(&baselines, &input);
    let because = |was: &Finding| withdrawn_because(&baselines, &input, was, &found);
    let ids: BTreeSet<String> = found.iter().map(Finding::id).collect();
    let gone = known.into_iter().map(|was| (was.id(), was)).filter(|(id, _)| !ids.contains(id));
    let withdrawn_because = gone.map(|(id, was)| (id, because(was))).collect();
    let mut findings = Vec::with_capacity(found.len());
    for mut finding in found {
        let mode = settings.mode(finding.detector);
        if finding.tally.removed() > 0 {
            name_keys(store, &mut finding).await?;
        }
        findings.push((finding, mode));
    }
    Ok(OfDay { findings, withdrawn_because })
}

fn together(some: &Callers, others: &Callers) -> Callers {
    some.iter().chain(others).map(|(id, actor)| (*id, Arc::clone(actor))).collect()
}

/// Names keys of a finding that was made of counts.
async fn name_keys(store: &Store, finding: &mut Finding) -> Result<(), StoreError> {
    let between = (finding.first_at, finding.last_at);
    let keys = store.sample_keys(&finding.bucket, between, SAMPLE_KEYS).await?;
    finding.prefixes = common_prefixes(&keys);
    if finding.sample_keys.is_empty() {
        finding.sample_keys = keys.into_iter().take(NAMED_KEYS).collect();
    }
    Ok(())
}

/// The open findings that the log has told of, and how severe they were then.
#[derive(Default)]
struct Said(BTreeMap<String, Severity>);

impl Said {
    /// Says in the log what became of a finding: aloud when it is new or worse, and otherwise only
    /// to those who look closer.
    fn say(&mut self, row: &FindingRow) {
        let finding = &row.finding;
        let (detector, severity) = (finding.detector.as_str(), finding.severity.as_str());
        let (state, mode) = (row.state.as_str(), row.telling());
        let (id, bucket) = (row.id.as_str(), finding.bucket.as_str());
        let reason = finding.reason.sentence.as_str();
        if row.state != State::Open {
            self.0.remove(id);
            tracing::info!(id, detector, severity, bucket, state, mode, reason, "finding");
            return;
        }
        let before = self.0.insert(row.id.clone(), finding.severity);
        if before.is_some_and(|before| before >= finding.severity) {
            tracing::debug!(id, detector, severity, bucket, state, mode, reason, "finding");
        } else if row.mode == Mode::Live {
            tracing::warn!(id, detector, severity, bucket, state, mode, reason, "finding");
        } else {
            tracing::info!(id, detector, severity, bucket, state, mode, reason, "finding");
        }
    }
}

#[cfg(test)]
mod tests;
