//! Random log objects, read by the decoder in every way that it has and by a judge that builds a
//! `serde_json::Value` of all of it: the decoder must tell what the judge tells. What a decoder
//! remembers of one record must not change what it tells of the next, so records come in a few
//! layouts that take turns, as in real files.

mod judge;
mod records;
mod writing;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::json;

use self::judge::{Judged, judge, told};
use self::records::{Layout, any_odd_element, record};
use self::writing::{Json, Style};
use super::cloudtrail::read_record;
use super::structure::Level;
use super::{Decoded, Limits, LogDecoder, LogPath, Summary};
use crate::domain::Fact;
use crate::domain::dice::Dice;

const LIMITS: Limits = Limits { inflated_bytes_max: 1 << 30, record_bytes_max: 4 << 20 };

/// A log object, and what the judge has to be told.
struct Document {
    text: String,
    /// The records of it, as they are written.
    records: Vec<String>,
    path: LogPath,
}

impl Document {
    fn thrown(dice: &mut Dice, length: usize) -> Self {
        let layouts = [Layout::thrown(dice), Layout::thrown(dice)];
        let style = Style::thrown(dice);
        let records: Vec<String> = (0..length)
            .map(|serial| {
                let element = if dice.one_in(24) {
                    any_odd_element(dice)
                } else {
                    let layout = *dice.pick(&layouts);
                    record(dice, layout, serial)
                };
                let style = if dice.one_in(8) { Style::thrown(dice) } else { style };
                element.written(style, dice)
            })
            .collect();
        let list = Json::List(records.iter().cloned().map(Json::Written).collect());
        let document = if dice.one_in(8) { list } else { among_others(list, dice) };
        let path = LogPath {
            account: dice.one_in(4).then(|| "111122223333".to_owned()),
            region: dice.one_in(4).then(|| "us-east-1".to_owned()),
            bucket: None,
        };
        Self { text: document.written(style, dice), records, path }
    }

    /// Decodes it at this level, compressed or not, cut somehow.
    fn decoded(&self, level: Level, dice: &mut Dice) -> (Decoded, Summary) {
        let bytes = if dice.one_in(2) {
            let member_bytes = 1 + dice.below(2 * self.text.len());
            self.text.as_bytes().chunks(member_bytes).flat_map(gzip).collect()
        } else {
            self.text.as_bytes().to_vec()
        };
        let longest = *dice.pick(&[1, 40, 700, 5_000, 100_000, 100_000]);
        let mut decoder = LogDecoder::at_level(LIMITS, self.path.clone(), level);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at((1 + dice.below(longest)).min(rest.len()));
            decoder.push(piece).unwrap();
            rest = behind;
        }
        let summary = decoder.finish().unwrap();
        (decoder.take(), summary)
    }
}

/// The list of records as one of several members of a document.
fn among_others(list: Json, dice: &mut Dice) -> Json {
    let forged = json!({"eventSource": "s3.amazonaws.com", "eventName": "DeleteObject"});
    let others = [
        json!({"meta": {"Records": [forged]}}),
        json!({"Record": [forged], "records": [forged]}),
        json!({"version": "}]\"", "count": 1e3}),
        json!({"nest": [[[{"Records": []}]]], "a\"b\\": null}),
    ];
    let mut members = vec![("Records".to_owned(), list)];
    while dice.one_in(3) {
        let Json::Object(other) = Json::from(dice.pick(&others).clone()) else { continue };
        let at = dice.below(members.len() + 1);
        members.splice(at..at, other);
    }
    Json::Object(members)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What the reader of single records says of each of the records.
fn read_alone(document: &Document) -> Vec<(u64, Fact)> {
    let read = |record: &String| read_record(record.as_bytes(), &document.path).ok().flatten();
    (0..)
        .zip(document.records.iter().map(read))
        .filter_map(|(index, fact)| Some((index, fact?)))
        .collect()
}

/// Quick as they are, there are as many as it takes to meet the rare turns. `PROPTEST_CASES` says
/// otherwise.
const DOCUMENTS: u32 = 20_480;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(DOCUMENTS))]

    #[test]
    fn random_documents_are_read_as_the_judge_reads_them(
        seed in any::<u64>(),
        length in prop_oneof![8 => 0..6_usize, 1 => 6..30_usize],
    ) {
        let mut dice = Dice::new(seed);
        let document = Document::thrown(&mut dice, length);
        let text = &document.text;
        let judged = judge(text, &document.records, &document.path);
        let (decoded, summary) = document.decoded(Level::Portable, &mut dice);
        prop_assert_eq!(&told(&decoded), &judged, "{}", text);
        prop_assert_eq!(summary.records, length as u64);
        let facts: Vec<(u64, Fact)> = decoded
            .facts
            .iter()
            .map(|located| (located.record_index, located.fact.clone()))
            .collect();
        prop_assert_eq!(facts, read_alone(&document), "{}", text);
        for level in Level::each() {
            let (again, _) = document.decoded(level, &mut dice);
            prop_assert_eq!(&again, &decoded, "{:?}: {}", level, text);
        }
    }
}

/// Documents that hold nothing would agree with anything.
#[test]
fn random_documents_hold_deletes_of_every_kind() {
    let mut kinds = std::collections::BTreeMap::<String, u32>::new();
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let document = Document::thrown(&mut dice, 8);
        let Judged { deletions, refused, ignored, .. } =
            judge(&document.text, &document.records, &document.path);
        for (_, deletion) in deletions {
            let kind = format!("{:?} {:?} {:?}", deletion.role, deletion.mark, deletion.call);
            *kinds.entry(kind).or_default() += 1;
        }
        *kinds.entry("refused".to_owned()).or_default() += u32::try_from(refused.len()).unwrap();
        *kinds.entry("ignored".to_owned()).or_default() += u32::try_from(ignored).unwrap();
    }
    assert!(kinds.len() >= 12 && kinds.values().all(|&count| count >= 5), "{kinds:#?}");
}
