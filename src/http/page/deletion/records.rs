//! The records that evidence was read from, as they stand in their log objects. They are read again
//! when somebody asks for them, and not before: that is a request to S3.

use std::collections::BTreeMap;

use deltrail_core::decode::RawRecord;
use futures_util::future::join_all;
use maud::{Markup, html};

use super::super::pieces::{Tone, expandable, notice};
use super::super::removal::{source_name, url};
use super::super::text::{foreign, key, plain};
use super::indented::indented;
use crate::http::records::{RecordError, RecordReader};
use crate::store::{LogObject, Piece, RemovalEvidence};

/// Log objects that are read for one page.
const OBJECTS_MAX: usize = 8;
/// Records of one object that are shown.
const RECORDS_MAX: usize = 20;

/// What became of reading one log object again.
pub(super) struct Read {
    object: LogObject,
    records: Result<Vec<RawRecord>, RecordError>,
}

/// Reads the records of these pieces, however long one of the objects takes.
pub(super) async fn read(reader: &RecordReader, pieces: &[Piece]) -> Vec<Read> {
    let reading = places(pieces).into_iter().take(OBJECTS_MAX).map(async |(object, indexes)| {
        let records = reader.read(object.clone(), indexes).await;
        Read { object: object.clone(), records }
    });
    join_all(reading).await
}

/// The positions of records, by the objects that they are in.
fn places(pieces: &[Piece]) -> BTreeMap<&LogObject, Vec<u64>> {
    let mut places: BTreeMap<&LogObject, Vec<u64>> = BTreeMap::new();
    for place in pieces.iter().filter_map(|piece| piece.place.as_ref()) {
        let indexes = places.entry(&place.object).or_default();
        if indexes.len() < RECORDS_MAX && !indexes.contains(&place.record_index) {
            indexes.push(place.record_index);
        }
    }
    places
}

/// The records, or the way to them.
pub(super) fn shown(found: &RemovalEvidence, read: Option<&[Read]>) -> Markup {
    let places = places(&found.pieces);
    html! {
        @if places.is_empty() {
            p { "All that is known of it came in messages, which are not kept." }
        } @else if let Some(read) = read {
            @for one in read { (object(one)) }
            @if places.len() > OBJECTS_MAX {
                p { "There are more log objects than are read here." }
            }
        } @else {
            p {
                "Records are not kept, but where they stand is. "
                a href={ (url(&found.row)) "?records=shown#Therecordsthemselves" } {
                    "Read them again from S3"
                }
            }
            ul { @for object in places.keys() { li { (name(object)) } } }
        }
    }
}

fn name(object: &LogObject) -> Markup {
    html! {
        (source_name(object.source)) ": " (key(&format!("s3://{}/{}", object.bucket, object.key)))
    }
}

fn object(read: &Read) -> Markup {
    html! {
        h3 { (name(&read.object)) }
        @match &read.records {
            Err(error) => {
                (notice(Tone::Warning, &html! { p {
                    "It cannot be read again: " (plain(&error.to_string())) "."
                } }))
            },
            Ok(records) if records.is_empty() => {
                p { "The record is not in there any more." }
            },
            Ok(records) => {
                @for record in records { (raw(record)) }
            },
        }
    }
}

fn raw(record: &RawRecord) -> Markup {
    let summary = html! { "Record " (record.record_index) };
    let body = html! {
        @match &record.bytes {
            None => p { "It is too large to be shown." },
            Some(bytes) => {
                pre.record { code {
                    @for line in indented(&String::from_utf8_lossy(bytes)).lines() {
                        span.line { (foreign(line)) }
                    }
                } }
            },
        }
    };
    expandable(&summary, &body)
}
