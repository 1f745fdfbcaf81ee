//! What is old in which table, and the order in which the tables are gone through: what refers to
//! others goes before them. Nothing here decides how old.

use crate::store::retention::After;

/// A table that the store is gone through by.
pub(super) struct Stage {
    sorted_by: SortedBy,
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

pub(super) const STAGES: [Stage; 7] =
    [KEYS, REQUESTS, CALLS, INTENTS, PROTECTION_CHANGES, REJECTS, LOG_OBJECTS];

/// Slots, with all that is about a key. The removal goes before its evidence.
const KEYS: Stage = Stage {
    sorted_by: SortedBy::Number,
    last: "SELECT max(id) FROM (SELECT id FROM slots WHERE id > ?1 ORDER BY id LIMIT ?2) AS part",
    aged: &[
        Aged {
            oldest: "SELECT count(*), max(at) FROM (SELECT at FROM removals
                 WHERE slot_id > ?1 AND slot_id <= ?2 AND at < ?3 ORDER BY at LIMIT ?4) AS part",
            forget: "DELETE FROM removals WHERE slot_id > ?1 AND slot_id <= ?2 AND at <= ?3",
        },
        Aged {
            oldest: "SELECT count(*), max(at) FROM (SELECT at FROM evidence
                 WHERE slot_id > ?1 AND slot_id <= ?2 AND at < ?3 ORDER BY at LIMIT ?4) AS part",
            forget: "DELETE FROM evidence WHERE slot_id > ?1 AND slot_id <= ?2 AND at <= ?3",
        },
        Aged {
            oldest: "SELECT count(*), max(at) FROM (SELECT at FROM creations
                 WHERE slot_id > ?1 AND slot_id <= ?2 AND at < ?3 ORDER BY at LIMIT ?4) AS part",
            forget: "DELETE FROM creations WHERE slot_id > ?1 AND slot_id <= ?2 AND at <= ?3",
        },
        Aged {
            oldest: "SELECT count(*), max(requested_at) FROM (SELECT requested_at FROM intent_keys
                 WHERE slot_id > ?1 AND slot_id <= ?2 AND requested_at < ?3
                 ORDER BY requested_at LIMIT ?4) AS part",
            forget: "DELETE FROM intent_keys
                 WHERE slot_id > ?1 AND slot_id <= ?2 AND requested_at <= ?3",
        },
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
    last: "SELECT max(identity) FROM (SELECT identity FROM requests
         WHERE slice = ?3 AND identity > ?1 ORDER BY identity LIMIT ?2) AS part",
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
const CALLS: Stage = Stage {
    sorted_by: SortedBy::Name,
    last: "SELECT max(id) FROM (SELECT id FROM evidence INDEXED BY evidence_of_no_key
         WHERE slot_id IS NULL AND id > ?1 ORDER BY id LIMIT ?2) AS part",
    aged: &[Aged {
        oldest:
            "SELECT count(*), max(at) FROM (SELECT at FROM evidence INDEXED BY evidence_of_no_key
             WHERE slot_id IS NULL AND id > ?1 AND id <= ?2 AND at < ?3
             ORDER BY at LIMIT ?4) AS part",
        forget: "DELETE FROM evidence INDEXED BY evidence_of_no_key
             WHERE slot_id IS NULL AND id > ?1 AND id <= ?2 AND at <= ?3",
    }],
    unused: None,
};

/// Declared deletes; their keys are gone with the slots, since they are of the same time.
const INTENTS: Stage = Stage {
    sorted_by: SortedBy::Name,
    last: "SELECT max(id) FROM (SELECT id FROM intents
         WHERE id > ?1 ORDER BY id LIMIT ?2) AS part",
    aged: &[Aged {
        oldest: "SELECT count(*), max(requested_at) FROM (SELECT requested_at FROM intents
             WHERE id > ?1 AND id <= ?2 AND requested_at < ?3
             ORDER BY requested_at LIMIT ?4) AS part",
        forget: "DELETE FROM intents WHERE id > ?1 AND id <= ?2 AND requested_at <= ?3",
    }],
    unused: None,
};

const PROTECTION_CHANGES: Stage = Stage {
    sorted_by: SortedBy::Name,
    last: "SELECT max(id) FROM (SELECT id FROM protection_changes
         WHERE id > ?1 ORDER BY id LIMIT ?2) AS part",
    aged: &[Aged {
        oldest: "SELECT count(*), max(at) FROM (SELECT at FROM protection_changes
             WHERE id > ?1 AND id <= ?2 AND at < ?3 ORDER BY at LIMIT ?4) AS part",
        forget: "DELETE FROM protection_changes WHERE id > ?1 AND id <= ?2 AND at <= ?3",
    }],
    unused: None,
};

const REJECTS: Stage = Stage {
    sorted_by: SortedBy::Number,
    last: "SELECT max(id) FROM (SELECT id FROM rejects
         WHERE id > ?1 ORDER BY id LIMIT ?2) AS part",
    aged: &[Aged {
        oldest: "SELECT count(*), max(at) FROM (SELECT at FROM rejects
             WHERE id > ?1 AND id <= ?2 AND at < ?3 ORDER BY at LIMIT ?4) AS part",
        forget: "DELETE FROM rejects WHERE id > ?1 AND id <= ?2 AND at <= ?3",
    }],
    unused: None,
};

/// The ledger. What was read from an object happened before it was read, so its evidence is gone;
/// what else names it may be of a clock that went wrong, and keeps it.
const LOG_OBJECTS: Stage = Stage {
    sorted_by: SortedBy::Number,
    last: "SELECT max(id) FROM (SELECT id FROM log_objects
         WHERE id > ?1 ORDER BY id LIMIT ?2) AS part",
    aged: &[Aged {
        oldest: "SELECT count(*), max(committed_at) FROM (SELECT committed_at FROM log_objects
             WHERE id > ?1 AND id <= ?2 AND committed_at < ?3
                 AND NOT EXISTS (SELECT 1 FROM rejects
                     WHERE rejects.log_object_id = log_objects.id)
                 AND NOT EXISTS (SELECT 1 FROM protection_changes
                     WHERE protection_changes.log_object_id = log_objects.id)
             ORDER BY committed_at LIMIT ?4) AS part",
        forget: "DELETE FROM log_objects
             WHERE id > ?1 AND id <= ?2 AND committed_at <= ?3
                 AND NOT EXISTS (SELECT 1 FROM rejects
                     WHERE rejects.log_object_id = log_objects.id)
                 AND NOT EXISTS (SELECT 1 FROM protection_changes
                     WHERE protection_changes.log_object_id = log_objects.id)",
    }],
    unused: None,
};
