//! Which faults strike when, drawn from a seed: chances, bursts and outages, each for a while of
//! its own, then quiet. It knows how each kind is set off and not how it looks.

use std::ops::Range;
use std::time::Duration;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::faults::Fault;
use fastrand::Rng;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};

use super::estate::{EVENTS_QUEUE, QUEUE, Writing};

/// After so many milliseconds there is quiet.
pub const FAULTY_MILLIS: u64 = 6_000;
/// Kinds of faults in one schedule.
const KINDS: Range<usize> = 8..13;

/// How often a spell strikes at least, if there is anything to strike within so long a time.
const STRIKES_MIN: u64 = 3;
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A kind of fault that strikes for a while.
#[derive(Debug, Clone)]
pub struct Spell {
    pub fault: Fault,
    /// Milliseconds since the schedule began.
    pub millis: Range<u64>,
    /// Of a thousand opportunities meanwhile, how many it takes.
    pub per_mille: u32,
    /// Which queue is deleted, if one is.
    pub queue: &'static str,
}

/// The spells of a seed, each of another kind.
pub fn drawn(seed: u64) -> Vec<Spell> {
    let mut random = Rng::with_seed(seed);
    let mut kinds = Fault::ALL;
    random.shuffle(&mut kinds);
    let count = random.usize(KINDS);
    kinds[..count].iter().map(|&fault| spell(fault, &mut random)).collect()
}

fn spell(fault: Fault, random: &mut Rng) -> Spell {
    let (per_mille, lasts_millis) = match (style(fault), random.u8(..3)) {
        // Whatever comes for a while, or all of it for a moment, or some of it all the time.
        (Style::Any, 0) => (1_000, random.u64(1_500..3_000)),
        (Style::Any, 1) => (1_000, random.u64(300..800)),
        (Style::Any | Style::Chance, _) => (random.u32(150..400), FAULTY_MILLIS),
        (Style::Outage, _) => (1_000, random.u64(500..2_000)),
    };
    let begins = random.u64(..=FAULTY_MILLIS - lasts_millis);
    let queue = if random.bool() { QUEUE } else { EVENTS_QUEUE };
    Spell { fault, millis: begins..begins + lasts_millis, per_mille, queue }
}

enum Style {
    /// It may strike always.
    Any,
    /// Were it to strike always, nothing would ever come to an end, or its few opportunities would
    /// be missed.
    Chance,
    /// It is there or not.
    Outage,
}

fn style(fault: Fault) -> Style {
    match fault {
        Fault::SqsQueueDeleted => Style::Outage,
        Fault::SqsDuplicateDelivery
        | Fault::SqsDeletedReturns
        | Fault::SqsStaleDelivery
        | Fault::SqsOutOfOrder
        | Fault::DuplicateNotification
        | Fault::LateNotification
        | Fault::RepeatedLogObject => Style::Chance,
        _ => Style::Any,
    }
}

/// Lets the spells begin and end at their times; when it returns, there is quiet. A spell that has
/// hardly struck by its end, because the machine is busy, gets more time.
pub async fn follow(spells: &[Spell], sandbox: &Sandbox, writing: &Writing) {
    let began = Instant::now();
    let each = spells.iter().map(|spell| async move {
        sleep_until(began + Duration::from_millis(spell.millis.start)).await;
        begin(spell, sandbox);
        sleep_until(began + Duration::from_millis(spell.millis.end)).await;
        let patience = Instant::now() + PATIENCE;
        while struck(spell.fault, sandbox) < STRIKES_MIN && Instant::now() < patience {
            sleep(LOOK_EVERY).await;
        }
        end(spell, sandbox, writing);
    });
    join_all(each).await;
    sandbox.faults().calm();
}

fn begin(spell: &Spell, sandbox: &Sandbox) {
    match spell.fault {
        Fault::SqsQueueDeleted => sandbox.queues().delete_queue(spell.queue),
        fault => sandbox.faults().set(fault, spell.per_mille),
    }
}

fn end(spell: &Spell, sandbox: &Sandbox, writing: &Writing) {
    match spell.fault {
        Fault::SqsQueueDeleted => writing.make_anew(spell.queue),
        fault => sandbox.faults().set(fault, 0),
    }
}

fn struck(fault: Fault, sandbox: &Sandbox) -> u64 {
    sandbox.faults().injected().get(&fault).copied().unwrap_or_default()
}
