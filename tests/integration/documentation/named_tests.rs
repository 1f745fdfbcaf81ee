//! Pages whose claims are held by tests, SECURITY.md and docs/PEERS.md: every row names a test, and
//! that test is there.

use std::collections::BTreeSet;
use std::path::Path;

use super::{code, root};

/// The rows of the table that begins with this head: what stands first in each, and the tests that
/// stand last.
fn claims(page: &str, head: &str) -> Vec<(String, Vec<String>)> {
    let head = format!("| {head} |");
    let table = page.lines().skip_while(|line| !line.starts_with(&head)).skip(2);
    table
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let tests = code(cells[cells.len() - 1]).into_iter().map(str::to_owned).collect();
            (cells[0].to_owned(), tests)
        })
        .collect()
}

/// The names of all tests below a folder.
fn tests_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(tests_of(&std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Functions that follow an attribute which makes them tests; in a `proptest!` as well.
fn tests_of(source: &str) -> Vec<String> {
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
            tests.extend(rest.split(['(', '<']).next().map(str::to_owned));
            is_test = false;
        }
    }
    tests
}

/// Fails unless every row of a page's table names tests, and they are there.
fn expect_tests(page: &str, head: &str) {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let claims = claims(&text, head);
    assert!(claims.len() > 15, "the table of {page} is not found: {claims:?}");
    let mut tests = BTreeSet::new();
    for folder in ["src", "core/src", "tests/integration"] {
        tests_in(&root().join(folder), &mut tests);
    }
    for (claim, held_by) in claims {
        assert!(!held_by.is_empty(), "nothing holds: {claim}");
        for test in held_by {
            assert!(tests.contains(&test), "there is no test {test}, which should hold: {claim}");
        }
    }
}

#[test]
fn every_threat_names_tests_that_are_there() {
    expect_tests("SECURITY.md", "who tries what");
}

#[test]
fn every_complaint_names_tests_that_are_there() {
    expect_tests("docs/PEERS.md", "what users complained of");
}

#[test]
fn only_tests_are_taken_for_tests() {
    let source = "#[test]\nfn one() {}\nfn two() {}\n#[tokio::test(flavor = \"x\")]\n\
                  async fn three() {}\n    #[test]\n    fn four(x in any()) {}";
    assert_eq!(tests_of(source), ["one", "three", "four"]);
    let page = "| who tries what | what | held by |\n|---|---|---|\n| A | B | `c`, `d` |\n\n| E |";
    assert_eq!(
        claims(page, "who tries what"),
        [("A".to_owned(), vec!["c".to_owned(), "d".to_owned()])]
    );
}
