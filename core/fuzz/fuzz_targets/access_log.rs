//! Lines of a server access log that anybody may have written into: the lines beside them are told
//! whatever they hold, and what a caller says of itself changes nothing that S3 says.
#![no_main]

use std::sync::Arc;

use deltrail_core::decode::{Content, Decoded, Wanted};
use deltrail_core::domain::Evidence;
use deltrail_fuzz::{LIMITS, decode};
use libfuzzer_sys::fuzz_target;

const HEAD: &str = "owner images [23/Nov/2026:12:00:00 +0000] 192.0.2.3 \
    arn:aws:iam::111122223333:user/alice REQUEST000000001 REST.DELETE.OBJECT cats/a.jpg \
    \"DELETE /images/cats/a.jpg HTTP/1.1\" 204 - - - 40 39 \"-\" ";
const TAIL: &str = " V1 H= SigV4 C AuthHeader images.s3.amazonaws.com TLSv1.2 - - us-east-1";

fuzz_target!(|bytes: &[u8]| {
    survives(bytes);
    agent_does_not_matter(bytes);
});

fn line(agent: &[u8]) -> Vec<u8> {
    [HEAD.as_bytes(), b"\"", agent, b"\"", TAIL.as_bytes()].concat()
}

fn log_of(text: &[u8]) -> (Decoded, u64) {
    let (decoded, summary) = decode(text, Wanted::Deletes).expect("lines");
    assert_eq!(summary.content, Content::AccessLog);
    (decoded, summary.records)
}

fn deletion(decoded: &Decoded, nth: usize) -> Evidence {
    let fact = decoded.facts[nth].fact.clone();
    fact.deletion().expect("lines tell of nothing else")
}

/// Whatever lies between two good lines.
fn survives(between: &[u8]) {
    let good = line(b"x");
    let text = [&good, b"\n".as_slice(), between, b"\n", &good].concat();
    let (decoded, records) = log_of(&text);
    let (first, last) = (&decoded.facts[0], decoded.facts.last().expect("two at least"));
    assert_eq!((first.record_index, last.record_index), (0, records - 1));
    assert_eq!(first.fact, last.fact);
    let counted = (decoded.facts.len() + decoded.rejected.len()) as u64 + decoded.ignored;
    let beyond: u64 = decoded.rejected_beyond.values().sum();
    assert_eq!(counted + beyond, records, "every line is one of the three");
}

/// Whatever a caller calls itself.
fn agent_does_not_matter(agent: &[u8]) {
    let agent: Vec<u8> = agent.iter().copied().filter(|byte| *byte != b'\n').collect();
    let written = line(&agent);
    if written.len() > LIMITS.record_bytes_max {
        return;
    }
    let honest = deletion(&log_of(&line(b"x")).0, 0);
    let mut told = deletion(&log_of(&written).0, 0);
    told.id.clone_from(&honest.id);
    Arc::make_mut(&mut told.actor).user_agent.clone_from(&honest.actor.user_agent);
    assert_eq!(told, honest);
}
