//! What a commit made of the rows that were loaded, back into the database: each table at once. It
//! does not know what the rows say.

use std::collections::HashMap;
use std::pin::pin;

use futures_util::SinkExt as _;
use rusqlite::types::Value;

use super::copy::{Array, copied};
use super::fetch::{integer, text};
use super::memory::{Column, Difference, FIRST_NEW_ID, Memory, Row, Table};
use crate::store::postgres::PostgresConnection;
use crate::store::session::Result;

/// Writes the differences of one commit.
pub(super) struct Write<'w, 'm> {
    pub(super) connection: &'w PostgresConnection,
    pub(super) memory: &'w Memory<'m>,
}

/// What stands for the ids that rows were given in memory.
#[derive(Default)]
struct Ids {
    slots: HashMap<i64, i64>,
    actors: HashMap<i64, i64>,
}

impl Write<'_, '_> {
    /// Writes what changed, in the order that every writer of the store keeps: what all share
    /// first, the ledger last.
    pub(super) fn all(&self) -> Result<()> {
        let labelled = self.difference(Table::LabelledBuckets)?;
        self.add(Table::LabelledBuckets, &labelled.new, "")?;
        let ids = Ids { actors: self.actors()?, slots: self.slots()? };
        for (table, key) in REWRITTEN {
            let mut difference = self.difference(table)?;
            self.remove(table, key, &difference.gone)?;
            difference.new.append(&mut difference.changed);
            self.identify(table, &mut difference.new, &ids);
            self.copy(table, &difference.new)?;
        }
        for table in [Table::Intents, Table::ProtectionChanges, Table::Rejects] {
            self.add(table, &self.difference(table)?.new, "")?;
        }
        for (table, merged) in MERGED {
            let difference = self.difference(table)?;
            let mut rows = [difference.new, difference.changed].concat();
            self.identify(table, &mut rows, &ids);
            self.add(table, &rows, merged)?;
        }
        let objects = self.difference(Table::LogObjects)?;
        self.update(Table::LogObjects, &objects.changed)
    }

    fn difference(&self, table: Table) -> Result<Difference> {
        Ok(self.memory.difference(table)?)
    }

    /// Makes the callers that are new here, and gives the id of each, whoever made it.
    fn actors(&self) -> Result<HashMap<i64, i64>> {
        let new = self.difference(Table::Actors)?.new;
        let mut ids: HashMap<i64, i64> = HashMap::new();
        let in_memory: HashMap<&str, i64> =
            new.iter().filter_map(|row| Some((text(&row[1])?, integer(&row[0])?))).collect();
        let mut missing: Vec<&str> = in_memory.keys().copied().collect();
        missing.sort_unstable();
        let mut is_asked = false;
        while !missing.is_empty() {
            let asked = Array::texts(missing.iter().copied());
            let find =
                "SELECT t.id, i.place FROM unnest($1::text[]) WITH ORDINALITY AS i (actor, place)
                JOIN actors AS t ON t.actor = i.actor";
            for row in self.connection.query(find, &[asked.value()])? {
                let place = usize::try_from(row.get::<_, i64>(1) - 1).unwrap_or_default();
                ids.insert(in_memory[missing[place]], row.get(0));
            }
            missing.retain(|actor| !ids.contains_key(&in_memory[actor]));
            if missing.is_empty() || is_asked {
                break;
            }
            let make =
                "INSERT INTO actors (actor) SELECT i.actor FROM unnest($1::text[]) AS i (actor)
                ORDER BY i.actor COLLATE \"C\" ON CONFLICT DO NOTHING";
            let unknown = Array::texts(missing.iter().copied());
            self.connection.execute(make, &[unknown.value()])?;
            is_asked = true;
        }
        Ok(ids)
    }

    /// Writes slots, and gives the ids of the new ones.
    fn slots(&self) -> Result<HashMap<i64, i64>> {
        let mut difference = self.difference(Table::Slots)?;
        self.update(Table::Slots, &difference.changed)?;
        if difference.new.is_empty() {
            return Ok(HashMap::new());
        }
        let count = i64::try_from(difference.new.len()).unwrap_or(i64::MAX);
        let take = "SELECT nextval('slots_id_seq') FROM generate_series(1, $1::bigint)";
        let taken = self.connection.query(take, &[&count])?;
        let mut ids = HashMap::with_capacity(taken.len());
        for (row, taken) in difference.new.iter_mut().zip(taken) {
            let id: i64 = taken.get(0);
            ids.extend(integer(&row[0]).map(|in_memory| (in_memory, id)));
            row[0] = Value::Integer(id);
        }
        self.copy(Table::Slots, &difference.new)?;
        Ok(ids)
    }

    /// Puts the database's ids where rows have those of the memory.
    fn identify(&self, table: Table, rows: &mut [Row], ids: &Ids) {
        for (name, ids) in [("slot_id", &ids.slots), ("actor_id", &ids.actors)] {
            let place = self.memory.column(table, name);
            for value in rows.iter_mut().filter_map(|row| row.get_mut(place)) {
                let id = integer(value).filter(|id| *id > FIRST_NEW_ID);
                if let Some(id) = id.and_then(|id| ids.get(&id)) {
                    *value = Value::Integer(*id);
                }
            }
        }
    }

    fn copy(&self, table: Table, rows: &[Row]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "COPY {} ({}) FROM STDIN (FORMAT binary)",
            table.name(),
            names(self.memory.columns(table))
        );
        let statement = self.connection.statement(&sql)?;
        let copied = copied(rows);
        self.connection.wait(async |client| {
            let mut sink = pin!(client.copy_in(&statement).await?);
            sink.send(copied).await?;
            sink.finish().await
        })?;
        Ok(())
    }

    /// Takes out the rows that these columns name.
    fn remove(&self, table: Table, key: &[&str], rows: &[Row]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let places = key.iter().map(|name| self.memory.column(table, name));
        let columns = self.memory.columns(table);
        let (columns, arrays): (Vec<Column>, Vec<Array>) = places
            .map(|place| {
                let column = columns[place].clone();
                let array = Array::of_column(rows, place, column.is_text);
                (column, array)
            })
            .unzip();
        let values: Vec<_> = arrays.iter().map(Array::value).collect();
        let same: Vec<String> = key.iter().map(|name| format!("t.{name} = i.{name}")).collect();
        let sql = format!(
            "DELETE FROM {} AS t USING unnest({}) AS i ({}) WHERE {}",
            table.name(),
            placeholders(&columns),
            names(&columns),
            same.join(" AND "),
        );
        self.connection.execute(&sql, &values)?;
        Ok(())
    }

    /// Adds rows to a table that others add to at the same time.
    fn add(&self, table: Table, rows: &[Row], merged: &str) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        // The database numbers them.
        let columns = self.memory.columns(table);
        let skipped = usize::from(table == Table::Rejects);
        let arrays: Vec<Array> = (skipped..columns.len())
            .map(|place| Array::of_column(rows, place, columns[place].is_text))
            .collect();
        let values: Vec<_> = arrays.iter().map(Array::value).collect();
        let columns = &columns[skipped..];
        let conflict = if merged.is_empty() { "DO NOTHING" } else { merged };
        let sql = format!(
            "INSERT INTO {} AS t ({names}) SELECT * FROM unnest({}) AS i ({names})
             ORDER BY {} ON CONFLICT {conflict}",
            table.name(),
            placeholders(columns),
            (1..=columns.len().min(4)).map(|it| it.to_string()).collect::<Vec<_>>().join(", "),
            names = names(columns),
        );
        self.connection.execute(&sql, &values)?;
        Ok(())
    }

    /// Writes rows over those of the same id.
    fn update(&self, table: Table, rows: &[Row]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let columns = self.memory.columns(table);
        let arrays: Vec<Array> = (0..columns.len())
            .map(|place| Array::of_column(rows, place, columns[place].is_text))
            .collect();
        let values: Vec<_> = arrays.iter().map(Array::value).collect();
        let set: Vec<String> =
            columns[1..].iter().map(|it| format!("{0} = i.{0}", it.name)).collect();
        let sql = format!(
            "UPDATE {} AS t SET {} FROM unnest({}) AS i ({}) WHERE t.id = i.id",
            table.name(),
            set.join(", "),
            placeholders(columns),
            names(columns),
        );
        self.connection.execute(&sql, &values)?;
        Ok(())
    }
}

/// Tables whose changed rows are taken out and written again, and the columns that name a row of
/// them: whoever writes to a bucket has it alone.
const REWRITTEN: [(Table, &[&str]); 6] = [
    (Table::Evidence, &["slot_id", "request_id", "id"]),
    (Table::Requests, &["identity", "bucket"]),
    (Table::Removals, &["slot_id", "at", "identity"]),
    (Table::Creations, &["slot_id", "identity"]),
    (Table::IntentKeys, &["slot_id", "intent_id"]),
    (Table::Traces, &["bucket", "hour_number", "deed", "actor_id"]),
];

/// Tables whose rows others write at the same time, and how a row is joined with what is there.
const MERGED: [(Table, &str); 6] = [
    (
        Table::Sources,
        "(source, account, region) DO UPDATE SET
             newest_event_at = greatest(t.newest_event_at, excluded.newest_event_at),
             last_delivery_at = greatest(t.last_delivery_at, excluded.last_delivery_at),
             proof_of_life_at = greatest(t.proof_of_life_at, excluded.proof_of_life_at)",
    ),
    (
        Table::BucketSources,
        "(bucket, source, account, region) DO UPDATE SET
             oldest_event_at = least(t.oldest_event_at, excluded.oldest_event_at),
             newest_event_at = greatest(t.newest_event_at, excluded.newest_event_at),
             newest_creation_at = greatest(t.newest_creation_at, excluded.newest_creation_at)",
    ),
    (
        Table::Rollups,
        "(bucket, window_number, actor_id) DO UPDATE SET
             removed = t.removed + excluded.removed,
             markers = t.markers + excluded.markers,
             versions = t.versions + excluded.versions,
             objects = t.objects + excluded.objects,
             lifecycle = t.lifecycle + excluded.lifecycle,
             denied = t.denied + excluded.denied,
             without_cloudtrail = t.without_cloudtrail + excluded.without_cloudtrail,
             without_confirmation = t.without_confirmation + excluded.without_confirmation,
             stale = t.stale + excluded.stale, repeated = t.repeated + excluded.repeated",
    ),
    (
        Table::DetectionDue,
        "(bucket, day_number) DO UPDATE SET version = t.version + excluded.version,
             is_live = greatest(t.is_live, excluded.is_live)",
    ),
    (
        Table::Observed,
        "(id) DO UPDATE SET since_at = excluded.since_at
             WHERE excluded.since_at < t.since_at",
    ),
    (
        Table::Totals,
        "(family, labels, part, writer) DO UPDATE SET value = t.value + excluded.value",
    ),
];

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn placeholders(columns: &[Column]) -> String {
    let place = |(index, column): (usize, &Column)| {
        let kind = if column.is_text { "text" } else { "bigint" };
        format!("${}::{kind}[]", index + 1)
    };
    columns.iter().enumerate().map(place).collect::<Vec<_>>().join(", ")
}
