//! Decoding one log object of very many records: a single decoder, and a document that is composed
//! and compressed beside it in members of [`MEMBER_RECORDS`] records, so that no file is kept. No
//! record comes twice. Processor time of the decoding thread for each member, and of gunzip for the
//! same member.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, anyhow, ensure};
use deltrail_core::decode::Wanted;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::steps::{Steps, is_power_of_ten};
use crate::decode::{Decoding, gunzip, gunzip_window};
use crate::harness::{Clock, Curve, Row, Table};
use crate::profiles::{MIXED, Told, Trail};

/// Records of a member of the gzip stream, about 1.9 MB of the document.
const MEMBER_RECORDS: u64 = 1_000;
/// Members that wait to be decoded.
const MEMBERS_WAITING: usize = 4;
/// Records up to the first point.
const FIRST_POINT: u64 = 10_000;
/// Members that are decoded before anything counts.
const MEMBERS_UNTIMED: u64 = 10;
const SEED: u64 = 1;
const ALONG: &str = "records of the log object";
const UNIT: &str = "µs CPU per record";

/// A part of the document, compressed.
struct Member {
    compressed: Vec<u8>,
    /// Records of the document with this part.
    records: u64,
    /// Deletes in this part.
    deletes: u64,
}

/// Decodes a document of so many records, or up to a member more.
pub fn measure(records: u64, table: &mut Table) -> anyhow::Result<()> {
    decode(MEMBERS_UNTIMED * MEMBER_RECORDS, |_, _, _| ())?;
    let (mut decoding, mut inflating) = (Steps::default(), Steps::default());
    let mut ratios = Steps::default();
    let mut next = FIRST_POINT;
    decode(records, |so_far, decoder, gunzip| {
        let micros = 1e6 / MEMBER_RECORDS as f64;
        decoding.push(so_far, decoder * micros);
        inflating.push(so_far, gunzip * micros);
        ratios.push(so_far, decoder / gunzip);
        if so_far >= next {
            eprintln!("decoded {so_far} records");
            next *= 10;
        }
    })?;
    let ratios = ratios.medians(FIRST_POINT);
    for (at, ratio) in ratios.iter().filter(|(at, _)| is_power_of_ten(*at)) {
        table.push(Row::once(format!("decoding, at {at} records"), "x G", *ratio));
    }
    if let [(_, first), .., (_, last)] = ratios.as_slice() {
        table.push(Row::once("decoding, the last records", "x the first", last / first));
    }
    table.draw(Curve::new("decode", ALONG, UNIT, decoding.medians(FIRST_POINT)));
    table.draw(Curve::new("gunzip", ALONG, UNIT, inflating.medians(FIRST_POINT)));
    Ok(())
}

/// Tells `step` after each member how many records there were, and the seconds that the decoder and
/// gunzip took for it.
fn decode(records: u64, mut step: impl FnMut(u64, f64, f64)) -> anyhow::Result<()> {
    let (sender, members) = sync_channel(MEMBERS_WAITING);
    thread::scope(|scope| {
        let composing = scope.spawn(move || compose(records, &sender));
        let decoded = decode_members(&members, &mut step);
        // Whoever composes ends when nobody takes it any more.
        drop(members);
        let composed = composing.join().map_err(|_| anyhow!("nothing is composed any more"))?;
        decoded.and(composed)
    })
}

fn decode_members(
    members: &Receiver<Member>,
    step: &mut impl FnMut(u64, f64, f64),
) -> anyhow::Result<()> {
    let mut decoding = Decoding::new(Wanted::Deletes);
    let mut window = gunzip_window();
    let (mut deletes, mut records) = (0, 0);
    for member in members {
        let mut decoder = 0.0;
        let mut push = || {
            let before = Clock::ThreadCpu.now();
            decoding.push(&member.compressed, &mut |_| ())?;
            decoder = Clock::ThreadCpu.seconds_since(before);
            anyhow::Ok(())
        };
        // Whoever comes first brings the bytes into the cache.
        let is_first = (member.records / MEMBER_RECORDS).is_multiple_of(2);
        if is_first {
            push()?;
        }
        let before = Clock::ThreadCpu.now();
        gunzip(&member.compressed, &mut window)?;
        let reference = Clock::ThreadCpu.seconds_since(before);
        if !is_first {
            push()?;
        }
        deletes += member.deletes;
        records = member.records;
        step(records, decoder, reference);
    }
    let (found, summary) = decoding.finish(&mut |_| ()).context("the end of the document")?;
    ensure!(found == deletes, "{found} deletes of {deletes} were found");
    ensure!(summary.records == records, "{} records of {records} were read", summary.records);
    Ok(())
}

/// Composes the document, a member at a time, until it is whole or nobody wants more of it.
fn compose(records: u64, members: &SyncSender<Member>) -> anyhow::Result<()> {
    let mut trail = Trail::new(MIXED, SEED);
    let mut text = String::from(r#"{"Records":["#);
    let mut so_far = 0;
    while so_far < records {
        let mut deletes = 0;
        for _ in 0..MEMBER_RECORDS {
            if so_far > 0 {
                text.push(',');
            }
            deletes += u64::from(trail.next(&mut text) != Told::Other);
            so_far += 1;
        }
        if so_far >= records {
            text.push_str("]}");
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text.as_bytes())?;
        text.clear();
        let member = Member { compressed: gzip.finish()?, records: so_far, deletes };
        if members.send(member).is_err() {
            break;
        }
    }
    Ok(())
}
