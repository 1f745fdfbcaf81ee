//! What the writers of one store tell each other: whose watermarks each of them holds, because it
//! has something in work or knows of something that waits. It does not know why.
//!
//! A replica of which nothing was heard for a minute may hold anything, so all are held then. What
//! it had has come back to the others after a while, and it is not waited for any longer.

use std::collections::BTreeSet;

use crate::store::SourceKey;
use crate::store::session::{Result, Row, Session, column, values};
use crate::store::settling::Held;
use crate::store::words;

/// A replica that was silent for longer has perhaps lost the store and works on. So long nothing is
/// lost if it does: facts settle half an hour after their event time at the earliest.
const SILENT_MILLIS: i64 = 60_000;
/// A replica that was silent for longer is gone. A message that it had is visible again by then: it
/// lets a message rest for 15 minutes at most, and leases are shorter.
const GONE_MILLIS: i64 = 20 * 60_000;

/// Says whom `writer` holds, and gives whom all writers together hold.
pub(in crate::store) fn with_holds_of_others(
    session: &Session<'_>,
    writer: &str,
    held: Held,
) -> Result<Held> {
    session.execute(
        "INSERT INTO replicas AS r (writer, heard_at)
         VALUES (?1, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT))
         ON CONFLICT (writer) DO UPDATE SET heard_at = excluded.heard_at",
        &values![writer],
    )?;
    forget_the_gone(session)?;
    let told = session.rows(
        "SELECT r.writer,
             CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) - r.heard_at,
             h.source, h.account, h.region
         FROM replicas AS r LEFT JOIN holds AS h ON h.writer = r.writer",
        &[],
        told_of,
    )?;
    let (own, others): (Vec<Told>, Vec<Told>) =
        told.into_iter().partition(|it| it.writer == writer);
    say(session, writer, &own, &held)?;
    Ok(joined(held, &others))
}

/// Says that `writer` holds nobody any more, and that nothing more will be heard of it.
pub(in crate::store) fn leave(session: &Session<'_>, writer: &str) -> Result<()> {
    session.execute("DELETE FROM holds WHERE writer = ?1", &values![writer])?;
    session.execute("DELETE FROM replicas WHERE writer = ?1", &values![writer])?;
    Ok(())
}

/// Forgets those that are gone, but not those whom another one is just forgetting.
fn forget_the_gone(session: &Session<'_>) -> Result<()> {
    let gone: Vec<String> = session.rows(
        "SELECT writer FROM replicas
         WHERE heard_at < CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) - ?1
         ORDER BY writer FOR UPDATE SKIP LOCKED",
        &values![GONE_MILLIS],
        column,
    )?;
    for writer in gone {
        tracing::warn!(
            replica = writer,
            "a replica told nothing for 20 minutes; it is not waited for"
        );
        leave(session, &writer)?;
    }
    Ok(())
}

/// What a writer told, a hold at a time.
struct Told {
    writer: String,
    silent_millis: i64,
    /// None if it holds nobody.
    hold: Option<Hold>,
}

/// A hold as it is written: source, account and region, all empty when it is of all sources.
type Hold = (String, String, String);

fn told_of(row: &mut Row<'_>) -> Result<Told> {
    let (writer, silent_millis) = (row.read()?, row.read()?);
    let hold: (Option<String>, Option<String>, Option<String>) =
        (row.read()?, row.read()?, row.read()?);
    let (source, account, region) = hold;
    let hold = source
        .zip(account)
        .zip(region)
        .map(|((source, account), region)| (source, account, region));
    Ok(Told { writer, silent_millis, hold })
}

/// Brings what is written of a writer's holds to what they are now.
fn say(session: &Session<'_>, writer: &str, own: &[Told], held: &Held) -> Result<()> {
    let said: BTreeSet<Hold> = own.iter().filter_map(|it| it.hold.clone()).collect();
    let now: BTreeSet<Hold> = match held {
        Held::All => [Hold::default()].into(),
        Held::These(keys) => keys.keys().map(written).collect(),
    };
    for (source, account, region) in said.difference(&now) {
        session.execute(
            "DELETE FROM holds WHERE writer = ?1 AND source = ?2 AND account = ?3 AND region = ?4",
            &values![writer, source.as_str(), account.as_str(), region.as_str()],
        )?;
    }
    for (source, account, region) in now.difference(&said) {
        session.execute(
            "INSERT INTO holds (writer, source, account, region, since_at) VALUES (?1, ?2, ?3, ?4,
                 CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT))",
            &values![writer, source.as_str(), account.as_str(), region.as_str()],
        )?;
    }
    Ok(())
}

fn written(key: &SourceKey) -> Hold {
    (key.source.as_str().to_owned(), key.account.clone(), key.region.clone())
}

/// Whom this writer holds, and whom the others do.
fn joined(held: Held, others: &[Told]) -> Held {
    let Held::These(mut keys) = held else { return Held::All };
    for told in others {
        if told.silent_millis > SILENT_MILLIS {
            return Held::All;
        }
        let Some((source, account, region)) = &told.hold else { continue };
        if source.is_empty() {
            return Held::All;
        }
        // A source of a newer version is left to that version.
        if let Some(source) = words::source(source) {
            let (account, region) = (account.clone(), region.clone());
            keys.insert(SourceKey { source, account, region }, None);
        }
    }
    Held::These(keys)
}
