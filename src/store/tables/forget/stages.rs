//! What is old in which table, and the order in which the tables are gone through: what refers to
//! others goes before them. Nothing here decides how old.

use deltrail_core::detect::{PAST_DAYS, TRACED_DAYS};

use crate::store::retention::After;

/// A table that the store is gone through by.
pub(super) struct Stage {
    sorted_by: SortedBy,
    /// Whether a commit may find a row by its name, however old, and refer to it.
    pub(super) is_shared: bool,
    /// How many days longer than evidence its rows are kept.
    pub(super) days_longer: i64,
    /// The last of the next ?2 rows behind ?1.
    pub(super) last: &'static str,
    /// What is forgotten by its age.
    pub(super) aged: &'static [Aged],
    /// What is forgotten because nothing refers to it, behind ?1 up to ?2.
    pub(super) unused: Option<&'static str>,
}

/// What a table is gone through by.
enum SortedBy {
    Number,
    Name,
    /// A slice, whose number is the last value of each statement, and a name.
    Slice,
}

/// Rows of a table, behind ?1 up to ?2.
pub(super) struct Aged {
    /// How many there are from before ?3, ?4 at most, oldest first, and when the last of them was.
    pub(super) oldest: &'static str,
    /// Forgets those up to ?3.
    pub(super) forget: &'static str,
}

impl Stage {
    /// What comes before its first row.
    pub(super) const fn start(&self) -> After {
        match self.sorted_by {
            SortedBy::Number => After::Number(0),
            SortedBy::Name => After::Name(String::new()),
            SortedBy::Slice => After::InSlice(0, String::new()),
        }
    }
}

/// The last of the next ?2 rows behind ?1 of a table that is gone through by `$key`.
macro_rules! last {
    ($table:literal, $key:literal $(, $only:literal)?) => {
        concat!(
            "SELECT max(", $key, ") FROM (SELECT ", $key, " FROM ", $table,
            " WHERE ", $($only, " AND ",)? $key, " > ?1 ORDER BY ", $key, " LIMIT ?2) AS part"
        )
    };
}

/// Rows of a table, gone through by `$key`, that are as old as `$time` says.
macro_rules! aged {
    ($table:literal, $key:literal, $time:literal $(, $only:literal)?) => {
        Aged {
            oldest: concat!(
                "SELECT count(*), max(", $time, ") FROM (SELECT ", $time, " FROM ", $table,
                " WHERE ", $key, " > ?1 AND ", $key, " <= ?2 AND ", $time, " < ?3",
                $(" AND ", $only,)? " ORDER BY ", $time, " LIMIT ?4) AS part"
            ),
            forget: concat!(
                "DELETE FROM ", $table,
                " WHERE ", $key, " > ?1 AND ", $key, " <= ?2 AND ", $time, " <= ?3"
                $(, " AND ", $only)?
            ),
        }
    };
}

pub(super) const STAGES: [Stage; 12] = [
    KEYS,
    REQUESTS,
    CALLS,
    INTENTS,
    PROTECTION_CHANGES,
    REJECTS,
    LOG_OBJECTS,
    FINDINGS,
    ANNOUNCEMENTS,
    ROLLUPS,
    TRACES,
    LOOKS,
];

/// Slots, with all that is about a key. The removal goes before its evidence.
const KEYS: Stage = Stage {
    sorted_by: SortedBy::Number,
    is_shared: false,
    days_longer: 0,
    last: last!("slots", "id"),
    aged: &[
        aged!("removals", "slot_id", "at"),
        aged!("evidence", "slot_id", "at"),
        aged!("creations", "slot_id", "at"),
        aged!("intent_keys", "slot_id", "requested_at"),
    ],
    unused: Some(
        "DELETE FROM slots WHERE id > ?1 AND id <= ?2
             AND NOT EXISTS (SELECT 1 FROM evidence WHERE evidence.slot_id = slots.id)
             AND NOT EXISTS (SELECT 1 FROM removals WHERE removals.slot_id = slots.id)
             AND NOT EXISTS (SELECT 1 FROM creations WHERE creations.slot_id = slots.id)
             AND NOT EXISTS (SELECT 1 FROM intent_keys WHERE intent_keys.slot_id = slots.id)",
    ),
};

const REQUESTS: Stage = Stage {
    sorted_by: SortedBy::Slice,
    is_shared: false,
    days_longer: 0,
    last: last!("requests", "identity", "slice = ?3"),
    aged: &[Aged {
        oldest: "SELECT count(*), max(at) FROM (SELECT at FROM requests
             WHERE slice = ?5 AND identity > ?1 AND identity <= ?2 AND at < ?3
             ORDER BY at LIMIT ?4) AS part",
        forget: "DELETE FROM requests
             WHERE slice = ?4 AND identity > ?1 AND identity <= ?2 AND at <= ?3",
    }],
    unused: None,
};

/// The evidence of bulk calls, which names no key.
const CALLS: Stage = named(
    last!("evidence INDEXED BY evidence_of_no_key", "id", "slot_id IS NULL"),
    &[aged!("evidence INDEXED BY evidence_of_no_key", "id", "at", "slot_id IS NULL")],
);

/// Declared deletes; their keys are gone with the slots, since they are of the same time.
const INTENTS: Stage = named(last!("intents", "id"), &[aged!("intents", "id", "requested_at")]);

const PROTECTION_CHANGES: Stage =
    named(last!("protection_changes", "id"), &[aged!("protection_changes", "id", "at")]);

const REJECTS: Stage = Stage {
    sorted_by: SortedBy::Number,
    is_shared: false,
    days_longer: 0,
    last: last!("rejects", "id"),
    aged: &[aged!("rejects", "id", "at")],
    unused: None,
};

/// The ledger, also of objects that were never read to their end. What was read from an object
/// happened before it was read, so its evidence is gone; what else names it may be of a clock that
/// went wrong, and keeps it.
const LOG_OBJECTS: Stage = Stage {
    sorted_by: SortedBy::Number,
    is_shared: true,
    days_longer: 0,
    last: last!("log_objects", "id"),
    aged: &[aged!(
        "log_objects",
        "id",
        "committed_at",
        "NOT EXISTS (SELECT 1 FROM rejects WHERE rejects.log_object_id = log_objects.id)
             AND NOT EXISTS (SELECT 1 FROM protection_changes
                 WHERE protection_changes.log_object_id = log_objects.id)"
    )],
    unused: None,
};

/// What was found, and who was told of it, which goes first: who is to tell of a finding finds it.
/// An open one waits until it is resolved.
const FINDINGS: Stage = named(
    last!("findings", "id"),
    &[
        Aged {
            oldest: OLD_FINDINGS.oldest,
            forget: "DELETE FROM deliveries WHERE finding_id > ?1 AND finding_id <= ?2
                 AND EXISTS (SELECT 1 FROM findings WHERE findings.id = deliveries.finding_id
                     AND last_at <= ?3 AND state <> 'open')",
        },
        OLD_FINDINGS,
    ],
);

const OLD_FINDINGS: Aged = aged!("findings", "id", "last_at", "state <> 'open'");

/// A day is judged by what was announced for it or for the day before. What the configuration file
/// announces stays as long as it stands there.
const ANNOUNCEMENTS: Stage = Stage {
    days_longer: 1,
    ..named(
        last!("expectations", "id"),
        &[aged!("expectations", "id", "until_at", "is_configured = 0")],
    )
};

/// A part is one bucket, because its oldest windows are found at once. They are kept for as long as
/// a day whose evidence is kept is judged by them.
const ROLLUPS: Stage = Stage {
    days_longer: PAST_DAYS,
    ..named(
        "SELECT min(bucket) FROM rollups WHERE bucket > ?1 AND ?2 > 0",
        &[Aged {
            oldest: "SELECT count(*), max(window_number) * 300000 FROM (
                 SELECT window_number FROM rollups WHERE bucket > ?1 AND bucket = ?2
                     AND window_number < CAST(?3 AS BIGINT) / 300000
                 ORDER BY window_number LIMIT ?4) AS part",
            forget: "DELETE FROM rollups WHERE bucket > ?1 AND bucket = ?2
                 AND window_number <= CAST(?3 AS BIGINT) / 300000",
        }],
    )
};

/// What was done to keys: as long as a day whose evidence is kept is judged by it.
const TRACES: Stage = Stage {
    days_longer: TRACED_DAYS,
    ..named(
        "SELECT min(bucket) FROM traces WHERE bucket > ?1 AND ?2 > 0",
        &[Aged {
            oldest: "SELECT count(*), max(hour_number) * 3600000 FROM (
                 SELECT hour_number FROM traces WHERE bucket > ?1 AND bucket = ?2
                     AND hour_number < CAST(?3 AS BIGINT) / 3600000
                 ORDER BY hour_number LIMIT ?4) AS part",
            forget: "DELETE FROM traces WHERE bucket > ?1 AND bucket = ?2
                 AND hour_number <= CAST(?3 AS BIGINT) / 3600000",
        }],
    )
};

/// How often the days of a bucket changed: as long as their rollups, and until they were looked at.
const LOOKS: Stage = Stage {
    days_longer: PAST_DAYS,
    ..named(
        "SELECT min(bucket) FROM detection_due WHERE bucket > ?1 AND ?2 > 0",
        &[Aged {
            oldest: "SELECT count(*), max(day_number) * 86400000 FROM (
                 SELECT day_number FROM detection_due WHERE bucket > ?1 AND bucket = ?2
                     AND day_number < CAST(?3 AS BIGINT) / 86400000 AND looked_version >= version
                 ORDER BY day_number LIMIT ?4) AS part",
            forget: "DELETE FROM detection_due WHERE bucket > ?1 AND bucket = ?2
                 AND day_number <= CAST(?3 AS BIGINT) / 86400000 AND looked_version >= version",
        }],
    )
};

/// A table that is gone through by names.
const fn named(last: &'static str, aged: &'static [Aged]) -> Stage {
    Stage { sorted_by: SortedBy::Name, is_shared: false, days_longer: 0, last, aged, unused: None }
}
