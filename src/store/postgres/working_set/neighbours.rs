//! What lies around the evidence of a commit in its slots: the stored evidence that it can touch,
//! found over the same links as a commit finds it, but for all slots at once; and the rows that
//! hang on that. It may find more than the commit will look at, never less.

use std::collections::{HashMap, HashSet};
use std::mem;

use rusqlite::types::Value;

use super::copy::Array;
use super::fetch::{Ask, Fetch, integer, text};
use super::load::REQUESTS_BY_NAME;
use super::memory::{Row, Table};
use super::named::Named;
use super::pieces::{Link, Piece, Span, link_of_claim, trail_only, united};
use crate::store::session::Result;
use crate::store::tables::CREATIONS_KEPT_MILLIS;
use crate::store::words;
use deltrail_core::domain::{PAIR_MILLIS_MAX, RemovalRole};

/// A slot that is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) id: i64,
    pub(super) has_child: bool,
    pub(super) has_intent: bool,
}

/// The search.
pub(super) struct Neighbours<'n, 'w, 'm> {
    fetch: &'n Fetch<'w, 'm>,
    slots: &'n HashMap<(String, String), Slot>,
    /// Slots that hold a child, or will.
    with_children: HashSet<i64>,
    /// All that was found or told, by slot and id.
    known: HashSet<(i64, String)>,
    pieces: Vec<Piece>,
    asked: HashSet<(i64, Link)>,
    /// Where the columns of evidence are that lead on.
    places: [usize; 10],
}

/// The columns of evidence that lead on.
const LEADING: [&str; 10] = [
    "slot_id",
    "bucket",
    "role",
    "source",
    "id",
    "request_id",
    "event_id",
    "shared_event_id",
    "at",
    "ended_at",
];

impl<'n, 'w, 'm> Neighbours<'n, 'w, 'm> {
    pub(super) fn new(
        fetch: &'n Fetch<'w, 'm>,
        slots: &'n HashMap<(String, String), Slot>,
    ) -> Self {
        Self {
            fetch,
            slots,
            with_children: slots.values().filter(|it| it.has_child).map(|it| it.id).collect(),
            known: HashSet::new(),
            pieces: Vec::new(),
            asked: HashSet::new(),
            places: LEADING.map(|name| fetch.memory.column(Table::Evidence, name)),
        }
    }

    /// Finds what the evidence that is told just now can touch.
    pub(super) fn of(&mut self, fresh: Vec<Piece>) -> Result<()> {
        let bring_children = fresh.iter().filter(|it| it.role == RemovalRole::Child);
        self.with_children.extend(bring_children.map(|it| it.slot_id));
        let mut new = fresh;
        let mut found_links: Vec<(i64, Link)> = Vec::new();
        while !new.is_empty() || !found_links.is_empty() {
            let mut links = mem::take(&mut found_links);
            links.extend(
                new.iter().flat_map(|it| it.links().into_iter().map(|link| (it.slot_id, link))),
            );
            links.retain(|link| self.asked.insert(link.clone()));
            let near = |span: fn(&Piece) -> Option<Span>| {
                let with_children =
                    new.iter().filter(|it| self.with_children.contains(&it.slot_id));
                united(with_children.filter_map(|it| Some((it.slot_id, span(it)?))))
            };
            let (children, claims) = (near(Piece::children_near), near(Piece::claims_near));
            self.pieces.append(&mut new);
            let mut asks = linked(&links);
            asks.push(children_in(&children));
            asks.push(claims_in(&claims));
            let mut answers = self.fetch.all(&asks)?;
            if let Some(claims) = answers.pop() {
                found_links = self.links_of(&claims);
                found_links.retain(|link| !self.asked.contains(link));
            }
            new = self.unknown(&answers.concat());
        }
        Ok(())
    }

    /// Finds evidence of other slots whose removals may be written.
    pub(super) fn join(&mut self, ask: Ask) -> Result<()> {
        let found = self.fetch.all(&[ask])?;
        let unknown = self.unknown(&found.concat());
        self.pieces.extend(unknown);
        Ok(())
    }

    fn unknown(&mut self, rows: &[Row]) -> Vec<Piece> {
        let mut unknown = Vec::new();
        for row in rows {
            let Some(piece) = piece_of(row, &self.places) else { continue };
            if self.known.insert((piece.slot_id, piece.id.clone())) {
                unknown.push(piece);
            }
        }
        unknown
    }

    fn links_of(&self, claims: &[Row]) -> Vec<(i64, Link)> {
        let place = |name| self.fetch.memory.column(Table::Removals, name);
        let [slot_id, identity, target] = ["slot_id", "identity", "target"].map(place);
        let link = |row: &Row| {
            let link = link_of_claim(text(&row[identity])?, text(&row[target])?)?;
            Some((integer(&row[slot_id])?, link))
        };
        claims.iter().filter_map(link).collect()
    }

    /// Loads what hangs on all that was found: removals, requests, writes and declared deletes.
    pub(super) fn load_rest(&mut self, named: &Named<'_>) -> Result<()> {
        let written: Vec<(i64, &str, i64)> = named
            .creations
            .iter()
            .filter_map(|((bucket, key), identity, at)| {
                let slot = self.slots.get(&((*bucket).to_owned(), (*key).to_owned()))?;
                Some((slot.id, identity.as_str(), *at))
            })
            .collect();
        let near = united(self.pieces.iter().map(|it| (it.slot_id, it.removals_near())));
        let reopened_by_writes = written.iter().map(|&(slot_id, _, at)| {
            let from = at.saturating_sub(PAIR_MILLIS_MAX);
            (slot_id, (from, at.saturating_add(CREATIONS_KEPT_MILLIS)))
        });
        let reopened = self.pieces.iter().map(|it| (it.slot_id, it.reopened()));
        let reopened = united(reopened.chain(reopened_by_writes));
        let mut asks = vec![
            of_spans("removals", &near),
            of_spans("reopened", &reopened),
            self.requests(named),
            Ask {
                table: Table::Creations,
                from: "unnest($1::bigint[], $2::text[]) AS i (slot_id, identity)
                    JOIN creations AS t ON t.slot_id = i.slot_id AND t.identity = i.identity",
                values: vec![
                    Array::integers(written.iter().map(|it| it.0)),
                    Array::texts(written.iter().map(|it| it.1)),
                ],
            },
        ];
        asks.extend(self.intent_keys(named, &near));
        let answers = self.fetch.all(&asks)?;
        self.load_writes_beside(&written, &answers[3])
    }

    /// The requests of evidence that was found, other than those that were named.
    fn requests(&self, named: &Named<'_>) -> Ask {
        let mut others: Vec<(String, &str)> = self
            .pieces
            .iter()
            .filter_map(|it| Some((format!("r:{}", it.request_id.as_ref()?), it.bucket.as_str())))
            .filter(|name| !named.requests.contains(name))
            .collect();
        others.sort_unstable();
        others.dedup();
        Ask {
            table: Table::Requests,
            from: REQUESTS_BY_NAME,
            values: vec![
                Array::texts(others.iter().map(|it| it.0.as_str())),
                Array::texts(others.iter().map(|it| it.1)),
            ],
        }
    }

    /// Declared deletes of slots that have any: those that removals of this commit may fulfil or
    /// may have fulfilled, and those that are declared again.
    fn intent_keys(&self, named: &Named<'_>, near: &[(i64, Span)]) -> [Ask; 2] {
        let declared = |slot: &&Slot| slot.has_intent;
        let ids: HashSet<i64> = self.slots.values().filter(declared).map(|it| it.id).collect();
        let spans: Vec<&(i64, Span)> = near.iter().filter(|it| ids.contains(&it.0)).collect();
        let again = named.intent_keys.iter().filter_map(|((bucket, key), intent)| {
            let slot = self.slots.get(&((*bucket).to_owned(), (*key).to_owned()));
            Some((slot.filter(declared)?.id, *intent))
        });
        let again: Vec<(i64, &str)> = again.collect();
        [
            Ask {
                table: Table::IntentKeys,
                from: "unnest($1::bigint[], $2::bigint[]) AS i (slot_id, first)
                    JOIN intent_keys AS t ON t.slot_id = i.slot_id AND t.state <> 'pending'
                        AND (t.removed_at IS NULL OR t.removed_at >= i.first)",
                values: vec![
                    Array::integers(spans.iter().map(|it| it.0)),
                    Array::integers(spans.iter().map(|it| it.1.0)),
                ],
            },
            Ask {
                table: Table::IntentKeys,
                from: "unnest($1::bigint[], $2::text[]) AS i (slot_id, intent_id)
                    JOIN intent_keys AS t ON t.slot_id = i.slot_id AND t.intent_id = i.intent_id",
                values: vec![
                    Array::integers(again.iter().map(|it| it.0)),
                    Array::texts(again.iter().map(|it| it.1)),
                ],
            },
        ]
    }

    /// The writes before and after those that are told, wherever joining puts them.
    fn load_writes_beside(&self, written: &[(i64, &str, i64)], known: &[Row]) -> Result<()> {
        let place = |name| self.fetch.memory.column(Table::Creations, name);
        let [slot_id, at] = ["slot_id", "at"].map(place);
        let known =
            known.iter().filter_map(|row| Some((integer(&row[slot_id])?, integer(&row[at])?)));
        let mut times: Vec<(i64, i64)> =
            written.iter().map(|&(slot_id, _, at)| (slot_id, at)).chain(known).collect();
        times.sort_unstable();
        times.dedup();
        let asked = Ask {
            table: Table::Creations,
            from: "unnest($1::bigint[], $2::bigint[]) AS i (slot_id, at)
                JOIN creations AS t ON t.slot_id = i.slot_id AND t.at IN (
                    i.at,
                    (SELECT max(b.at) FROM creations AS b
                     WHERE b.slot_id = i.slot_id AND b.at < i.at),
                    (SELECT min(a.at) FROM creations AS a
                     WHERE a.slot_id = i.slot_id AND a.at > i.at))",
            values: vec![
                Array::integers(times.iter().map(|it| it.0)),
                Array::integers(times.iter().map(|it| it.1)),
            ],
        };
        self.fetch.all(&[asked]).map(drop)
    }
}

fn linked(links: &[(i64, Link)]) -> Vec<Ask> {
    let of = |from: &'static str, id_of: fn(&Link) -> Option<&String>| {
        let those: Vec<(i64, &str)> =
            links.iter().filter_map(|(slot, link)| Some((*slot, id_of(link)?.as_str()))).collect();
        Ask {
            table: Table::Evidence,
            from,
            values: vec![
                Array::integers(those.iter().map(|it| it.0)),
                Array::texts(those.iter().map(|it| it.1)),
            ],
        }
    };
    vec![
        of(
            "unnest($1::bigint[], $2::text[]) AS i (slot_id, id)
             JOIN evidence AS t ON t.slot_id = i.slot_id AND t.request_id = i.id",
            |link| if let Link::Request(id) = link { Some(id) } else { None },
        ),
        of(
            "unnest($1::bigint[], $2::text[]) AS i (slot_id, id)
             JOIN evidence AS t ON t.slot_id = i.slot_id AND t.shared_event_id = i.id",
            |link| if let Link::SharedEvent(id) = link { Some(id) } else { None },
        ),
        of(
            "unnest($1::bigint[], $2::text[]) AS i (slot_id, id)
             JOIN evidence AS t ON t.slot_id = i.slot_id AND t.event_id = i.id
                 AND t.request_id IS NULL",
            |link| if let Link::Event(id) = link { Some(id) } else { None },
        ),
        of(
            "unnest($1::bigint[], $2::text[]) AS i (slot_id, id)
             JOIN evidence AS t ON t.slot_id = i.slot_id AND t.id = i.id
                 AND t.request_id IS NULL",
            |link| if let Link::Id(id) = link { Some(id) } else { None },
        ),
    ]
}

fn spans_of(spans: &[(i64, Span)]) -> Vec<Array> {
    vec![
        Array::integers(spans.iter().map(|it| it.0)),
        Array::integers(spans.iter().map(|it| it.1.0)),
        Array::integers(spans.iter().map(|it| it.1.1)),
    ]
}

fn children_in(spans: &[(i64, Span)]) -> Ask {
    Ask {
        table: Table::Evidence,
        from: "unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS i (slot_id, first, last)
            JOIN evidence AS t ON t.slot_id = i.slot_id AND t.role = 'child'
                AND t.at BETWEEN i.first AND i.last",
        values: spans_of(spans),
    }
}

fn claims_in(spans: &[(i64, Span)]) -> Ask {
    let mut values = spans_of(spans);
    values.push(Array::integers(spans.iter().map(|_| trail_only())));
    Ask {
        table: Table::Removals,
        from: "unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
                AS i (slot_id, first, last, trail_only)
            JOIN removals AS t ON t.slot_id = i.slot_id AND t.at BETWEEN i.first AND i.last
                AND t.sources <> i.trail_only",
        values,
    }
}

/// Removals of these times: all, or only those that were settled.
fn of_spans(which: &str, spans: &[(i64, Span)]) -> Ask {
    let from = if which == "removals" {
        "unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS i (slot_id, first, last)
         JOIN removals AS t ON t.slot_id = i.slot_id AND t.at BETWEEN i.first AND i.last"
    } else {
        "unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS i (slot_id, first, last)
         JOIN removals AS t ON t.slot_id = i.slot_id AND t.at BETWEEN i.first AND i.last
             AND t.settled = 1"
    };
    Ask { table: Table::Removals, from, values: spans_of(spans) }
}

fn piece_of(row: &Row, places: &[usize; 10]) -> Option<Piece> {
    let [slot_id, bucket, role, source, id, request_id, event_id, shared_event_id, at, ended_at] =
        places.map(|place| &row[place]);
    let optional = |value: &Value| text(value).map(str::to_owned);
    Some(Piece {
        slot_id: integer(slot_id)?,
        bucket: text(bucket)?.to_owned(),
        role: words::role(text(role)?)?,
        is_of_trail: text(source) == Some("cloudtrail"),
        id: text(id)?.to_owned(),
        request_id: optional(request_id),
        event_id: optional(event_id),
        shared_event_id: optional(shared_event_id),
        at: integer(at)?,
        ended_at: integer(ended_at),
    })
}
