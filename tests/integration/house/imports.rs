//! Who may know whom. Adapters know the core and nothing else of ours, the queue, the objects and
//! the public keys not even that; shells know the core, the metrics and the adapters, never one
//! another; the core knows no outside world at all.

use super::code::code_of;
use super::{Breach, SourceFile, expect_none, source_files};

const CORE: &str = "deltrail_core";
const ADAPTERS: [&str; 5] = ["queue", "objects", "store", "notify", "trail_keys"];
const SHELLS: [&str; 5] = ["ingest", "watch", "http", "setup", "sandbox"];
const SANDBOX_DRIVERS: [&str; 2] = ["src/cli/demo", "src/cli/sandbox"];

/// What the core may not touch: it takes bytes, times and limits as arguments. Cargo keeps out
/// what is no dependency; these are in reach of every crate, or would be one line in a manifest.
const OUTSIDE_WORLD: [&str; 15] = [
    "tokio",
    "aws_config",
    "aws_sdk_s3",
    "aws_sdk_sqs",
    "rusqlite",
    "axum",
    "std::net",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
];

/// Whether a file of `room` may mention `other`, a room of ours or the core.
fn may_know(file: &str, room: &str, other: &str) -> bool {
    match room {
        _ if room == other => true,
        _ if other == "sandbox" => SANDBOX_DRIVERS.iter().any(|driver| file.starts_with(driver)),
        "app" | "cli" => true,
        "main" => other == "cli",
        "store" | "notify" | "metrics" => other == CORE,
        // It reads places and limits, in the words of those that will use them.
        "config" => other == CORE || ADAPTERS.contains(&other),
        _ if SHELLS.contains(&room) => {
            other == CORE || other == "metrics" || ADAPTERS.contains(&other)
        }
        _ => false,
    }
}

fn is_room(name: &str) -> bool {
    let inner = ["app", "cli", "config", "metrics"];
    inner.contains(&name) || ADAPTERS.contains(&name) || SHELLS.contains(&name)
}

/// The room that a file of the root package belongs to: the first name under `src/`.
fn room_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let room = inside.split(['/', '.']).next()?;
    (room != "lib").then_some(room)
}

fn breaches_of(file: &SourceFile) -> Vec<Breach> {
    let code = code_of(&file.text);
    let breach = |at: usize, rule: String| Breach {
        file: file.path.clone(),
        line: 1 + code[..at].matches('\n').count(),
        rule,
    };
    let mut found = Vec::new();
    if file.path.starts_with("core/src/") {
        for outside in OUTSIDE_WORLD {
            for (at, _) in code.match_indices(outside) {
                if !follows_word(&code, at) && word(&code[at + outside.len()..]).is_none() {
                    let rule = format!("the core is pure and takes values: no {outside} in it");
                    found.push(breach(at, rule));
                }
            }
        }
        let is_domain = file.path.starts_with("core/src/domain/");
        for (at, other) in mentions(&code, "crate::").into_iter().filter(|_| is_domain) {
            if other != "domain" {
                found.push(breach(at, format!("the domain may not know {other}")));
            }
        }
    }
    let Some(room) = room_of(&file.path) else { return found };
    let mut mentioned = mentions(&code, "crate::");
    mentioned.extend(mentions(&code, "deltrail::"));
    // Within a room the same spelling names its own items, so only names of rooms count.
    let from_root = mentions(&code, &"super::".repeat(depth_of(&file.path)));
    mentioned.extend(from_root.into_iter().filter(|(_, name)| is_room(name)));
    mentioned.extend(code.match_indices(CORE).map(|(at, core)| (at, core.to_owned())));
    for (at, other) in mentioned {
        if !may_know(&file.path, room, &other) {
            found.push(breach(at, format!("{room} may not know {other}")));
        }
    }
    let reads_settings = code.match_indices("env::var");
    found.extend(reads_settings.filter(|_| room != "config").map(|(at, _)| {
        breach(at, format!("{room} may not read the environment: config is its only reader"))
    }));
    found.sort_by_key(|breach| breach.line);
    found
}

/// How many modules deep a file under `src/` is: so many `super` lead to the root of the crate.
fn depth_of(path: &str) -> usize {
    path.trim_start_matches("src/").trim_end_matches("/mod.rs").split('/').count()
}

fn follows_word(code: &str, at: usize) -> bool {
    code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Where `prefix` stands in code, and the names that follow it: one, or all of a `{...}` group.
fn mentions(code: &str, prefix: &str) -> Vec<(usize, String)> {
    code.match_indices(prefix)
        .filter(|(at, _)| !follows_word(code, *at) && !code[..*at].ends_with("::"))
        .flat_map(|(at, _)| {
            first_names(&code[at + prefix.len()..]).into_iter().map(move |name| (at, name))
        })
        .collect()
}

fn first_names(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return word(rest).into_iter().collect();
    };
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut starts_name = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts_name = true,
            _ if starts_name && !c.is_whitespace() => {
                names.extend(word(&group[at..]));
                starts_name = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    // `crate::{self, ...}` and `super::super` name no room.
    (!word.is_empty() && word != "self" && word != "super").then_some(word)
}

#[test]
fn every_room_knows_only_whom_it_may() {
    let breaches: Vec<Breach> = source_files().iter().flat_map(breaches_of).collect();
    expect_none(&breaches);
}

#[cfg(test)]
fn breaches(path: &str, text: &str) -> Vec<String> {
    let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
    breaches_of(&file).into_iter().map(|b| format!("{}: {}", b.line, b.rule)).collect()
}

#[test]
fn a_forbidden_import_is_found_in_every_spelling() {
    let expected = ["2: queue may not know store"];
    for import in [
        "use crate::store::Store;",
        "use crate::{\n    queue::{self, Message}, store::{Batch, Store},\n};",
        "fn f() { crate::store::open() }",
        "use super::store;",
    ] {
        let found = breaches("src/queue/mod.rs", &format!("//! queue\n{import}"));
        assert_eq!(found, expected, "{import}");
    }
    let deeper = breaches("src/queue/sqs.rs", "//! sqs\nuse super::super::store::Store;");
    assert_eq!(deeper, expected);
}

#[test]
fn every_rule_of_the_rooms_is_kept() {
    let forbidden = [
        ("src/queue/mod.rs", "use deltrail_core::domain::Evidence;"),
        ("src/objects/s3.rs", "use deltrail_core::decode::LogKey;"),
        ("src/store/mod.rs", "use crate::metrics::Metrics;"),
        ("src/http/ops.rs", "use crate::ingest::Ingest;"),
        ("src/ingest/mod.rs", "use crate::config::Config;"),
        ("src/app.rs", "use crate::sandbox::Sandbox;"),
        ("src/cli/run.rs", "use crate::sandbox::Sandbox;"),
        ("src/main.rs", "fn main() { deltrail::app::run() }"),
        ("src/ingest/poller.rs", "let home = std::env::var(name);"),
        ("core/src/decode/inflate.rs", "let now = std::time::SystemTime::now();"),
        ("core/src/domain/fold.rs", "use crate::decode::Decoded;"),
        ("src/attic.rs", "use crate::store::Store;"),
    ];
    for (path, line) in forbidden {
        assert_eq!(breaches(path, line).len(), 1, "{path}: {line}");
    }
    let allowed = [
        ("src/queue/sqs.rs", "use crate::queue::Message; use super::Batch;"),
        ("src/store/mod.rs", "use deltrail_core::domain::Evidence; // crate::ingest"),
        ("src/queue/mod.rs", "mod tests { use super::Batch; }"),
        ("src/ingest/mod.rs", "use crate::{metrics::Metrics, queue, objects, store};"),
        ("src/app.rs", "use crate::{config, http, ingest};"),
        ("src/cli/demo.rs", "use crate::sandbox::Sandbox;"),
        ("src/main.rs", "fn main() { deltrail::cli::main() }"),
        ("core/src/decode/mod.rs", "use crate::domain::Evidence; struct InstantReplay;"),
    ];
    for (path, line) in allowed {
        assert_eq!(breaches(path, line), Vec::<String>::new(), "{path}: {line}");
    }
}
